"""`lacie chat --plain`: a whole chat in plain lines, in a dumb terminal, through a pipe, and on a scripted engine."""

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pexpect
import pytest
from plain_lines import interrupt, river
from scripted import Answer, ScriptedEngine, ScriptedReader
from terminal import LACIE

from lacie_chat.chat.tree import Turn
from lacie_chat.commands.plain_chat import PlainChat
from lacie_chat.commands.plain_words import details_lines, ending_line, figures_line
from lacie_chat.confidence import Agreement, Assessment, Span, State, spoken_text
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineError
from lacie_chat.errors import LacieError

CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")
FIGURES = r"Sounds \d+ % sure\. (Right (about|less|more) [^.]*|It gives no single answer[^.]*)\."


# In words


def answer(
    acceptance: float = 0.9,
    p_right: float | None = 0.17,
    *,
    state: State = "answered",
    span: bool = True,
    agreement: Agreement | None = None,
    **turn: Any,
) -> Turn:
    """A finished answer whose assessment says this; `turn`: what else is known of it."""
    text, found = "I think it is the Danube.", Span("the Danube", 14, 24) if span and state == "answered" else None
    hedges = (Span("I think", 0, 7),)
    heard = Assessment("Which?", text, state, found, "I think it is [answer].", acceptance, p_right, hedges, (), None)
    return Turn("assistant", text, None, assessment=replace(heard, agreement=agreement), **turn)


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (answer(0.82, 0.65), "Sounds 82 % sure. Right about 65 times in 100: the tone fits."),
        (answer(0.95, 0.65), "Sounds 95 % sure. Right about 65 times in 100: sounds surer than it is."),
        (answer(0.2, 0.999), "Sounds 20 % sure. Right more than 99 times in 100: surer than it sounds."),
        (answer(0.2, 0.004), "Sounds 20 % sure. Right less than once in 100: the tone fits."),
        (answer(0.2, 0.01), "Sounds 20 % sure. Right about once in 100: the tone fits."),
        (
            answer(0.82, None),
            "Sounds 82 % sure. How often such answers are right is not known yet: lacie calibrate measures it.",
        ),
        (answer(0.82, None, span=False), "Sounds 82 % sure. It gives no single answer to be right or wrong."),
        (answer(0.1, None, state="abstained"), "It declines: there is no answer to be sure of."),
        (answer(0.5, None, state="no_claim"), "It claims nothing that could be right or wrong."),
        (
            answer(0.9, 0.17, agreement=Agreement(0.8, 5)),
            "Sounds 90 % sure. Right about 17 times in 100: sounds surer than it is. 4 of 5 samples agree.",
        ),
    ],
)
def test_the_figures_in_words(turn, said: str) -> None:
    assert turn.assessment is not None and spoken_text(turn.assessment) == said
    assert figures_line(turn) == said


def test_what_else_is_said_of_an_answer() -> None:
    assert figures_line(answer(0.82, 0.65, correct=False)).endswith("the tone fits. You marked it wrong.")
    assert ending_line(answer(status="cancelled")) == "Stopped by you."
    assert ending_line(answer(usage={"finish_reason": "length", "completion_tokens": 512})) == "Stopped at 512 tokens."
    assert ending_line(answer()) == ""
    told = "\n".join(details_lines(answer(params={"model": "M", "adapter": "A"})))
    for part in (
        "In a word: fairly sure.",
        "The answer in it: the Danube",
        "It hedges with: I think",
        "Answered by M, A.",
    ):
        assert part in told
    assert not re.search("[▰▱▲▽●~]", told), "no sign stands for a word"


# On a scripted engine


SAID = "Sounds 90 % sure. Right about 17 times in 100: sounds surer than it is.\n"


def test_a_question_its_answer_and_its_figures(talk, store) -> None:
    said = talk(river("It is the Danube."), "Which river?")
    assert said == (
        "Model + LACIE. Type a question and press enter; /help says the commands, /quit ends.\n"
        f"You: Which river?\nAnswer: It is the Danube.\n{SAID}You: \n"
    )
    kept = store.list_conversations()
    assert [each.title for each in kept] == ["Which river?"] and kept[0].messages == 2


