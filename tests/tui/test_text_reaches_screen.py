"""Whatever a model writes reaches the screen: while it comes, when it is done, and in the same form both times."""

import random

from markdown_text import shown_text
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Markdown, Static

from lacie_chat.answer_markdown import parse
from lacie_chat.tui.widgets.highlighted_markdown import HighlightedMarkdown

from textual.widgets._markdown import MarkdownBullet  # isort: skip - Textual doesn't hand it out elsewhere

PIECES = (
    "<answer>",
    "</answer>",
    "<b title=x>",
    "x <y and y> z",
    "List<String>",
    "&lt;b&gt;",
    "a[0](b)",
    "2*3*4",
    "**bold**",
    "`code`",
    "```python\nfor x in y:\n    print('<b>')\n```",
    "| a | b |\n|---|---|\n| 1 | <i> |",
    "| a |\n|---|\n| 1 | 2 |",
    "# Head <h1>",
    "- item\n- <li>\n  - more",
    "3. three\n5. five",
    "> quote\n> <q>",
    ">5",
    "===",
    "---",
    "\\(x\\)",
    "[so](https://example.org)",
    "one\u2028two\x0bthree\x85four",
    "verse\n  indented\n    more",
    "[x]: y",
    "a\n-",
    "```\nopen",
    "    four\n\n    five",
    "|",
    "\r\n",
)


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield HighlightedMarkdown()


def texts(markdown: Widget) -> list[str]:
    """Everything that stands on the page, a piece a widget."""
    found = []
    for widget in markdown.walk_children(Widget):
        if isinstance(widget, MarkdownBullet):
            found.append(widget.symbol)
        elif isinstance(widget, Static) and isinstance(content := widget.content, Content) and content.plain:
            if not widget.has_class("code-head"):  # as long as the line is
                found.append(content.plain)
            else:
                found.append(" ".join(content.plain.split()))
    return found


def squeezed(text: str) -> str:
    return "".join(text.split())


def sources(count: int) -> list[str]:
    draw = random.Random(22)
    return [
        "".join(draw.choice(PIECES) + draw.choice([" ", "\n", "\n\n"]) for _ in range(draw.randint(1, 9)))
        for _ in range(count)
    ]


async def test_what_the_parser_shows_stands_on_the_page() -> None:
    app = Page()
    async with app.run_test(size=(100, 40)) as pilot:
        markdown = app.query_one(HighlightedMarkdown)
        for source in sources(20):
            await markdown.update(source)
            await pilot.pause()
            page = squeezed("".join(texts(markdown)))
            for line in shown_text(parse(source)).splitlines():
                # marks for controls have come in, and a line that was one for Python
                assert all(squeezed(part) in page for part in line.splitlines()), (source, line, page)


async def test_a_stream_ends_as_the_whole_would_look() -> None:
    app = Page()
    draw = random.Random(7)
    async with app.run_test(size=(100, 40)) as pilot:
        markdown = app.query_one(HighlightedMarkdown)
        for source in sources(20):
            await markdown.update("")
            stream = Markdown.get_stream(markdown)
            rest = source
            while rest:
                length = draw.randint(1, 12)
                await stream.write(rest[:length])
                await pilot.pause()
                rest = rest[length:]
            await stream.stop()
            await pilot.pause()
            streamed = texts(markdown)
            await markdown.update(source)
            await pilot.pause()
            assert squeezed("".join(streamed)) == squeezed("".join(texts(markdown))), source
