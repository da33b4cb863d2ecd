"""`lacie calibrate`: asked in order, gone on with, fitted, kept, told to people; and once on the embedded model."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from scripted_speaker import ScriptedSpeaker, half_right, quick_fits, scripted_speaker

from lacie_chat import cli
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, Form, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.evaluation.own_questions import in_order, questions_from
from lacie_chat.evaluation.questions import Question
from lacie_chat.models import calibrator_path, calibrators, find_calibrator, pair_fingerprint
from lacie_chat.models.embedded import EMBEDDED_NAME

pytestmark = pytest.mark.usefixtures("no_own_adapter")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_fits(monkeypatch)


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> ScriptedSpeaker:
    return scripted_speaker(monkeypatch)


def figures(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main(["calibrate", "--json", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line after those of the progress."""
    capsys.readouterr()
    assert cli.main(["calibrate", *words]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("calibrate: ")]
    assert len(lines) == 1, lines
    return lines[0]


def mark(question: str, correct: bool, fingerprint: str, **more: Any) -> None:
    """An answer of the chat, marked."""
    read = {
        "question": question,
        "response": "It is Paris.",
        "state": "answered",
        "answer_span": "Paris",
        "acceptance": 0.8,
        "assessment_version": ASSESSMENT_VERSION,
        "signals": {
            "span_sum": -0.1,
            "span_lowest": -0.1,
            "span_first": -0.1,
            "span_tokens": 1,
            "mean": -0.1,
            "tokens": 4,
        },
    } | more
    with Store.open() as store:
        conversation = store.create_conversation(EMBEDDED_NAME)
        asked = store.add_message(conversation.id, None, "user", question)
        params = {"model": EMBEDDED_NAME, "model_ref": "embedded", "fingerprint": fingerprint}
        made = store.add_message(conversation.id, asked.id, "assistant", "It is Paris.", params=params)
        store.attach_assessment(made.id, read)
        store.mark(made.id, correct)


# -- the order --------------------------------------------------------------------------------------------------------


def test_however_many_come_first_each_grade_has_its_share() -> None:
    questions = questions_from()
    whole = Counter(each.grade for each in questions)
    for n in (40, 100, 300):
        first = Counter(each.grade for each in questions[:n])
        for grade, count in whole.items():
            assert abs(first[grade] - n * count / len(questions)) <= 1.5, (n, grade)


def test_the_order_hangs_on_the_questions_alone() -> None:
    questions = questions_from()
    assert in_order(questions[::-1]) == questions == in_order(sorted(questions, key=lambda each: each.question))
    assert [each.id for each in questions[:50]] != sorted(each.id for each in questions[:50])


def test_a_question_in_two_files_is_asked_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text('{"id": "1", "question": "Who?", "answers": ["x"], "grade": "odd"}\n')
    two.write_text(
        '{"id": "1", "question": "Where?", "answers": ["y"]}\n{"id": "2", "question": "Who?", "answers": ["x"]}\n'
    )
    found = questions_from([one, two])
    assert sorted((each.id, each.question, each.grade) for each in found if each.grade) == [("1", "Who?", "odd")]
    assert Question("1", "Where?", ("y",)) in found and len(found) == 2


# -- asked, kept, gone on with ----------------------------------------------------------------------------------------


