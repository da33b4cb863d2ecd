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
from lacie_chat.paths import settings_path

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


@pytest.fixture
def presets() -> None:
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        'context = 1024\n[presets.pirate]\nsystem_prompt = "Answer as a pirate would."\ntemperature = 0.9\n'
        "[presets.short]\nmax_tokens = 4\nseed = 99\n"
    )


@pytest.mark.usefixtures("presets")
def test_two_presets_of_one_model(engines: list[EngineProcess], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", QUESTION, "--left-preset", "pirate", "--right-preset", "short", "--seed", "3", "--json"]
    assert cli.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(engines) == 1 and found["left"]["adapter"] == found["right"]["adapter"] == "embedded"
    keys = ("preset", "temperature", "max_tokens", "system_prompt")
    assert found["sampling"]["left"] == dict(zip(keys, ("pirate", 0.9, 512, "Answer as a pirate would."), strict=True))
    assert found["sampling"]["right"] == dict(zip(keys, ("short", 0.2, 4, None), strict=True))
    assert found["sampling"]["seed"] == 3, "both sides', whatever a preset says"
    assert (found["right"]["finish_reason"], found["right"]["usage"]["completion_tokens"]) == ("length", 4)
    told = ["ask", QUESTION, "--preset", "pirate", "--seed", "3", "--max-tokens", "20", "--json"]
    assert cli.main(told) == 0
    alone = json.loads(capsys.readouterr().out)
    assert cli.main([*words, "--max-tokens", "20"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert both["left"]["response"] == alone["response"]
    assert both["sampling"]["right"]["max_tokens"] == 20, "a flag goes before a preset"


@pytest.mark.usefixtures("presets")
def test_a_preset_against_none_as_people_read_it(
    adapters: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", QUESTION, "--left-preset", "short", *SHORT[2:]]
    assert cli.main([*words, "--left", "embedded+none", "--max-tokens", "6"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("preset short  embedded") < shown.index("no preset  embedded")
    assert "preset short: temperature 0.2, seed 0, at most 6 tokens; no preset: temperature 0.2" in shown
    assert cli.main([*words, "--left", f"embedded+{adapters[0]}", "--right", "embedded+none"]) == 0
    assert "adapter, preset short  embedded + " in capsys.readouterr().out


@pytest.mark.usefixtures("presets")
@pytest.mark.parametrize(
    ("words", "problem", "status"),
    [
        (["--left-preset", "pirat"], "there is no preset 'pirat'; did you mean pirate?", 2),
        (["--left-preset", "short", "--right-preset", "short"], "both sides are the same", 1),
        (["--questions", "q.jsonl", "--out", "o", "--left-preset", "short"], "presets are for one QUESTION", 2),
    ],
)
def test_presets_that_make_no_sides(
    words: list[str], problem: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    asked_for = [] if "--questions" in words else [QUESTION]
    assert cli.main(["compare", *asked_for, *words]) == status
    assert problem in capsys.readouterr().err


@pytest.mark.usefixtures("presets")
def test_the_settings_files_context_is_none_of_a_file_of_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]}))
    words = ["compare", "--questions", str(questions), "--out", str(tmp_path / "out"), "--max-tokens", "4"]
    assert cli.main(words) == 0
    assert cli.main([*words, "--context", "512"]) == 2
    assert "--context is for one QUESTION" in capsys.readouterr().err
