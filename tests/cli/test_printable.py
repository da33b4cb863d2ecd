"""Text of others, made fit for a terminal: tests/cli/test_compare.py holds that `lacie compare` uses it."""

import pytest

from lacie_chat.printable import printable

C0_AND_C1 = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
ZERO_WIDTH = list("\u00ad\u200b\u200c\u200d\u2060\ufeff")


@pytest.mark.parametrize("mark", [*C0_AND_C1, *BIDI, *ZERO_WIDTH], ids=lambda mark: f"{ord(mark):04x}")
def test_nothing_that_moves_the_cursor_or_hides_text_is_left(mark: str) -> None:
    assert printable(f"a{mark}b") == ("a b" if mark.isspace() else "ab")


def test_an_escape_sequence_is_plain_text() -> None:
    assert printable("\x1b[31mred\x1b[0m \x9b2J") == "[31mred[0m 2J"


def test_a_carriage_return_overwrites_nothing() -> None:
    assert printable("wrong\rright") == "wrong right"


def test_text_and_its_spaces_stay() -> None:
    text = "na\u00efve \u65e5\u672c \u05e9\u05dc\u05d5\u05dd 20\u00a0%\u2009\u3000\n\tcode"
    assert printable(text) == text


def test_a_place_can_be_kept() -> None:
    assert printable("a\x1bb\u202ec", instead=" ") == "a b c"
