"""A question of the conversation: plain text, never read as markup; a long one is folded to its first lines."""

import re
from collections.abc import Callable

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from lacie_chat.chat.attached import blocks
from lacie_chat.chat.tree import Turn
from lacie_chat.printable import printable
from lacie_chat.tui.messages import BranchWanted
from lacie_chat.tui.widgets.confidence_line import branch_content
from lacie_chat.tui.widgets.line_layout import WITHIN
from lacie_chat.tui.widgets.message import Fold, FoldLine, MessageView
from lacie_chat.tui.widgets.pieces import is_long, size_of

LINES, CHARACTERS = 6, 480
"""What is shown of a long question at most."""


def question_fold(text: str, key: str, *, opened: bool) -> Fold | None:
    """How a question is folded, and the key that opens it; None where it is short, and holds no file."""
    return Fold(f"{size_of(text)}{WITHIN}{key} or click", opened) if blocks(text) or is_long(text) else None


def beginning(text: str) -> str:
    """What is shown of a folded question: its first lines, and the names of its files."""
    files, own = [], text
    for block in reversed(blocks(text)):
        files.append(f"[{printable(block.name)}: {size_of(block.text)}]")
        own = own[: block.start] + own[block.end :]
    own = re.sub(r"\n{3,}", "\n\n", own).strip()
    if is_long(own):
        shown = "\n".join(own.split("\n")[:LINES])
        own = (shown if len(shown) <= CHARACTERS else shown[:CHARACTERS]).rstrip() + " …"
    return "\n".join([own, *reversed(files)])


class QuestionView(MessageView):
    """What the user wrote. `fold_of` says whether it is folded (None: it never is)."""

    def __init__(
        self, turn: Turn, siblings: tuple[int, int], fold_of: Callable[[Turn], Fold | None] = lambda turn: None
    ) -> None:
        super().__init__(turn, siblings)
        self._fold_of = fold_of

    def compose(self) -> ComposeResult:
        if self.turn.note:
            yield Static(self.turn.note, markup=False, classes="note")
        yield Static(markup=False, classes="question-text")
        yield FoldLine(self.turn)
        if self.branch[1] > 1:
            yield Static(branch_content(self.branch), classes="branch-line")

    def on_mount(self) -> None:
        self.show()

    def show(self) -> None:
        """Draw it folded or whole, as it now is."""
        fold, line = self._fold_of(self.turn), self.query_one(FoldLine)
        folded = fold is not None and not fold.opened
        self.query_one(".question-text", Static).update(
            Content(beginning(self.turn.text) if folded else self.turn.text)
        )
        line.display = fold is not None
        if fold is not None:
            line.update(Content(f"▾ {fold.reason} folds it" if fold.opened else f"▸ {fold.reason} shows all"))

    def action_branch(self, step: int) -> None:
        self.post_message(BranchWanted(self.turn, step))
