"""Where an answer ends: at all the ends of a vocabulary, and at what a template writes after an answer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from answers import GREEDY, ask
from vocabularies import vocabulary, with_markers

from lacie_chat.engine import Engine
from lacie_chat.engine.model import Model
from lacie_chat.engine.template import PLAIN, ChatTemplate

ENDS = {
    "GLM-4.6": ["<|user|>"],
    "GLM-4.7-Flash": ["<|user|>"],
    "GigaChat3-10B-A1.8B": ["<|message_sep|>"],
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": ["<|END_RESPONSE|>"],
    "NVIDIA-Nemotron-Nano-v2": ["<SPECIAL_12>"],
    "Reka-Edge": ["<sep>"],
    "poolside-Laguna-XS.2": ["</assistant>"],
    "inclusionai-ling-3.0-flash": ["<|role_end|>"],
    "MiniMax-M2": [],
    "upstage-Solar-Open-100B": [],
    "openai-gpt-oss-120b": [],
    "Kimi-K3": ["<|end_of_msg|>"],
    "Qwen-Qwen3-0.6B": [],
}
"""Templates, and the markers after an answer that llama.cpp doesn't know for ends by their names. gpt-oss's and Solar's
`<|end|>` and Kimi-K3's `<|close|>` stand after a thought as well; llama.cpp knows Qwen's and MiniMax-M2's."""
NOT_ENDS = ("<|end|>", "<|close|>", "<|channel|>", "<think>", "</think>", "<|system|>")


@pytest.fixture(scope="module")
def model(llama_cpp_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """GPT-2's vocabulary with the markers of all these families."""
    markers = dict.fromkeys(marker for ends in ENDS.values() for marker in ends)
    markers |= dict.fromkeys((*NOT_ENDS, "<|im_start|>", "<|im_end|>", "[e~[", "<|return|>", "<|call|>", "<|start|>"))
    target = tmp_path_factory.mktemp("vocabulary") / "all.gguf"
    found = vocabulary(with_markers(llama_cpp_models / "ggml-vocab-gpt-2.gguf", target, control=list(markers)))
    yield found
    found.free()


def one(model: Model, marker: str) -> int:
    [token] = model.tokenise(marker, special=True)
    return token


def test_the_marker_after_an_answer_ends_one(model: Model, llama_cpp_models: Path) -> None:
    for name, ends in ENDS.items():
        template = ChatTemplate(model, (llama_cpp_models / "templates" / f"{name}.jinja").read_text(encoding="utf-8"))
        assert [model.marker(token) for token in template._ends if not model.ends_answer(token)] == ends, name
        assert template.ends_answer(model.eos)
        assert not any(template.ends_answer(one(model, marker)) for marker in NOT_ENDS), name


def test_stops_that_llama_cpp_adds(model: Model, llama_cpp_models: Path) -> None:
    """For ends that models at times spell out; llama.cpp's own list (common/chat*.cpp, `additional_stops`)."""
    stops = {
        path.stem: ChatTemplate(model, path.read_text(encoding="utf-8")).stop
        for path in (llama_cpp_models / "templates").glob("*.jinja")
        if path.stem in ENDS or "Laguna" in path.stem
    }
    assert {name: stop for name, stop in stops.items() if stop} == {
        "poolside-Laguna-S-2.1": ("</assistant>",),
        "poolside-Laguna-XS-2.1": ("</assistant>",),
        "poolside-Laguna-XS.2": ("</assistant>",),
        "inclusionai-ling-3.0-flash": ("<|role_end|>",),
    }


def test_an_end_in_plain_text_is_a_stop(model: Model, llama_cpp_models: Path) -> None:
    rwkv = (llama_cpp_models / "templates" / "llama-cpp-rwkv-world.jinja").read_text(encoding="utf-8")
    assert ChatTemplate(model, rwkv).stop == ("\n\nUser:",)
    assert ChatTemplate(model, PLAIN).stop == ("\nQuestion:",)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("llama-bpe", ["<|end_of_text|>", "<|eot_id|>"]),
        ("phi-3", ["<|endoftext|>", "<|end|>"]),
        ("gemma-4", ["<eos>", "<turn|>"]),
        ("qwen2", ["<|endoftext|>", "<|im_end|>"]),
    ],
)
def test_a_vocabulary_has_several_ends(name: str, ends: list[str], llama_cpp_models: Path) -> None:
    model = vocabulary(llama_cpp_models / f"ggml-vocab-{name}.gguf")
    try:
        template = ChatTemplate(model)
        assert all(template.ends_answer(one(model, end)) for end in ends)
        assert not template.ends_answer(one(model, "a"))
    finally:
        model.free()


def test_an_answer_stops_at_the_templates_end(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = replace(GREEDY, max_tokens=40)
    whole = ask(engine, sampling=sampling)
    assert engine._template is not None and engine._model is not None
    drawn = engine._model.tokenise(whole.text)
    monkeypatch.setattr(engine._template, "_ends", frozenset({drawn[9]}))
    short = ask(engine, sampling=sampling)
    assert short.text == engine._model.text(drawn[: drawn.index(drawn[9])]) and short.text != whole.text
    assert short.finished.reason == "stop"
