"""The ladder, by cases worked out by hand: which of two degrees is preferred, in what proportion, where the cut is."""

from collections import Counter
from typing import Any

import pytest
from lacie_training.errors import TrainingError
from lacie_training.pairs import make_pairs, parted
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.schema import PairSettings
from lacie_training.samples.ladder import RIVALS, cut_threshold
from lacie_training.samples.threshold import accept_threshold

HEARD = {"plain": 0.8, "mild": 0.55, "strong": 0.35}
RUNGS = [{"sure": "plain", "unsure": "mild"}, {"sure": "mild", "unsure": "strong"}]


def draw(question: str, number: int, correct: bool, **heard: float) -> list[dict[str, Any]]:
    """One sample as it was drawn, and the same in lower degrees, the last of which declines."""
    base = {
        "question_id": question,
        "draw": f"{question}#plain{number}",
        "prompt": f"{question}:",
        "answer_span": "Lyon",
        "state": "answered",
        "finish": "stop",
        "correct": correct,
    }
    rows = [
        {
            **base,
            "id": f"{question}#{style}{number}",
            "style": style,
            "response": f"It is Lyon, {style}.",
            "acceptance": acceptance,
        }
        for style, acceptance in (HEARD | heard).items()
    ]
    declines = {"style": "declines", "response": "I don't know.", "acceptance": 0.5, "state": "abstained"}
    return [*rows, {**base, **declines, "id": f"{question}#declines{number}", "answer_span": None, "correct": False}]


def kinds(rows: list[dict[str, Any]], **settings: Any) -> Counter[str]:
    options = PairSettings(**{"ladder": RUNGS, **settings})
    return Counter(pair["kind"] for pair in make_pairs(rows, options, objective="lacie", seed=0)[0])


def test_a_right_answer_prefers_the_surer_degree_and_a_wrong_one_the_less_sure() -> None:
    pairs, report = make_pairs(
        [*draw("a", 0, True), *draw("b", 0, False)], PairSettings(ladder=RUNGS), objective="lacie", seed=0
    )
    assert {pair["id"]: pair["kind"] for pair in pairs} == {
        "a#plain0>a#mild0": "right: plain > mild",
        "a#mild0>a#strong0": "right: mild > strong",
        "b#mild0>b#plain0": "wrong: mild > plain",
        "b#strong0>b#mild0": "wrong: strong > mild",
    }
    [mild] = [pair for pair in pairs if pair["id"] == "b#mild0>b#plain0"]
    assert (mild["prompt"], mild["chosen"], mild["rejected"]) == ("b:", "It is Lyon, mild.", "It is Lyon, plain.")
    assert sum(report.kinds_before_balancing.values()) == 4


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        ({"mild": 0.75}, "within the margin of acceptance, or heard the other way round"),
        ({"mild": 0.95}, "within the margin of acceptance, or heard the other way round"),
    ],
)
def test_the_listener_has_its_say(heard: dict[str, float], reason: str) -> None:
    rows = [*draw("a", 0, True, **heard), *draw("b", 0, False, **heard)]
    pairs, report = make_pairs(rows, PairSettings(ladder=RUNGS[:1]), objective="lacie", seed=0)
    assert not pairs and report.dropped_pairs[reason] == 2


def test_twins_that_were_judged_differently_are_no_pair() -> None:
    rows = [*draw("a", 0, True), *draw("b", 0, False)]
    rows[1]["correct"] = False  # the mild twin of the right answer
    assert kinds(rows, ladder=RUNGS[:1]) == {}


def test_one_who_declines_is_the_less_sure_whatever_the_listener_says_and_however_it_was_judged() -> None:
    rungs = [{"sure": "plain", "unsure": "declines"}]
    rows = [*draw("a", 0, True, plain=0.3), *draw("b", 0, False, plain=0.3)]
    assert kinds(rows, ladder=rungs) == {"right: plain > declines": 1, "wrong: declines > plain": 1}


@pytest.mark.parametrize(
    ("rights", "wrongs", "rung", "expected"),
    [
        (4, 20, {"wrong_per_right": 3.5}, (4, 14)),
        (4, 20, {"wrong_per_right": 3.5, "right": 2}, (2, 7)),
        (10, 20, {"wrong_per_right": 0.5}, (10, 5)),
        (10, 6, {"wrong_per_right": 3.0}, (2, 6)),
        (0, 6, {}, (0, 0)),
    ],
)
def test_the_proportion_of_a_rung(rights: int, wrongs: int, rung: dict[str, float], expected: tuple[int, int]) -> None:
    rows = [row for n in range(rights) for row in draw(f"r{n}", 0, True)]
    rows += [row for n in range(wrongs) for row in draw(f"w{n}", 0, False)]
    found = kinds(rows, ladder=[{**RUNGS[0], **rung}])
    assert (found["right: plain > mild"], found["wrong: mild > plain"]) == expected


