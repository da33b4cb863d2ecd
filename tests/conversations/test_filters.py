"""Filters: what they find, what they don't, and one line where one isn't understood."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_store import ASSESSMENT  # type: ignore[import-not-found]

from lacie_chat.conversations import FilterError, Store, parse_query


def heard(sounds: float, right: float | None, state: str = "answered") -> dict[str, Any]:
    """An assessment with these figures."""
    confidence = (
        {"value": right, "kind": "calibrated"} if right is not None else {"value": sounds, "kind": "acceptance"}
    )
    return {
        **ASSESSMENT,
        "state": state,
        "acceptance": sounds,
        "confidence": confidence if state == "answered" else None,
    }


def add(
    store: Store, title: str, *answers: tuple[dict[str, Any] | None, bool | None], model: str = "SmolLM2", **params: Any
) -> str:
    """A conversation with these answers (assessment, mark) to one question; its id."""
    conversation = store.create_conversation(model, params.pop("own", None), title)
    question = store.add_message(conversation.id, None, "user", f"What of {title}?")
    for assessment, mark in answers:
        answer = store.add_message(conversation.id, question.id, "assistant", f"An answer on {title}.", params=params)
        if assessment:
            store.attach_assessment(answer.id, assessment)
        if mark is not None:
            store.mark(answer.id, mark)
    return conversation.id


@pytest.fixture
def full(store: Store) -> Store:
    add(store, "rivers", (heard(0.9, 0.3), False))
    add(store, "seas", (heard(0.9, 0.8), True), (heard(0.2, 0.1), False), own="lacie-v1")
    add(store, "hills", (heard(0.2, None, "abstained"), None), model="Qwen3", own="other")
    lakes = store.create_conversation("SmolLM2", "lacie-v1", "lakes")
    question = store.add_message(lakes.id, None, "user", "What of lakes?")
    answer = store.add_message(
        lakes.id, question.id, "assistant", "C++ on lakes", params={"model": "Qwen3.5-2B", "adapter": None}
    )
    store.attach_assessment(answer.id, heard(0.804, None))
    store.finish(answer.id, "complete", usage={"finish_reason": "length"})
    store.pin(lakes.id)
    return store


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", "rivers seas hills lakes"),
        ("is:wrong", "rivers seas"),
        ("is:right", "seas"),
        ("is:unmarked", "lakes"),
        ("is:abstained", "hills"),
        ("is:cut", "lakes"),
        ("is:pinned", "lakes"),
        ("-is:pinned", "rivers seas hills"),
        ("is:deleted", ""),
        ("sounds:>80", "rivers seas"),
        ("sounds:80", "lakes"),
        ("sounds:>=80", "rivers seas lakes"),
        ("sounds:70-85%", "lakes"),
        ("right:<40", "rivers seas"),
        ("is:wrong sounds:>80", "rivers"),
        ("is:wrong -is:right", "rivers"),
        ("-is:wrong", "hills lakes"),
        ("model:qwen", "hills lakes"),
        ("model:smol", "rivers seas"),
        ("adapter:none", "rivers lakes"),
        ("adapter:LACIE", "seas"),
        ("after:today", "rivers seas hills lakes"),
        ("before:today", ""),
        ("after:2020-01-31 before:2021-01-31", ""),
        ("lakes", "lakes"),
        ("answer is:wrong", "rivers seas"),
        ("what -seas", "rivers hills lakes"),
        ("C++ is:pinned", "lakes"),
        ('"what of" IS:Pinned', "lakes"),
        ('-"what of hills"', "rivers seas lakes"),
    ],
)
def test_what_a_query_finds(full: Store, query: str, titles: str) -> None:
    found = [each.title for each in full.list_conversations(query=parse_query(query))]
    assert found == titles.split()[::-1]
    hits = {hit.title for hit in full.search(parse_query(query))}
    assert hits == (set(titles.split()) if query else set())


def test_right_goes_by_the_figure_of_today_where_there_is_one(full: Store) -> None:
    full.right_by(lambda params, heard: 0.95 if (heard["confidence"] or {}).get("value") == 0.3 else None)
    found = {each.title for each in full.list_conversations(query=parse_query("right:>90"))}
    assert found == {"rivers"} == {hit.title for hit in full.search(parse_query("right:95"))}
    assert {each.title for each in full.list_conversations(query=parse_query("right:<40"))} == {"seas"}


def test_without_words_the_search_gives_the_answers_themselves(full: Store) -> None:
    (hit,) = full.search(parse_query("is:wrong sounds:>80"))
    assert (hit.role, hit.snippet) == ("assistant", "An answer on rivers.")


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("is:wrng", "there is no is:wrng; did you mean wrong?; there are abstained, right,"),
        ("is:", "is: what? there are abstained,"),
        ("sound:>80", "there is no filter sound:; did you mean sounds:?; there are is:, sounds:,"),
        ("note:this", 'put it in quotes: "note:this"'),
        ("sounds:loud", "sounds:loud is no percentage; write it so: sounds:>80,"),
        ("right:>140", "right:>140 is no percentage"),
        ("right:", "is no percentage"),
        ("before:yesteryear", "before:yesteryear is no date; write it so: before:2026-01-31"),
        ("after:2026-02-30", "is no date"),
        ("before:0001-01-01", "is no date|"),
        ("model:", "model: which? write a part of its name"),
    ],
)
def test_what_is_no_filter_is_one_line(query: str, line: str) -> None:
    if line.endswith("|"):  # where the clock's zone lets it be one
        line = line[:-1]
        try:
            parse_query(query)
        except FilterError as error:
            assert line in str(error)
        return
    with pytest.raises(FilterError) as caught:
        parse_query(query)
    assert line in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["https://example.org", "std::vector<int>", "10:30", "->", "TODO:", "C:\\x", '"is:wrong"', "- x", "--", "a-b"],
)
def test_what_only_looks_like_a_filter_is_text(text: str) -> None:
    query = parse_query(text)
    assert query.words == text.strip('"')
    assert not query.answers and not query.conversations and not query.without


@given(st.text())
def test_any_text_is_a_query_or_one_line(text: str) -> None:
    with Store.in_memory() as store:
        store.create_conversation("m", title="t")
        try:
            query = parse_query(text)
        except FilterError as error:
            assert "\n" not in str(error)
            return
        store.list_conversations(query=query)
        store.search(query)


def test_the_days_of_a_date_are_the_users(store: Store) -> None:
    now = datetime.now(UTC)
    store.create_conversation("m", title="t")
    tomorrow = f"{now.astimezone() + timedelta(days=1):%Y-%m-%d}"
    assert store.list_conversations(query=parse_query(f"before:{tomorrow} after:{now.astimezone():%Y-%m-%d}"))
    assert not store.list_conversations(query=parse_query(f"after:{tomorrow}"))
