"""Who sees the figures for the first time gets them explained, under the first few answers ever and then no more.

The explanation comes with the line of the answer that was just asked for, and only while nothing stands below it, so
it never pushes away what somebody reads (and it waits for a higher terminal); it goes when the next question is sent.
"""

from lacie_chat.chat.tree import Turn
from lacie_chat.tui.interface_state import InterfaceState, write_state
from lacie_chat.tui.screens.base import SHORT
from lacie_chat.tui.widgets.message import AnswerView


class Explaining:
    """Decides it for one chat; what was explained is kept in the interface's state."""

    def __init__(self, state: InterfaceState) -> None:
        self._state = state
        self.asked: Turn | None = None
        """The answer that was asked for last."""

    def shown(self, view: AnswerView, leaf: Turn | None) -> None:
        """An answer's line was drawn; `leaf` is the end of the conversation."""
        turn = view.turn
        if turn is not self.asked or turn.assessment is None:
            return
        self.asked = None
        short = view.app.size.height < SHORT  # it would push away the answer itself
        if self._state.explains and not short and turn.assessment.confidence is not None and turn is leaf:
            view.explain(True)
            self._state.explained += 1
            write_state(self._state)
