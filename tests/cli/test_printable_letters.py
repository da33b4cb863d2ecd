"""What of other people's text is shown: all that is written, nothing that hides or moves."""

import pytest

from lacie_chat.printable import printable
from lacie_chat.tui.widgets.wrapped_text import WrappedText


@pytest.mark.parametrize(
    "text",
    [
        "plain\ttext\n",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d👩\u200d👧 and ❤\ufe0f\u200d🔥",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "5\u00a0km, 東京\u3000大阪",
        "\U0001fae9",
    ],
)
def test_letters_stay(text: str) -> None:
    assert printable(text) == text
    assert printable(text, instead=" ") == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pass\u200dword\u200c", "password"),
        ("\u200dx", "x"),
        ("a\u202eb\u2066c", "abc"),
        ("\x1b[31mred", "[31mred"),
        ("a\rb\x0cc\u2028d", "a b c d"),
        ("x\U000e0067", "x"),
        ("é\u200d\u200d\u200dz", "é\u200dz"),
    ],
)
def test_what_hides_or_moves_goes(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_places_hold_with_a_mark_instead() -> None:
    text = "a\u202eb\x00\u200cc"
    assert len(printable(text, instead="�")) == len(text)


def test_a_thought_that_comes_in_pieces_keeps_its_joiners() -> None:
    text = WrappedText()
    for piece in "می\u200cخواهم 👩\u200d🚀 é\u200d pass\u200dword":
        text.add(piece)
    assert text.lines == ["می\u200cخواهم 👩\u200d🚀 é\u200d password"]
