"""Keys as the bytes that terminals send, in one write as well as one by one."""

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import LACIE, Terminal, answered, ask

from lacie_chat.conversations import Store

PRINTABLE = [chr(code) for code in range(0x20, 0x7F)] + list(
    "äßéñłğ€«»–…≠αωЖя中文日本한국अनไท😀🎉\u200c\u200d\u00a0\u3000"
)
SAYS_IT = "Say the word river."


@pytest.fixture
def chat() -> Iterator[Terminal]:
    with Terminal("chat", "--context", "512") as terminal:
        terminal.wait_for("Ask something")
        yield terminal


def click(terminal: Terminal, text: str) -> None:
    """Press and release the mouse where `text` stands."""
    row, line = next((row, line) for row, line in enumerate(terminal.lines(), 1) if text in line)
    place = f"{line.index(text) + 1};{row}"
    terminal.type(f"\x1b[<0;{place}M\x1b[<0;{place}m")


def test_typing_after_a_click_on_an_answer_is_typing(chat: Terminal) -> None:
    ask(chat, SAYS_IT)
    chat.wait_for(answered(SAYS_IT))
    click(chat, "▰")
    chat.type("where are 10 ducks")
    screen = chat.wait_for("where are 10 ducks")
    assert "marked" not in screen and "editing your question" not in screen and "2/2" not in screen
    chat.type("\x11")  # ctrl+q
    assert chat.wait_for_end() == 0
    with Store.open() as store:
        assert store.marks() == []


@pytest.mark.parametrize("burst", [True, False])
def test_random_characters_after_a_click_on_an_answer_are_all_written(
    chat: Terminal, data_dir: Path, burst: bool
) -> None:
    ask(chat, SAYS_IT)
    chat.wait_for(answered(SAYS_IT))
    source = random.Random(3)
    text = "x" + "".join(source.choice(PRINTABLE) for _ in range(500 if burst else 60)) + "x"
    for part in [text] if burst else text:
        click(chat, "▰")
        chat.type(part)
        if not burst:
            chat.screen()  # whatever was drawn so far is read, as a person would
    chat.type("\x11")
    assert chat.wait_for_end() == 0
    assert json.loads((data_dir / "interface.json").read_text())["draft"] == text
    with Store.open() as store:
        assert store.marks() == [] and [summary.messages for summary in store.list_conversations()] == [2]


def test_what_is_typed_while_the_program_starts_is_there() -> None:
    with Terminal("chat", "--context", "512") as terminal:
        terminal.type("early bird")
        terminal.wait_for("│ early bird")


def test_a_new_conversation_and_its_question_in_one_write(chat: Terminal) -> None:
    ask(chat, SAYS_IT)
    chat.wait_for(answered(SAYS_IT))
    click(chat, "▰")
    chat.wait_for("How sure it sounds")
    chat.type("\x0ewhere are ducks?\r")  # ctrl+n
    screen = chat.wait_for(answered("▌ where are ducks?"))
    assert SAYS_IT not in screen


def test_other_screens_and_back_in_one_write(chat: Terminal) -> None:
    chat.type("one \x1bOP\x1bOP two \x1b[20~\x1b[20~ three")  # f1 twice, f9 twice
    chat.wait_for("one  two  three")


@pytest.mark.parametrize("newline", ["\x1b\r", "\x1b[13;3u", "\n", "\\\r", "\x1b[13;2u", "\x1b[27;2;13~"])
def test_a_new_line_is_never_sent(chat: Terminal, newline: str) -> None:
    chat.type(f"first{newline}second{newline}third")
    screen = chat.wait_for(lambda screen: "first" in screen and "third" in screen)
    lines = [line.strip("│▊▎┃┆ ") for line in screen.splitlines()]
    place = next(index for index, line in enumerate(lines) if "first" in line)
    assert ["first" in lines[place], "second" in lines[place + 1], "third" in lines[place + 2]] == [True] * 3
    assert "▌ first" not in screen, "nothing was asked"
    assert "\\" not in "".join(lines[place : place + 3])


def test_a_coloured_log_that_is_pasted_is_not_sent(chat: Terminal) -> None:
    chat.type("\x1b[200~so \x1b[31mred\x1b[0m\rand \x1b[1mbold\x1b[0m\x1b[201~!")
    screen = chat.wait_for("and bold!")
    assert "so red" in screen and "▌ so" not in screen and "^" not in screen.partition("and bold!")[0]


def test_alt_and_a_letter_that_can_do_nothing_now_is_the_letter(chat: Terminal) -> None:
    chat.type("a\x1br\x1br\x1b[<35;5;5Mb\x1by\x1b[Dc")  # alt+r loads a model that failed, alt+y copies a thought
    chat.wait_for("arrbcy")


def test_escape_and_what_follows_at_once_are_escape_and_text(chat: Terminal) -> None:
    chat.type("\x0f\x1bmore \x1bOP\x1bthan \x1b[20~\x1bYou know")  # history, help and calibration, left by escape
    chat.wait_for("more than You know")


def test_ctrl_z_goes_back_to_the_shell_and_fg_comes_back_with_the_draft(data_dir: Path) -> None:
    shell = shutil.which("bash") or "sh"
    with Terminal("-i", command=shell) as terminal:
        terminal.type(f"{LACIE} chat --context 512\r")
        terminal.wait_for("Ask something")
        terminal.type("half a thought")
        terminal.wait_for("half a thought")
        terminal.type("\x1a")
        terminal.wait_for(lambda screen: bool(re.search(r"(?i)\[1\]\s*\+?\s*(stopped|suspended)", screen)))
        terminal.type("stty -a | tr ' ;' '\\n\\n' | grep -x -e icanon -e echo | tr '\\n' '.'\r")
        terminal.wait_for(lambda screen: "icanon.echo." in screen or "echo.icanon." in screen)
        assert "half a thought" in (data_dir / "interface.json").read_text()
        terminal.type("clear; fg\r")
        terminal.wait_for(lambda screen: "half a thought" in screen and "Ready" in screen)
        terminal.type(", and the other")
        terminal.wait_for("half a thought, and the other")
        terminal.type("\x11")
        terminal.wait_for(
            lambda screen: subprocess.run(["pgrep", "-P", str(terminal.pid)], check=False).returncode == 1
        )
        terminal.type("exit\r")
        assert terminal.wait_for_end() == 0