def test_every_command(talk, store) -> None:
    engine = river("It is the Danube.", "It is the Rhine.", "It is the Danube, alone.", "Yes.")
    said = talk(
        engine, "/right", "Which river?", "/again", "/right", "/right", "/wrong", "/details", "/baseline", "And now?",
        "/new", "/details", "/history", "/history 1", "/help", "//path is text", "/quit", "never read",
    )  # fmt: skip
    order = [
        "There is no answer yet.", "It is the Danube.", "It is the Rhine.", "Marked right.", "The mark is taken back.",
        "Marked wrong.", "What the listener read:", "From now on: Model, the baseline.", "the Danube, alone.",
        "Right about 50 times in 100", "A new conversation.", "There is no answer yet.", "1: Which river? 5 messages",
        "Going on with: Which river?", "You: And now?", "Answer: It is the Danube, alone.", "/again: answer the last",
        "Answer: Yes.",
    ]  # fmt: skip
    place = 0
    for part in order:
        place = said.index(part, place)
    assert "never read" not in said and not CONTROL.search(said)
    assert engine.prompts[-1][-1].content == "/path is text"
    assert engine.baselines == [False, False, True, True]
    assert [mark.correct for mark in store.marks()] == [False]


def test_a_lone_word_after_a_slash_is_never_sent(talk) -> None:
    engine = river("It is the Danube.")
    said = talk(engine, "/agin", "/xyz", "/", "/etc/hosts has what in it?")
    assert "There is no command /agin here. Is it /again?" in said and "no command /xyz here. /help" in said
    assert [prompt[-1].content for prompt in engine.prompts] == ["/etc/hosts has what in it?"]


def test_a_backslash_goes_on_in_the_next_line(talk) -> None:
    engine = river("It is the Danube.")
    said = talk(engine, "Which river\\", "flows through Vienna?", "")
    assert engine.prompts[0][-1].content == "Which river\nflows through Vienna?"
    assert "You: Which river\\\n... flows through Vienna?\n" in said


