"""Finding one's way among the answers of the chat: the strip, going to an answer, and folding those that are unlikely.

A room of the chat screen (chat.py), which shows the conversation and does everything else.
"""

from textual import getters

from lacie_chat.chat.folds import limit_text
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.tui.interface_state import InterfaceState
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.messages import AnswerWanted, FoldWanted, LaterWanted, TurnSelected
from lacie_chat.tui.screens.base import SizedScreen
from lacie_chat.tui.widgets.line_layout import WITHIN
from lacie_chat.tui.widgets.message import AnswerView, Fold
from lacie_chat.tui.widgets.question import QuestionView, question_fold
from lacie_chat.tui.widgets.status import Status
from lacie_chat.tui.widgets.strip import Strip
from lacie_chat.tui.widgets.transcript import Transcript


class AnswersScreen(SizedScreen[None]):
    """What the chat screen has of this."""

    strip = getters.query_one(Strip)
    transcript = getters.query_one(Transcript)
    status = getters.query_one(Status)

    def __init__(self, session: ChatSession, state: InterfaceState) -> None:
        super().__init__()
        self.session = session
        self.state = state

    def key_of(self, name: str) -> str:
        """The key that is named where an action is spoken of."""
        return key_of(self, name)

    # Which message is meant

    @property
    def subject(self) -> Turn | None:
        """The message that actions are about: the selected one, else the last answer."""
        return self.transcript.selected or self.last("assistant")

    @property
    def has_messages(self) -> bool:
        """Has the conversation begun?"""
        return bool(self.session.tree.roots)

    def last(self, role: str) -> Turn | None:
        """The last message of the branch by `user` or `assistant`."""
        return next((turn for turn in reversed(self.session.tree.path()) if turn.role == role), None)

    @property
    def answer(self) -> Turn | None:
        """The selected answer, or that to the selected question, else the last one."""
        turn = self.subject
        if turn is not None and turn.role == "user":
            path = self.session.tree.path()
            following = path[path.index(turn) + 1 :]
            return following[0] if following else None
        return turn

    @property
    def question(self) -> Turn | None:
        """The selected question, or that of the selected answer, else the last one."""
        turn = self.subject
        if turn is not None and turn.role == "assistant":
            turn = turn.parent
        return turn or self.last("user")

    @property
    def answers(self) -> list[Turn]:
        """Those of the branch, in order."""
        return [turn for turn in self.session.tree.path() if turn.role == "assistant"]

    # The strip, and going to an answer

    def show_strip(self) -> None:
        """Draw the marks as they now are."""
        self.strip.show(self.answers, self.answer if self.transcript.selected is not None else None)

    async def go_to(self, turn: Turn) -> None:
        """Select an answer of the branch, and scroll to it with its question."""
        transcript = self.transcript
        await transcript.reach(turn)
        self.post_message(TurnSelected(turn))
        transcript.call_after_refresh(transcript.bring, turn)

    async def on_answer_wanted(self, message: AnswerWanted) -> None:
        if message.turn in self.session.tree.path():
            await self.go_to(message.turn)

    async def on_later_wanted(self, _: LaterWanted) -> None:
        await self.transcript.show_later()

    # Folding

    def fold_of(self, turn: Turn) -> Fold | None:
        """Whether a message is folded, and why."""
        if turn.role == "user":
            return question_fold(turn.text, self.key_of("answer.unfold"), opened=self.session.folds.is_open(turn))
        reason = self.session.folds.reason(turn)
        return Fold(reason, self.session.folds.is_open(turn)) if reason else None

    async def redraw_answer(self, view: AnswerView) -> None:
        """Draw an answer that has changed. If it is to be folded now while the user, scrolled up, has its text before
        the eyes, it stays open: a text that vanishes while one reads it is worse than one that is told to be unlikely.
        """
        fold = self.fold_of(view.turn)
        if fold is not None and not fold.opened and self.transcript.is_read(view):
            self.session.folds.open(view.turn)
            fold = Fold(fold.reason, opened=True)
        view.fold = fold
        await self.transcript.redraw(view)

    async def on_fold_wanted(self, message: FoldWanted) -> None:
        folds, turn = self.session.folds, message.turn
        if folds.is_open(turn):
            folds.close(turn)
        else:
            folds.open(turn)
        view = self.transcript.view_of(turn)
        if isinstance(view, AnswerView):
            view.fold = self.fold_of(turn)
            await self.transcript.redraw(view)
        elif isinstance(view, QuestionView):
            self.transcript.redraw_question(view)

    @property
    def foldable(self) -> Turn | None:
        """The message that can be folded or opened: the selected one, else the last answer, else its question."""
        found = [self.subject] if self.transcript.selected is not None else [self.answer, self.question]
        return next((turn for turn in found if turn is not None and self.fold_of(turn) is not None), None)

    def show_setting(self) -> None:
        """Say in the status line what is switched on: that answers are folded, and the like."""
        self.status.show_setting(WITHIN.join(filter(None, self.settings_shown())))

    def settings_shown(self) -> list[str]:
        """What is switched on, in words; empty ones are left out."""
        making = self.session.making
        preset = making.settings.preset_in_use(making.own)
        return [f"preset {preset}" if preset else "", limit_text(self.session.folds.answer_from)]
