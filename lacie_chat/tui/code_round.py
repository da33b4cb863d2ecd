"""Copying the code of an answer by one key: with several blocks, each press copies the next one, and shows it."""

from typing import Any

from textual.dom import DOMNode
from textual.screen import Screen

from lacie_chat.answer_markdown import CodeBlock, code_blocks
from lacie_chat.tui.clipboard import copy
from lacie_chat.tui.widgets.code_fence import CodeFence


def may_have_code(text: str) -> bool:
    """Is it worth looking? Asked whenever the footer is drawn, so it only looks for signs."""
    return "```" in text or "~~~" in text or "    " in text


class CodeRound:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._text = ""
        self._place = -1

    def copy_next(self, text: str, screen: Screen[Any], view: DOMNode | None) -> None:
        """Copy the next block of an answer, beginning with its first; `view` is where it is drawn."""
        blocks = code_blocks(text)
        if not blocks:
            screen.notify("There is no code in this answer.", timeout=3)
            return
        self._place = (self._place + 1) % len(blocks) if text == self._text else 0
        self._text = text
        copy(screen, blocks[self._place].code, name_of(blocks, self._place))
        fences = list(view.query(CodeFence)) if view is not None else []
        if len(fences) == len(blocks):
            fences[self._place].point_out()


def name_of(blocks: list[CodeBlock], place: int) -> str:
    """What a block is called: `the code`, or `code 2 of 3 (python)`."""
    if len(blocks) == 1:
        return "the code"
    language = blocks[place].language.split()
    return f"code {place + 1} of {len(blocks)}" + (f" ({language[0]})" if language else "")