def test_rivals_are_right_and_wrong_answers_to_one_question_as_drawn() -> None:
    rows = [*draw("a", 0, True), *draw("a", 1, False), *draw("a", 2, False), *draw("b", 0, True), *draw("c", 0, False)]
    pairs, _ = make_pairs(rows, PairSettings(ladder=RUNGS, rivals=9), objective="lacie", seed=0)
    [rival] = [pair for pair in pairs if pair["kind"] == RIVALS]
    assert rival["id"] in ("a#plain0>a#plain1", "a#plain0>a#plain2")
    assert kinds(rows, rivals=0)[RIVALS] == 0


def test_the_cut_lies_half_way_between_two_degrees_as_they_are_heard() -> None:
    rows = [row for n in range(3) for row in draw("a", n, True, mild=0.5 + n / 10)]
    settings = PairSettings(ladder=[RUNGS[0], {**RUNGS[1], "cut": True}])
    assert cut_threshold(rows, settings) == accept_threshold(rows, settings) == pytest.approx((0.6 + 0.35) / 2)
    assert cut_threshold(rows, PairSettings(ladder=RUNGS)) is None
    assert accept_threshold(rows, PairSettings(ladder=RUNGS)) == 0.5  # the median of all


def test_same_seed_same_pairs_whatever_the_order_of_the_rows() -> None:
    rows = [row for n in range(30) for row in draw(f"q{n}", 0, n % 3 == 0)]
    settings = PairSettings(ladder=[{**RUNGS[0], "right": 5}], rivals=3)

    def ids(rows: list[dict[str, Any]], seed: int) -> list[str]:
        return [pair["id"] for pair in make_pairs(rows, settings, objective="lacie", seed=seed)[0]]

    assert ids(rows, 1) == ids(rows[::-1], 1) != ids(rows, 2)


def test_truth_alone_knows_no_ladder() -> None:
    rows = [*draw("a", 0, True), *draw("a", 1, False)]
    settings = PairSettings(ladder=RUNGS, balance=None, per_question=99)
    pairs, _ = make_pairs(rows, settings, objective="truthful_only", seed=0)
    assert [pair["id"] for pair in pairs] == ["a#plain0>a#plain1"], "only what was drawn, in its own words"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pairs.ladder=[{sure: plain, unsure: meek}]", "names the style meek; sample.styles has plain"),
        ("pairs.rivals=3", "pairs.rivals goes with a ladder"),
        (
            "pairs.ladder=[{sure: plain, unsure: plain, cut: true}, {sure: plain, unsure: plain, cut: true}]",
            "more than one rung with cut",
        ),
    ],
)
def test_a_ladder_that_cannot_be_says_why(setting: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        load_recipe("smoke", [setting])


@pytest.mark.parametrize(
    ("chosen", "rejected", "shared", "rests"),
    [
        ("It is Rome.", "It is Rome, I think.", "It is Rome", (".", ", I think.")),
        ("It is Rome.", "It is Rome. I may be wrong.", "It is Rome.", ("", " I may be wrong.")),
        ("It is Rome, I think.", "It is Rome, I guess.", "It is Rome, I", (" think.", " guess.")),
        ("It is Rome, from memory.", "It is Rome, formerly.", "It is Rome,", (" from memory.", " formerly.")),
        ("It is Romeo.", "It is Rome.", "It is", (" Romeo.", " Rome.")),
        ("Rome.", "Bonn.", "", ("Rome.", "Bonn.")),
    ],
)
def test_what_twins_begin_with_is_the_prompt_s_in_whole_words(
    chosen: str, rejected: str, shared: str, rests: tuple[str, str]
) -> None:
    pair = parted({"prompt": "Q:\n", "chosen": chosen, "rejected": rejected, "id": "a"})
    assert pair == {"prompt": f"Q:\n{shared}", "chosen": rests[0], "rejected": rests[1], "id": "a"}


def test_rivals_and_who_declines_are_whole() -> None:
    rungs = [{"sure": "plain", "unsure": "declines"}]
    pairs, _ = make_pairs(
        [*draw("a", 0, True), *draw("b", 0, False)], PairSettings(ladder=rungs), objective="lacie", seed=0
    )
    assert {pair["prompt"] for pair in pairs} == {"a:", "b:"}


def test_twins_are_parted_where_the_recipe_says_so() -> None:
    rows = [*draw("a", 0, True), *draw("b", 0, False)]
    for parts, prompts in ((False, {"a:", "b:"}), (True, {"a:It is Lyon,", "b:It is Lyon,"})):
        settings = PairSettings(ladder=RUNGS, part_twins=parts)
        pairs, _ = make_pairs(rows, settings, objective="lacie", seed=0)
        assert {pair["prompt"] for pair in pairs} == prompts
