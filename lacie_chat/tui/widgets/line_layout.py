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

WITHIN, BETWEEN = " · ", "   "
"""Between pieces that speak of the figures, and between all others."""

Piece = tuple[str, Content]
"""What stands before it where it isn't the first of its row, and the piece."""


def form_at(width: int) -> Form:
    """Which form of the line fits `width` cells; full where the width isn't known yet."""
    return "short" if 0 < width < SHORT_UNDER else "full"


def flowed(pieces: Sequence[Piece], width: int) -> Content:
    """The pieces in as few rows of `width` cells as take them in their order; 0: one row."""
    rows: list[Content] = []
    for before, piece in pieces:
        if rows and (not width or rows[-1].cell_length + len(before) + piece.cell_length <= width):
            rows[-1] = Content.assemble(rows[-1], (before, "$foreground 65%"), piece)
        else:
            rows.append(piece)
    return Content("\n").join(rows)
