"""The difference of two assessments: what is said of it, and the limits at which the word changes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.comparison import DEADBAND, compare_assessments, compare_samples, summarise_side
from lacie_chat.confidence import Assessment, Span, State, lexical_cues

QUESTION = "What is the capital of Japan?"


def heard(
    response: str,
    answer: str | None = None,
    acceptance: float | None = 0.8,
    *,
    state: State = "answered",
    p_right: float | None = None,
) -> Assessment:
    """An assessment as `assess` would give it, with these figures."""
    start = response.find(answer) if answer else -1
    hedges, boosters = lexical_cues(response)
    return Assessment(
        question=QUESTION,
        response=response,
        state=state,
        answer_span=Span(answer, start, start + len(answer)) if answer else None,
        masked_response=response.replace(answer, "[X]") if answer else response,
        acceptance=acceptance,
        p_right=p_right,
        hedges=hedges,
        boosters=boosters,
    )


TOKYO = heard("It is certainly Tokyo.", "Tokyo", 0.9)
PERHAPS_TOKYO = heard("I think it may be Tokyo.", "Tokyo", 0.3)
KYOTO = heard("It is Kyoto.", "Kyoto", 0.85)
DECLINES = heard("I don't know.", None, 0.1, state="abstained")
GREETING = heard("Hello!", None, 0.5, state="no_claim")


def test_less_sure_with_the_same_answer() -> None:
    found = compare_assessments(TOKYO, PERHAPS_TOKYO)
    assert (found.sounds, found.changed_answer, found.declined, found.same_text) == ("less sure", False, None, False)
    assert found.acceptance_shift == pytest.approx(-0.6)
    assert (found.left.boosters, found.left.hedges) == (1, 0)
    assert found.right.hedges > 0
    assert found.summary("baseline", "adapter") == (
        "adapter sounds less sure than baseline (acceptance 0.90 → 0.30); same answer: Tokyo"
    )


def test_a_changed_answer_that_sounds_alike() -> None:
    found = compare_assessments(TOKYO, KYOTO)
    assert (found.sounds, found.changed_answer) == ("alike", True)
    assert found.summary() == "both sound alike (acceptance 0.90 → 0.85); changed answer: Tokyo → Kyoto"


def test_declining_is_the_difference_and_no_shift() -> None:
    found = compare_assessments(TOKYO, DECLINES)
    assert (found.declined, found.sounds, found.acceptance_shift, found.changed_answer) == ("right", None, None, None)
    assert found.summary("one", "two") == "two declines to answer; one says Tokyo"
    assert compare_assessments(DECLINES, TOKYO).summary("one", "two") == "one declines to answer; two says Tokyo"
    other = heard("No idea.", None, 0.2, state="abstained")
    assert compare_assessments(DECLINES, other).summary() == "both decline"


def test_what_claims_nothing() -> None:
    assert compare_assessments(GREETING, TOKYO).summary() == "left makes no claim; right says Tokyo"
    assert compare_assessments(GREETING, heard("Hi.", state="no_claim")).summary() == "neither makes a claim"
    assert compare_assessments(GREETING, TOKYO).sounds is None


def test_one_text_is_no_difference() -> None:
    found = compare_assessments(TOKYO, TOKYO)
    assert (found.same_text, found.sounds, found.changed_answer) == (True, "alike", False)
    assert found.summary() == "the same text on both sides"


def test_an_empty_response_has_nothing_to_compare() -> None:
    empty = heard("", None, None, state="no_claim")
    found = compare_assessments(empty, TOKYO)
    assert found.acceptance_shift is None
    assert "left makes no claim" in found.summary()


@pytest.mark.parametrize(
    ("after", "word"), [(0.59, "alike"), (0.6, "surer"), (0.41, "alike"), (0.4, "less sure"), (0.5, "alike")]
)
def test_the_deadband_ends_where_the_methods_margin_does(after: float, word: str) -> None:
    assert DEADBAND == 0.1
    assert compare_assessments(heard("a", None, 0.5), heard("b", None, after)).sounds == word


def test_each_figure_is_compared_with_its_like_alone() -> None:
    one = heard("It is Tokyo.", "Tokyo", 0.9, p_right=0.3)
    other = heard("Maybe Tokyo.", "Tokyo", 0.4, p_right=0.1)
    found = compare_assessments(one, other)
    assert (found.acceptance_shift, found.p_right_shift) == pytest.approx((-0.5, -0.2))
    assert "(acceptance 0.90 → 0.40, P(right) 30\u00a0% → 10\u00a0%)" in found.summary()
    nearly_none = compare_assessments(one, heard("Maybe Kyoto.", "Kyoto", 0.4, p_right=0.002))
    assert "P(right) 30\u00a0% → under 1\u00a0%)" in nearly_none.summary()
    half = compare_assessments(one, PERHAPS_TOKYO)
    assert (half.left.p_right, half.right.p_right, half.p_right_shift) == (0.3, None, None)
    assert half.acceptance_shift == pytest.approx(-0.6) and "P(right)" not in half.summary()
    declining = compare_assessments(one, DECLINES)
    assert (declining.right.p_right, declining.right.verdict, declining.p_right_shift) == (None, None, None)


def test_a_side_has_a_mean_p_right_where_every_answer_that_can_be_right_has_one() -> None:
    answers = [heard("It is Tokyo.", "Tokyo", 0.9, p_right=0.2), heard("Kyoto!", "Kyoto", 0.8, p_right=0.6)]
    vague = heard("It is a large city.", None, 0.9)  # no single answer to be right or wrong
    side = summarise_side([*answers, vague, DECLINES])
    assert side.p_right == pytest.approx(0.4)
    assert side.verdict == "sounds surer than it is"
    assert side.to_dict() | {"p_right": 0.4, "verdict": "sounds surer than it is"} == {**side.to_dict(), "p_right": 0.4}
    assert summarise_side([*answers, TOKYO]).p_right is None
    assert summarise_side([vague]).p_right is None


def test_a_longer_name_of_the_same_thing_is_no_changed_answer() -> None:
    short, long = heard("It is Vienna.", "Vienna", 0.8), heard("It is Vienna, Austria.", "Vienna, Austria", 0.8)
    assert compare_assessments(short, long).changed_answer is False
    assert compare_samples([short, long], [long]).left.answer_count == 2


def test_several_samples_show_how_stable_a_side_is() -> None:
    left = [TOKYO, heard("Tokyo, surely.", "Tokyo", 0.7), heard("It is the Tokyo.", "tokyo".title(), 0.8), KYOTO]
    right = [DECLINES, DECLINES, PERHAPS_TOKYO, heard("Perhaps Osaka.", "Osaka", 0.2)]
    found = compare_samples(left, right)
    assert (found.left.answer, found.left.agreement, found.left.answers) == ("Tokyo", 0.75, 2)
    assert found.left.spread == pytest.approx(0.2)
    assert found.left.acceptance == pytest.approx((0.9 + 0.7 + 0.8 + 0.85) / 4)
    assert (found.right.declined, found.right.state, found.right.agreement) == (2, "answered", 0.25)
    assert (found.right.tone, found.right.tone_agreement) == ("declines", 0.5)
    assert found.acceptance_shift == pytest.approx(0.25 - 0.8125)
    assert found.summary("a", "b").endswith("agreement of samples: a 3 of 4, b 1 of 4")
    assert compare_samples(left, [*right, DECLINES]).declined == "right"


def test_a_side_without_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        compare_samples([], [TOKYO])


def test_the_json_says_what_the_difference_says() -> None:
    data = json.loads(json.dumps(compare_assessments(TOKYO, PERHAPS_TOKYO).to_dict()))
    assert data["sounds"] == "less sure"
    assert data["left"]["answer"] == "Tokyo"
    assert data["left"]["agreement"] == 1.0
    assert data["right"]["acceptance"] == 0.3


def test_a_long_answer_stays_on_one_line() -> None:
    long = "one\ntwo " * 20
    summary = compare_assessments(TOKYO, heard(long, long, 0.5)).summary()
    assert "\n" not in summary
    assert len(summary) < 160


samples = st.builds(
    heard,
    st.text(max_size=20),
    acceptance=st.floats(0, 1),
    state=st.sampled_from(["answered", "abstained", "no_claim"]),
)


@given(st.lists(samples, min_size=1, max_size=4), st.lists(samples, min_size=1, max_size=4))
def test_changing_sides_turns_the_difference_round(left: list[Assessment], right: list[Assessment]) -> None:
    there, back = compare_samples(left, right), compare_samples(right, left)
    assert (there.left, there.right) == (back.right, back.left)
    turned = {"surer": "less sure", "less sure": "surer"}
    assert there.sounds == turned.get(str(back.sounds), back.sounds)
    if there.acceptance_shift is not None and back.acceptance_shift is not None:
        assert there.acceptance_shift == -back.acceptance_shift
    assert there.declined == {"left": "right", "right": "left"}.get(str(back.declined), back.declined)
    assert "\n" not in there.summary()
    assert summarise_side(left).n == len(left)
