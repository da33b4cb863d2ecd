"""All branches of a conversation as a tree: which there are, how sure each answer sounds, and a way to another one.

The branch that is shown is one column; the other versions of a message stand below it, behind an "or".
"""

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.confidence import confidence_text, tone
from lacie_chat.confidence.wording import verdict_sign
from lacie_chat.tui.actions import BRANCH_ACTIONS
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.screens.base import SizedScreen, TitleBar
from lacie_chat.tui.widgets.fitting_footer import FittingFooter
from lacie_chat.tui.widgets.line_layout import unbroken

MOST_OPEN = 300
"""In larger conversations the other versions are folded at first."""
BESIDE = 100
"""Columns from which the whole message stands beside the tree."""
_GUIDE = 2
_LONGEST = 300
_MARKS = {True: "✓ ", False: "✗ ", None: ""}
_UNFINISHED = {"streaming": "…", "cancelled": "■", "cut_off": "■", "failed": "■"}


class TurnsTree(Tree[Turn]):
    """A line a message, as long as there is room."""

    def render_label(self, node: TreeNode[Turn], base_style: Style, style: Style) -> Text:
        label: Text = super().render_label(node, base_style, style)
        depth, above = 0, node.parent
        while above is not None:
            depth, above = depth + 1, above.parent
        label.truncate(max(8, self.size.width - _GUIDE * depth - 2), overflow="ellipsis")
        return label


class BranchesScreen(SizedScreen[Turn | None]):
    """Dismissed with the message whose branch is to be shown, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in BRANCH_ACTIONS]

    tree_view = getters.query_one(TurnsTree)
    message = getters.query_one("#branch-message-text", Static)

    def __init__(self, tree: ChatTree) -> None:
        super().__init__()
        self._tree = tree
        self._shown = set(map(id, tree.path()))
        self._at: TreeNode[Turn] | None = None

    def compose_screen(self) -> ComposeResult:
        yield TitleBar("branches")
        with Container(id="branches"):
            turns: TurnsTree = TurnsTree("", id="branch-tree")
            turns.show_root = False
            turns.guide_depth = _GUIDE
            turns.auto_expand = False
            yield turns
            with VerticalScroll(id="branch-message", can_focus=False):
                yield Static(id="branch-message-text")
        yield FittingFooter()

    def on_mount(self) -> None:
        self._grow()
        self.tree_view.focus()
        if self._at is not None:
            self.call_after_refresh(self.tree_view.move_cursor, self._at)

    def on_resize(self) -> None:
        self.set_class(self.app.size.width >= BESIDE, "-beside")

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Turn]) -> None:
        turn = event.node.data
        if turn is None:
            return
        parts = [Content(turn.text.strip() or "(nothing)")]
        if turn.assessment is not None:
            parts.append(Content.styled(unbroken(confidence_text(turn.assessment)), DIM))
        self.message.update(Content("\n\n").join(parts))
        self.query_one("#branch-message").scroll_home(animate=False)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Turn]) -> None:
        """By a click; the key is the action's."""
        event.stop()
        self.dismiss(event.node.data)

    def action_branches_show(self) -> None:
        if (node := self.tree_view.cursor_node) is not None:
            self.dismiss(node.data)

    def action_branches_back(self) -> None:
        self.dismiss(None)

    def action_branches_fold(self) -> None:
        """Fold what is below the cursor; where nothing is open, go to what it is below."""
        node = self.tree_view.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and not node.parent.is_root:
            self.tree_view.move_cursor(node.parent)

    def action_branches_unfold(self) -> None:
        if (node := self.tree_view.cursor_node) is not None and node.allow_expand:
            node.expand()

    def _grow(self) -> None:
        """Build the nodes: the branch that is shown as one column, the other versions of a message below it, and what
        follows one of them below that; there, too, the larger part goes on in the column. So the tree is never deep,
        however many versions there are. (Textual walks it by recursion.)"""
        sizes: dict[int, int] = {}
        for turn in reversed(list(self._tree.turns())):
            sizes[id(turn)] = 1 + sum(sizes[id(child)] for child in turn.children)
        root, all_open = self.tree_view.root, len(sizes) <= MOST_OPEN

        def weight(turn: Turn) -> tuple[bool, int]:
            return id(turn) in self._shown, sizes[id(turn)]

        waiting = [(root, self._tree.roots)]
        while waiting:
            column, versions = waiting.pop()
            while versions:
                main = max(versions, key=weight)
                others = [turn for turn in versions if turn is not main]
                node = self._add(column, main, bool(others), all_open)
                for turn in others:
                    other = self._add(node, turn, bool(turn.children), all_open, "or ")
                    waiting.append((other, turn.children))
                versions = main.children
        root.expand()

    def _add(
        self, node: TreeNode[Turn], turn: Turn, has_more: bool, all_open: bool, before: str = ""
    ) -> TreeNode[Turn]:
        before = before if has_more else "  " + before  # as wide as the sign that unfolds
        label = _label(turn, before, "bold" if id(turn) in self._shown else "")
        made = node.add(label, turn, expand=all_open, allow_expand=has_more)
        if turn is self._tree.leaf:
            self._at = made
        return made


def _label(turn: Turn, before: str, style: str) -> Text:
    """Who, the user's mark, how it sounds, and what was written."""
    text = Text(before, no_wrap=True, style=style)
    written = " ".join(turn.text[:_LONGEST].split()) or ("…" if turn.status == "streaming" else "(nothing)")
    if turn.role == "assistant":
        text.append(_MARKS[turn.correct])
        if turn.assessment is not None:
            text.append(f"{verdict_sign(turn.assessment)} {tone(turn.assessment)}: ".lstrip(), style="italic")
        text.append(written)
        if turn.status in _UNFINISHED:
            text.append(f" {_UNFINISHED[turn.status]}")
    else:
        text.append("▌ ")
        text.append(written)
    return text
