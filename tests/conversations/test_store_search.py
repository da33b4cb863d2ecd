"""Search: every string is a query, and what is found is shown where it stands."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lacie_chat.conversations import Store
from lacie_chat.conversations.search import match_expression

TEXTS = [
    "Jane Austen wrote Emma in 1815.",
    "The café serves crème brûlée.",
    'She said "maybe" and left.',
    "C++ and C# are languages; so is R.",
    "東京は日本の首都です。",
    "100% sure? NOT at all, AND never OR NEAR(it).",
]


@pytest.fixture(scope="module")
def store() -> Store:
    store = Store.in_memory()
    conversation = store.create_conversation("embedded", title="All")
    parent = None
    for text in TEXTS:
        parent = store.add_message(conversation.id, parent, "user", text).id
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("emma", [0]),
        ("austen emma", [0]),
        ("austen brulee", []),
        ("aus", [0]),  # the last word may be a beginning
        ("aus emma", []),  # only the last one
        ("cafe", [1]),
        ("CRÈME", [1]),
        ('"maybe"', [2]),
        ('"', [2]),
        ("C++", [3]),
        ("C#", [3]),
        ("首都", [4]),
        ("東京", [4]),
        ("100%", [5]),
        ("NEAR(", [5]),
        ("never OR", [5]),
        ("emma OR cafe", []),  # words, not operators
        ("text:emma", []),
        ("", []),
        ("   ", []),
        ("\n\t", []),
        ("no such words", []),
    ],
)
def test_what_is_found(store: Store, query: str, expected: list[int]) -> None:
    assert sorted(TEXTS.index(store.message(hit.message_id).text) for hit in store.search(query)) == expected


@given(st.text(max_size=40))
@example('"')
@example('a" OR "b')
@example("*")
@example("^a")
@example("-a")
@example("a NOT")
@example("{a}:b")
@example("(")
@example("\x00")
@example('a\x00"b')
@example("'; DROP TABLE messages; --")
@example("\ud800")
@example("\U0001d518\U0001d52b\u0301 \U0001f9d1\u200d\U0001f680")
@example("word " * 5000)
@example("x" * 100_000)
def test_every_string_is_a_query(query: str) -> None:
    with Store.in_memory() as store:
        conversation = store.create_conversation("embedded")
        message = store.add_message(conversation.id, None, "user", f"before {query} after")
        for hit in store.search(query):
            assert hit.message_id == message.id
            for start, end in hit.matches:
                assert 0 <= start < end <= len(hit.snippet)
        if match_expression(query) and len(query) < 50 and query.isascii():
            assert len(store.search(query)) == 1


def test_a_hit_says_where(store: Store) -> None:
    (hit,) = store.search("austen 1815")
    assert (hit.title, hit.role) == ("All", "user")
    assert [hit.snippet[start:end] for start, end in hit.matches] == ["Austen", "1815"]


def test_a_hit_in_a_long_text_is_cut_out_of_it(store: Store) -> None:
    with Store.in_memory() as own:
        conversation = own.create_conversation("embedded")
        own.add_message(
            conversation.id, None, "user", "filler\n" * 500 + "[bold]needle[/bold] -> here " + "filler " * 500
        )
        for query in ("needle", "->", "eedl"):
            (hit,) = own.search(query)
            ((start, end),) = hit.matches
            assert hit.snippet[start:end] == query
            assert len(hit.snippet) < 250
            assert "\n" not in hit.snippet
            assert hit.snippet.startswith("…")


def test_the_limit_holds_and_the_best_come_first() -> None:
    with Store.in_memory() as store:
        conversation = store.create_conversation("embedded")
        for number in range(10):
            store.add_message(conversation.id, None, "user", f"emma {'and much else ' * number}")
        hits = store.search("emma", limit=3)
        assert len(hits) == 3
        assert store.message(hits[0].message_id).text.strip() == "emma"


def test_an_answer_is_found_once_it_is_finished_and_not_after_it_is_deleted() -> None:
    with Store.in_memory() as store:
        conversation = store.create_conversation("embedded")
        answer = store.add_message(conversation.id, None, "assistant", "Jane ", status="streaming")
        store.append(answer.id, "Austen")
        store.finish(answer.id, "complete")
        assert len(store.search("austen")) == 1
        store.delete(conversation.id)
        assert store.search("austen") == []
        # The index agrees with the table: FTS5's own check.
        store._connection.execute("INSERT INTO message_search (message_search) VALUES ('integrity-check')")
