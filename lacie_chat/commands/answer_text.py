"""Messages on a terminal, outside the interface: answers read as the chat reads them, questions as written."""

from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import ListItem, Markdown, MarkdownElement
from rich.text import Text

from lacie_chat.answer_markdown import parse
from lacie_chat.printable import printable


class _Item(ListItem):
    """An item with the number that was written."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self._number = number

    @classmethod
    def create(cls, markdown: Markdown, token: Any) -> "_Item":
        return cls(token.info)

    def render_number(self, console: Console, options: ConsoleOptions, number: int, last_number: int) -> RenderResult:
        written = int(self._number) if self._number.isdigit() else number
        yield from super().render_number(console, options, written, max(written, last_number))


class AnswerText(Markdown):
    """An answer; `printable` takes from it what a terminal would obey."""

    elements: dict[str, type[MarkdownElement]] = {**Markdown.elements, "list_item_open": _Item}  # type: ignore[misc]  # noqa: RUF012

    def __init__(self, source: str) -> None:
        super().__init__("")
        self.markup = printable(source)
        self.parsed = parse(self.markup)


def question_text(source: str) -> Text:
    """A question: not Markdown, whatever is in it."""
    return Text(printable(source))
