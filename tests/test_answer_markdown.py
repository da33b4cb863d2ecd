"""What is written in an answer is there to read: no tag, bracket, sign of a product or line end is taken for layout."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_text import shown_text

from lacie_chat.answer_markdown import AnswerMarkdown, CodeBlock, code_blocks, for_other_readers, parse


def text_of(source: str) -> str:
    return shown_text(parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "<answer>42</answer>",
        "<html>\n<body>\nHello\n</body>\n</html>",
        "List<String> or vector<int> or Map<K, V>",
        "std::vector<std::string> names",
        "if x <y and y> z, or a<b>c",
        "<!-- a comment -->",
        "<?xml version='1.0'?>",
        "<script>alert(1)</script>",
        "&lt;b&gt; and &copy; and &nbsp;",
        "2*3*4 = 24, and 5**2 + 3**2",
        "f(*args, **kwargs) = g(2*3)",
        "self.__init__() and __name__, __FILE__",
        "int *p = &a, *q = p;",
        "/*a comment*/ return 0; /*b*/",
        "actions[0](event)",
        "a[i](b)[j](c)",
        "\\( x^2 \\) and \\[ y \\] and \\{z\\}",
        "\\\\server\\share\\new and \\d+\\.\\d",
        "![Mona Lisa](https://example.org/mona.png)",
        "[1]: a note that is no address\n\nand [1]",
        "[^1]: a footnote",
        "Sum\n===\n12",
        "def f(x):\n    return x",
        "An old silent pond\nA frog jumps into the pond—\nSplash! Silence again.",
        ">5 apples",
        ">= 3 and <= 4",
        "| a | b |\n|---|---|\n| 1 | 2 | 3 lost? |",
        "a  b   c",
        "東京\u3000大阪 and 5\u00a0km and می\u200cخواهم 👩\u200d🚀",
        ":smile: and (c) and -- and ...",
        "~5 to ~10",
    ],
)
def test_it_is_shown_as_it_is_written(source: str) -> None:
    assert text_of(source).replace("\n\n", "\n").strip() == source.replace("\n\n", "\n").strip()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("*so* and **so** and ~~so~~ and `so`", "so and so and so and so"),
        ("**S**pecific, **M**easurable", "Specific, Measurable"),
        ("这是**重点**内容", "这是重点内容"),
        ("2\\*3 and snake\\_case and \\$5", "2*3 and snake_case and $5"),
        ("1986\\. A year", "1986. A year"),
        ("\\- no list", "- no list"),
        ("a  \nb", "a\nb"),
        ("`a\nb` c", "a\nb c"),
        ("# A heading #\n## About C #", "A heading\nAbout C #"),
        ("[here](https://example.org/a%20b)", "here (https://example.org/a%20b)"),
        ('[here](https://example.org "a title")', 'here (https://example.org "a title")'),
        ("[https://example.org](https://example.org/)", "https://example.org"),
        ("[example.org](https://example.org)", "example.org"),
        ("<https://example.org>", "<https://example.org>"),
        ("https://example.org/%C3%A4", "https://example.org/%C3%A4"),
        ("```python\nx = a[0](b)\n```", "python\nx = a[0](b)\n"),
        ("3. three\n5. five", "3\nthree\n5\nfive"),
        ("| a |\n|---|\n| x \\| y |", "a\nx | y"),
    ],
)
def test_markdown_is_still_markdown(source: str, text: str) -> None:
    assert text_of(source) == text


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("- one\n- two", "bullet_list_open"),
        ("> quoted", "blockquote_open"),
        (">> quoted", "blockquote_open"),
        ("| a |\n|---|\n| 1 |", "table_open"),
        ("Text\n---\nmore", "hr"),
        ("```\ncode\n```", "fence"),
    ],
)
def test_blocks_are_still_blocks(source: str, kind: str) -> None:
    assert kind in [token.type for token in parse(source)]


def test_code_blocks_are_found_in_order() -> None:
    source = "One:\n```python\nprint('<b>')\n\n```\n- two:\n  ~~~\n  x\n  ~~~\n\nThree:\n\n    three\n"
    assert code_blocks(source) == [CodeBlock("python", "print('<b>')"), CodeBlock("", "x"), CodeBlock("", "three")]
    assert code_blocks("none, but `inline`") == []


def test_html_of_it_is_safe_and_keeps_lines() -> None:
    assert AnswerMarkdown().render("<script>\nx") == "<p>&lt;script&gt;<br />\nx</p>\n"


# Signs that Markdown may take for its own at some place; every other character has to arrive, in its order.
_SIGNS = set("*_`~#|->+=[]()!\\:.) \t\n")

PIECES = st.sampled_from(
    [
        "<answer>",
        "</answer>",
        "<b",
        "x <y",
        "y> z",
        "List<String>",
        "vector<int>",
        "&lt;",
        "&",
        "a[0](b)",
        "[x]",
        "[x]: y",
        "2*3*4",
        "**bold**",
        "*em*",
        "_em_",
        "__init__",
        "snake_case",
        "~~no~~",
        "`code`",
        "``",
        "```",
        "~~~",
        "```python",
        "| a | b |",
        "|---|---|",
        "| 1 | 2 | 3 |",
        "# Head",
        "## C #",
        "===",
        "---",
        "- item",
        "1. one",
        "7) seven",
        "> quote",
        ">5",
        "\\",
        "\\(x\\)",
        "\\*",
        "https://example.org/%20",
        "[so](https://example.org)",
        "![p](p.png)",
        "<!--",
        "-->",
        "<?x?>",
        "    four",
        "  two",
        ":smile:",
        "[^1]",
        "[^1]: note",
        "word",
        "東京\u3000",
        "می\u200cخ",
        "{{x}}",
        "a@b.org",
    ]
)
SOURCES = st.lists(st.tuples(PIECES, st.sampled_from([" ", "\n", "\n\n", ""])), max_size=14).map(
    lambda parts: "".join(piece + gap for piece, gap in parts)
)


def missing_in(shown: str, source: str) -> str:
    """The characters of the source that aren't Markdown's signs and don't come up, in order, in what is shown."""
    rest = iter(shown)
    wanted = (mark for mark in source if not (mark in _SIGNS or mark.isspace()))
    return "".join(mark for mark in wanted if not any(mark == each for each in rest))


