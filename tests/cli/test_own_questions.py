"""The questions that come with the package: how many, how graded, and that each can be answered."""

import json
from collections import Counter

from lacie_chat.evaluation.own_questions import FILE, questions_from
from lacie_chat.evaluation.questions import read_question_file
from lacie_chat.rows import read_rows


def test_there_are_many_of_every_grade_and_field() -> None:
    rows = read_rows(FILE)
    assert len(rows) >= 600
    assert set(Counter(row["grade"] for row in rows)) == {"easy", "medium", "hard", "unanswerable"}
    assert min(Counter(row["grade"] for row in rows).values()) >= 20
    assert len({row["field"] for row in rows}) >= 20
    assert all(set(row) == {"id", "question", "answers", "grade", "field", "match"} for row in rows)


def test_ids_and_texts_are_unique() -> None:
    rows = read_rows(FILE)
    for key in ("id", "question"):
        found = Counter(" ".join(str(row[key]).casefold().split()) for row in rows)
        assert [text for text, count in found.items() if count > 1] == []
    assert len(questions_from()) == len(rows)


def test_each_answer_is_right_by_its_own_matcher() -> None:
    for question in read_question_file(FILE):
        assert question.question == question.question.strip() and question.question.endswith((".", "?")), question
        assert all(answer.strip() == answer and answer for answer in question.answers), question
        assert len(set(question.answers)) == len(question.answers), question
        assert [answer for answer in question.answers if not question.is_right(answer)] == [], question
        assert bool(question.answers) is (question.grade != "unanswerable"), question
        assert not question.is_right("a wholly different thing"), question


def test_it_is_plain_json_lines() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert all(json.loads(line) for line in text.splitlines()) and text.endswith("\n")
