"""What is thought before an answer: kept beside it, exported apart, not searched; and why an answer ended."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.conversations import Message, Store, StoreError, is_thought_only, thought_text
from lacie_chat.conversations.thoughts import PART
from lacie_chat.cut_off import stored_words

THOUGHT = "The user asks for Emma.\n```python\nprint('</details>\n\nSo it is **Jane**? I am not sure."


def thought_of(store: Store, thought: str = THOUGHT, text: str = "Jane Austen.", **ending: Any) -> Message:
    """An answer with a thought before it."""
    conversation = store.create_conversation("embedded")
    question = store.add_message(conversation.id, None, "user", "Who wrote Emma?")
    answer = store.add_message(conversation.id, question.id, "assistant", status="streaming")
    store.append_thought(answer.id, thought)
    if text:
        store.append(answer.id, text)
    store.finish(answer.id, ending.pop("status", "complete"), **ending)
    return store.message(answer.id)


@given(st.lists(st.text(), max_size=12))
def test_a_thought_is_read_back_as_it_came(pieces: list[str]) -> None:
    with Store.in_memory() as store:
        conversation = store.create_conversation("embedded")
        answer = store.add_message(conversation.id, None, "assistant", status="streaming")
        for piece in pieces:
            store.append_thought(answer.id, piece)
        assert store.message(answer.id).reasoning == "".join(pieces).replace("\0", "\ufffd")


def test_a_long_thought_is_kept_in_parts_of_bounded_length(store: Store) -> None:
    conversation = store.create_conversation("embedded")
    one, other = (store.add_message(conversation.id, None, "assistant", status="streaming").id for _ in range(2))
    words = [f"word{number} " for number in range(3000)]
    for word in words:
        store.append_thought(one, word)
        store.append_thought(other, word[::-1])
    assert store.message(one).reasoning == "".join(words)
    assert store.message(other).reasoning == "".join(word[::-1] for word in words)
    lengths = [row[0] for row in store._connection.execute("SELECT length(text) FROM thoughts WHERE message_id = 1")]
    assert len(lengths) > 5 and max(lengths) < PART + 20


def test_it_goes_with_its_conversation_and_is_not_searched(store: Store) -> None:
    answer = thought_of(store)
    assert store.search("asks") == []
    assert [hit.message_id for hit in store.search("Austen")] == [answer.id]
    assert store.list_conversations()[0].last_line == "Jane Austen."
    store.delete(answer.conversation_id, now=True)
    assert store._connection.execute("SELECT count(*) FROM thoughts").fetchone()[0] == 0
    with pytest.raises(StoreError, match="is gone: its conversation was deleted"):
        store.append_thought(answer.id, "more")


def test_markdown_folds_it_apart_whatever_is_in_it(store: Store) -> None:
    answer = thought_of(store, timings={"reasoning_seconds": 12.3})
    text = store.export(answer.conversation_id, "markdown")
    assert text.endswith(
        "\n".join(
            [
                "## Assistant",
                "",
                "<details>",
                "<summary>Thought for 12 s, 15 words</summary>",
                "",
                "> The user asks for Emma.",
                "> ```python",
                "> print('\\</details>",
                ">",
                "> So it is **Jane**? I am not sure.",
                "",
                "</details>",
                "",
                "Jane Austen.",
                "",
            ]
        )
    )


def test_json_has_it_beside_the_text(store: Store) -> None:
    answer = thought_of(store, usage={"finish_reason": "length"})
    question, message = json.loads(store.export(answer.conversation_id, "json"))["messages"]
    assert (question["reasoning"], message["reasoning"], message["text"]) == ("", THOUGHT, "Jane Austen.")
    assert message["usage"]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("text", "ending", "line"),
    [
        ("", {"status": "cancelled"}, "> This answer stopped while thinking: no answer yet."),
        (
            "",
            {"usage": {"finish_reason": "length", "reasoning_open": True}},
            "> This answer stopped while thinking: no answer yet.",
        ),
        (
            "",
            {"usage": {"finish_reason": "stop", "reasoning_open": True}},
            "> This answer ended within its thought: no answer.",
        ),
        (
            "",
            {"usage": {"finish_reason": "context", "reasoning_open": True}},
            "> This answer stopped while thinking, for the context is full: no answer yet.",
        ),
        ("", {"usage": {"finish_reason": "stop"}}, "> The model said nothing after its thought."),
        ("", {"status": "cancelled", "usage": {"finish_reason": "cancelled"}}, "> This answer was cancelled."),
        ("Jane", {"status": "cancelled"}, "> This answer was cancelled."),
        ("Jane", {"usage": {"finish_reason": "length", "completion_tokens": 9}}, "> This answer stopped at 9 tokens."),
        (
            "Jane",
            {"usage": {"finish_reason": "context", "completion_tokens": 9}},
            "> This answer stopped at 9 tokens: the context is full.",
        ),
        ("Jane", {"usage": {"finish_reason": "stop"}}, "Jane"),
    ],
)
def test_markdown_says_how_it_ended(store: Store, text: str, ending: dict[str, Any], line: str) -> None:
    answer = thought_of(store, text=text, **ending)
    assert store.export(answer.conversation_id, "markdown").splitlines()[-1] == line


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ({"finish_reason": "stop", "completion_tokens": 8}, None),  # by itself, at the very last token
        ({"finish_reason": "length", "completion_tokens": 8}, "stopped at 8 tokens"),
        ({"finish_reason": "length", "completion_tokens": 90, "reasoning_tokens": 82}, "stopped at 8 tokens"),
        ({"finish_reason": "context", "completion_tokens": 8}, "stopped at 8 tokens: the context is full"),
        ({"finish_reason": "cancelled", "completion_tokens": 8}, None),
        ({"completion_tokens": 8}, "stopped at 8 tokens"),  # from before the reason was kept
        ({"completion_tokens": 7}, None),
        (None, None),
    ],
)
def test_why_it_stopped_is_the_engines_word(usage: dict[str, Any] | None, said: str | None) -> None:
    assert stored_words(usage, {"sampling": {"max_tokens": 8}}) == said


def test_how_long_was_thought_in_words() -> None:
    assert thought_text("one two  three", 12.4) == "thought for 12 s, 3 words"
    assert thought_text("one", 185) == "thought for 3 min 5 s, 1 word"
    assert thought_text("one", 0.43) == "thought for 0.4 s, 1 word"
    assert thought_text("one two", None) == "thought 2 words"


def test_what_ended_in_its_thought_has_no_answer() -> None:
    assert is_thought_only("hm", " \n", None)
    assert is_thought_only("hm", "half", {"reasoning_open": True})
    assert not is_thought_only("hm", "whole", {"reasoning_open": False})
    assert not is_thought_only("", "", None)