@settings(max_examples=600, deadline=None)
@given(SOURCES)
def test_every_character_that_is_no_sign_of_markdown_arrives(source: str) -> None:
    assert missing_in(text_of(source), source) == ""


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1<>&;*_`#|[]()!\\:/.\"'= \n-", max_size=60))
def test_nor_is_any_lost_in_random_text(source: str) -> None:
    assert missing_in(text_of(source), source) == ""


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("<answer>42</answer>", "\\<answer>42\\</answer>"),
        ("one\ntwo\n\nthree", "one  \ntwo\n\nthree"),
        ("`<b>` and <b> and `` ` <i> ``", "`<b>` and \\<b> and `` ` <i> ``"),
        ("```\n<b>\nx\n```", "```\n<b>\nx\n```"),
        ("&lt; & a < b", "\\&lt; & a < b"),
        ("[x]: y", "\\[x]: y"),
        ("- <li>\n- b", "- \\<li>\n- b"),
        ("| <a> |\n|---|\n| b |", "| \\<a> |\n|---|\n| b |"),
    ],
)
def test_a_file_for_others_keeps_what_their_markdown_would_drop(source: str, kept: str) -> None:
    assert for_other_readers(source) == kept


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["<b>", "word", "x <y", "&lt;", "\n", "\n\n", "`c<d`", "List<int>", "z"]), max_size=12))
def test_and_nothing_of_it_is_lost_to_them(pieces: list[str]) -> None:
    source = " ".join(pieces).replace("\n ", "\n")
    theirs = MarkdownIt("gfm-like").parse(for_other_readers(source))
    shown = [each for each in theirs if each.type != "html_block"]
    for token in shown:
        token.children = [each for each in token.children or () if each.type != "html_inline"]
    assert missing_in(shown_text(shown), source) == ""
