"""`lacie calibration fit --questions`: on answers of the real embedded model, and on truths of its own matcher."""

import json
from pathlib import Path

import pytest
from scripted_speaker import half_right, one_line, quick_fits, scripted_speaker

from lacie_chat import cli
from lacie_chat.models import find_calibrator

pytestmark = pytest.mark.usefixtures("no_own_adapter")

EASY = ("France", "Paris"), ("Italy", "Rome"), ("Japan", "Tokyo"), ("England", "London"), ("Germany", "Berlin")
HARD = ("Bhutan", "Thimphu"), ("Burundi", "Gitega"), ("Palau", "Ngerulmud"), ("Nauru", "Yaren"), ("Fiji", "Suva")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_fits(monkeypatch)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "capitals.jsonl"
    rows = [
        {"id": country, "question": f"What is the capital of {country}?", "answers": [city]}
        for country, city in (*EASY, *HARD)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_fit_on_questions_that_the_embedded_model_answers(
    questions: Path,
    embedded_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    data_dir: Path,
) -> None:
    words = ["calibration", "fit", "--questions", str(questions), "--max-tokens", "20", "--batch-size", "4"]
    assert cli.main(words) == 1
    assert "too few to fit a calibrator: at least 60 are needed" in capsys.readouterr().err
    (rows,) = (data_dir / "calibrators" / "answers").glob("*/answers.jsonl")
    before = rows.stat().st_mtime_ns
    assert len(rows.read_text().splitlines()) == 10
    n, right = half_right(monkeypatch, questions, rows)
    assert cli.main([*words, "--minimum", "4", "--json"]) == 0, "the answers are kept: no question is asked again"
    assert rows.stat().st_mtime_ns == before
    figures = json.loads(capsys.readouterr().out)
    assert (figures["n"], figures["right"]) == (n, right)
    found = find_calibrator(embedded_model)
    assert found is not None
    assert found.to_dict() == figures["calibrator"]
    assert found.source == "own questions (capitals.jsonl)"


def test_a_second_fit_is_fitted_on_its_own_matchers_truth(
    questions: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted_speaker(monkeypatch).answers |= {
        f"What is the capital of {country}?": (city, "medium") for country, city in (*EASY, *HARD)
    }
    words = ["calibration", "fit", "--questions", str(questions), "--json"]
    assert cli.main(words) == 1
    (kept,) = (data_dir / "calibrators" / "answers").glob("*/answers.jsonl")
    stamp = kept.stat().st_mtime_ns
    n, expected = half_right(monkeypatch, questions, kept)
    words += ["--minimum", "4"]
    capsys.readouterr()

    def right(*more: str) -> int:
        assert cli.main([*words, *more]) == 0
        return int(json.loads(capsys.readouterr().out)["right"])

    assert right("--matcher", "lenient") == expected
    # accepted answers that only the lenient matcher takes for the same
    rows = [json.loads(line) for line in questions.read_text().splitlines()]
    for row in rows:
        row["answers"] = [f"{row['answers'][0]} (city)"]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli.main([*words, "--matcher", "exact"]) == 1
    assert f"all {n} answers are wrong" in capsys.readouterr().err
    assert right("--matcher", "lenient") == expected
    questions.write_text("".join(json.dumps({**row, "match": "lenient"}) + "\n" for row in rows))
    assert right() == expected, "a question's own match counts"
    assert kept.stat().st_mtime_ns == stamp, "nothing was answered anew"


def test_a_broken_line_of_the_questions_is_named(questions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions.write_text(questions.read_text() + '{"id": "x", "question": \n')
    assert cli.main(["calibration", "fit", "--questions", str(questions)]) == 1
    assert "line 11: not valid JSON" in one_line(capsys)
    assert cli.main(["calibration", "fit", "--questions", str(questions.with_name("none.jsonl"))]) == 1
    assert "can't be read" in one_line(capsys)
