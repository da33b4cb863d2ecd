"""Commands that answer in batches, or only listen, on models that llama.cpp dies of: one line, and no more."""

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFWriter
from gguf_copies import copy_into
from tiny_architectures import write_tiny

from lacie_chat import cli

CRASHED = r"crashed .*\.gguf.* (\(SIG\w+\)|is damaged); its log is"


@pytest.fixture(scope="module")
def tiny(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf", "qwen2", embedded_model)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]}) + "\n")
    return path


def put(key: str, instead: Any) -> Callable[[str, Any], Any]:
    return lambda name, value: instead if name == key else value


def no_texts(name: str, value: Any) -> Any:
    return [""] * len(value) if name == "tokenizer.ggml.tokens" else value


DAMAGES: dict[str, tuple[Callable[[str, Any], Any], str]] = {
    "no layers": (put("qwen2.block_count", 0), CRASHED),
    "a layer more than there is": (put("qwen2.block_count", 3), "can't be loaded"),
    "epsilon is no number": (put("qwen2.attention.layer_norm_rms_epsilon", math.nan), CRASHED),
    "no vocabulary": (put("tokenizer.ggml.model", "no_vocab"), CRASHED),
    "tokens without texts": (no_texts, "no text can be written in its vocabulary|can't be loaded|" + CRASHED),
}


def damaged(tiny: Path, target: Path, change: Callable[[str, Any], Any], *, alignment: int | None = None) -> Path:
    writer = GGUFWriter(target, "qwen2")
    if alignment is not None:
        writer.add_uint32("general.alignment", alignment)
    copy_into(writer, tiny, change)
    return target


def line(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> str:
    """What `lacie WORDS` fails with."""
    status = cli.main(list(words))
    shown = capsys.readouterr().err
    assert "Traceback" not in shown and status in (1, 2), (status, shown)
    told = [each for each in shown.splitlines() if each.startswith("lacie: ")]
    assert len(told) == 1 and shown.splitlines()[-1] == told[0], shown
    return told[0]


@pytest.mark.parametrize("kind", DAMAGES)
def test_evaluate(kind: str, tiny: Path, questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, expected = DAMAGES[kind]
    model = damaged(tiny, tmp_path / "damaged.gguf", change)
    words = ["evaluate", "--questions", str(questions), "--model", str(model), "--out", str(tmp_path / "out")]
    assert re.search(expected, line(capsys, [*words, "--max-tokens", "4"]))


def test_weights_at_places_that_no_processor_takes(
    tiny: Path, questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = damaged(tiny, tmp_path / "damaged.gguf", lambda _, value: value, alignment=1)
    words = ["evaluate", "--questions", str(questions), "--model", str(model), "--out", str(tmp_path / "out")]
    assert str(model) in line(capsys, [*words, "--max-tokens", "4"])


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "--questions", "{questions}", "--left", "{model}", "--right", "embedded", "--out", "{out}"],
        ["calibrate", "--model", "{model}", "--n", "60"],
        ["calibration", "fit", "--model", "{model}", "--questions", "{questions}"],
        ["study", "run", "--answers-only", "--questions", "{questions}", "--left", "{model}", "--out", "{out}"],
        ["listen", "--listener", "{model}", "I think that it is so."],
        ["ask", "--model", "{model}", "Is it so?"],
    ],
    ids=lambda words: words[0],
)
def test_its_siblings(
    words: list[str], tiny: Path, questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, expected = DAMAGES["no layers"]
    model = damaged(tiny, tmp_path / "damaged.gguf", change)
    given = {"model": model, "questions": questions, "out": tmp_path / "out"}
    assert re.search(expected, line(capsys, [word.format(**given) for word in words]))


def test_a_template_that_writes_nothing_is_not_asked_by(tiny: Path, questions: Path, tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "mute.gguf", "qwen2")
    writer.add_chat_template("{% if false %}{{ messages }}{% endif %}")
    copy_into(writer, tiny)
    words = ["evaluate", "--questions", str(questions), "--model", str(tmp_path / "mute.gguf"), "--max-tokens", "4"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 0
