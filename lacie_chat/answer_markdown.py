"""How answers are read as Markdown: everywhere in the same way, and so that what was written is there to read.

Markdown was made for pages whose writer looks at the result. A model doesn't: what it writes about programs has tags,
generics, comparisons and products in it, which Markdown takes for HTML, links and emphasis, and drops; and it breaks a
line where it wants one. So this is GitHub's Markdown without what hides text: HTML, references and entities are text, a
line's end is a line's end, and signs that stand inside a word or a formula are signs. What a link leads to is shown.
The source is never changed: characters of it are what highlights and copies count in.
"""

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, heading, table
from markdown_it.rules_inline import StateInline, backtick, escape, link
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

HIDING = ("html_block", "html_inline", "reference", "entity", "autolink", "image", "lheading")
"""Rules of Markdown that drop what was written, or make headings of it that nobody meant."""

_ADDRESS = re.compile(r"\(\s*<?(?:https?://|ftp://|mailto:|www\.)", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:https?://|ftp://|mailto:)?(?:www\.)?", re.IGNORECASE)
_DUNDER = re.compile(r"__(?:[a-z0-9]+(?:_[a-z0-9]+)*|[A-Z0-9]+(?:_[A-Z0-9]+)*)__(?!\w)")
_SPACE = re.compile(r"\s")
_CELLS = re.compile(r"(?<!\\)\|")


class AnswerMarkdown(MarkdownIt):
    """The parser. `render` gives HTML in which nothing of the source is markup of a page."""

    def __init__(self) -> None:
        super().__init__("gfm-like", {"html": False, "breaks": True})
        self.disable(HIDING)
        self.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
        self.block.ruler.at("blockquote", _quote, {"alt": ["paragraph", "reference", "blockquote", "list"]})
        self.block.ruler.at("heading", _heading, {"alt": ["paragraph", "reference", "blockquote"]})
        self.inline.ruler.at("newline", _newline)
        self.inline.ruler.at("escape", _escape)
        self.inline.ruler.at("backticks", _code)
        self.inline.ruler.at("emphasis", _emphasis)
        self.inline.ruler.at("link", _link)

    def normalizeLinkText(self, link: str) -> str:
        """An address is shown as it was written."""
        return link


def parse(source: str) -> list[Token]:
    """The tokens of an answer."""
    return list(AnswerMarkdown().parse(source))


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A block of code of an answer: the language that it names (may be empty), and the code, without a line's end at
    its end."""

    language: str
    code: str


def code_blocks(source: str) -> list[CodeBlock]:
    """The blocks of code in an answer, in order."""
    return [
        CodeBlock(token.info.strip(), token.content.rstrip("\n"))
        for token in parse(source)
        if token.type in ("fence", "code_block")
    ]


_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_TAKEN_ELSEWHERE = re.compile(r"<(?=[a-zA-Z/!?])|&(?=#?\w+;)|^\[(?=[^\]]+\]:)")


def for_other_readers(source: str) -> str:
    """The answer as Markdown for readers that follow its rules: tags, entities and line ends are kept as text, so that
    no page that shows the file drops them. Blocks of code, and code inside a line, stay as they are."""
    lines = source.split("\n")
    for token in parse(source):
        if token.type != "inline" or token.map is None:
            continue
        first, end = token.map
        for place in range(first, min(end, len(lines))):
            lines[place] = _kept(lines[place])
            if place + 1 < end and not lines[place].endswith("  "):
                lines[place] += "  "
    return "\n".join(lines)


def _kept(line: str) -> str:
    parts, place = [], 0
    for code in _CODE_SPAN.finditer(line):
        parts += [_TAKEN_ELSEWHERE.sub(r"\\\g<0>", line[place : code.start()]), code[0]]
        place = code.end()
    return "".join([*parts, _TAKEN_ELSEWHERE.sub(r"\\\g<0>", line[place:])])


# Blocks


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table, unless one of its rows has more cells than its head: those would be dropped."""
    tokens, line, parent = len(state.tokens), state.line, state.parentType
    if not table(state, start, end, silent):
        return False
    if silent or max(_cells(state, row) for row in range(start, state.line)) <= _cells(state, start):
        return True
    del state.tokens[tokens:]
    state.line, state.parentType = line, parent
    return False


def _cells(state: StateBlock, line: int) -> int:
    text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()
    parts = _CELLS.split(text)
    return len(parts) - (parts[0] == "") - (len(parts) > 1 and parts[-1] == "")


def _quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A quote, unless the sign compares (`>5`, `>= 5`)."""
    place = state.bMarks[start] + state.tShift[start]
    sign, after = state.src[place : place + 1], state.src[place + 1 : place + 2]
    compares = sign == ">" and after not in ("", " ", "\t", "\n", ">")
    return not compares and bool(blockquote(state, start, end, silent))


def _heading(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A heading, whose text may end in a sign of its own (`# About C #`): only as many as before it close it."""
    if not heading(state, start, end, silent):
        return False
    if not silent:
        opened, inline = state.tokens[-3:-1]
        text = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].strip().lstrip("#").strip()
        closing = re.search(r"(?:^|\s)(#+)$", text)
        if closing and len(closing[1]) != len(opened.markup):
            inline.content = text
    return True


