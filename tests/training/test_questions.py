"""Questions: splits that hang on the seed alone and share nothing, and files whose broken line is named."""

import json
from pathlib import Path

import pytest
from lacie_training.errors import TrainingError
from lacie_training.questions.screening import training_questions
from lacie_training.questions.splits import (
    _HUB,
    SAMPLE_QUESTIONS,
    load_questions,
    make_splits,
    read_question_file,
    read_source,
)
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.question_sets import QuestionSet
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RunFolder

from lacie_chat.errors import LacieError
from lacie_chat.evaluation.matching import normalise


def write(path: Path, *texts: str) -> Path:
    rows = [{"id": f"{path.stem}{n}", "question": text, "answers": ["x"]} for n, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def recipe(train: Path, held_out: Path, *more: str) -> Recipe:
    return load_recipe(
        "smoke",
        [
            f"questions.train={{source: file, path: {train}}}",
            f"questions.validation={{source: file, path: {held_out}, count: 1}}",
            f"questions.test={{t: {{source: file, path: {held_out}, count: 2}}}}",
            *more,
        ],
    )


def test_the_projects_own_questions_are_sound() -> None:
    questions = read_question_file(SAMPLE_QUESTIONS)
    assert len(questions) >= 50
    assert len({normalise(question.question) for question in questions}) == len(questions)


def test_splits_of_one_source_share_nothing_and_hang_on_the_seed() -> None:
    def ids(seed: int) -> list[list[str]]:
        splits = make_splits(load_recipe("smoke", [f"seed={seed}"]))
        return [[question.id for question in each] for each in (splits.train, splits.validation, splits.test["sample"])]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)
    train, validation, test = ids(1)
    assert (len(train), len(validation), len(test)) == (24, 4, 8)
    assert len({*train, *validation, *test}) == 36


def test_a_larger_training_set_keeps_the_same_held_out_questions() -> None:
    small, large = (make_splits(load_recipe("smoke", [f"questions.train.count={n}"])) for n in (5, 40))
    assert small.test == large.test
    assert small.validation == large.validation
    assert small.train == large.train[:5]


def test_overlap_between_sources_is_dropped_and_counted_or_refused(tmp_path: Path) -> None:
    held_out = write(tmp_path / "h.jsonl", "Who is A?", "Who is B?", "Who is C?")
    train = write(tmp_path / "t.jsonl", "who is  the A", "Who is D?", "WHO IS B!", "Who is E?", "Who is D ?")
    splits = make_splits(recipe(train, held_out))
    assert splits.dropped_overlap == 2
    assert sorted(question.question for question in splits.train) in (
        ["Who is D ?", "Who is E?"],
        ["Who is D?", "Who is E?"],
    )
    with pytest.raises(TrainingError, match="2 training questions are also in a held-out set"):
        make_splits(recipe(train, held_out, "questions.overlap=raise"))
    with pytest.raises(TrainingError, match="no training questions are left: all 3"):
        make_splits(recipe(write(tmp_path / "u.jsonl", "Who is A?", "Who is B?", "Who is C?"), held_out))


def test_the_sets_are_frozen_in_the_run_folder(tmp_path: Path) -> None:
    smoke = load_recipe("smoke")
    first = load_questions(tmp_path, smoke)
    assert json.loads((tmp_path / "questions" / "counts.json").read_text())["train"] == 24
    again = load_questions(tmp_path, smoke)
    assert (again.train, again.validation, again.test) == (first.train, first.validation, first.test)


GOOD = {"id": "a", "question": "Who?", "answers": ["X"]}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"id": "b", "answers": ["X"]}, "line 3: 'question' is missing"),
        ({"id": "b", "question": " ", "answers": ["X"]}, "line 3: 'question' is not a text"),
        ({"id": "b", "question": "Who?", "answers": [1]}, "line 3: 'answers' is not a list of texts"),
        ({"id": "b", "question": "Who?", "answers": "X"}, "line 3: 'answers' is not a list of texts"),
        ({"id": "b", "question": "Who?", "answers": ["X"], "match": "maybe"}, "line 3: 'match' is 'maybe'"),
        ({"id": "a", "question": "Who?", "answers": ["X"]}, "line 3: the id 'a' occurs twice"),
    ],
)
def test_a_broken_question_is_named(tmp_path: Path, bad: dict[str, object], message: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join([json.dumps(GOOD), "", json.dumps(bad), ""]))
    with pytest.raises(LacieError) as error:
        read_question_file(path)
    assert message in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LacieError, match="can't be read: No such file"):
        read_question_file(tmp_path / "none.jsonl")
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(GOOD) + "\n{broken\n")
    with pytest.raises(LacieError, match=r"q.jsonl, line 2: not valid JSON"):
        read_question_file(path)
    path.write_text("")
    with pytest.raises(LacieError, match="holds no questions"):
        read_question_file(path)


