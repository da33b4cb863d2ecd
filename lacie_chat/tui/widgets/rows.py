"""Headings and rows of a name and its value, as the details draw them."""

from textual.content import Content

from lacie_chat.tui.figures import DIM

NAME_WIDTH = 12
NARROWEST = 12
"""Cells that a value gets at least."""


def heading(text: str) -> Content:
    return Content.styled(text, "bold $text-primary")


def row(name: str | Content, value: str | Content, width: int) -> Content:
    """A name and its value; a value of several lines hangs under its first."""
    content = Content(value) if isinstance(value, str) else value
    lines = content.wrap(max(NARROWEST, width - NAME_WIDTH)) if width else [content]
    indented = Content("\n" + " " * NAME_WIDTH).join(lines)
    label = Content.styled(f"{name:<{NAME_WIDTH}}", DIM) if isinstance(name, str) else name
    return Content.assemble(label, indented)
