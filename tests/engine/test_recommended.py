"""What a model's file recommends of how it is drawn from."""

from dataclasses import replace
from pathlib import Path

import pytest
from gguf import GGUFWriter

from lacie_chat.confidence import WayOfDrawing
from lacie_chat.engine import Engine, Sampling
from lacie_chat.engine.decoding import draw_token, free_sampler, make_sampler
from lacie_chat.engine.native import StopFlag
from lacie_chat.engine.recommended import in_words, recommended

CHAT = Sampling()


def model_file(path: Path, **keys: float | int | str) -> Path:
    """A header with these keys after `general.sampling.`, written by the library that llama.cpp's converter uses."""
    writer = GGUFWriter(path, "llama")
    for name, value in keys.items():
        key = f"general.sampling.{name}"
        add = {float: writer.add_float32, int: writer.add_int32, str: writer.add_string}[type(value)]
        add(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_the_keys_are_those_that_the_converter_writes(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "model.gguf", "qwen3")
    writer.add_sampling_temp(0.6)
    writer.add_sampling_top_k(20)
    writer.add_sampling_top_p(0.95)
    writer.add_sampling_min_p(0.05)
    writer.add_sampling_penalty_repeat(1.1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    found = recommended(tmp_path / "model.gguf")
    assert found == replace(CHAT, temperature=0.6, top_k=20, top_p=0.95, min_p=0.05, repeat_penalty=1.1)
    assert in_words({name: getattr(found, name) for name in found.__dataclass_fields__}) == (
        "temperature 0.6, top-k 20, top-p 0.95, min-p 0.05, repeat penalty 1.1"
    )


def test_what_is_not_stated_stays_the_chats_and_what_is_asked_goes_before(tmp_path: Path) -> None:
    path = model_file(tmp_path / "model.gguf", temp=0.6)
    assert recommended(path) == replace(CHAT, temperature=0.6)
    assert recommended(path, temperature=0.0, max_tokens=9) == replace(CHAT, temperature=0.0, max_tokens=9)
    assert recommended(path, temperature=None) == recommended(path)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"temp": -1.0},
        {"temp": float("nan")},
        {"top_p": 1.5},
        {"top_k": -3},
        {"temp": "hot"},
        {"penalty_repeat": 0.0},
    ],
)
def test_what_makes_no_sense_is_left_out(keys: dict[str, float | int | str], tmp_path: Path) -> None:
    assert recommended(model_file(tmp_path / "model.gguf", **keys)) == CHAT


def test_the_embedded_model_is_drawn_from_as_before(embedded_model: Path, tmp_path: Path) -> None:
    assert recommended(embedded_model) == CHAT
    assert WayOfDrawing.of(CHAT).to_dict() == {
        "temperature": 0.2,
        "top_p": 0.95,
        "top_k": 40,
        "repeat_penalty": 1.05,
        "reasoning": None,
    }
    (tmp_path / "no.gguf").write_bytes(b"GGUF of no kind")
    assert recommended(tmp_path / "no.gguf") == CHAT


def test_a_way_of_drawing_with_min_p_is_kept_and_read(tmp_path: Path) -> None:
    way = WayOfDrawing.of(replace(CHAT, min_p=0.05))
    assert way != WayOfDrawing.of(CHAT)
    assert WayOfDrawing.from_dict(way.to_dict()) == way
    assert WayOfDrawing.from_dict(WayOfDrawing.of(CHAT).to_dict()) == WayOfDrawing.of(CHAT)


def test_min_p_cuts_off_what_is_too_unlikely(engine: Engine) -> None:
    """At 1 only the likeliest token is left, however hot the drawing."""
    engine.load()
    assert engine._model is not None
    context = engine._context(None)
    flag = StopFlag()
    context.cut_back(0)
    for _ in context.read(engine._model.tokenise("The capital of France is"), flag):
        pass
    hot = Sampling(temperature=5.0, top_k=0, top_p=1.0, repeat_penalty=1.0)
    drawn = {}
    for min_p in (0.0, 1.0):
        tokens = []
        for seed in range(12):
            sampler = make_sampler(replace(hot, min_p=min_p), engine._model, seed)
            tokens.append(draw_token(sampler, context._handle, -1))
            free_sampler(sampler)
        drawn[min_p] = set(tokens)
    assert drawn[1.0] == {context.likeliest(flag)} and len(drawn[0.0]) > 3
