"""`lacie compare` of any two: two adapters over one copy of the weights, and other models with adapters, by REFs."""

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fitted import calibrator
from random_adapter import write_random_adapter

from lacie_chat import cli
from lacie_chat.commands import speaker as speaker_module
from lacie_chat.commands.settled import fill
from lacie_chat.commands.sides import add_side_arguments, find_sides, model_and_adapter, started
from lacie_chat.engine import EngineProcess
from lacie_chat.engine.settings import Sampling
from lacie_chat.errors import LacieError
from lacie_chat.models import keep_calibrator

QUESTION = "Tell me about the sea."
SHORT = ["--max-tokens", "10", "--context", "512"]


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return (
        write_random_adapter(folder / "warm-LoRA.gguf", strength=0.3, seed=1),
        write_random_adapter(folder / "cold-LoRA.gguf", strength=0.3, seed=2),
    )


@pytest.fixture(scope="module")
def other_model(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = bytearray(embedded_model.read_bytes())
    data[-64:-56] = bytes(8)
    path = tmp_path_factory.mktemp("model") / "other.gguf"
    path.write_bytes(data)
    return path


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[EngineProcess]:
    """The engines that a comparison starts."""
    made: list[EngineProcess] = []

    def make(*args: Any, **kwargs: Any) -> EngineProcess:
        made.append(EngineProcess(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(speaker_module, "EngineProcess", make)
    return made


def compared(capsys: pytest.CaptureFixture[str], left: str, right: str) -> dict[str, Any]:
    assert cli.main(["compare", QUESTION, "--left", left, "--right", right, *SHORT, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(["ask", QUESTION, *words, *SHORT, "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["response"])


def test_two_adapters_share_one_copy_of_the_weights(
    adapters: tuple[Path, Path], engines: list[EngineProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    warm, cold = adapters
    found = compared(capsys, f"embedded+{warm}", f"embedded+{cold}")
    assert len(engines) == 1
    assert (found["left"]["adapter"], found["right"]["adapter"]) == (str(warm), str(cold))
    answers = [asked(capsys, "--adapter", str(each)) for each in adapters]
    assert [found["left"]["response"], found["right"]["response"]] == answers
    assert answers[0] != answers[1]
    turned = compared(capsys, f"adapter:{cold}", f"embedded + {warm}")
    assert [turned["right"]["response"], turned["left"]["response"]] == answers
    assert turned["left"]["acceptance"] == found["right"]["acceptance"], "heard by the same"


def test_an_adapter_against_none_and_against_the_models_own(
    adapters: tuple[Path, Path], engines: list[EngineProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(capsys, "embedded+none", f"embedded+{adapters[0]}")
    assert found["left"]["adapter"] is None
    assert found["left"]["response"] == asked(capsys, "--baseline")
    assert found["difference"]["summary"].count("adapter") <= 1
    del engines[:]
    own = compared(capsys, "embedded+embedded", f"embedded+{adapters[0]}")
    assert len(engines) == 1
    assert own["left"]["response"] == asked(capsys)


def test_another_model_with_an_adapter_has_an_engine_of_its_own(
    adapters: tuple[Path, Path], other_model: Path, engines: list[EngineProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(capsys, f"{other_model}+{adapters[0]}", f"embedded+{adapters[0]}")
    assert len(engines) == 2
    assert (found["left"]["model"], found["right"]["model"]) == (str(other_model), "embedded")
    assert found["left"]["adapter"] == found["right"]["adapter"] == str(adapters[0])


def test_what_people_read_tells_the_two_apart(adapters: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    warm, cold = adapters
    assert cli.main(["compare", QUESTION, "--left", f"embedded+{warm}", "--right", f"embedded+{cold}", *SHORT]) == 0
    shown = capsys.readouterr().out
    assert shown.index(f"warm-LoRA  embedded + {warm}") < shown.index(f"cold-LoRA  embedded + {cold}")
    assert "\ndifference  " in shown


def test_each_side_has_its_own_calibrator(adapters: tuple[Path, Path], embedded_model: Path) -> None:
    fitted = [calibrator(shift, acceptance=1.0) for shift in (-2.0, -1.0)]
    for each, adapter in zip(fitted, adapters, strict=True):
        keep_calibrator(each, embedded_model, adapter)
    parser = argparse.ArgumentParser()
    add_side_arguments(parser)
    options = parser.parse_args(["--left", f"embedded+{adapters[0]}", "--right", f"embedded+{adapters[1]}"])
    fill(options)
    sides = find_sides(options, Sampling())
    assert [side.speaker.calibrator for side in sides] == fitted
    assert [side.name for side in sides] == ["warm-LoRA", "cold-LoRA"]
    with started(*sides) as both:
        assert [side.compared for side in both] == list(sides)
        assert both[0].engine is both[1].engine
        assert {side.adapter for side in both} == {None, adapters[1]}


def test_a_file_of_questions_takes_the_same_sides(
    adapters: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]}))
    words = ["compare", "--questions", str(questions), "--out", str(tmp_path / "out"), "--max-tokens", "6"]
    assert cli.main([*words, "--left", f"embedded+{adapters[0]}", "--right", "embedded+none"]) == 0
    capsys.readouterr()
    found = json.loads((tmp_path / "out" / "comparison.json").read_text("utf-8"))
    assert (found["left"]["adapter"], found["right"]["adapter"]) == (str(adapters[0]), None)
    assert (found["left"]["name"], found["right"]["name"]) == ("adapter", "baseline")


@pytest.mark.parametrize(
    ("left", "right", "problem"),
    [
        ("embedded+none", "baseline", "both sides are the same"),
        ("embedded+", "baseline", "write MODEL+ADAPTER, or MODEL+none"),
        ("+embedded", "baseline", "write MODEL+ADAPTER, or MODEL+none"),
        ("embedded+./none.gguf", "baseline", "no such file"),
        ("./none.gguf+none", "baseline", "no such file"),
        ("embedded+" + "x" * 300, "baseline", "no such model"),
    ],
)
def test_refusals_are_one_line(left: str, right: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", QUESTION, "--left", left, "--right", right]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.strip().splitlines()) == 1
    assert problem in shown.err


def test_a_plus_in_a_files_name_is_part_of_it(tmp_path: Path) -> None:
    model, adapter = tmp_path / "a+b.gguf", tmp_path / "c+d.gguf"
    for path in (model, adapter):
        path.touch()
    assert model_and_adapter(str(model)) == (str(model), None)
    assert model_and_adapter(f"{model}+{adapter}") == (str(model), str(adapter))
    assert model_and_adapter(f"{model}+none") == (str(model), None)
    assert model_and_adapter(f"embedded+{adapter}") == ("embedded", str(adapter))
    assert model_and_adapter("owner/repo:Q8_0 + owner/other") == ("owner/repo:Q8_0", "owner/other")
    assert model_and_adapter("owner/repo") == ("owner/repo", None)
    with pytest.raises(LacieError):
        model_and_adapter("owner/repo+")
