"""A sample said again with doubt: the words around it, where they go, and the rows that come of it."""

from pathlib import Path
from random import Random

import pytest
from lacie_training import judge, sample
from lacie_training.errors import TrainingError
from lacie_training.pairs import EVERYDAY, make_pairs
from lacie_training.questions import screening
from lacie_training.questions.everyday import everyday_prompts
from lacie_training.recipes.schema import PairSettings
from lacie_training.run_folder import RunFolder, read_rows
from lacie_training.samples.rewording import first_sentences, reworded, ways
from tiny_recipes import small

OPENINGS, CLOSINGS = ["I think", "Perhaps"], ["I'm not sure, though.", "I could be wrong."]
STYLES = (
    "sample.styles=[{name: plain, count: 3, sentences: 1}, {name: hedged, count: 3, rewords: plain, "
    f"openings: {OPENINGS!r}, closings: {CLOSINGS!r}}}]"
)


@pytest.mark.parametrize(
    ("text", "opening", "closing", "expected"),
    [
        ("The sky is blue.", "I think", "", "I think the sky is blue."),
        ("Dublin is in Ireland.", "I think", "", "I think Dublin is in Ireland."),
        ("It's blue.", "I'm not sure, but", "", "I'm not sure, but it's blue."),
        ("The sky is blue.", "", "I could be wrong.", "The sky is blue. I could be wrong."),
        ("A lot.", "Perhaps", "I don't know.", "Perhaps a lot. I don't know."),
        ("The sky is blue.", "", ", I think.", "The sky is blue, I think."),
        ("The sky is blue!", "", ", I think.", "The sky is blue!"),
        ("The sky is…..", "", ", I think.", "The sky is….."),
    ],
)
def test_reworded(text: str, opening: str, closing: str, expected: str) -> None:
    assert reworded(text, opening, closing) == expected


@pytest.mark.parametrize(
    ("text", "kept", "whole"),
    [
        ("One is here. Two is there.", "One is here.", True),
        ("It was Dr. No in 1962, of course! And then", "It was Dr. No in 1962, of course!", True),
        ("It was, as we all know, the", "It was, as we all know, the", False),
        ('He said "yes." And left.', 'He said "yes."', True),
        ("", "", False),
    ],
)
def test_first_sentences(text: str, kept: str, whole: bool) -> None:
    assert first_sentences(text, 1) == (kept, whole)


def test_before_after_and_both_take_turns_and_every_word_has_its_turn() -> None:
    for seed in range(20):
        found = ways(6, OPENINGS, CLOSINGS, Random(seed))
        assert sorted((bool(before), bool(after)) for before, after in found) == sorted(
            [(True, False), (False, True), (True, True)] * 2
        )
        assert {before for before, _ in found} - {""} <= set(OPENINGS)
    assert ways(3, OPENINGS, [], Random(0)).count(("Perhaps", "")) in (1, 2)


def sampled(tmp_path: Path, styles: str) -> RunFolder:
    """A run whose two questions are answered in these styles."""
    recipe = small(
        "smollm2-135m-cpu",
        Path("embedded"),
        "questions.train={source: sample, count: 2}",
        "questions.validation={source: sample, count: 2}",
        "sample.max_new_tokens=24",
        styles,
    )
    folder = RunFolder.open(tmp_path / "run", recipe)
    sample.run(folder)
    return folder


def test_a_question_s_samples_and_their_rewordings_are_twins(tmp_path: Path, one_thread: None) -> None:
    folder = sampled(tmp_path, STYLES)
    rows = {row["id"]: row for row in read_rows(folder.path / "samples.jsonl")}
    assert len(rows) == 12
    for row in rows.values():
        twin = rows[row["draw"]]
        if row["style"] == "plain":
            assert row is twin
            continue
        assert row["response"] != twin["response"] and row["prompt"] == twin["prompt"]
        assert row["response"].startswith(tuple(OPENINGS)) or row["response"].endswith(tuple(CLOSINGS))
        assert twin["response"][1:] in row["response"]
        if not first_sentences(twin["response"], 1)[1]:
            assert row["finish"] == twin["finish"] == "length"
            assert row["response"].endswith(twin["response"][-10:]), "what is cut off has nothing after it"


def test_only_twins_are_paired_where_the_recipe_says_so() -> None:
    def row(style: str, n: int, acceptance: float) -> dict[str, object]:
        return {
            "id": f"{style}{n}", "draw": f"plain{n}", "question_id": "q", "prompt": "?", "response": f"It is {n}.",
            "finish": "stop", "answer_span": "x", "state": "answered", "acceptance": acceptance, "correct": n == 0,
        }  # fmt: skip

    rows = [row("plain", n, 0.8) for n in range(3)] + [row("hedged", n, 0.3) for n in range(3)]
    settings = PairSettings(per_question=3, twins_only=True, threshold=0.5, balance=None)
    for seed in range(5):
        pairs, report = make_pairs(rows, settings, objective="lacie", seed=seed)
        assert {pair["id"] for pair in pairs} == {"plain0>hedged0", "hedged1>plain1", "hedged2>plain2"}
        assert report.dropped_pairs["not twins"] == 12


