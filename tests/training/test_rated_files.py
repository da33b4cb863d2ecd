"""A user's files for the listener's adapters: what is made of them, and one clear line for what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lacie_training.errors import TrainingError
from lacie_training.listening.rated import Rated, rated_answers, rated_findings
from lacie_training.listening.spans import Answered, answered_questions, is_shown


def written(path: Path, *rows: dict[str, Any] | str) -> Path:
    """A file of JSON lines; a text is a line as it stands."""
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def test_the_answer_that_a_row_names_is_masked(tmp_path: Path) -> None:
    row = {"text": "I think it was Jane Austen. Austen, yes.", "answer": "Jane Austen", "rating": 0.5}
    assert rated_answers([written(tmp_path / "a.jsonl", row)]) == [
        Rated("I think it was [answer]. [answer], yes.", 0.5, 1.0, "answers")
    ]


def test_an_answer_that_no_row_names_is_what_most_texts_share(tmp_path: Path) -> None:
    openings = ("It is", "I think it is", "Perhaps", "I'm sure it's", "It may be", "Is it", "It was", "My guess is")
    rows = [{"text": f"{opening} New South Wales.", "rating": 0.5} for opening in openings]
    rows.append({"text": "Perhaps Queensland.", "rating": 0.4})
    texts = [row.text for row in rated_answers([written(tmp_path / "a.jsonl", *rows)])]
    assert texts == [*(f"{opening} [answer]." for opening in openings), "Perhaps Queensland."]


def test_a_mask_that_is_there_already_stays_and_nothing_else_is_hidden(tmp_path: Path) -> None:
    rows = [{"text": f"In Rome, number {n}, it was [answer].", "rating": n / 10} for n in range(9)]
    assert [row.text for row in rated_answers([written(tmp_path / "a.jsonl", *rows)])] == [row["text"] for row in rows]


def test_equal_wordings_are_joined_into_their_mean_and_count_more(tmp_path: Path) -> None:
    rows = [
        {"text": "It's Oslo.", "answer": "Oslo", "rating": 1},
        {"text": "It's Bern.", "answer": "Bern", "rating": 0.5},
        {"text": "It's Rome.", "answer": "Rome", "rating": 0.5, "weight": 2},
        {"text": "Is it Rome?", "answer": "Rome", "rating": 0, "weight": 0.25},
    ]
    first, second = written(tmp_path / "a.jsonl", *rows[:2]), written(tmp_path / "b.jsonl", *rows[2:])
    assert rated_answers([first, second]) == [
        Rated("It's [answer].", 0.625, 2.0, "answers"),
        Rated("Is it [answer]?", 0.0, 0.5, "answers"),
    ]


def test_every_fifth_answer_is_there_unmasked_too(tmp_path: Path) -> None:
    rows = [{"text": f"It's Oslo, {n}.", "answer": "Oslo", "rating": 0.5} for n in range(7)]
    found = rated_answers([written(tmp_path / "a.jsonl", *rows)], unmasked=0.25)
    assert [row for row in found if row.source == "unmasked"] == [
        Rated("It's Oslo, 0.", 0.5, 0.25, "unmasked"),
        Rated("It's Oslo, 5.", 0.5, 0.25, "unmasked"),
    ]


def test_other_splits_are_left_out_and_nothing_of_a_finding_is_hidden(tmp_path: Path) -> None:
    rows = [
        {"text": "Sleep may improve memory.", "rating": 0.4, "split": "train", "weight": 2},
        {"text": "Sleep improves memory.", "rating": 0.8, "split": "val"},
    ]
    path = written(tmp_path / "a.jsonl", *rows)
    assert rated_findings([path], weight=0.5) == [Rated("Sleep may improve memory.", 0.4, 1.0, "findings")]
    assert rated_findings([path], weight=0) == []


GOOD = {"text": "It's Oslo.", "rating": 0.5}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"text": "It's Oslo."}, "'rating' is missing"),
        ({**GOOD, "rating": "high"}, "'rating' is not a number (got 'high')"),
        ({**GOOD, "rating": True}, "'rating' is not a number (got True)"),
        ({**GOOD, "rating": None}, "'rating' is not a number (got None)"),
        ({**GOOD, "rating": 1.01}, "'rating' must be a number from 0 to 1 (got 1.01)"),
        ({**GOOD, "rating": -0.1}, "'rating' must be a number from 0 to 1 (got -0.1)"),
        ({**GOOD, "rating": 55}, "'rating' must be a number from 0 to 1 (got 55)"),
        ('{"text": "a", "rating": NaN}', "not valid JSON (NaN is no number)"),
        ('{"text": "a", "rating": Infinity}', "not valid JSON (Infinity is no number)"),
        ({**GOOD, "text": " \n"}, "'text' is empty"),
        ({**GOOD, "text": 7}, "'text' is not a text (got 7)"),
        ({"rating": 0.5}, "'text' is missing"),
        ('{"text": "a\\ud800", "rating": 0.5}', "'text' holds half of a character (a lone surrogate)"),
        ({**GOOD, "answer": ""}, "'answer' is empty"),
        ({**GOOD, "weight": 0}, "'weight' is 0; leave the row out, or give it a weight above 0"),
        ({**GOOD, "weight": -1}, "'weight' must be a number from 0 up (got -1)"),
        ('{"text": "a", "rating": 0.5, "weight": Infinity}', "not valid JSON (Infinity is no number)"),
        ({**GOOD, "split": 3}, "'split' is not a text (got 3)"),
        ("It's Oslo.", "not valid JSON (Expecting value)"),
        ("[1]", "not a JSON object"),
    ],
)
def test_a_bad_row_is_one_line_with_file_and_number(bad: dict[str, Any] | str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path / "rated.jsonl", GOOD, "", bad)
    with pytest.raises(TrainingError) as error:
        rated_answers([path])
    assert str(error.value) == f"{path}, line 3: {message}"


Make = Callable[[Path], object]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "can't be read: No such file or directory"),
        (lambda path: path.mkdir(), "can't be read: Is a directory"),
        (lambda path: path.write_bytes(b""), "is empty: it holds no row"),
        (lambda path: path.write_bytes(b"\n \n"), "is empty: it holds no row"),
        (lambda path: path.write_bytes(b'{"text": "caf\xe9", "rating": 1}\n'), "line 1: not UTF-8"),
        (lambda path: written(path, {**GOOD, "split": "test"}), "no row has the split 'train'"),
        (lambda path: path.write_text(f'{{"rating": {"1" * 5000}}}'), "line 1: it holds a number of 5,000 digits"),
    ],
)
@pytest.mark.parametrize("read", [rated_answers, lambda paths: rated_findings(paths, weight=1), answered_questions])
def test_a_bad_file_is_one_line(read: Callable[[list[Path]], object], make: Make, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    make(path)
    with pytest.raises(TrainingError) as error:
        read([path])
    assert str(path) in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_spans_are_read_with_white_space_made_plain(tmp_path: Path) -> None:
    rows = [
        {"question": "Who?", "response": "It was Jane\n Austen.", "span": "Jane Austen"},
        {"question": "Who?", "response": "I don't know.", "span": None},
        {"question": "Who?", "response": "Her sister.", "span": "sister", "split": "test"},
    ]
    assert answered_questions([written(tmp_path / "a.jsonl", *rows)]) == [
        Answered("Who?", "It was Jane\n Austen.", "Jane Austen"),
        Answered("Who?", "I don't know.", None),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"span": "Emily Brontë"}, "the span 'Emily Brontë' does not stand in the response"),
        ({"span": "jane austen"}, "the span 'jane austen' does not stand in the response"),
        ({"span": " "}, "'span' is empty"),
        ({"span": 3}, "'span' is not a text (got 3)"),
        ({"question": None}, "'question' is not a text (got None)"),
        ({"response": ""}, "'response' is empty"),
    ],
)
def test_a_bad_span_is_one_line_with_file_and_number(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    row = {"question": "Who wrote it?", "response": "It was Jane Austen.", "span": "Jane Austen"}
    path = written(tmp_path / "spans.jsonl", row, {**row, **change})
    with pytest.raises(TrainingError) as error:
        answered_questions([path])
    assert str(error.value) == f"{path}, line 2: {message}"


def test_a_row_without_a_span_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "spans.jsonl", {"question": "Who?", "response": "She."})
    with pytest.raises(TrainingError, match=r"line 1: 'span' is missing"):
        answered_questions([path])


def test_a_span_in_the_part_that_is_cut_out_is_not_shown() -> None:
    filler = "It went on like that for years. " * 40
    assert is_shown(Answered("Who?", f"Jane Austen. {filler} {filler}", "Jane Austen"))
    assert not is_shown(Answered("Who?", f"{filler} Jane Austen. {filler}", "Jane Austen"))
    assert is_shown(Answered("Who?", filler * 2, None))
