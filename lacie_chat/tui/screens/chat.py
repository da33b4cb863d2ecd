"""The chat: shows what the session reports. What the actions do stands in handlers/.

Everything that blocks happens on the session's threads; this screen only reads turns and moves widgets.
"""

import time
from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Markdown, Static, TextArea

from lacie_chat.chat.events import (
    Loaded,
    LoadFailed,
    Loading,
    Notice,
    PromptRead,
    SavingChanged,
    SilenceChanged,
    SpeakerChanged,
    TextAdded,
    ThoughtAdded,
    TurnChanged,
    TurnEnded,
)
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.chat.unheard import others_answer
from lacie_chat.names import pair_name
from lacie_chat.tui.actions import PERFORM, bindings
from lacie_chat.tui.code_round import CodeRound
from lacie_chat.tui.engine_state import show_engine_state
from lacie_chat.tui.explaining import Explaining
from lacie_chat.tui.footer_hints import footer_hints
from lacie_chat.tui.handlers import is_possible, perform
from lacie_chat.tui.interface_state import InterfaceState
from lacie_chat.tui.messages import (
    BranchWanted,
    CommandTyped,
    CopyWanted,
    EarlierWanted,
    EndSeen,
    FromSession,
    LatestWanted,
    Submitted,
    TurnSelected,
)
from lacie_chat.tui.prompts import keep_prompt
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.fetching import FetchingScreen
from lacie_chat.tui.screens.tokens import TokensScreen
from lacie_chat.tui.widgets.below import Below
from lacie_chat.tui.widgets.details import Details
from lacie_chat.tui.widgets.details_figures import fitted_for
from lacie_chat.tui.widgets.fitting_footer import FittingFooter
from lacie_chat.tui.widgets.message import AnswerView
from lacie_chat.tui.widgets.status import Status
from lacie_chat.tui.widgets.strip import Strip
from lacie_chat.tui.widgets.transcript import Transcript
from lacie_chat.tui.widgets.unsaved import UnsavedLine
from lacie_chat.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from lacie_chat.chat.choosing import Find


METERED_EVERY = 0.25
"""Seconds between two looks at the meter while text comes."""


