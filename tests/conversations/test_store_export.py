"""Export: Markdown of the shown branch with each answer's confidence, JSON of the whole tree."""

import json
from dataclasses import replace

import pytest
from test_store import ASSESSMENT  # type: ignore[import-not-found]

from lacie_chat.confidence import Assessment, confidence_text
from lacie_chat.conversations import Store, StoreError
from lacie_chat.conversations.export import confidence_line, with_fences_closed


@pytest.fixture
def branched(store: Store) -> tuple[Store, str]:
    conversation = store.create_conversation("embedded", "lacie.gguf")
    question = store.add_message(conversation.id, None, "user", "Who wrote *Emma*?")
    other = store.add_message(conversation.id, question.id, "assistant", "Charlotte Brontë")
    store.attach_assessment(other.id, ASSESSMENT)
    answer = store.add_message(conversation.id, question.id, "assistant", "I think Jane Austen.")
    store.attach_assessment(answer.id, ASSESSMENT)
    code = store.add_message(conversation.id, answer.id, "user", "Print it")
    cut = store.add_message(conversation.id, code.id, "assistant", "```python\nprint('Emma", status="streaming")
    store.finish(cut.id, "cancelled")
    store.add_message(conversation.id, cut.id, "user", "[bold]Thanks[/bold]")
    return store, conversation.id


def test_markdown_is_the_shown_branch(branched: tuple[Store, str]) -> None:
    store, conversation_id = branched
    text = store.export(conversation_id, "markdown")
    when = store.conversation(conversation_id).created_at.strftime("%Y-%m-%d %H:%M UTC")
    assert text == "\n".join(
        [
            "# Who wrote \\*Emma\\*?",
            "",
            f"{when}, model embedded, adapter lacie.gguf, conversation {conversation_id}",
            "",
            "## You",
            "",
            "Who wrote *Emma*?",
            "",
            "## Assistant",
            "",
            "I think Jane Austen.",
            "",
            "> ▰▰▰▰▱▱▱▱▱▱ hedges · right about 3 in 5 (60\u00a0%) · the tone fits",
            "",
            "## You",
            "",
            "Print it",
            "",
            "## Assistant",
            "",
            "```python",
            "print('Emma",
            "```",
            "",
            "> This answer was cancelled.",
            "",
            "## You",
            "",
            "[bold]Thanks[/bold]",
            "",
        ]
    )


def test_json_is_the_whole_tree(branched: tuple[Store, str]) -> None:
    store, conversation_id = branched
    data = json.loads(store.export(conversation_id, "json"))
    assert data["conversation"]["id"] == conversation_id
    assert data["conversation"]["leaf_id"] == data["messages"][-1]["id"]
    texts = [message["text"] for message in data["messages"]]
    assert texts == [message.text for message in store.messages(conversation_id)]
    assert "Charlotte Brontë" in texts
    assert data["messages"][1]["parent_id"] == data["messages"][2]["parent_id"] == data["messages"][0]["id"]
    assert data["messages"][2]["assessment"] == ASSESSMENT
    assessment = Assessment.from_dict(data["messages"][2]["assessment"])
    assert (assessment.acceptance, assessment.p_right, assessment.verdict) == (0.4, 0.6, "sounds about right")


def test_an_empty_or_unknown_conversation(store: Store) -> None:
    conversation = store.create_conversation("embedded")
    assert store.export(conversation.id, "markdown").startswith(f"# {conversation.id}\n")
    assert json.loads(store.export(conversation.id, "json"))["messages"] == []
    with pytest.raises(StoreError, match="no conversation 'nosuch'"):
        store.export("nosuch", "markdown")
    with pytest.raises(ValueError, match="no such format"):
        store.export(conversation.id, "pdf")  # type: ignore[arg-type]


def test_the_line_is_the_chats_whatever_is_known_of_the_answer() -> None:
    heard = Assessment.from_dict(ASSESSMENT)
    for other in (
        heard,
        replace(heard, p_right=None),
        replace(heard, p_right=None, answer_span=None),
        replace(heard, state="abstained", answer_span=None, p_right=None),
        replace(heard, state="no_claim", answer_span=None, p_right=None),
    ):
        assert confidence_line(other.to_dict()) == confidence_text(other)
    older = {**ASSESSMENT, "confidence": {"value": 0.4, "kind": "acceptance"}}  # before P(right) had a name
    assert confidence_line(older) == confidence_text(replace(heard, p_right=None))
    assert confidence_line(None) is None


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("plain", "plain"),
        ("```\na\n```", "```\na\n```"),
        ("```\na", "```\na\n```"),
        ("~~~~ py\na\n~~~\n```", "~~~~ py\na\n~~~\n```\n~~~~"),
        ("inline ```a``` code", "inline ```a``` code"),
        ("```a``` starts a line", "```a``` starts a line"),
        ("```\na\n``` not the end", "```\na\n``` not the end\n```"),
        ("    ``` is indented code", "    ``` is indented code"),
    ],
)
def test_an_open_fence_is_closed(text: str, closed: str) -> None:
    assert with_fences_closed(text) == closed


def test_markdown_says_where_an_answer_stopped(store: Store) -> None:
    conversation = store.create_conversation("embedded")
    question = store.add_message(conversation.id, None, "user", "Tell me of the sea")
    answer = store.add_message(conversation.id, question.id, "assistant", "It is wide and", status="streaming")
    store.finish(answer.id, "complete", usage={"completion_tokens": 4, "finish_reason": "length"})
    store.set_leaf(conversation.id, answer.id)
    assert store.export(conversation.id, "markdown").endswith("It is wide and\n\n> This answer stopped at 4 tokens.\n")


def test_what_was_left_out_and_what_was_not_sent_is_said(store: Store) -> None:
    conversation = store.create_conversation("embedded")
    question = store.add_message(conversation.id, None, "user", "A long question")
    part = {"tokens": 400, "characters": [4, 20], "from": "the gulls", "to": "grey water"}
    cut = {"turns": 2, "tokens": 500, "system": False, "question": part}
    answer = store.add_message(conversation.id, question.id, "assistant", "Half.", status="streaming")
    store.finish(answer.id, "complete", usage={"finish_reason": "stop", "cut": cut})
    another = store.add_message(conversation.id, answer.id, "user", "A longer question")
    unsent = store.add_message(conversation.id, another.id, "assistant", "", status="streaming")
    store.finish(unsent.id, "cancelled", usage={"finish_reason": "not_sent", "prompt_tokens": 12300, "room": 7680})
    text = store.export(conversation.id, "markdown")
    assert (
        "> The oldest 2 turns (500 tokens) no longer fit the model's context and were left out. The question is" in text
    )
    assert "400 tokens of its middle were left out, from “the gulls” to “grey water”." in text
    assert text.rstrip().endswith("> The question was not sent: 12,300 tokens, and there is room for 7,680.")
