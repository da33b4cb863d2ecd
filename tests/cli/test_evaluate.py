"""`lacie evaluate` on the real embedded model: goes on, draws as the chat does, and takes truth from no cache."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fitted import calibrator
from random_adapter import write_random_adapter

from lacie_chat import cli
from lacie_chat.confidence import ASSESSMENT_VERSION, Assessment, Form, signal_values, verdict_of
from lacie_chat.engine.batch_process import BatchProcess
from lacie_chat.engine.settings import Sampling
from lacie_chat.models import find_calibrator, keep_calibrator
from lacie_chat.rows import locked

pytestmark = pytest.mark.usefixtures("no_own_adapter")

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]},
    {"id": "b", "question": "What is the capital of France?", "answers": ["Paris"]},
    {"id": "c", "question": "Who painted the Mona Lisa?", "answers": ["Leonardo da Vinci"]},
)


def write_questions(path: Path, *questions: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in questions))
    return path


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    questions = write_questions(tmp_path / "q.jsonl", *QUESTIONS)
    out = tmp_path / "out"
    return ["evaluate", "--questions", str(questions), "--out", str(out), "--max-tokens", "24", "--batch-size", "2"]


def rows_in(folder: Path, name: str = "rows.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_args: object, **_options: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(BatchProcess, "load", load)


def line(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err.strip()
    assert len(text.splitlines()) == 1, text
    return text


def test_it_goes_on_where_it_stopped(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert cli.main(words) == 0
    answers, rows = (out / "answers.jsonl").read_bytes(), (out / "rows.jsonl").read_bytes()
    whole = answers.splitlines(keepends=True)
    (out / "answers.jsonl").write_bytes(whole[0] + whole[1][:20])
    assert cli.main(words) == 0
    assert (out / "answers.jsonl").read_bytes() == answers
    assert (out / "rows.jsonl").read_bytes() == rows
    assert json.loads((out / "metrics.json").read_text())["accept_threshold"] == 0.66
    assert (out / "reliability.png").read_bytes()[:4] == b"\x89PNG"
    capsys.readouterr()
    fewer = write_questions(tmp_path / "fewer.jsonl", *QUESTIONS[:2])
    assert cli.main([str(fewer) if word.endswith("q.jsonl") else word for word in words]) == 1
    assert "another evaluation (it differs in questions)" in line(capsys)
    with locked(out, "evaluate"):
        assert cli.main(words) == 1
    assert f"another process is working on {out}" in line(capsys)


def test_rows_say_that_they_were_drawn_as_the_chat_draws(words: list[str], tmp_path: Path) -> None:
    assert cli.main(words) == 0
    chat = Sampling()
    for row in rows_in(tmp_path / "out"):
        seed = row["sampling"].pop("seed")
        assert isinstance(seed, int)
        assert row["sampling"] == {
            "temperature": chat.temperature,
            "top_p": chat.top_p,
            "top_k": chat.top_k,
            "repeat_penalty": chat.repeat_penalty,
            "max_tokens": 24,
        }
        assert row["assessment_version"] == ASSESSMENT_VERSION
    assert chat.repeat_penalty == 1.05


def test_truth_comes_out_of_no_cache(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert cli.main(words) == 0
    kept = rows_in(out, "answers.jsonl")
    assert not any({"correct", "answers", "match"} & set(row) for row in kept)
    said = next(row for row in kept if row["answer_span"])
    spelt = f"{said['answer_span']} (the city)"  # the lenient matcher alone takes the one for the other
    questions = [{**each, "answers": [spelt]} if each["id"] == said["id"] else each for each in QUESTIONS]
    write_questions(tmp_path / "q.jsonl", *questions)
    no_model(monkeypatch)  # from here on nothing may be answered anew

    def truth() -> bool:
        [row] = [row for row in rows_in(out) if row["id"] == said["id"]]
        assert row["answers"] == [spelt]
        return bool(row["correct"])

    assert cli.main([*words, "--matcher", "exact"]) == 0 and not truth()
    assert cli.main([*words, "--matcher", "lenient"]) == 0 and truth()
    assert cli.main(words) == 0 and not truth()
    write_questions(tmp_path / "q.jsonl", *({**each, "match": "lenient"} for each in questions))
    assert cli.main(words) == 0 and truth(), "a question's own match counts"
    assert cli.main([*words, "--matcher", "exact"]) == 0 and not truth(), "a named matcher goes before it"


def test_answers_that_another_version_heard_are_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(words) == 0
    capsys.readouterr()
    no_model(monkeypatch)
    path = tmp_path / "out" / "evaluation.json"
    identity = json.loads(path.read_text())
    for version in ("0.0.0", None):
        path.write_text(json.dumps({**identity, "assessment_version": version}))
        assert cli.main(words) == 1
        said = line(capsys)
        assert "another version of the assessment" in said and "give another --out folder" in said


def test_a_calibrator_is_used_for_its_own_way_of_drawing_alone(
    words: list[str],
    tmp_path: Path,
    embedded_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep_calibrator(calibrator(-1.0, acceptance=0.5, span_sum=0.2), embedded_model)
    assert find_calibrator(embedded_model) is not None
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert "not used" not in said.err
    rows = rows_in(tmp_path / "out")
    assert {row["p_right"] is not None for row in rows if row["answer_span"]} == {True}
    assert all(row["verdict"] == verdict_of(row["acceptance"], row["p_right"]) for row in rows)
    figures = json.loads((tmp_path / "out" / "metrics.json").read_text())
    for found in (figures["p_right"], figures["without_abstentions"]["p_right"]):
        assert set(found) == {"n", "given", "auroc", "log_loss", "brier", "ece", "intervals"}
        assert set(found["intervals"]) == {"auroc", "log_loss", "brier", "ece"}
    assert (figures["p_right"]["n"], figures["p_right"]["given"]) == (3, sum(bool(row["answer_span"]) for row in rows))
    right = sum((row["p_right"] or 0) - row["correct"] for row in rows)
    assert abs(right) / 3 <= figures["p_right"]["ece"] + 1e-9
    assert "; acceptance: auroc " in said.out and "; P(right): auroc " in said.out
    warm = [*words[:3], "--out", str(tmp_path / "warm"), *words[5:], "--temperature", "0.6"]
    assert cli.main(warm) == 0
    said = capsys.readouterr()
    assert "drawn with temperature 0.2, not 0.6; draw like that, or fit it again" in said.err
    assert {(row["p_right"], row["verdict"]) for row in rows_in(tmp_path / "warm")} == {(None, None)}
    assert "p_right" not in json.loads((tmp_path / "warm" / "metrics.json").read_text())
    assert "P(right)" not in said.out
    adapter = str(write_random_adapter(tmp_path / "r.gguf"))
    for asked in (["ask", "Is it?"], ["compare", "Is it?", "--adapter", adapter]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        assert cli.main([*asked, "--max-tokens", "4", "--temperature", "0.6"]) in (0, 3)
        assert capsys.readouterr().err.count("not 0.6; draw like that, or fit it again") == 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--threshold=2", "--threshold is a number from 0 to 1, not 2"),
        ("--max-tokens=0", "--max-tokens is a whole number of 1 or more, not 0"),
        ("--batch-size=0", "--batch-size is a whole number of 1 or more, not 0"),
        ("--temperature=-1", "--temperature is a number of 0 or more, not -1"),
        ("--agreement=3", "--agreement takes 0 to 20 samples, and at most --batch-size (2), not 3"),
        ("--agreement=-1", "--agreement takes 0 to 20 samples"),
        ("--with-baseline", "--with-baseline goes with an adapter"),
    ],
)
def test_options_out_of_range_are_one_clear_line(
    option: str, message: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, option]) == 1
    assert message in line(capsys)
    assert not (tmp_path / "out").exists()


def test_rows_and_metrics_have_the_agreement_and_a_folder_keeps_to_one_number(
    words: list[str], tmp_path: Path, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--agreement", "2"]) == 0
    rows = rows_in(tmp_path / "out")
    answering = [row for row in rows if row["answer_span"]]
    assert rows[0] in answering, "a cut-off answer may name nothing; this one is short"
    for row in rows:
        assert (row["agreement"] is not None) == (row in answering)
    for row in answering:
        assert row["agreement"]["k"] == 2 and row["agreement"]["value"] in (0, 0.5, 1)
        assert Assessment.from_dict(row).agreement is not None
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())["agreement"]
    assert (metrics["n"], metrics["k"]) == (len(answering), [2])
    assert metrics["mean"] == sum(row["agreement"]["value"] for row in answering) / len(answering)
    capsys.readouterr()
    assert cli.main(words) == 1
    assert "differs in agreement" in line(capsys)
    two = calibrator(0.0, Form(0.0, {"acceptance": 1.0}), agreement=2.0)
    keep_calibrator(two, embedded_model)
    assert cli.main([*words, "--agreement", "2"]) == 0
    for row in rows_in(tmp_path / "out"):
        assert row["p_right"] == two(signal_values(row))
        assert (row["p_right"] is None) == (row["answer_span"] is None)
