"""The plain chat where room is short: what doesn't fit is said before it is sent, and the next line decides."""

from plain_lines import river
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.engine.events import Cut, PromptSize

FITS = PromptSize(41, 12, 7_680, 8_192)
LONG = PromptSize(12_300, 12_300, 7_680, 8_192, Cut(0, 4_620, 7_680, question=(0, 5), question_tokens=4_620))
BEHIND = PromptSize(8_300, 30, 8_176, 8_192, Cut(2, 900, 7_000), said=512)
ASKED = (
    "Answer: none yet.\n"
    "It doesn't fit. This question is 12,300 tokens; the model's context holds 8,192, of which 512 are kept for the "
    "answer.\n/go-on sends it without its middle (4,620 tokens); any other line doesn't send it.\n"
)


def test_it_is_said_and_sent_when_that_is_said(talk) -> None:
    engine = ScriptedEngine([Answer(["It is the Danube."], events=[LONG.cut])], ScriptedReader("the Danube", 0.9))
    engine.sizes = [LONG]
    said = talk(engine, "A long question", "/help", "/go-on")
    assert ASKED in said and len(engine.prompts) == 1
    assert said.index(ASKED) < said.index("/go-on: let an answer") < said.index("Answer: (The question is longer")
    assert "It is the Danube." in said


def test_the_next_line_is_asked_instead(talk, store) -> None:
    engine = river("It is the Danube.")
    engine.sizes = [LONG]
    said = talk(engine, "A long question", "A short one")
    assert "The question before is kept, not sent: 12,300 tokens, and there is room for 7,680.\n" in said
    assert [[each.content for each in prompt] for prompt in engine.prompts] == [["A short one"]]
    assert store.list_conversations()[0].messages == 4


def test_the_end_leaves_it_unsent(talk, store) -> None:
    engine = ScriptedEngine(sizes=[LONG])
    assert ASKED in talk(engine, "A long question")
    question, answer = store.messages(store.list_conversations()[0].id)
    assert (question.text, answer.status, engine.prompts) == ("A long question", "cancelled", [])


def test_an_answer_goes_on_and_says_so_before_old_turns_go(talk) -> None:
    first, rest = Answer(["It is "], reason="length"), Answer(["the Danube."], events=[BEHIND.cut])
    engine = ScriptedEngine([first, rest], ScriptedReader("the Danube", 0.9), sizes=[FITS, BEHIND])
    said = talk(engine, "Which river?", "/go-on", "/go-on", "/go-on", "/details")
    assert "Answer: not gone on yet.\nIt doesn't fit. With this answer so far the conversation is 8,300 tokens" in said
    assert "/go-on goes on without the oldest 2 turns; any other line leaves it as it is.\n" in said
    assert "the Danube.\n" in said and "The last answer has come to its end." in said
    assert len(engine.prompts) == 2


def test_an_answer_that_does_not_go_on_is_as_it_was(talk) -> None:
    engine = ScriptedEngine([Answer(["It is "], reason="length")], ScriptedReader("none"), sizes=[FITS, BEHIND])
    said = talk(engine, "Which river?", "/go-on", "/history")
    assert "Left as it is.\n" in said and len(engine.prompts) == 1