def test_what_is_kept_says_how_likely_an_answer_is_right(
    speaker: ScriptedSpeaker, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_calibrator(embedded_model) is None
    found = figures(capsys, "--n", "200")
    assert found["asked"] == 200 == len(speaker.asked)
    assert found["answered"] + found["declined"] + found["no_answer"] == 200
    assert found["n"] == found["answered"] == found["calibrator"]["n"]
    assert sum(counts["n"] for counts in found["grades"].values()) == 200
    assert sum(counts["right"] for counts in found["grades"].values()) == found["right"]
    assert list(found["grades"]) == ["easy", "medium", "hard", "unanswerable"]
    assert found["grades"]["unanswerable"]["right"] == 0
    assert found["tells_apart"] and found["tokens_known"]
    assert sum(found["carries"].values()) == pytest.approx(1)
    kept = find_calibrator(embedded_model)
    assert kept is not None and kept.to_dict() == found["calibrator"]
    assert kept.source == "200 of lacie's questions"
    logprobs = ("span_sum", "span_lowest", "span_first", "mean")
    high, low = (
        kept({"acceptance": sounds, **dict.fromkeys(logprobs, logprob)})
        for sounds, logprob in ((0.85, -0.1), (0.4, -2.0))
    )
    assert high is not None and low is not None and high > low


def test_more_questions_go_on_from_those_before(speaker: ScriptedSpeaker, capsys: pytest.CaptureFixture[str]) -> None:
    first = figures(capsys, "--n", "96")
    assert len(speaker.asked) == 96
    assert figures(capsys, "--n", "96")["figures"] == first["figures"]
    assert len(speaker.asked) == 96, "nothing is asked again"
    more = figures(capsys, "--n", "160")
    assert len(speaker.asked) == len(set(speaker.asked)) == 160
    assert more["until_now"] == first["calibrator"]
    assert speaker.asked == [each.question for each in questions_from()[:160]]
    assert figures(capsys, "--n", "160", "--no-marks")["calibrator"] == more["calibrator"]


def test_a_number_that_fills_no_batch_is_gone_on_with_too(
    speaker: ScriptedSpeaker, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures(capsys, "--n", "61", "--minimum", "40")
    figures(capsys, "--n", "80", "--minimum", "40")
    (kept,) = (data_dir / "calibrators" / "answers").glob("*/answers.jsonl")
    ids = [json.loads(line)["id"] for line in kept.read_text().splitlines()]
    assert len(ids) == len(set(ids)) == 80


def test_stopped_and_started_again(speaker: ScriptedSpeaker, capsys: pytest.CaptureFixture[str]) -> None:
    speaker.stop_at = 5
    assert cli.main(["calibrate", "--n", "96"]) == cli.INTERRUPTED
    assert "what is answered is kept, and the same command goes on from there" in capsys.readouterr().err
    assert len(speaker.asked) == 40
    assert figures(capsys, "--n", "96")["asked"] == 96
    assert len(speaker.asked) == 96


def test_another_matcher_answers_nothing_anew_and_another_temperature_does(
    speaker: ScriptedSpeaker, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--n", "96", "--minimum", "60")
    figures(capsys, *words)
    figures(capsys, *words, "--matcher", "exact")
    assert len(speaker.asked) == 96
    assert figures(capsys, *words, "--temperature", "0")["calibrator"]["sampling"]["temperature"] == 0
    assert len(speaker.asked) == 192


def test_agreement_of_samples_can_be_asked_for(speaker: ScriptedSpeaker, capsys: pytest.CaptureFixture[str]) -> None:
    figures(capsys, "--n", "80", "--agreement", "2")
    assert Counter(speaker.asked).most_common(1)[0][1] == 2, "asked once, and again for its samples"


# -- marks ------------------------------------------------------------------------------------------------------------


def test_marks_on_this_very_pair_count_once(
    speaker: ScriptedSpeaker, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = pair_fingerprint(embedded_model)
    mark("Which city do I like best?", True, own)
    mark("And which next?", False, own)
    mark(f"  {questions_from()[0].question.upper()} ", True, own)  # asked by the command itself
    mark("Of another file?", True, "another")
    mark("Heard otherwise?", True, own, assessment_version="0-old")
    mark("Without an answer to be right?", True, own, answer_span=None)
    found = figures(capsys, "--n", "96")
    assert (found["marks"], found["n"]) == (2, found["answered"] + 2)
    assert found["source"] == "96 of lacie's questions and own marks"
    assert figures(capsys, "--n", "96", "--no-marks")["marks"] == 0
    assert figures(capsys, "--n", "96", "--temperature", "0")["marks"] == 0, "the chat draws otherwise"
    assert cli.main(["calibrate", "--n", "96"]) == 0
    assert "2 answers that you marked in the chat count too" in capsys.readouterr().out


def test_it_goes_before_one_that_came_with_the_model_and_says_so(
    speaker: ScriptedSpeaker,
    embedded_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    form = Form(0.0, {"acceptance": 1.0})
    shipped = Calibrator(500, 200, "the maker's", "aa", ASSESSMENT_VERSION, WayOfDrawing.of(Sampling()), (form,))
    read = calibrators.read_metadata
    added = {"lacie.calibrator": json.dumps(shipped.to_dict())}
    monkeypatch.setattr(calibrators, "read_metadata", lambda path: read(path) | added)
    assert find_calibrator(embedded_model) == shipped
    assert cli.main(["calibrate", "--n", "80"]) == 0
    shown = capsys.readouterr()
    assert "it goes before the one that came with the model, which stays in its file" in shown.err
    assert "until now one fitted on 500 (the maker's)" in shown.out
    own = find_calibrator(embedded_model)
    assert own is not None and own != shipped
    assert cli.main(["calibration", "fit", "--remove"]) == 0
    assert find_calibrator(embedded_model) == shipped


# -- the report -------------------------------------------------------------------------------------------------------


def test_people_are_told_how_often_and_when(
    speaker: ScriptedSpeaker, embedded_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "mine.png"
    assert cli.main(["calibrate", "--n", "200", "--picture", str(picture)]) == 0
    shown = capsys.readouterr()
    said = shown.out.replace("\u00a0", " ")
    for text in (
        "200 questions: ", " easy (", "declined ", "P(right)", "wording alone", "bare acceptance", "share of right",
        "AUROC", "log loss", "Brier", "ECE", "It goes by:", "○", "■", "other languages and long answers",
    ):  # fmt: skip
        assert text in said, text
    assert "how probable the model found" in said or "how sure its wording sounds" in said
    data = figures(capsys, "--n", "200")
    assert data["tellings"]
    for telling in data["tellings"]:
        side = "more" if telling["at_least"] else "less"
        sentence = (
            f"When it says {telling['limit'] * 100:.0f} % or {side}, {telling['right']} of {telling['n']} "
            f"{'was' if telling['right'] == 1 else 'were'} right."
        )
        assert sentence in said
    assert str(calibrator_path(embedded_model)) in shown.err
    assert "take it back: lacie calibration fit --remove" in shown.err
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert max(map(len, said.splitlines())) <= 120
    assert cli.main(["calibration", "fit", "--remove"]) == 0
    assert "how likely its answers are right is not known again" in capsys.readouterr().err


def test_where_nothing_tells_right_from_wrong_it_is_said(
    speaker: ScriptedSpeaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker.tells = False
    speaker.knows = dict.fromkeys(speaker.knows, 0.4)
    assert cli.main(["calibrate", "--n", "96"]) == 0
    said = capsys.readouterr().out
    assert "tells right answers from wrong ones no better than chance" in said
    assert "When it says" not in said


def test_without_the_tokens_it_goes_by_the_wording_and_says_so(
    speaker: ScriptedSpeaker, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker.tokens = False
    assert cli.main(["calibrate", "--n", "96"]) == 0
    assert "P(right) goes by the wording alone" in capsys.readouterr().out
    found = figures(capsys, "--n", "96")
    assert not found["tokens_known"]
    assert set(found["carries"]) <= {"acceptance"}


# -- bad input --------------------------------------------------------------------------------------------------------


def test_too_few_are_refused_before_anything_is_asked(
    speaker: ScriptedSpeaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, "--n", "20")
    assert "20 questions are too few: a calibrator needs at least 60 answers; ask more: there are " in line
    few = tmp_path / "few.jsonl"
    few.write_text('{"id": "1", "question": "Who?", "answers": ["x"]}\n')
    assert "1 questions are too few" in (line := refused(capsys, "--questions", str(few))) and "give more" in line
    assert speaker.asked == []


def test_what_cannot_be_fitted_is_one_line(
    speaker: ScriptedSpeaker, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker.knows = dict.fromkeys(speaker.knows, 0.0)
    line = refused(capsys, "--n", "80")
    assert "answers are wrong: there is nothing to tell apart; try other questions" in line
    assert "--n took 80 questions of " in line
    assert find_calibrator(embedded_model) is None


def test_too_few_answers_among_enough_questions(
    speaker: ScriptedSpeaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": str(n), "question": f"{n}?", "answers": [], "grade": "unanswerable"} for n in range(60)]
    speaker.answers |= {row["question"]: ("", "unanswerable") for row in rows}
    path = tmp_path / "none.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = refused(capsys, "--questions", str(path))
    assert "answers are too few to fit a calibrator: at least 60 are needed (" in line
    assert "of 60 gave no answer to be right or wrong" in line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--questions", "/no/such.jsonl"], "can't be read"),
        (["--temperature", "-1"], "--temperature is a number of 0 or more"),
        (["--batch-size", "0"], "--batch-size is a whole number of 1 or more"),
        (["--agreement", "9", "--batch-size", "8"], "at most --batch-size"),
        (["--model", "nosuch"], "no such model"),
    ],
)
def test_bad_input_is_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert line in refused(capsys, *words)


@pytest.mark.parametrize("words", [["--n", "0"], ["--minimum", "3"], ["--questions"], ["--adapter", "x", "--baseline"]])
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["calibrate", *words])
    assert stop.value.code == 2


def test_a_second_process_on_the_same_answers_is_told(
    speaker: ScriptedSpeaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = []

    def meanwhile(prompts: Any, *rest: Any, **more: Any) -> Any:
        lines.append(cli.main(["calibrate", "--n", "96"]))
        raise KeyboardInterrupt

    monkeypatch.setattr(speaker, "respond", meanwhile)
    assert cli.main(["calibrate", "--n", "96"]) == cli.INTERRUPTED
    assert lines == [1]
    assert "another process is working on" in capsys.readouterr().err


# -- the real model ---------------------------------------------------------------------------------------------------


def test_the_embedded_model_is_calibrated(
    embedded_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    data_dir: Path,
) -> None:
    places = ("France", "Italy", "Japan", "Germany", "England", "Bhutan", "Burundi", "Palau", "Nauru", "Fiji", "Niger")
    rows = [{"id": each, "question": f"What is the capital of {each}?", "answers": ["?"]} for each in places]
    path = tmp_path / "capitals.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("--questions", str(path), "--max-tokens", "12", "--minimum", "10")
    refused(capsys, *words)
    (kept,) = (data_dir / "calibrators" / "answers").glob("*/answers.jsonl")
    stamp = kept.stat().st_mtime_ns
    n, right = half_right(monkeypatch, path, kept)
    found = figures(capsys, *words, "--minimum", "4")
    assert kept.stat().st_mtime_ns == stamp, "nothing was answered anew"
    assert found["tokens_known"], "its tokens are set beside its text"
    assert (found["asked"], found["n"], found["right"]) == (len(places), n, right)
    assert found["source"] == "own questions (capitals.jsonl)"
    fitted = find_calibrator(embedded_model)
    assert fitted is not None and fitted.to_dict() == found["calibrator"]
