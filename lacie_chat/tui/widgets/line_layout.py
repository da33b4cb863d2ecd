"""How the line under an answer finds its room: which form it takes at a width, and where it breaks.

A line is a row of pieces, each of which makes sense by itself and is never broken where it fits at all: a figure cut
in two is no figure. Where one row is too narrow the next piece begins another.
"""

from collections.abc import Sequence
from typing import Literal

from textual.content import Content

Form = Literal["full", "short"]

SHORT_UNDER = 48
"""Cells under which both figures in full words no longer stand side by side; a first-time reader gets words above."""

LONGEST_PIECE = 36
"""Characters up to which a piece fits a row of any terminal."""
WITHIN, BETWEEN = " · ", "   "
"""Between pieces that speak of the figures, and between all others."""

Piece = tuple[str, Content]
"""What stands before it where it isn't the first of its row, and the piece."""


def form_at(width: int) -> Form:
    """Which form of the line fits `width` cells; full where the width isn't known yet."""
    return "short" if 0 < width < SHORT_UNDER else "full"


def unbroken(text: str) -> str:
    """A line of pieces for what wraps it by itself: none of them is broken but those that are whole sentences."""
    return WITHIN.join(
        piece.replace(" ", "\u00a0") if len(piece) <= LONGEST_PIECE else piece for piece in text.split(WITHIN)
    )


def flowed(pieces: Sequence[Piece], width: int) -> Content:
    """The pieces in as few rows of `width` cells as take them in their order; 0: one row. A piece that is longer than a
    row is wrapped by itself, and the next one goes on behind its end."""
    rows: list[Content] = []
    for before, piece in pieces:
        if rows and (not width or rows[-1].cell_length + len(before) + piece.cell_length <= width):
            rows[-1] = Content.assemble(rows[-1], (before, "$foreground 65%"), piece)
        else:
            rows += piece.wrap(width) if width else [piece]
    return Content("\n").join(rows)
