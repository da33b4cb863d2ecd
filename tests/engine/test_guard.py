"""Whatever a user writes, no turn comes of it: on vocabularies and templates of real families.

In some of them the markers are control tokens, in some user-defined ones, which llama.cpp parses in every text.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vocabularies import vocabulary, with_markers

from lacie_chat.engine import ChatTurn
from lacie_chat.engine.model import Model
from lacie_chat.engine.template import CHATML, PLAIN, ChatTemplate

HARMONY = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>")
FAMILIES = {
    "command-r": ["", "CohereForAI-c4ai-command-r-plus-tool_use", "CohereForAI-c4ai-command-r7b-12-2024-tool_use"],
    "gemma-4": ["google-gemma-4-31B-it", "google-gemma-4-31B-it-interleaved"],
    "deepseek-coder": ["Spark2.5", "deepseek-ai-DeepSeek-V3.1"],
    "llama-bpe": ["meta-llama-Llama-3.3-70B-Instruct", "meetkai-functionary-medium-v3.1"],
    "qwen2": ["Qwen-Qwen2.5-7B-Instruct", "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use"],
    "qwen35": ["Qwen3.5-4B"],
    "phi-3": ["microsoft-Phi-3.5-mini-instruct"],
    "llama-spm": ["mistralai-Mistral-Nemo-Instruct-2407", "google-gemma-2-2b-it", PLAIN],
    "gpt-oss": ["openai-gpt-oss-120b"],
    "qwen3": ["Qwen-Qwen3-0.6B", "HuggingFaceTB-SmolLM3-3B", CHATML],
}
"""Vocabularies of the source distribution (the last two: GPT-2's with the family's markers), and templates for them."""

SWITCH = "/think"
"""SmolLM3's template takes its switch out of the system turn wherever it stands, in `</think>` too."""


@pytest.fixture(scope="module")
def made(llama_cpp_models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Vocabularies that the distribution lacks."""
    folder, gpt2 = tmp_path_factory.mktemp("vocabularies"), llama_cpp_models / "ggml-vocab-gpt-2.gguf"
    think = ("<think>", "</think>", "<tool_call>", "</tool_call>")
    return {
        "gpt-oss": with_markers(gpt2, folder / "gpt-oss.gguf", user_defined=HARMONY),
        "qwen3": with_markers(gpt2, folder / "qwen3.gguf", control=("<|im_start|>", "<|im_end|>"), user_defined=think),
    }


@pytest.fixture(scope="module", params=FAMILIES)
def family(
    request: pytest.FixtureRequest, llama_cpp_models: Path, made: dict[str, Path]
) -> Iterator[tuple[Model, list[ChatTemplate]]]:
    """A vocabulary, and its templates."""
    name = request.param
    model = vocabulary(made.get(name) or llama_cpp_models / f"ggml-vocab-{name}.gguf")
    sources = [
        source if not source or "{" in source else (llama_cpp_models / "templates" / f"{source}.jinja").read_text()
        for source in FAMILIES[name]
    ]
    yield model, [ChatTemplate(model, source or None) for source in sources]
    model.free()


def markers_of(model: Model) -> list[str]:
    """The written forms of what a vocabulary keeps apart, and half ones."""
    tokens = (token for token in range(model.vocabulary) if model.is_control(token) or model.is_user_defined(token))
    texts = {model.marker(token) for token in tokens}
    named = sorted(text for text in texts if len(text) > 2 and not text.isspace() and "[PAD" not in text)[:60]
    return [*named, *(text[:2] for text in named[:9]), *(text[1:] for text in named[:9]), "[PAD151646]", "[INST]"]


def check(model: Model, template: ChatTemplate, turns: list[ChatTurn]) -> None:
    """No marker but those of the same conversation in plain words, and every text as it was written."""
    is_marker = template._guard.is_marker
    plain = [turn if not turn.content.strip() else ChatTurn(turn.role, "word") for turn in turns]
    tokens = template.tokens(turns)
    assert [token for token in tokens if is_marker(token)] == [t for t in template.tokens(plain) if is_marker(t)]
    text = b"".join(model.piece(token, special=True) for token in tokens).decode("utf-8", "replace")
    for turn in turns:
        content = turn.content.strip()
        if turn.role == "system" and SWITCH in template.text([ChatTurn("user", "Hi")]):
            content = content.replace(SWITCH, "").strip()
        assert content in text
    assert "\u200b" not in text


def test_no_text_becomes_a_turn(family: tuple[Model, list[ChatTemplate]]) -> None:
    model, templates = family
    marked = st.sampled_from(markers_of(model))
    words = st.one_of(
        marked, marked, st.sampled_from([" ", "\n", "system", "user", "Obey.", "é", "🦜", "<", "|>", "a"])
    )
    texts = st.lists(words, max_size=8).map("".join)

    @given(st.tuples(texts, texts, texts, texts), st.booleans())
    @settings(max_examples=25, deadline=None, database=None)
    def holds(texts: tuple[str, ...], with_system: bool) -> None:
        roles = ("system", "user", "assistant", "user")
        turns = [ChatTurn(role, text) for role, text in zip(roles, texts, strict=True)]
        for template in templates:
            check(model, template, turns if with_system else turns[1:])

    holds()


def test_every_marker_in_every_place(family: tuple[Model, list[ChatTemplate]]) -> None:
    model, templates = family
    for template in templates:
        for marker in markers_of(model):
            check(model, template, [ChatTurn("user", f"What does {marker}{marker} mean?")])
        all_of_them = " ".join(markers_of(model))
        for turns in ([ChatTurn("system", all_of_them)], [ChatTurn("user", "Hi"), ChatTurn("assistant", all_of_them)]):
            check(model, template, [*turns, ChatTurn("user", "Go on")])


def test_harmless_texts_are_tokenised_as_a_whole(family: tuple[Model, list[ChatTemplate]]) -> None:
    """And what is cut at the template's markers gives the same tokens, so a marker in a text changes nothing else."""
    model, templates = family
    turns = [
        ChatTurn("system", "Be brief."),
        ChatTurn("user", " Hello,\n\n  1 < 2 | 3 > 2?"),
        ChatTurn("user", "é 🦜\n"),
    ]
    for template in templates:
        text = template.text(turns)
        whole = model.with_bos(model.tokenise(text, special=True))
        assert template.tokens(turns) == whole
        stand_ins = type("None_", (), {"put_back": staticmethod(str)})
        assert model.with_bos(template._guard._parts(text, stand_ins())) == whole


def test_a_marker_that_a_template_makes_out_of_a_text_stays_text(family: tuple[Model, list[ChatTemplate]]) -> None:
    model, _ = family
    template = ChatTemplate(model, CHATML.replace("message['content']", "message['content'] | replace('#', '')"))
    for marker in markers_of(model):
        plain = template.tokens([ChatTurn("user", "word")])
        tokens = template.tokens([ChatTurn("user", f"{marker[:2]}#{marker[2:]}")])
        found = [[token for token in each if template._guard.is_marker(token)] for each in (plain, tokens)]
        assert found[0] == found[1]
