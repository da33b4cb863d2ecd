"""`lacie compare --questions`: whole, interrupted, and refused."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from random_adapter import write_random_adapter

from lacie_chat import cli
from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.engine.batch_process import BatchProcess
from lacie_chat.rows import locked

QUESTIONS = (
    {"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]},
    {"id": "b", "question": "What is the capital of France?", "answers": ["Paris"]},
    {"id": "c", "question": "Which planet do we live on?", "answers": ["Earth"]},
    {"id": "d", "question": "Which metal has the symbol Au?", "answers": ["gold"]},
)
HEARD_BY = {"tuned": True, "assessment_version": ASSESSMENT_VERSION}


def write_questions(path: Path, *questions: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in questions))
    return path


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_adapter(tmp_path_factory.mktemp("adapter") / "random-LoRA.gguf")


@pytest.fixture(scope="module")
def whole(adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """The words of a bulk comparison that has been run, and its folder."""
    folder = tmp_path_factory.mktemp("bulk")
    questions = write_questions(folder / "questions.jsonl", *QUESTIONS)
    words = ["compare", "--questions", str(questions), "--adapter", str(adapter), "--max-tokens", "8"]
    words += ["--batch-size", "2", "--matcher", "lenient"]
    out = folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LACIE_DATA_DIR", str(folder / "data"))
        assert cli.main([*words, "--out", str(out)]) == 0
    return words, out


def test_a_whole_comparison_of_the_real_model(whole: tuple[list[str], Path]) -> None:
    _, out = whole
    rows = {side: [json.loads(line) for line in (out / side / "rows.jsonl").open()] for side in ("left", "right")}
    assert [row["id"] for row in rows["left"]] == [row["id"] for row in rows["right"]] == list("abcd")
    assert {row["adapter"] is None for row in rows["left"]} == {True}
    assert {row["adapter"] is None for row in rows["right"]} == {False}
    assert [row["response"] for row in rows["left"]] != [row["response"] for row in rows["right"]]
    result = json.loads((out / "comparison.json").read_text())
    assert (result["n"], result["listener"]) == (4, HEARD_BY)
    for side in ("left", "right"):
        share = sum(row["correct"] for row in rows[side]) / 4
        assert result["metrics"]["accuracy"][side] == pytest.approx(share)
        wrong = [row for row in rows[side] if row["state"] == "answered" and not row["correct"]]
        accepted = sum(row["acceptance"] >= 0.66 for row in wrong)
        assert result["mcnemar"]["wrong_accepted"][side] == accepted
        assert result["metrics"]["false_accepts"][side] == accepted
    assert (out / "shift.png").read_bytes().startswith(b"\x89PNG")
    assert "(shift.png)" in (out / "report.md").read_text()
    picture = base64.b64encode((out / "shift.png").read_bytes()).decode()
    assert f"data:image/png;base64,{picture}" in (out / "report.html").read_text()


def test_the_rows_of_a_side_are_those_of_evaluate(whole: tuple[list[str], Path], tmp_path: Path) -> None:
    words, out = whole
    questions = words[words.index("--questions") + 1]
    options = ["--questions", questions, "--max-tokens", "8", "--batch-size", "2", "--matcher", "lenient", "--baseline"]
    assert cli.main(["evaluate", *options, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "rows.jsonl").read_bytes() == (out / "left" / "rows.jsonl").read_bytes()


def test_an_interrupted_comparison_goes_on_and_answers_nothing_twice(
    whole: tuple[list[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, out = whole
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "evaluation.json").write_bytes((out / side / "evaluation.json").read_bytes())
    answers = (out / "right" / "answers.jsonl").read_bytes()
    lines = answers.splitlines(keepends=True)
    (tmp_path / "left" / "answers.jsonl").write_bytes((out / "left" / "answers.jsonl").read_bytes())
    (tmp_path / "right" / "answers.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:30])  # torn in the third line
    loaded = []
    load = BatchProcess.load
    monkeypatch.setattr(BatchProcess, "load", lambda *a, **k: loaded.append(k["adapter"]) or load(*a, **k))
    assert cli.main([*words, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "right" / "answers.jsonl").read_bytes() == answers
    assert (tmp_path / "right" / "rows.jsonl").read_bytes() == (out / "right" / "rows.jsonl").read_bytes()
    assert len(loaded) == 1 and loaded[0] is not None  # the left side was whole: its model isn't loaded
    assert (tmp_path / "comparison.json").read_bytes() == (out / "comparison.json").read_bytes()
    assert (tmp_path / "report.html").read_bytes() == (out / "report.html").read_bytes()


def test_a_matcher_and_a_questions_own_match_answer_nothing_anew(
    whole: tuple[list[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, done = whole
    out = tmp_path / "out"
    shutil.copytree(done, out)
    kept = [json.loads(line) for line in (out / "left" / "answers.jsonl").open()]
    said = next(row for row in kept if row["answer_span"])
    asked = [{**each, "answers": [f"{said['answer_span']} (thing)"]} for each in QUESTIONS]
    monkeypatch.setattr(BatchProcess, "load", None)  # nothing may be answered anew

    def truth(questions: list[dict[str, Any]], *matcher: str) -> bool:
        file = str(write_questions(tmp_path / "q.jsonl", *questions))
        at = words.index("--questions")
        options = [*words[: at + 1], file, *words[at + 2 : words.index("--matcher")], *matcher]
        assert cli.main([*options, "--out", str(out)]) == 0
        rows = [json.loads(line) for line in (out / "left" / "rows.jsonl").open()]
        return bool(next(row["correct"] for row in rows if row["id"] == said["id"]))

    assert not truth(asked) and not truth(asked, "--matcher", "exact")
    assert truth(asked, "--matcher", "lenient")
    assert truth([{**each, "match": "lenient"} for each in asked])
    settings = json.loads((out / "comparison.json").read_text())["settings"]
    assert (settings["matcher"], settings["sampling"]["repeat_penalty"]) == ("lenient", 1.05)


def test_the_folder_of_another_comparison_is_refused(
    whole: tuple[list[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, out = whole
    before = (out / "comparison.json").read_bytes()
    assert cli.main([*words, "--out", str(out), "--seed", "1"]) == 1
    assert "another evaluation (it differs in seed)" in capsys.readouterr().err
    fewer = write_questions(tmp_path / "fewer.jsonl", *QUESTIONS[:3])
    words = [str(fewer) if word == words[words.index("--questions") + 1] else word for word in words]
    assert cli.main([*words, "--out", str(out)]) == 1
    assert "differs in questions" in capsys.readouterr().err
    assert (out / "comparison.json").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "z", "question": "Q\\ud83d?", "answers": ["a"]}', "line 3: it holds half of a surrogate pair"),
        ('{"id": "z", "question": "Q?", "answers": ["a"], "match": ["exact"]}', "3: 'match' is ['exact']"),
        ('{"id": "z", "question": ', "line 3"),
        ('{"id": "z", "question": "Q?"}', "3: 'answers' is missing"),
        ("", "holds no questions"),
    ],
)
def test_a_broken_line_is_named(
    line: str, said: str, adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS[:2]) + line + "\n" if line else "")
    words = ["compare", "--questions", str(path), "--out", str(tmp_path / "out"), "--adapter", str(adapter)]
    assert cli.main(words) == 1
    error = capsys.readouterr().err.strip()
    assert said in error and str(path) in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_second_process_on_one_folder_is_refused(
    adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = write_questions(tmp_path / "q.jsonl", *QUESTIONS)
    words = ["compare", "--questions", str(questions), "--out", str(tmp_path / "out"), "--adapter", str(adapter)]
    with locked(tmp_path / "out", "compare"):
        assert cli.main(words) == 1
    assert f"another process is working on {tmp_path / 'out'}" in capsys.readouterr().err