def test_whole_sentences_are_said(talk, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = ["It is", " the Da", "nube. It", " rises in", " the Black Forest", ".\nAnd e", "nds"]
    writes: list[str] = []
    written = sys.stdout.write
    monkeypatch.setattr(sys.stdout, "write", lambda text: writes.append(text) or written(text))
    talk(ScriptedEngine([Answer(pieces)], ScriptedReader("the Danube", acceptance=0.9)), "Which?")
    assert [text for text in writes if text.strip() and text in "".join(pieces)] == [
        "It is the Danube. ", "It rises in the Black Forest.\n", "And ends",
    ]  # fmt: skip


def test_what_a_model_writes_moves_no_cursor(talk) -> None:
    said = talk(river("It is\x1b[2J the\r Danube.\x07"), "Which \x1b[31mriver?")
    assert not CONTROL.search(said) and "\r" not in said and "the  Danube." in said


def test_ctrl_c_stops_an_answer_and_twice_quits(talk, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine([Answer(["It is ", "the Danube."], hold_after=1)], ScriptedReader("the Danube", 0.9))
    waiting = PlainChat._next

    def pressed(chat: PlainChat) -> object:
        if engine.held.is_set():
            monkeypatch.setattr(PlainChat, "_next", waiting)
            raise KeyboardInterrupt
        return waiting(chat)

    monkeypatch.setattr(PlainChat, "_next", pressed)
    said = talk(engine, "Which river?", interrupt, interrupt, "never read")
    assert "Answer: It is \nStopped by you.\n" in said
    assert said.count("Ctrl+c once more quits") == 1 and "never read" not in said


def test_a_first_ctrl_c_is_forgotten_once_something_is_typed(talk) -> None:
    said = talk(river("It is the Danube."), interrupt, "Which river?", interrupt, "/quit")
    assert said.count("Ctrl+c once more quits") == 2 and "It is the Danube." in said


def test_an_engine_that_ends_and_a_thought(talk) -> None:
    reader = ScriptedReader("the Danube", 0.9)
    said = talk(ScriptedEngine([Answer(["It ", "is"], fails="out of room")], reader), "Which river?")
    assert "Not answered: out of room." in said
    said = talk(ScriptedEngine([Answer(["It is the Danube."], thought=["hm ", "well"])], reader), "Which?", "/details")
    assert said.count("(thinking)") == 1 and "What it thought first: hm well" in said


def test_a_model_that_can_not_be_loaded_is_an_error(talk) -> None:
    with pytest.raises(LacieError, match="cut short"):
        talk(ScriptedEngine(load_error=EngineError("the file is cut short")), "Which?")


def test_it_goes_on_with_a_conversation(talk, store) -> None:
    talk(river("It is the Danube."), "Which river?", "/wrong")
    said = talk(river("Yes."), "Sure?", resume=store.list_conversations()[0].id)
    assert f"Going on with: Which river?\nYou: Which river?\nAnswer: It is the Danube.\n{SAID[:-1]} You marked" in said
    assert store.list_conversations()[0].messages == 4


def test_a_question_is_kept_before_its_answer_is_whole(talk, store) -> None:
    engine = ScriptedEngine([Answer(["It is ", "the Danube."], hold_after=1)], ScriptedReader("the Danube", 0.9))
    kept: list[int] = []
    looked = Event()

    def look() -> None:
        assert engine.held.wait(20)
        kept.append(store.list_conversations()[0].messages)
        looked.set()
        engine.go_on.set()

    Thread(target=look, daemon=True).start()
    talk(engine, "Which river?")
    assert looked.is_set() and kept == [2]


# With the embedded model


def environment(**variables: str) -> dict[str, str]:
    found = {**os.environ, "LANG": "C.UTF-8", **variables}
    found.pop("COLORTERM", None)
    return found


def test_in_a_dumb_terminal() -> None:
    child = pexpect.spawn(
        LACIE, ["chat", "--plain"], env=environment(TERM="dumb"), encoding="utf-8", timeout=120, dimensions=(24, 200)
    )
    child.logfile_read = io.StringIO()
    try:
        child.expect_exact("You: ")
        child.sendline("What is the capital of France?")
        child.expect(r"Answer: [^\r\n]+[\s\S]*?" + FIGURES)
        child.expect_exact("You: ")
        child.sendline("Count slowly from one to five hundred, in words, one number a line.")
        child.expect_exact("Answer: ")
        child.sendintr()
        child.expect_exact("You: ")
        child.sendintr()
        child.expect_exact("Ctrl+c once more quits")
        child.expect_exact("You: ")
        child.sendintr()
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    written = child.logfile_read.getvalue()
    assert child.exitstatus == 0
    assert not CONTROL.search(written.replace("^C", "")) and "\r" not in written.replace("\r\n", "")
    assert "lacie --plain --resume" in written
    with Store.open() as store:
        assert store.list_conversations()[0].messages == 4


def test_through_a_pipe() -> None:
    ran = subprocess.run(
        [LACIE, "chat", "--plain", "--baseline"],
        input="What is the capital of Japan?\n/right\n/quit\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"You: What is the capital of Japan\?\nAnswer: .+\n" + FIGURES + r"\nYou: /right\n", ran.stdout)
    assert not CONTROL.search(ran.stdout)


def test_who_has_no_screen_is_told_of_it() -> None:
    child = pexpect.spawn(LACIE, ["chat"], env=environment(TERM="dumb"), encoding="utf-8", timeout=60)
    child.expect(pexpect.EOF)
    assert "lacie chat --plain" in child.before
    ran = subprocess.run([LACIE, "chat"], input="", capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1 and "lacie chat --plain" in ran.stderr
