"""The chat: shows what the session reports, and turns actions into what the session can do.

Everything that blocks happens on the session's threads; this screen only reads turns and moves widgets.
"""

from typing import ClassVar

from textual import getters, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Markdown, Static, TextArea

from lacie_chat.chat.comparing import why_incomparable
from lacie_chat.chat.events import (
    Loaded,
    LoadFailed,
    Loading,
    Notice,
    PromptRead,
    TextAdded,
    ThoughtAdded,
    TurnChanged,
    TurnEnded,
)
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import StoreError, why_unmarkable
from lacie_chat.tui.actions import ACTIONS, bindings
from lacie_chat.tui.explaining import Explaining
from lacie_chat.tui.interface_state import InterfaceState, write_state
from lacie_chat.tui.messages import BranchWanted, EarlierWanted, FromSession, Submitted, TurnSelected
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.help import HelpScreen, keys_of
from lacie_chat.tui.screens.history import HistoryScreen
from lacie_chat.tui.screens.thoughts import ThoughtsScreen
from lacie_chat.tui.screens.tokens import TokensScreen
from lacie_chat.tui.widgets.composer import Composer
from lacie_chat.tui.widgets.details import Details
from lacie_chat.tui.widgets.details_figures import fitted_for
from lacie_chat.tui.widgets.status import Status
from lacie_chat.tui.widgets.strip import Strip
from lacie_chat.tui.widgets.transcript import Transcript
from lacie_chat.tui.widgets.welcome import Welcome

AGREEMENT = 5
"""Samples after an answer, where they are switched on by key."""


