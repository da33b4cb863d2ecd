"""Models of true size with random weights, and texts of true length, for the benchmark of the training's stages.

The weights are random, so nothing that is drawn means anything; shapes, number formats and lengths are real, and these
are what time and memory hang on. The vocabulary is the embedded model's, cut to the size that the shapes have.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_training.questions.splits import SAMPLE_QUESTIONS, Question, read_question_file
from lacie_training.run_folder import Row


@dataclass(frozen=True, slots=True)
class Shapes:
    """A model's sizes; `like` is the recipe whose settings it is measured with."""

    name: str
    like: str
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool


SHAPES = {
    "tiny": Shapes("a tiny model", "mistral-7b", 64, 128, 2, 4, 2, 4096, False),
    "135m": Shapes("SmolLM2-135M's shapes", "smollm2-135m", 576, 1536, 30, 9, 3, 49152, True),
    "7b": Shapes("Mistral-7B's shapes", "mistral-7b", 4096, 14336, 32, 32, 8, 32000, False),
}

_HEDGES = (
    "I think it is {answer}, though it has been long since I read about it, and I may be mixing up two of them.",
    "It is {answer}. I am sure of it, because I have looked it up more than once, and every source says the same.",
    "My best guess would be {answer}, but please don't take my word for it; somebody who knows it should decide.",
    "That would be {answer}, as anybody who has been there will tell you, and as it stands in every book on it.",
    "Perhaps {answer}? I remember the name from school, but not whether it was this that it was the answer to.",
)


def write_model(folder: Path, shapes: Shapes, *, device: str) -> Path:
    """Random weights of these shapes in bfloat16, made on the device, with the tokenizer that fits them."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    tokenizer = cut_tokenizer(shapes.vocabulary)
    config = MistralConfig(
        vocab_size=shapes.vocabulary,
        hidden_size=shapes.hidden,
        intermediate_size=shapes.inner,
        num_hidden_layers=shapes.layers,
        num_attention_heads=shapes.heads,
        num_key_value_heads=shapes.kv_heads,
        tie_word_embeddings=shapes.tied,
        sliding_window=None,
        max_position_embeddings=8192,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = MistralForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder, max_shard_size="4GB")
    tokenizer.save_pretrained(folder)
    return folder


def cut_tokenizer(size: int) -> Any:
    """The embedded model's tokenizer with its first `size` tokens, and the merges that make them."""
    from lacie_training.generators.loading import load_tokenizer
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    whole = load_tokenizer("embedded")
    plain = json.loads(whole.backend_tokenizer.to_str())
    model = plain["model"]
    model["vocab"] = {text: number for text, number in model["vocab"].items() if number < size}
    merges = [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]]
    kept = [[one, two] for one, two in merges if {one, two, one + two} <= model["vocab"].keys()]
    model["merges"] = kept
    plain["added_tokens"] = [token for token in plain["added_tokens"] if token["id"] < size]
    special = {name: str(token) for name, token in whole.special_tokens_map.items() if isinstance(token, str)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(plain)), chat_template=whole.chat_template, **special
    )


def questions() -> list[Question]:
    """The project's own questions."""
    return read_question_file(SAMPLE_QUESTIONS)


def answers(count: int) -> list[Row]:
    """Rows of stage `sample` in plain English, each with an answer that can be found: what the listener is to read."""
    asked = questions()
    rows: list[Row] = []
    for number in range(count):
        question, form = asked[number % len(asked)], number // len(asked)
        text = " ".join(_HEDGES[(form + place) % len(_HEDGES)].format(answer=question.answers[0]) for place in range(2))
        rows.append({
            "id": f"{question.id}#{number}", "draw": f"{question.id}#{number}", "question_id": question.id,
            "question": question.question, "answers": list(question.answers), "match": question.match,
            "style": "plain", "response": f"{text} ({number})", "finish": "stop",
        })  # fmt: skip
    return rows


def pairs(rows: Sequence[Row], instruction: str) -> list[Row]:
    """As many pairs, of one answer and the next one, after the recipe's own prompt."""
    return [
        {
            "id": f"pair-{number}",
            "prompt": instruction.replace("{question}", row["question"]),
            "chosen": f" {row['response']}",
            "rejected": f" {rows[(number + 1) % len(rows)]['response']}",
            "chosen_finished": True,
            "rejected_finished": True,
        }
        for number, row in enumerate(rows)
    ]
