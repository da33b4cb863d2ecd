"""What a terminal is sent, by what it says of itself: 16 colours, 256, all, or none with NO_COLOR."""

import re
from collections.abc import Iterator, Mapping

import pytest
from terminal import Terminal, answered, ask

STYLES = {"0", "1", "2", "3", "4", "7"}
"""Nothing, bold, dim, italic, underlined, reversed."""
SIXTEEN = {*(str(code) for ten in (30, 40, 90, 100) for code in range(ten, ten + 8)), "39", "49"}
ALLOWED: Mapping[str, tuple[Mapping[str, str], set[str]]] = {
    "linux": ({"TERM": "linux"}, STYLES | SIXTEEN),
    "xterm-16color": ({"TERM": "xterm-16color"}, STYLES | SIXTEEN),
    "xterm-256color": ({"TERM": "xterm-256color"}, STYLES | {"38;5", "48;5"}),
    "truecolor": ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, STYLES | {"38;2", "48;2"}),
    "no colour": ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, STYLES | {"39", "49"}),
    "no colour, empty": (
        {"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": ""},
        STYLES | {"38;2", "48;2"},
    ),
}
_SGR = re.compile(rb"\x1b\[([\d;]*)m")
QUESTION = "What is the capital of France?"


def codes(sent: bytes) -> Iterator[str]:
    """Each style and colour that was asked for: a style's number, a colour's, and of a long colour how it is given."""
    for sequence in set(_SGR.findall(sent)):
        parts = iter(sequence.decode().split(";"))
        for part in parts:
            if part not in ("38", "48"):
                yield part or "0"
                continue
            kind = next(parts)
            yield f"{part};{kind}"
            for _ in range(3 if kind == "2" else 1):
                next(parts)


@pytest.mark.parametrize("terminal_of", ALLOWED)
def test_only_colours_that_it_has_are_sent_and_no_text_vanishes(terminal_of: str) -> None:
    variables, allowed = ALLOWED[terminal_of]
    with Terminal("chat", variables=variables) as terminal:
        terminal.wait_for("Ready")
        ask(terminal, QUESTION)
        terminal.wait_for(answered(QUESTION), 120)
        for key, seen in (("\x0f", "history"), ("\x1b", "adapter"), ("\x1bOP", "What stands under an answer")):
            terminal.type(key)
            terminal.wait_for(seen)
            vanished = [cell for cell in terminal.cells() if cell.fg == cell.bg != "default" and cell.data.isalnum()]
            assert not vanished
        sent = set(codes(terminal.sent))
        assert sent <= allowed
        assert "1" in sent, "bold type"
        assert "7" in sent or "48;2" in sent or "48;5" in sent, "a cursor: reversed, or a ground of its own"


@pytest.mark.parametrize("terminal_of", ["linux", "xterm-16color"])
def test_no_text_of_the_terminals_own_colour_stands_on_a_background_of_ours(terminal_of: str) -> None:
    """Black on black it would be, where the terminal is a white one."""
    with Terminal("chat", variables=ALLOWED[terminal_of][0]) as terminal:
        terminal.wait_for("Ready")
        ask(terminal, QUESTION)
        terminal.wait_for(answered(QUESTION), 120)
        mixed = [cell for cell in terminal.cells() if cell.fg == "default" != cell.bg and not cell.reverse]
        assert not mixed


def test_without_colour_the_signs_say_all_and_the_chosen_row_is_underlined() -> None:
    with Terminal("chat", variables=ALLOWED["no colour"][0]) as terminal:
        terminal.wait_for("Ready")
        ask(terminal, QUESTION)
        screen = terminal.wait_for(answered(QUESTION), 120)
        assert re.search(r"right (about )?\w+ in \d+ .*\n?.*[▲●~▽] ", screen)
        terminal.type("\x0f")
        terminal.wait_for("history")
        terminal.wait_for(QUESTION)
        assert QUESTION.replace(" ", "") in "".join(cell.data for cell in terminal.cells() if cell.underscore)
