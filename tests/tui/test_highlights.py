"""Hedges and boosters set off on the screen: the right words, and never another text than without them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from lacie_chat.highlights import Highlight, HighlightingParser
from lacie_chat.tui.widgets.highlighted_markdown import STYLES, HighlightedMarkdown, reveal


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield HighlightedMarkdown()


def find(source: str, word: str, kind: str = "hedge", nth: int = 0) -> Highlight:
    start = -1
    for _ in range(nth + 1):
        start = source.index(word, start + 1)
    return Highlight(start, start + len(word), kind)  # type: ignore[arg-type]


async def rendered(source: str, highlights: list[Highlight]) -> tuple[str, list[tuple[str, str]]]:
    """All text on the page, and the highlighted parts of it with their kind."""
    app = Page()
    async with app.run_test() as pilot:
        markdown = app.query_one(HighlightedMarkdown)
        markdown.highlights = highlights
        await markdown.update(source)
        await pilot.pause()
        texts, found = [], []
        for widget in markdown.query(Static):
            if isinstance(content := widget.content, Content) and content.plain:
                texts.append(content.plain)
                found += [
                    (content.plain[span.start : span.end], kind)
                    for span in content.spans
                    for kind, style in STYLES.items()
                    if span.style == style
                ]
        return "\n".join(texts), found


@pytest.mark.parametrize(
    "source",
    [
        "Perhaps it is so.",
        "It is, *perhaps*, so.",
        "**Perhaps it** is so.",
        "__Perhaps__ so",
        "# Perhaps a heading",
        "- one\n- Perhaps two\n  - three",
        "1. Perhaps\n2. two",
        "> Perhaps quoted",
        "| a | b |\n|---|---|\n| Perhaps | 2 |",
        "A line\nPerhaps another\\\nand more",
        "[Perhaps](https://example.org) linked",
        "Ümläuts 🎈 and Perhaps &amp; entities",
        "\\*Perhaps\\*",
        "~~Perhaps~~ struck",
        "<b title=Perhaps>",
        "a\n  Perhaps, vector<int>",
    ],
)
async def test_a_word_is_set_off_wherever_text_stands(source: str) -> None:
    word = "Perhaps" if "Perhaps" in source else "perhaps"
    bare, nothing = await rendered(source, [])
    text, found = await rendered(source, [find(source, word)])
    assert nothing == []
    assert found == [(word, "hedge")]
    assert text == bare


@pytest.mark.parametrize(
    "source",
    [
        "`perhaps` in code",
        "```\nperhaps\n```",
        "    perhaps indented",
        "[so](https://perhaps.example.org/perhaps)",
        "https://example.org/perhaps is a page",
        "![so](https://example.org/perhaps.png)",
        "see [it]\n\n[it]: https://example.org/perhaps",
    ],
)
async def test_code_and_addresses_are_left_alone(source: str) -> None:
    bare, _ = await rendered(source, [])
    text, found = await rendered(source, [find(source, "perhaps")])
    assert found == []
    assert text == bare


async def test_one_in_code_does_not_cost_the_others() -> None:
    source = "`perhaps` but **certainly** perhaps"
    highlights = [find(source, "perhaps"), find(source, "certainly", "booster"), find(source, "perhaps", nth=1)]
    _, found = await rendered(source, highlights)
    assert sorted(found) == [("certainly", "booster"), ("perhaps", "hedge")]


async def test_a_highlight_may_span_emphasis() -> None:
    source = "I *think* so"
    text, found = await rendered(source, [Highlight(0, 8, "hedge")])
    assert text == "I think so"
    assert "".join(part for part, _ in found) in ("I think", "I think ")


@given(st.text(alphabet="ab *_`#->[]()|\n1.\\&~", max_size=60), st.data())
def test_signs_never_change_the_text(source: str, data: st.DataObject) -> None:
    ends = st.integers(0, len(source))
    pairs = data.draw(st.lists(st.tuples(ends, ends), max_size=3))
    highlights = [Highlight(*sorted(pair), "hedge") for pair in pairs]
    bare = HighlightingParser().parse(source)
    signed = HighlightingParser(highlights).parse(source)
    assert len(bare) == len(signed)
    for one, other in zip(bare, signed, strict=True):
        assert (one.type, one.tag, one.attrs) == (other.type, other.tag, other.attrs)
        for mine, theirs in zip(one.children or [], other.children or [], strict=True):
            assert mine.type == theirs.type
            assert Content(mine.content).plain == reveal(Content(theirs.content)).plain


def test_reveal_styles_what_stood_between_the_signs() -> None:
    content = reveal(Content("so \ufdd0maybe\ufdd2 or \ufdd1surely\ufdd2 not"))
    assert content.plain == "so maybe or surely not"
    assert [(span.start, span.end, span.style) for span in content.spans] == [
        (3, 8, STYLES["hedge"]),
        (12, 18, STYLES["booster"]),
    ]
