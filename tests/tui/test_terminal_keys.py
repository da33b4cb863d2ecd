"""What bytes of a terminal are as keys: those with alt at once, and never as text."""

import string

import pytest
from scripted import Answer, ScriptedEngine
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

import lacie_chat.tui.app  # noqa: F401 - it teaches the parser
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.typed_text import as_typed


def keys(data: str) -> list[Key]:
    """Without any pause for more to come."""
    return [as_typed(token) for token in XTermParser().feed(data) if isinstance(token, Key)]


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ("\x1b\r", ["alt+enter"]),
        ("\x1b\rabc", ["alt+enter", "a", "b", "c"]),
        ("\x1bt\x1bt", ["alt+t", "alt+t"]),
        ("\x1bY", ["alt+shift+y"]),
        ("\x1bt\x1b[<35;5;5M", ["alt+t"]),
        ("\x1bOP\x1bOA\x1b[A", ["f1", "up", "up"]),
        ("\x1b[1;3A\x1b[1;3B", ["alt+up", "alt+down"]),
        ("\x1b[1;5A\x1b[1;5B", ["ctrl+up", "ctrl+down"]),
        ("\x1bb\x1bf", ["ctrl+left", "ctrl+right"]),
        ("\x1b[27;2;13~\x1b[13;2u", ["shift+enter", "shift+enter"]),
        ("\x00\x1f\x1a", ["ctrl+@", "ctrl+underscore", "ctrl+z"]),
    ],
)
def test_keys_by_what_a_terminal_sends(data: str, names: list[str]) -> None:
    assert [key.key for key in keys(data)] == names


PASTES = (
    ("plain\ntext", "plain\ntext"),
    ("a \x1b[1;31mred\x1b[0m\rb", "a red\rb"),
    ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\ and \x1b alone", "link and  alone"),
    ("\x1b", ""),
    ("x\x1b[20", "x\x1b[20".replace("\x1b", "")),
    ("", ""),
)


@pytest.mark.parametrize(("pasted", "text"), PASTES)
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_a_paste_is_one_paste_whatever_is_in_it_and_however_it_comes(pasted: str, text: str, piece: int) -> None:
    data, parser = f"é\x1bt\x1b[200~{pasted}\x1b[201~\x1b\rz", XTermParser()
    found = [token for start in range(0, len(data), piece) for token in parser.feed(data[start : start + piece])]
    told = [token.key if isinstance(token, Key) else token.text for token in found if isinstance(token, Key | Paste)]
    assert told == ["é", "alt+t", text, "alt+enter", "z"]


def test_no_letter_with_alt_is_text() -> None:
    for letter in set(string.ascii_letters) - {"O"}:  # function keys begin with that
        for key in keys(f"\x1b{letter}\x1b{letter}"):
            assert not key.is_printable, letter


def test_every_alt_key_of_the_chat_can_be_told_apart() -> None:
    for key in ",".join(action.keys for action in ACTIONS).split(","):
        if key.startswith("alt+") and len(key) == 5:
            assert [found.key for found in keys(f"\x1b{key[-1]}")] == [key], f"{key} is another key in a terminal"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [("a\\", "a\nb"), ("a\\\\\\", "a\\\\\nb")],
)
async def test_a_backslash_before_enter_is_a_new_line(driven, typed: str, sent: str) -> None:
    engine = ScriptedEngine([Answer(["ok"])])
    async with driven(engine) as driver:
        await driver.type(typed)
        await driver.pilot.press("enter", "b", "enter")
        await driver.until(lambda: engine.prompts)
        assert engine.prompts[0][0].content == sent


async def test_two_backslashes_are_sent_as_they_are(driven) -> None:
    engine = ScriptedEngine([Answer(["ok"])])
    async with driven(engine) as driver:
        await driver.type("C:\\dir\\\\")
        await driver.pilot.press("enter")
        await driver.until(lambda: engine.prompts)
        assert engine.prompts[0][0].content == "C:\\dir\\\\"


async def test_what_was_typed_can_be_undone(driven) -> None:
    async with driven() as driver:
        await driver.pilot.press("a", "b")
        await driver.pilot.press("ctrl+underscore")
        assert driver.chat.composer.text == ""
