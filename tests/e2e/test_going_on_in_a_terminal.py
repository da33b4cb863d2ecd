"""A chat says on its way out how to go on with it; `--continue` and `--resume` do."""

import re

from terminal import Terminal, answered, ask

from lacie_chat.conversations import Store

QUESTION = "What is the capital of Japan?"


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
