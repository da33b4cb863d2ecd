"""`lacie evaluate`, `train` and `export` through the command: the wiring; what they do is tested beside them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lacie_chat import cli

QUESTIONS = (
    {"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo", "Tokio"]},
    {"id": "b", "question": "What is the chemical symbol for gold?", "answers": ["Au"]},
    {"id": "c", "question": "Who wrote the novel Emma?", "answers": ["Jane Austen", "Austen"]},
)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    return path


def test_evaluate_writes_the_rows_and_figures_of_the_design(questions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["evaluate", "--questions", str(questions), "--out", str(out), "--max-tokens", "24"]
    assert cli.main(words) == 0
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert set(rows[0]) >= {
        *("id", "answers", "correct", "question", "response", "answer_span", "state", "acceptance", "confidence"),
        *("hedges", "boosters", "masked_response", "model", "adapter", "usage", "timings"),
    }
    figures = json.loads((out / "metrics.json").read_text())
    assert figures["n"] == 3
    assert figures["accuracy"] == pytest.approx(sum(row["correct"] for row in rows) / 3)
    assert set(figures) >= {
        *("n", "accuracy", "auroc", "ece", "brier", "precision", "recall", "f1", "accept_threshold"),
        *("abstention_rate", "true_accepts", "false_accepts", "true_rejects", "false_rejects"),
    }
    assert (out / "reliability.png").read_bytes().startswith(b"\x89PNG")
    before = (out / "rows.jsonl").read_bytes()
    assert cli.main(words) == 0
    assert (out / "rows.jsonl").read_bytes() == before


def test_a_broken_line_of_a_questions_file_is_named(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions.write_text(questions.read_text() + '{"id": "d", "question": \n')
    assert cli.main(["evaluate", "--questions", str(questions), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err.strip()
    assert "line 4" in error or ":4" in error
    assert len(error.splitlines()) == 1


def test_an_unknown_recipe_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "sample", "--recipe", "nosuch"]) != 0
    error = capsys.readouterr().err.strip()
    assert "smollm2-135m" in error
    assert len(error.splitlines()) == 1


def test_an_export_of_nothing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "merge", "--run", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err.strip()
    assert "none" in error
    assert len(error.splitlines()) == 1


WITHOUT = "import sys; sys.modules[{!r}] = None; from lacie_chat.cli import main; sys.exit(main({!r}))"


def test_a_missing_extra_names_itself_and_what_is_missing() -> None:
    script = WITHOUT.format("pydantic", ["train", "sample", "--recipe", "smollm2-135m"])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    line = "lacie: this needs the extra 'train' (pydantic is missing): pip install 'lacie-chat[train]'"
    assert done.stderr.splitlines() == [line]


def test_a_missing_module_of_no_extra_is_not_put_down_to_one() -> None:
    script = WITHOUT.format("lacie_chat.conversations", ["history", "list"])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in done.stderr and "extra" not in done.stderr


def test_help_loads_no_command() -> None:
    script = (
        "import sys; from lacie_chat.cli import COMMANDS, main\n"
        "try: main(['--help'])\n"
        "finally: print([each.module for each in COMMANDS if each.module in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert all(f"    {each.name}" in done.stdout for each in cli.COMMANDS)


@pytest.mark.parametrize("command", [each.name for each in cli.COMMANDS])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert f"lacie {command}" in capsys.readouterr().out
