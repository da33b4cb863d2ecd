"""Blinding, balance and shuffling, as properties."""

import itertools
import json
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from studies import judge

from lacie_chat.study import Shown, Study, assign, plan
from lacie_chat.study.checks import CHECKS, check_items
from lacie_chat.study.design import place_checks

questions = st.integers(1, 60).map(lambda n: [f"q{number}" for number in range(n)])
names = st.text(min_size=1, max_size=12)


@given(names, names, questions, st.none() | st.integers(1, 70))
def test_a_question_once_and_the_speakers_balanced(
    study_id: str, person: str, ids: list[str], items: int | None
) -> None:
    assigned = assign(study_id, person, ids, items)
    seen = [question for question, _ in assigned]
    assert len(set(seen)) == len(seen) == min(len(ids), items or len(ids))
    assert set(seen) <= set(ids)
    counts = Counter(speaker for _, speaker in assigned)
    assert abs(counts["baseline"] - counts["lacie"]) <= 1
    assert assign(study_id, person, list(reversed(ids)), items) == assigned, "study and person settle it"


@given(names, st.lists(names, min_size=2, max_size=2, unique=True), st.integers(16, 60))
def test_people_get_orders_and_speakers_of_their_own(study_id: str, people: list[str], n: int) -> None:
    ids = [f"q{number}" for number in range(n)]
    one, other = (assign(study_id, person, ids) for person in people)
    assert [question for question, _ in one] != [question for question, _ in other]
    assert dict(one) != dict(other)
    assert {question for question, _ in one} == {question for question, _ in other}


@given(names, names, names, st.integers(1, 40), st.integers(1, 40))
def test_more_items_are_more_of_the_same_questions(study_id: str, ana: str, bo: str, few: int, more: int) -> None:
    ids = [f"q{number}" for number in range(40)]
    few, more = sorted((few, more))
    small, large = assign(study_id, ana, ids, few), assign(study_id, bo, ids, more)
    assert {question for question, _ in small} <= {question for question, _ in large}


def test_over_many_people_neither_speaker_nor_place_is_favoured() -> None:
    ids = [f"q{number}" for number in range(11)]
    speakers: Counter[tuple[str, str]] = Counter()
    first: Counter[str] = Counter()
    speaker_of_first: Counter[str] = Counter()
    same_as_before = 0
    for number in range(600):
        assigned = assign("study", f"person {number}", ids)
        speakers.update(assigned)
        first[assigned[0][0]] += 1
        speaker_of_first[assigned[0][1]] += 1
        same_as_before += sum(a[1] == b[1] for a, b in itertools.pairwise(assigned))
    for question in ids:
        assert abs(speakers[question, "lacie"] - 300) < 60  # five standard deviations
        assert abs(first[question] - 600 / 11) < 40
    assert abs(speaker_of_first["lacie"] - 300) < 60
    assert 0.4 < same_as_before / (600 * 10) < 0.5, "neither in blocks nor by turns: 5 in 11 follow their like"


@given(names, names, st.integers(0, 100))
def test_checks_are_of_both_kinds_apart_and_never_first(study_id: str, person: str, n: int) -> None:
    placed = place_checks(study_id, person, n)
    places, numbers = [place for place, _ in placed], [number for _, number in placed]
    assert len(set(numbers)) == len(numbers)
    assert len(set(places)) == len(places)
    assert all(1 <= place < max(n, 2) for place in places)
    assert len(placed) >= (2 if n >= 4 else 1 if n >= 2 else 0)
    kinds = Counter(CHECKS[number].accept for number in numbers)
    assert abs(kinds[True] - kinds[False]) <= 1


def test_the_plan_is_the_assignment_with_the_checks_in_between(study: Study) -> None:
    checks = check_items(study.id)
    shown = plan(study, "Ana")
    assert shown == plan(study, "Ana")
    real = [each for each in shown if each.item not in checks]
    assert [study.answers_by_item[each.item].question_id for each in real] == [
        question for question, _ in assign(study.id, "Ana", study.question_ids())
    ]
    for each in real:
        answer = study.answers_by_item[each.item]
        assert (each.question, each.response) == (answer.question, answer.response)
    assert len(shown) == len(real) + 2 and shown[0] in real


def test_nothing_that_a_person_is_given_names_the_speaker(study: Study) -> None:
    assert [field.name for field in fields(Shown)] == ["item", "question", "response", "cut"]
    file = judge(study, "Ana")
    written = file.path.read_text() + json.dumps([asdict(shown) for shown in plan(study, "Ana")]) + str(file.path)
    for word in ("baseline", "lacie", "adapter", "side", "speaker", "model", "correct"):
        assert word not in written.lower().replace(str(study.folder).lower(), "")


def test_items_look_alike_whatever_they_are(study: Study) -> None:
    ids = [*study.answers_by_item, *check_items(study.id)]
    assert len(set(ids)) == 2 * 12 + len(CHECKS)
    assert {len(item) for item in ids} == {12}
    assert all(set(item) <= set("0123456789abcdef") for item in ids)


def test_the_checks_ask_for_what_they_want_at_their_end() -> None:
    for check in CHECKS:
        end = check.response[-45:]
        assert ("accept" in end) is check.accept
        assert ("reject" in end) is not check.accept
        assert Path(check.question).name and len(check.response) < 240
