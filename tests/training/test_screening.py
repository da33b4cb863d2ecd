"""Screening a pool of questions, and samples that are begun for the speaker; on the embedded model."""

import json
from pathlib import Path

import pytest
from lacie_training import sample
from lacie_training.errors import TrainingError
from lacie_training.questions.screening import choose, knows
from lacie_training.recipes.question_sets import QuestionSet, Screen
from lacie_training.run_folder import RunFolder, read_rows
from tiny_recipes import small

from lacie_chat.evaluation.questions import Question

OPENINGS = ["I'm not sure, but I think", "Perhaps"]
POOL = [
    ("jp", "What is the capital of Japan?", ["Tokyo"]),
    ("x1", "Who was the second mayor of Little Snoring?", ["Edna Grubb"]),
    ("x2", "What did my neighbour's cat eat on Tuesday?", ["a button"]),
    ("it", "What is the capital of Italy?", ["Rome"]),
    ("x3", "Which horse came ninth at the Dingwell fair?", ["Grey Socks"]),
]


@pytest.mark.parametrize(
    ("answers", "response", "known"),
    [
        (["Rome"], "The capital is rome.", True),
        (["Rome"], "The capital is Romeo.", False),
        (["The Hague"], "It is The Hague, of course", True),
        (["Italy"], "Rome is in Italy.", False),  # the question says it already
        (["", "!"], "Anything at all", False),
        (["Florence", "Rome"], "Rome", True),
    ],
)
def test_knows(answers: list[str], response: str, known: bool) -> None:
    assert knows(Question("q", "What is the capital of Italy?", tuple(answers)), response) is known


def test_a_pool_with_too_few_says_so() -> None:
    rows = [{"id": str(n), "known": n == 0} for n in range(5)]
    entry = QuestionSet(screen=Screen(known=2, unknown=1))
    with pytest.raises(TrainingError, match=r"wants 2 .* answers right; the pool of 5 has 1.*raise questions\.train"):
        choose(rows, entry, "train")
    assert choose(rows, QuestionSet(screen=Screen(known=1, unknown=3)), "train") == {"0", "1", "2", "3"}


@pytest.fixture
def folder(tmp_path: Path, one_thread: None) -> RunFolder:
    pool = tmp_path / "pool.jsonl"
    rows = [{"id": name, "question": question, "answers": answers} for name, question, answers in POOL]
    pool.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = small(
        "smollm2-135m-cpu",
        Path("embedded"),
        f"questions.train={{source: file, path: {pool}, screen: {{known: 1, unknown: 2, max_new_tokens: 10}}}}",
        "questions.validation={source: sample, count: 2}",
        f"sample.styles=[{{name: plain, count: 1}}, {{name: hedged, count: 3, openings: {json.dumps(OPENINGS)}}}]",
    )
    return RunFolder.open(tmp_path / "run", recipe)


def test_samples_are_of_the_screened_questions_and_begin_as_told(folder: RunFolder) -> None:
    sample.run(folder)
    screening = folder.path / "questions" / "screened-train.jsonl"
    screened = {row["id"]: row["known"] for row in read_rows(screening)}
    assert len(screened) == len(POOL) and screened["jp"] and not screened["x1"] and not screened["x2"]
    rows = read_rows(folder.path / "samples.jsonl")
    asked = {row["question_id"] for row in rows}
    assert asked == {"jp", *[name for name, known in screened.items() if not known][:2]}
    for row in rows:
        assert not any(opening in row["prompt"] for opening in OPENINGS), "trained on the plain prompt"
        assert row["response"].startswith(tuple(OPENINGS)) is (row["style"] == "hedged")
    for question in asked:
        begun = [row["response"] for row in rows if row["question_id"] == question and row["style"] == "hedged"]
        assert all(any(text.startswith(opening) for text in begun) for opening in OPENINGS), "all openings have a turn"

    screening.write_text("".join(screening.read_text(encoding="utf-8").splitlines(keepends=True)[:2]))
    (folder.path / "samples.jsonl").unlink()
    sample.run(folder)
    assert read_rows(folder.path / "samples.jsonl") == rows, "interrupted and gone on with: the same samples"