class ChatScreen(FetchingScreen):
    """The one screen that is always there."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    title_bar = getters.query_one("#title", Static)
    details = getters.query_one(Details)
    unsaved = getters.query_one(UnsavedLine)
    below = getters.query_one(Below)
    footer = getters.query_one(FittingFooter)

    def __init__(self, session: ChatSession, state: InterfaceState, find: "Find | None" = None) -> None:
        super().__init__(session, state, find)
        self.edited: Turn | None = None
        self.explaining = Explaining(state)
        self.code_round = CodeRound()
        self._metered = float("-inf")

    def compose_screen(self) -> ComposeResult:
        yield Static(id="title", classes="title-bar")
        yield Strip()
        with Container(id="body"):
            yield Transcript(self.fold_of)
            yield Details()
        yield Below()
        yield UnsavedLine()
        yield Status()
        yield from self.compose_writing()
        yield FittingFooter(lambda: footer_hints(self))

    async def on_mount(self) -> None:
        self.begin_writing()
        await self.show_conversation()
        self.status.show_loading(self.session.speaker.model_name, 0.0, again=False)
        self.show_setting()

    def on_resize(self) -> None:
        if self.session.info is not None or self.session.load_error:
            self._show_state()  # in as many words as there is room for

    # What the session reports

    async def on_from_session(self, message: FromSession) -> None:
        status = self.status
        match message.event:
            case Loading(fraction, again):
                status.show_loading(self.session.speaker.model_name, fraction, again=again)
                self.footer.refit()  # it can be stopped now
            case Loaded(info):
                for welcome in self.query(Welcome):
                    welcome.loaded(info)
                self._show_state()
                self.footer.refit()
            case LoadFailed(reason):
                status.show_failed(reason)
                self.footer.refit()
            case SilenceChanged():
                self._show_state()
                self.refresh_bindings()
            case SpeakerChanged():
                await self._show_speaker()
            case PromptRead(_, done, total) if not self.session.keeper.silent:
                status.show_reading(done, total)
            case TextAdded(turn, _) | ThoughtAdded(turn, _):
                if view := self.transcript.answer_view(turn):
                    await view.follow()
                self._show_growth()
            case TurnChanged(turn) | TurnEnded(turn):
                await self.redraw_turn(turn)
            case SavingChanged():
                self.show_unsaved()
            case Notice(text, serious):
                self.notify(text, severity="error" if serious else "information", timeout=10, markup=False)

    def _show_growth(self) -> None:
        """Text has come: the meter goes on, at times, and where the end isn't in sight it is said that it has moved."""
        now = time.monotonic()
        if now - self._metered >= METERED_EVERY:
            self._metered = now
            self._show_state()
        if not self.transcript.sees_end and not self.below.display:
            self.below.hint(self.key_of("view.latest"))

    def on_end_seen(self, _: EndSeen) -> None:
        self.below.display = False

    async def on_copy_wanted(self, _: CopyWanted) -> None:
        await perform(self, "chat.export")

    async def on_latest_wanted(self, _: LatestWanted) -> None:
        await perform(self, "view.latest")

    async def redraw_turn(self, turn: Turn) -> None:
        self._show_state()
        if view := self.transcript.answer_view(turn):
            if turn.status == "streaming":
                view.show()
            else:
                await self.redraw_answer(view)
            self.explaining.shown(view, self.session.tree.leaf)
        if turn is self.subject:
            self.show_details(turn)
        for screen in self.app.screen_stack:
            if isinstance(screen, TokensScreen) and screen.turn is turn:
                screen.show()
            if isinstance(screen, CompareScreen) and turn.status != "streaming":
                screen.post_message(FromSession(TurnChanged(turn)))  # of an earlier comparison, assessed only now
        self.show_strip()
        self.refresh_bindings()

    async def _show_speaker(self) -> None:
        """Another model answers: its name stands in the title, and earlier answers are seen as it sees them."""
        if self.session.info is None:
            self.status.show_loading(self.session.speaker.model_name, 0.0, again=False)
        if not self.has_messages:
            await self.show_conversation()  # the welcome names the model
            return
        views = [view for view in self.transcript.query(AnswerView) if view.turn.status != "streaming"]
        await self.transcript.redraw(*views)
        self.show_title()
        self.show_strip()
        self.show_details(self.subject)
        self.refresh_bindings()

    def _show_state(self) -> None:
        """The status line and the title."""
        show_engine_state(self.status, self.session, self.key_of)
        self.show_unsaved()
        self.show_title()

    def show_unsaved(self) -> None:
        """The standing line on what isn't saved, while something isn't."""
        self.unsaved.show(self.session.saving, self.key_of("chat.export"), self.key_of("chat.duplicate"))

    def show_title(self) -> None:
        speaker = self.session.speaker
        name = pair_name(speaker.model_name, speaker.adapter_name)
        if self.session.baseline:
            name = f"{speaker.model_name} (baseline)"
        title = self.session.tree.title
        self.title_bar.update(
            Content.assemble(("lacie", "bold"), (f" · {name}", "$foreground 65%"), f" · {title}" if title else "")
        )

    def show_speaker(self) -> None:
        """Other weights answer from now on."""
        self.show_title()
        for welcome in self.query(Welcome):
            welcome.show()

    async def show_conversation(self) -> None:
        """Another conversation, or none yet."""
        session = self.session
        if other := others_answer(session):
            now = pair_name(session.speaker.model_name, session.speaker.adapter_name)
            self.notify(f"{other} answered here last; from now on it is {now}.", timeout=8, markup=False)
        if session.tree.damage:
            self.notify(session.tree.damage, severity="warning", timeout=20, markup=False)
        await self.transcript.show_branch(session.tree, Welcome(session))
        past = [turn.text for turn in session.tree.path() if turn.role == "user"]
        for text in past:
            self.composer.remember(text)
        self.edited = None
        self.below.display = False
        self.show_setting()
        self._show_state()
        self.show_strip()
        self.show_details(self.subject)
        self.refresh_bindings()

    async def show_branch(self) -> None:
        """The branch has grown or was changed."""
        await self.transcript.show_new(self.session.tree)
        if (leaf := self.session.tree.leaf) is not None and (view := self.transcript.answer_view(leaf)):
            self.explaining.shown(view, leaf)  # it may have been assessed before it had a place
        self._show_state()
        self.show_strip()
        self.show_details(self.subject)
        self.refresh_bindings()

    def show_details(self, turn: Turn | None) -> None:
        """Draw them; what they lack is found out only if they can be seen."""
        self.details.show(turn, fitted_for(self.session, turn) if turn is not None else None)
        if self.details.display and turn is not None and turn.role == "assistant":
            self.session.read_sentences(turn)

    # What widgets ask for

    async def on_submitted(self, message: Submitted) -> None:
        if message.written not in self.composer.past:  # a sample of the welcome text
            self.composer.remember(message.written)
        edited = self.end_edit()
        self.transcript.select(None)
        if edited is not None and edited in self.session.tree.path():
            self.explaining.asked = self.session.edit(edited, message.text)
        else:
            self.explaining.asked = self.session.send(message.text)
        self._keep_prompt(message.written)
        await self.show_branch()
        self.composer.focus()

    def _keep_prompt(self, written: str) -> None:
        """For the up key after a restart; of a conversation that lasts only as long as the program nothing is kept."""
        conversation = self.session.tree.conversation_id
        if conversation is not None and self.session.store.path is not None:
            keep_prompt(written, conversation)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self.state.draft = self.composer.written
        self.show_writing_note()
        self.footer.refit()  # it says what can be done with the text

    def on_turn_selected(self, message: TurnSelected) -> None:
        self.transcript.select(message.turn)
        self.show_strip()
        if message.details:
            self.details.display = True
        self.show_details(message.turn)
        self.refresh_bindings()

    async def on_branch_wanted(self, message: BranchWanted) -> None:
        if self.session.switch(message.turn, message.step):
            await self.show_branch()

    async def on_earlier_wanted(self, _: EarlierWanted) -> None:
        await self.transcript.show_earlier()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        # A model wrote this link: only what a browser takes is opened.
        if event.href.startswith(("https://", "http://")):
            self.app.open_url(event.href)

    # The actions (actions.py names them, handlers/ does them)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return is_possible(self, str(parameters[0])) if action == PERFORM else True

    def is_possible(self, name: str) -> bool:
        return is_possible(self, name)

    async def action_perform(self, name: str) -> None:
        await perform(self, name)
        self.refresh_bindings()

    async def on_command_typed(self, message: CommandTyped) -> None:
        await perform(self, message.command.action.name, message.command.argument)
        self.refresh_bindings()

    def begin_edit(self, question: Turn) -> None:
        """Put a question into the composer, to be asked otherwise."""
        self.edited = question
        self.composer.put_away()
        self.composer.fill(question.text)
        self.composer.border_title = f"editing your question · {self.key_of('view.back')} leaves it as it was"
        self.composer.focus()

    def end_edit(self) -> Turn | None:
        """What is in the composer is a new question again; returns the one that was edited."""
        edited, self.edited = self.edited, None
        self.composer.border_title = ""
        return edited