# Inside a line


def _newline(state: StateInline, silent: bool) -> bool:
    """A line ends where it was ended, and the next one is indented as it was."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        state.pending = state.pending.rstrip(" ")
        state.push("hardbreak", "br", 0)
    state.pos += 1
    return True


def _escape(state: StateInline, silent: bool) -> bool:
    """A backslash goes only where it keeps a sign from being Markdown's; paths, formulas and patterns keep theirs."""
    if state.src[state.pos] != "\\":
        return False
    following, after = state.src[state.pos + 1 : state.pos + 2], state.src[state.pos + 2 : state.pos + 3]
    if following and (following in "*_`~#|<>" or (following == "$" and after.isdigit())):
        return bool(escape(state, silent))
    if following and following in "-+.)":
        before = state.src[state.src.rfind("\n", 0, state.pos) + 1 : state.pos].strip()
        if (not before and following in "-+") or (before.isdigit() and following in ".)"):
            return bool(escape(state, silent))
    written = "\\\\" if following == "\\" else "\\"
    if not silent:
        state.append_pending(written)
    state.pos += len(written)
    return True


def _code(state: StateInline, silent: bool) -> bool:
    """Code, with the line ends that it has."""
    start = state.pos
    if not backtick(state, silent):
        return False
    if not silent and state.tokens and (token := state.tokens[-1]).type == "code_inline" and not state.pending:
        marks = len(token.markup)
        inside = state.src[start + marks : state.pos - marks]
        if "\n" in inside:
            token.content = inside
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Marks of emphasis, unless they multiply (`2*3*4`, `5**2`), belong to a name (`__init__`) or to a comment."""
    start, marker = state.pos, state.src[state.pos]
    if silent or marker not in "_*":
        return False
    before = state.src[start - 1 : start] if start else ""
    if marker == "_" and not _is_word(before) and (name := _DUNDER.match(state.src, start)):
        state.push("text", "", 0).content = name[0]
        state.pos = name.end()
        return True
    scanned = state.scanDelims(start, marker == "*")
    after = state.src[start + scanned.length : start + scanned.length + 1]
    opens = scanned.can_open and before != "/"
    closes = scanned.can_close and after != "/"
    if marker == "*" and (_is_word(before) or before in (")", "]")) and before.isascii() and _is_word(after):
        opens = False
        closes = closes and _within_a_word(state, scanned.length)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=scanned.length,
                token=len(state.tokens) - 1,
                end=-1,
                open=opens,
                close=closes,
            )
        )
    state.pos += scanned.length
    return True


def _within_a_word(state: StateInline, length: int) -> bool:
    """Was the emphasis that would end here begun in the same word (`**S**pecific`)?"""
    if _SPACE.search(state.pending):
        return False
    begun = {
        delimiter.token
        for delimiter in state.delimiters[-2 * length :]
        if delimiter.marker == ord("*") and delimiter.open and delimiter.length == length
    }
    for place in range(len(state.tokens) - 1, -1, -1):
        if place in begun:
            return True
        if _SPACE.search(state.tokens[place].content) or state.tokens[place].type == "hardbreak":
            return False
    return False


def _is_word(mark: str) -> bool:
    return mark.isalnum() or mark == "_"


def _link(state: StateInline, silent: bool) -> bool:
    """A link to an address, which is shown behind it; `actions[0](event)` is none, and a picture can't be shown."""
    start = state.pos
    if state.src[start] != "[" or state.src[start - 1 : start] == "!":
        return False
    end = state.md.helpers.parseLinkLabel(state, start, True)
    if end < 0 or not _ADDRESS.match(state.src, end + 1) or not link(state, silent):
        return False
    if not silent:
        address = state.src[end + 2 : state.pos - 1].strip()
        if not _names(state.src[start + 1 : end], address):
            state.push("text", "", 0).content = f" ({address})"
    return True


def _names(label: str, address: str) -> bool:
    """Does the text of a link say where it leads to?"""
    return _bare(label) == _bare(address.strip("<>"))


def _bare(address: str) -> str:
    return _SCHEME.sub("", address.strip()).rstrip("/")
