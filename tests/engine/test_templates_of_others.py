"""The 70 chat templates that llama.cpp carries: rendered as transformers renders them, and what is done where it can't.

Nobody here wrote them, and they are what people's models were trained with: a byte of difference is a prompt that the
model has never seen.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from vocabularies import vocabulary

from lacie_chat.engine import ChatTurn
from lacie_chat.engine.model import Model
from lacie_chat.engine.template import ChatTemplate


def chat(*texts: str, system: str | None = None) -> list[ChatTurn]:
    """Turns of user and assistant by turns."""
    turns = [ChatTurn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts)]
    return turns if system is None else [ChatTurn("system", system), *turns]


CONVERSATIONS = {
    "a question": chat("Why is the sky blue?"),
    "a question after a system turn": chat("Why is the sky blue?", system="Be brief."),
    "two questions": chat("Hi", "Hello! What can I do?", "Tell me of 東京."),
    "two after a system turn": chat("Hi", "Hello!", "Go on", system="You are a harbour master.\nAnswer in verse."),
    "many turns": chat(*"abcdefghi", system="Count."),
    "white space": chat("  Hi \n\n", " well\n", "\tand\u00a0now? \n", system=" Be brief. \n"),
    "characters": chat("模型 🦜 é \u200fשלום", '"quo\'ted" <b>&amp;</b> \\n', "{{ x }} {% y %} {# z #}"),
    "empty texts": chat("", "", "", system=""),
    "markers": chat(
        "What is <|im_end|> or [INST]?", "<think>Hm.</think>They mark turns, as </s> does.", "And <|start|>?"
    ),
    "questions in a row": [*chat("a"), *chat("b", "c"), *chat("d")],
    "answers in a row": [*chat("a", "b"), ChatTurn("assistant", "c"), *chat("d")],
}
TOOL_TEMPLATES = {
    "CohereForAI-c4ai-command-r-plus-tool_use",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
    "fireworks-ai-llama-3-firefunction-v2",
}
"""Those that go over tools, documents or functions without asking whether there are any: transformers renders none."""

_SYSTEM = {kind for kind, turns in CONVERSATIONS.items() if turns[0].role == "system"}
_IN_A_ROW = {"questions in a row", "answers in a row"}
REFUSALS = {
    "google-gemma-2-2b-it": _SYSTEM | _IN_A_ROW,
    "Mistral-Small-3.2-24B-Instruct-2506": _IN_A_ROW,
    "mistralai-Ministral-3-14B-Reasoning-2512": {"empty texts", *_IN_A_ROW},
    "mistralai-Mistral-Nemo-Instruct-2407": _IN_A_ROW,
}
"""Those that refuse some shapes, and which."""


@pytest.fixture(scope="module")
def command_r(llama_cpp_models: Path) -> Iterator[Model]:
    """A vocabulary with few markers of its own, so that a template's text stays text."""
    model = vocabulary(llama_cpp_models / "ggml-vocab-command-r.gguf")
    yield model
    model.free()


@pytest.fixture(scope="module")
def sources(llama_cpp_models: Path) -> dict[str, str]:
    """The templates by their names."""
    files = sorted((llama_cpp_models / "templates").glob("*.jinja"))
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


def by_transformers(source: str, turns: list[ChatTurn], model: Model) -> str | None:
    """What transformers makes of it; None where the template refuses."""
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        rendered, _ = render_jinja_template(
            conversations=[[{"role": turn.role, "content": turn.content} for turn in turns]],
            chat_template=source,
            add_generation_prompt=True,
            bos_token=model.marker(model.bos),
            eos_token=model.marker(model.eos),
            pad_token=model.marker(model.pad),
        )
    except (TemplateError, TypeError):
        return None
    text: str = rendered[0]
    return text


def test_there_are_seventy(sources: dict[str, str]) -> None:
    assert len(sources) == 70


def test_what_transformers_renders_is_rendered_alike(sources: dict[str, str], command_r: Model) -> None:
    differing, refused = [], {}
    for name, source in sources.items():
        template = ChatTemplate(command_r, source)
        assert template.asked_as == ""
        for kind, turns in CONVERSATIONS.items():
            theirs = by_transformers(source, turns, command_r)
            if theirs is None:
                refused.setdefault(name, set()).add(kind)
            elif template.text(turns) != theirs:
                differing.append((name, kind))
    assert not differing
    assert refused == {**{name: set(CONVERSATIONS) for name in TOOL_TEMPLATES}, **REFUSALS}


def test_what_transformers_refuses_is_brought_into_a_shape_that_is_taken(
    sources: dict[str, str], command_r: Model
) -> None:
    for name in (*TOOL_TEMPLATES, *REFUSALS):
        template = ChatTemplate(command_r, sources[name])
        for kind, turns in CONVERSATIONS.items():
            rendered = template.text(turns)
            assert all(turn.content.strip() in rendered for turn in turns), (name, kind)


def test_a_tool_template_is_given_empty_lists(sources: dict[str, str], command_r: Model) -> None:
    """As transformers renders them for somebody who passes empty lists."""
    from transformers.utils.chat_template_utils import render_jinja_template

    for name in TOOL_TEMPLATES - {"fireworks-ai-llama-3-firefunction-v2"}:
        rendered, _ = render_jinja_template(
            conversations=[[{"role": "user", "content": "Hi"}]],
            chat_template=sources[name],
            add_generation_prompt=True,
            tools=[],
            documents=[],
            bos_token=command_r.marker(command_r.bos),
            eos_token=command_r.marker(command_r.eos),
        )
        assert ChatTemplate(command_r, sources[name]).text(chat("Hi")) == rendered[0]


def test_system_turns_reach_the_model(sources: dict[str, str], command_r: Model) -> None:
    """Through the template's own place, or with the first question where it has none."""
    folding = set()
    for name, source in sources.items():
        template = ChatTemplate(command_r, source)
        if template.folds_system:
            folding.add(name)
        for questions in (chat("Why?"), chat("Hi", "Hello", "Why?")):
            assert "Answer as a pirate." in template.text([ChatTurn("system", "Answer as a pirate."), *questions]), name
    assert folding == {"google-gemma-2-2b-it"}


@pytest.mark.parametrize("name", ["llama-spm", "llama-bpe", "deepseek-llm"])
def test_a_prompt_begins_with_one_bos(name: str, llama_cpp_models: Path, sources: dict[str, str]) -> None:
    """Whether the template writes it or the tokenizer adds it."""
    model = vocabulary(llama_cpp_models / f"ggml-vocab-{name}.gguf")
    try:
        for family, source in sources.items():
            tokens = ChatTemplate(model, source).tokens(chat("Hi", "Hello", "Why?", system="Be brief."))
            assert tokens[0] == model.bos and tokens.count(model.bos) == 1, family
    finally:
        model.free()
