"""Headings and rows of a name and its value, as the details draw them."""

from textual.content import Content

from lacie_chat.tui.figures import DIM

NAME_WIDTH = 12
NARROWEST = 20
"""Cells that a value gets at least."""


def heading(text: str) -> Content:
    return Content.styled(text, "bold $text-primary")


def row(name: str | Content, value: str | Content, width: int, name_width: int = NAME_WIDTH) -> Content:
    """A name and its value; a value of several lines hangs under its first, and under the name where that is long."""
    content = Content(value) if isinstance(value, str) else value
    label = Content.styled(f"{name:<{name_width}}", DIM) if isinstance(name, str) else name
    below = 0 < width < name_width + NARROWEST
    hang = 2 if below else name_width
    lines = content.wrap(max(NARROWEST, width - hang)) if width else [content]
    first = "\n" + " " * hang if below else " " * (name_width - label.cell_length)
    return Content.assemble(label, first, Content("\n" + " " * hang).join(lines))