def test_what_declines_takes_the_place_of_the_sample_and_is_judged_so(tmp_path: Path, one_thread: None) -> None:
    folder = sampled(
        tmp_path,
        "sample.styles=[{name: plain, count: 2, sentences: 1}, {name: mild, count: 2, rewords: plain, "
        "closings: ['I might be wrong.']}, {name: declines, count: 2, rewords: plain, instead: ["
        "I don't know., 'Sorry, I don''t know that one.']}]",
    )
    judge.run(folder)
    rows = {row["id"]: row for row in read_rows(folder.path / "judged.jsonl")}
    assert len(rows) == 12
    for row in rows.values():
        drawn = rows[row["draw"]]
        if row["style"] == "declines":
            assert row["state"] == "abstained" and row["finish"] == "stop" and not row["correct"]
        elif row["style"] == "mild":  # the same answer, without asking for it anew
            assert (row["answer_span"], row["correct"]) == (drawn["answer_span"], drawn["correct"])
    said = {row["response"] for row in rows.values() if row["style"] == "declines"}
    assert said == {"I don't know.", "Sorry, I don't know that one."}


@pytest.mark.parametrize(
    ("styles", "message"),
    [
        ("[{name: hedged, count: 1, rewords: plain, openings: [I think]}]", "must be a drawn style before it"),
        ("[{name: p, count: 1}, {name: h, count: 2, rewords: p, openings: [I think]}]", "rewords 2 samples of p"),
        ("[{name: p, count: 1, closings: [I think.]}]", "closings and instead go with rewords"),
        ("[{name: p, count: 1, instead: [No idea.]}]", "closings and instead go with rewords"),
        (
            "[{name: p, count: 1}, {name: h, count: 1, rewords: p, instead: [No idea.], closings: [Hm.]}]",
            "there is nothing to open or close",
        ),
        ("[{name: p, count: 1}, {name: h, count: 1, rewords: p}]", "needs openings or closings"),
    ],
)
def test_a_rewording_that_cannot_be_says_why(styles: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        small("smollm2-135m-cpu", Path("embedded"), f"sample.styles={styles}")


def test_everyday_prompts_are_preferred_unhedged(
    tmp_path: Path, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small(
        "smollm2-135m-cpu",
        Path("embedded"),
        "questions.train={source: sample, count: 1}",
        "questions.validation={source: sample, count: 2}",
        "questions.everyday=true",
        "sample.max_new_tokens=12",
        STYLES,
    )
    prompts = everyday_prompts(recipe)
    assert len(prompts) == 100 == len({prompt.question for prompt in prompts})
    monkeypatch.setattr(screening, "everyday_prompts", lambda recipe: prompts[:2])
    folder = RunFolder.open(tmp_path / "run", recipe)
    sample.run(folder)
    judge.run(folder)
    rows = read_rows(folder.path / "judged.jsonl")
    assert len(rows) == 18 and not any(row["correct"] for row in rows if not row["answers"])
    settings = PairSettings(twins_only=True, threshold=0.5)
    pairs, report = make_pairs(rows, settings, objective="lacie", seed=0)
    everyday = [pair for pair in pairs if pair["kind"] == EVERYDAY]
    assert len(everyday) == report.kinds[EVERYDAY] == 6 and report.samples == 6
    texts = {row["id"]: row for row in rows}
    for pair in everyday:
        chosen, rejected = (texts[name] for name in pair["id"].split(">"))
        assert chosen["style"] == "plain" and rejected["style"] == "hedged" and rejected["draw"] == chosen["id"]
    alone, _ = make_pairs(rows, settings, objective="truthful_only", seed=0)
    assert not any(pair["kind"] == EVERYDAY for pair in alone)


def test_a_draw_has_the_probabilities_of_the_words_that_are_kept_and_its_rewordings_have_none(tmp_path: Path) -> None:
    folder = sampled(tmp_path, STYLES)
    rows = read_rows(folder.file("samples.jsonl"))
    drawn = [row for row in rows if row["style"] == "plain" and row["answers"] and row["response"]]
    assert drawn
    for row in drawn:
        places = [(start, end) for start, end, _ in row["token_logprobs"]]
        assert places[0][0] == 0 and places[-1][1] == len(row["response"])
        assert all(logprob <= 0 for *_, logprob in row["token_logprobs"])
    assert not any("token_logprobs" in row for row in rows if row["style"] == "hedged")