def hub_set(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, row: dict[str, object], split: str) -> None:
    """A data set in the layout of the Hub's, on disk: `datasets` itself reads it."""
    import datasets

    folder.mkdir()
    (folder / f"{split}.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
    monkeypatch.setitem(_HUB, name, (str(folder), None, _HUB[name][2]))


def test_the_hubs_sets_are_read_as_they_are_laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"value": "Oslo", "aliases": ["Oslo", "Christiania"], "normalized_aliases": ["oslo", "christiania"]}
    row = {"question_id": "tc_1", "question": "What is Norway's capital?", "answer": answer}
    hub_set(tmp_path / "trivia", "trivia_qa", monkeypatch, row, "train")
    [question] = read_source(QuestionSet(source="trivia_qa"))
    assert (question.id, question.question) == ("tc_1", "What is Norway's capital?")
    assert question.answers == ("Oslo", "Christiania", "oslo", "christiania")
    assert question.is_right("christiania") and not question.is_right("Bergen")
    row = {"question": "who wrote emma", "answer": ["Jane Austen", "Austen"]}
    hub_set(tmp_path / "nq", "nq_open", monkeypatch, row, "validation")
    [question] = read_source(QuestionSet(source="nq_open", split="validation"))
    assert (question.id, question.answers) == ("nq-0", ("Jane Austen", "Austen"))
    row = {
        "question": "Is the Earth flat?",
        "best_answer": "No",
        "correct_answers": ["No"],
        "incorrect_answers": ["Yes"],
    }
    hub_set(tmp_path / "truthful", "truthful_qa", monkeypatch, row, "validation")
    [question] = read_source(QuestionSet(source="truthful_qa", split="validation"))
    assert (question.id, question.answers) == ("truthful-0", ("No",))


def test_a_test_set_that_the_validation_set_has_whole_is_named(tmp_path: Path) -> None:
    held_out = write(tmp_path / "h.jsonl", "Who is A?")
    test = write(tmp_path / "t.jsonl", "who is A")
    train = write(tmp_path / "u.jsonl", "Who is Z?")
    settings = recipe(train, held_out, f"questions.test={{mine: {{source: file, path: {test}}}}}")
    with pytest.raises(TrainingError, match="no questions are left for test mine: the validation set has them all"):
        make_splits(settings)


def test_offline_a_hub_set_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(TrainingError) as error:
        make_splits(load_recipe("mistral-7b"))
    assert "mandarjoshi/trivia_qa" in str(error.value)
    assert "give a questions file" in str(error.value)
    assert "\n" not in str(error.value)


def test_training_questions_from_other_sources_come_on_top(tmp_path: Path) -> None:
    train = write(tmp_path / "a.jsonl", "One?", "Two?", "Three?")
    held_out = write(tmp_path / "b.jsonl", "Four?", "Five?", "Six?")
    other = write(tmp_path / "c.jsonl", "two", "Seven?", "five?", "four?", "six")
    more = f"questions.more=[{{source: file, path: {other}, reword_wrong: 0.5}}]"
    wanted = recipe(train, held_out, more)
    splits = load_questions(tmp_path / "run", wanted)
    assert {question.question for question in splits.train} == {"One?", "Two?", "Three?"}
    assert [[question.question for question in each] for each in splits.more] == [["Seven?"]], "none asked elsewhere"
    assert load_questions(tmp_path / "run", wanted).more == splits.more
    folder = RunFolder.open(tmp_path / "run", wanted)
    assert [question.id for question in training_questions(folder, splits)] == [
        *(question.id for question in splits.train),
        "c1",
    ]
    assert recipe(train, held_out).digest() == recipe(train, held_out, "questions.more=[]").digest() != wanted.digest()

    same = tmp_path / "other" / "a.jsonl"
    same.parent.mkdir()
    with pytest.raises(TrainingError, match="have an id that another one has, as 'a0'"):
        make_splits(recipe(train, held_out, f"questions.more=[{{source: file, path: {write(same, 'Eight?')}}}]"))
    with pytest.raises(TrainingError, match="screen is for train and validation"):
        recipe(train, held_out, f"questions.more=[{{source: file, path: {other}, screen: {{known: 1, unknown: 1}}}}]")


def test_more_questions_count_in_the_overlap_too(tmp_path: Path) -> None:
    held_out, train = write(tmp_path / "held.jsonl", "One?", "Two?", "Three?"), write(tmp_path / "t.jsonl", "Four?")
    more = f"questions.more=[{{source: file, path: {write(tmp_path / 'm.jsonl', 'one', 'Two?', 'Four?', 'Five?')}}}]"
    splits = make_splits(recipe(train, held_out, more))
    assert [[question.question for question in each] for each in splits.more] == [["Five?"]]
    assert splits.dropped_overlap == 2, "a question that train has already is no overlap with a held-out set"
    with pytest.raises(TrainingError, match="2 training questions are also in a held-out set"):
        make_splits(recipe(train, held_out, more, "questions.overlap=raise"))


def test_an_everyday_prompts_id_is_no_other_questions(tmp_path: Path) -> None:
    held_out = write(tmp_path / "held.jsonl", "One?", "Two?", "Three?")
    train = write(tmp_path / "everyday-.jsonl", "Four?", "Five?")
    make_splits(recipe(train, held_out))
    with pytest.raises(TrainingError, match="everyday-1"):
        make_splits(recipe(train, held_out, "questions.everyday=true"))


def test_a_question_without_an_answer_is_one_that_nothing_answers(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({"id": "a", "question": "Which penguin breeds in Greenland?", "answers": []}) + "\n")
    [question] = read_question_file(path)
    assert question.answers == () and not question.is_right("the king penguin") and not question.is_right(None)
