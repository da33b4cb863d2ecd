"""A chat says on its way out how to go on with it; `--continue` and `--resume` do."""

import re
import shutil
from pathlib import Path

from terminal import Terminal, answered, ask

from lacie_chat.conversations import Store

QUESTION = "What is the capital of Japan?"
SECOND = "And of France?"


def left(terminal: Terminal) -> str:
    """What stands on the terminal when the chat has ended."""
    terminal.type("\x11")  # ctrl+q
    assert terminal.wait_for_end(60) == 0
    return terminal.screen()


def test_a_chat_says_how_to_go_on_and_that_goes_on(embedded_model: object) -> None:
    with Terminal("chat", "--baseline", "--context", "1024") as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, QUESTION)
        terminal.wait_for(answered(QUESTION))
        said = left(terminal)
    told = re.search(
        r"to go on: lacie (.*--resume [0-9a-z]{8})", said
    )  # the emulator has no second screen to go back to
    assert told, said
    words = told[1].split()
    with Store.open() as store:
        [conversation] = store.list_conversations(5)
    assert words == ["--baseline", "--resume", conversation.id]
    for again in (words, ["--continue"]):
        with Terminal(*again) as terminal:
            terminal.wait_for(answered(QUESTION))
            assert f"--resume {conversation.id}" in left(terminal)
    with Terminal("--continue", "--quiet") as terminal:
        terminal.wait_for(answered(QUESTION))
        assert "to go on" not in left(terminal)


def test_a_conversation_goes_on_with_the_model_of_its_last_answer(embedded_model: Path, tmp_path: Path) -> None:
    """The model is changed inside by real keys; the way out names it, and --continue takes it again by itself."""
    other = tmp_path / "another.gguf"
    shutil.copy(embedded_model, other)
    with Terminal("chat", "--context", "1024") as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, QUESTION)
        terminal.wait_for(answered(QUESTION))
        terminal.type("\x1bm")  # alt+m
        terminal.wait_for("On this machine")
        terminal.type(f"{other}\r")
        terminal.wait_for("lacie · another ·")
        terminal.wait_for("Ready")
        ask(terminal, SECOND)
        terminal.wait_for(answered(SECOND))
        said = left(terminal)
    assert f"lacie --model {other} --resume" in "".join(said.splitlines())
    with Terminal("--continue", "--context", "1024") as terminal:
        terminal.wait_for("lacie · another ·")
        terminal.wait_for(answered(SECOND))
        left(terminal)
    other.unlink()
    with Terminal("--continue", "--context", "1024") as terminal:
        terminal.wait_for("The model of this conversation")
        terminal.wait_for("lacie · SmolLM2-135M-Instruct + LACIE ·")
        left(terminal)


def test_the_way_out_names_the_adapter_that_was_chosen_inside(embedded_model: Path) -> None:
    with Terminal("chat", "--context", "1024") as terminal:
        terminal.wait_for("Ready")
        ask(terminal, "/model embedded+none")
        terminal.wait_for(lambda screen: screen.startswith(" lacie · SmolLM2-135M-Instruct\n"))
        terminal.wait_for("Ready")
        ask(terminal, QUESTION)
        terminal.wait_for(answered(QUESTION))
        assert "lacie --baseline --resume" in left(terminal)


def test_an_empty_chat_says_nothing(embedded_model: object) -> None:
    with Terminal("chat") as terminal:
        terminal.wait_for("Ask something")
        assert "to go on" not in left(terminal)


def test_the_last_conversation_is_the_one_that_was_last_written_in(embedded_model: object) -> None:
    with Store.open() as store:
        for title in ("the older one", "the newer one"):
            made = store.create_conversation("embedded", title=title)
            store.add_message(made.id, None, "user", f"a question of {title}")
        store.create_conversation("embedded", title="nothing was asked in it")
    with Terminal("--continue") as terminal:
        terminal.wait_for("a question of the newer one")
        left(terminal)


def test_without_a_conversation_to_go_on_with_there_is_one_line() -> None:
    with Terminal("--continue") as terminal:
        assert terminal.wait_for_end(60) == 1
        screen = terminal.screen()
    assert re.sub(r"\s+", " ", screen).strip() == (
        "lacie: there is no conversation to go on with yet; lacie opens a new one"
    )
