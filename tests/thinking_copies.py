"""Copies of the embedded model that think: its weights, another chat template, and marks in its vocabulary.

The weights are those of a model that never learnt to think. `OPENS` has the template begin the thought, as R1's and
QwQ's do (and with a few words, so that there is something to go on with), so what the model goes on with is thought
until it is ended for it. `SHOWS` shows it a conversation in which every answer is thought over first, and leaves the
thought to it; it copies that, marks and all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gguf_copies import copy_into

_TURNS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
)
OPENS = _TURNS + (
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\nLet me think, step by step. First,"
    "{% if enable_thinking is defined and enable_thinking is false %}\n</think>\n\n{% endif %}{% endif %}"
)
ENDS = OPENS.replace("Let me think, step by step. First,", "")
"""Within this thought it says the answer and ends its turn."""
SHOWN = (("What is the capital of Italy?", "Rome"), ("What is the capital of Spain?", "Madrid"))
SHOWS = (
    "".join(
        f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n<think>\nThey ask for a capital. I know that "
        f"one.\n</think>\n\nIt is {answer}.<|im_end|>\n"
        for question, answer in SHOWN
    )
    + _TURNS
    + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKS = {"<repo_name>": "<think>", "<reponame>": "<think>", "<file_sep>": "</think>"}
"""Control tokens of the embedded model, which nothing here uses, and what they are renamed to."""


def thinking_copy(source: Path, target: Path, template: str, *, marks: bool = False) -> Path:
    """The model at `source` with this chat template; `marks`: with `<think>` and `</think>` as control tokens."""
    from gguf import GGUFWriter

    renamed = {"<reponame>": "<think>", "<file_sep>": "</think>"} if marks else {}

    def change(key: str, value: Any) -> Any:
        if key == "tokenizer.chat_template":
            return template
        if key == "tokenizer.ggml.tokens":
            assert not set(renamed) - set(value)
            return [renamed.get(token, token) for token in value]
        return value

    copy_into(GGUFWriter(target, "llama"), source, change)
    return target


def names_of(found: Sequence[object]) -> list[str]:
    """What kinds of events came, one name for each run of the same kind."""
    names = [type(each).__name__ for each in found]
    return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


def harmony(template: str) -> str:
    """gpt-oss's own template behind such a conversation as `SHOWS` has, in its form."""
    return (
        "".join(
            f"<|start|>user<|message|>{question}<|end|><|start|>assistant<|channel|>analysis<|message|>They ask for a "
            "capital. I know that one.<|end|><|start|>assistant<|channel|>final<|message|>"
            f"It is {answer}.<|return|>"
            for question, answer in SHOWN
        )
        + template
    )