class ChatScreen(ThoughtsScreen):
    """The one screen that is always there."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    title_bar = getters.query_one("#title", Static)
    details = getters.query_one(Details)
    composer = getters.query_one(Composer)

    def __init__(self, session: ChatSession, state: InterfaceState) -> None:
        super().__init__(session, state)
        self._edited: Turn | None = None
        self._explaining = Explaining(state)

    def compose_screen(self) -> ComposeResult:
        yield Static(id="title", classes="title-bar")
        yield Strip()
        with Container(id="body"):
            yield Transcript(self.fold_of)
            yield Details()
        yield Status()
        yield Composer("Ask something")
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        self.composer.fill(self.state.draft)
        self.composer.focus()
        await self._show_conversation()
        self.status.show_loading(self.session.model_name, 0.0, again=False)
        self.show_setting()

    # What the session reports

    async def on_from_session(self, message: FromSession) -> None:
        status = self.status
        match message.event:
            case Loading(fraction, again):
                status.show_loading(self.session.model_name, fraction, again=again)
            case Loaded(info):
                for welcome in self.query(Welcome):
                    welcome.loaded(info)
                self._show_state()
            case LoadFailed(reason):
                status.show_failed(reason)
            case PromptRead(_, done, total):
                status.show_reading(done, total)
            case TextAdded(turn, _) | ThoughtAdded(turn, _):
                if view := self.transcript.answer_view(turn):
                    await view.follow()
            case TurnChanged(turn) | TurnEnded(turn):
                await self._redraw(turn)
            case Notice(text, serious):
                self.notify(text, severity="error" if serious else "information", timeout=10, markup=False)

    async def _redraw(self, turn: Turn) -> None:
        self._show_state()
        if view := self.transcript.answer_view(turn):
            if turn.status == "streaming":
                view.show()
            else:
                await self.redraw_answer(view)
            self._explaining.shown(view, self.session.tree.leaf)
        if turn is self.subject:
            self._show_details(turn)
        for screen in self.app.screen_stack:
            if isinstance(screen, TokensScreen) and screen.turn is turn:
                screen.show()
        self.show_strip()
        self.refresh_bindings()

    def _show_state(self) -> None:
        """The status line and the title."""
        session, status = self.session, self.status
        if answering := [turn for turn in session.pending if turn.phase in ("thinking", "answering")]:
            status.show_answering(answering[0], len(session.pending) - 1)
        elif session.pending and session.info is not None:
            status.show_reading(0, 0)
        elif session.load_error:
            status.show_failed(session.load_error)
        elif session.info is not None:
            status.show_ready(f" · room for {session.info.n_ctx} tokens")
        self._show_title()

    def _show_title(self) -> None:
        session = self.session
        name = f"{session.model_name} + {session.adapter_name}" if session.adapter_name else session.model_name
        if session.baseline:
            name = f"{session.model_name} (baseline)"
        title = session.tree.title
        self.title_bar.update(
            Content.assemble(("lacie", "bold"), (f" · {name}", "$foreground 65%"), f" · {title}" if title else "")
        )

    async def _show_conversation(self) -> None:
        """Another conversation, or none yet."""
        session = self.session
        await self.transcript.show_branch(session.tree, Welcome(session))
        past = [turn.text for turn in session.tree.path() if turn.role == "user"]
        for text in past:
            self.composer.remember(text)
        self._edited = None
        self._show_title()
        self.show_strip()
        self._show_details(self.subject)
        self.refresh_bindings()

    async def _show_branch(self) -> None:
        """The branch has grown or was changed."""
        await self.transcript.show_new(self.session.tree)
        self._show_state()
        self.show_strip()
        self._show_details(self.subject)
        self.refresh_bindings()

    def _show_details(self, turn: Turn | None) -> None:
        """Draw them; what they lack is found out only if they can be seen."""
        self.details.show(turn, fitted_for(self.session, turn) if turn is not None else None)
        if self.details.display and turn is not None and turn.role == "assistant":
            self.session.read_sentences(turn)

    # What widgets ask for

    async def on_submitted(self, message: Submitted) -> None:
        edited, self._edited = self._edited, None
        self.transcript.select(None)
        if edited is not None and edited in self.session.tree.path():
            self._explaining.asked = self.session.edit(edited, message.text)
        else:
            self._explaining.asked = self.session.send(message.text)
        await self._show_branch()
        self.composer.border_title = ""
        self.composer.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self.state.draft = event.text_area.text

    def on_turn_selected(self, message: TurnSelected) -> None:
        self.transcript.select(message.turn)
        self.show_strip()
        if message.details:
            self.details.display = True
        self._show_details(message.turn)
        self.refresh_bindings()

    async def on_branch_wanted(self, message: BranchWanted) -> None:
        if self.session.switch(message.turn, message.step):
            await self._show_branch()

    async def on_earlier_wanted(self, _: EarlierWanted) -> None:
        await self.transcript.show_earlier()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        # A model wrote this link: only what a browser takes is opened.
        if event.href.startswith(("https://", "http://")):
            self.app.open_url(event.href)

    # The actions (see actions.py)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        session = self.session
        if action == "answer_stop":
            return session.busy
        if action == "answer_again":
            return self._answer() is not None and not session.busy
        if action in ("answer_copy", "answer_details", "chat_edit") and not session.tree.roots:
            return False
        if action == "answer_compare":
            return self._question() is not None
        if action in ("answer_right", "answer_wrong", "answer_tokens"):
            return self._answer() is not None
        if action == "answer_unfold":
            turn = self._answer()
            return turn is not None and session.folds.reason(turn) is not None
        if action in ("view_next_doubtful", "view_previous_doubtful"):
            return bool(session.tree.roots)
        if action == "chat_baseline":
            return session.adapter_name is not None
        if action == "chat_reload":
            return bool(session.load_error)
        return super().check_action(action, parameters)

    def action_answer_stop(self) -> None:
        self.session.cancel()

    def action_view_back(self) -> None:
        if self._edited is not None:
            self._edited = None
            self.composer.border_title = ""
            self.composer.put_away()
        elif self.details.display:
            self.details.display = False
        elif self.transcript.selected is not None:
            self.transcript.select(None)
            self.show_strip()
        self.composer.focus()

    async def action_chat_new(self) -> None:
        self.session.new_chat()
        await self._show_conversation()
        self.composer.focus()

    @work
    async def action_chat_history(self) -> None:
        history = HistoryScreen(self.session.store)
        chosen = await self.app.push_screen_wait(history)
        current = self.session.tree.conversation_id
        if chosen is not None and chosen != current:
            try:
                self.session.open(chosen)
            except StoreError as error:
                self.notify(str(error), severity="error", markup=False)
                return
            await self._show_conversation()
        elif current in history.deleted:
            await self.action_chat_new()
        elif current is not None:
            self.session.tree.reread_title()
            self._show_title()
        self.composer.focus()

    async def action_answer_again(self) -> None:
        if (answer := self._answer()) is not None:
            self.transcript.select(None)
            self._explaining.asked = self.session.regenerate(answer)
            await self._show_branch()

    @work
    async def action_answer_compare(self) -> None:
        if (question := self._question()) is None:
            return
        if reason := why_incomparable(self.session):
            self.notify(reason, severity="warning", timeout=10, markup=False)
            return
        screen = CompareScreen(self.session, question, self.state, self.post_message)
        if await self.app.push_screen_wait(screen):
            self.transcript.select(None)
            self.composer.focus()
        await self._show_branch()

    def action_chat_edit(self) -> None:
        subject = self.subject
        question = subject if subject is not None and subject.role == "user" else self._last("user")
        if question is not None:
            self._edited = question
            self.composer.fill(question.text)
            self.composer.border_title = "editing your question · escape leaves it as it was"
            self.composer.focus()

    def action_answer_copy(self) -> None:
        turn = self.subject
        if turn is not None and turn.text:
            self.app.copy_to_clipboard(turn.text)
            what = "the answer" if turn.role == "assistant" else "your question"
            self.notify(f"Copied {what}.", timeout=2)

    def action_answer_details(self) -> None:
        self.details.display = not self.details.display
        self._show_details(self.subject)

    def action_answer_tokens(self) -> None:
        if (turn := self._answer()) is not None:
            self.app.push_screen(TokensScreen(self.session.tree, turn, self.state))

    async def action_answer_right(self) -> None:
        await self._mark(True)

    async def action_answer_wrong(self) -> None:
        await self._mark(False)

    async def _mark(self, correct: bool) -> None:
        """Mark the answer at hand; the same mark once more takes it back."""
        turn = self._answer()
        if turn is None:
            return
        state = turn.assessment.state if turn.assessment else None
        if turn.phase != "done":
            self.notify("Not yet: the answer is not finished.", timeout=3)
        elif reason := why_unmarkable(turn.role, state):
            self.notify(f"{reason[0].upper()}{reason[1:]}.", severity="warning", timeout=5, markup=False)
        else:
            self.session.tree.mark(turn, None if turn.correct is correct else correct)
            await self._redraw(turn)

    def action_chat_calibration(self) -> None:
        from lacie_chat.tui.screens.calibration import CalibrationScreen  # numpy: not before it is wanted

        keys = {action.name: keys_of(action, self.state.keys).split()[0] for action in ACTIONS}
        self.app.push_screen(CalibrationScreen(self.session, (keys["answer.right"], keys["answer.wrong"])))

    async def action_answer_previous(self) -> None:
        await self._step_branch(-1)

    async def action_answer_next(self) -> None:
        await self._step_branch(1)

    async def _step_branch(self, step: int) -> None:
        turn = self.subject
        if turn is not None and self.session.switch(turn, step):
            siblings = self.session.tree.siblings(turn)
            await self._show_branch()
            other = siblings[siblings.index(turn) + step]
            await self.transcript.reach(other)
            self.on_turn_selected(TurnSelected(other))

    def action_chat_baseline(self) -> None:
        session = self.session
        session.baseline = not session.baseline
        self._show_title()
        name = "the baseline, without the adapter" if session.baseline else f"with {session.adapter_name}"
        self.notify(f"From now on: {name}.", timeout=3, markup=False)

    def action_chat_agreement(self) -> None:
        session = self.session
        session.agreement = 0 if session.agreement else AGREEMENT
        self.state.agreement = session.agreement
        write_state(self.state)
        shown = f"{session.agreement} samples after each, to see how many agree" if session.agreement else "no samples"
        self.notify(f"From the next answer on: {shown}.", timeout=3)

    def action_chat_reload(self) -> None:
        self.session.start()

    def action_view_up(self) -> None:
        self.transcript.step(-1)

    def action_view_down(self) -> None:
        self.transcript.step(1)

    async def action_view_earlier(self) -> None:
        await self.transcript.show_earlier()

    def action_view_page_up(self) -> None:
        self._scrolled().scroll_page_up(animate=False)

    def action_view_page_down(self) -> None:
        self._scrolled().scroll_page_down(animate=False)

    def _scrolled(self) -> VerticalScroll:
        return self.details if self.details.has_focus else self.transcript

    def action_view_theme(self) -> None:
        self.app.search_themes()

    def action_view_help(self) -> None:
        self.app.push_screen(HelpScreen(self.state))

    async def action_chat_quit(self) -> None:
        await self.app.action_quit()
