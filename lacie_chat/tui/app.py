"""The application: one session, one chat screen, and what must work whatever has the focus.

It opens before anything of the model is read: the engine is made by the speaker's factory on the session's thread, and
nothing imported here pulls in llama.cpp or the Hub's client.
"""

import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from lacie_chat.chat.events import ChatEvent
from lacie_chat.chat.session import ChatSession, random_seed
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store
from lacie_chat.settings import Settings
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.clipboard import Copying
from lacie_chat.tui.drawing import DrawsWhole
from lacie_chat.tui.handlers import is_possible
from lacie_chat.tui.harmless import ShowsHarmless
from lacie_chat.tui.interface_state import read_state, write_state
from lacie_chat.tui.key_names import key_name, key_of, keys_now, names_of
from lacie_chat.tui.keys_in_order import KeysInOrder
from lacie_chat.tui.leaving import leave_then
from lacie_chat.tui.messages import FromSession
from lacie_chat.tui.own_keys import for_textual, take_keys, wrong_keys
from lacie_chat.tui.remembering import remember
from lacie_chat.tui.screens.base import SizedScreen
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.terminal_keys import teach_textual
from lacie_chat.tui.textual_caches import let_go
from lacie_chat.tui.themes import Coloured
from lacie_chat.tui.told_to_end import EndsWhenTold
from lacie_chat.tui.typed_text import TakesAllText
from lacie_chat.tui.widgets.composer import Composer

if TYPE_CHECKING:
    from lacie_chat.chat.choosing import Find

teach_textual()
let_go()

QUIT_SECONDS = 2.0
"""How soon a second ctrl+c must follow to quit."""

SUSPEND = [Binding("ctrl+z", "suspend_process", "Suspend", show=False, priority=True, id="app.suspend")]
if sys.platform == "win32":
    SUSPEND.clear()  # there is no such thing there: the key undoes, as everywhere


class LacieApp(
    DrawsWhole[None], EndsWhenTold[None], ShowsHarmless[None], KeysInOrder, TakesAllText, Copying, Coloured[None]
):
    """The chat. `resume` is the id of a conversation to go on with; `notice` is one line to show at the start;
    `agreement` is how many samples are drawn after each answer, `answer_from` the P(right) under which an answer is
    folded (None: as it was left). `find` finds other models to change to."""

    TITLE = "lacie"
    CSS_PATH: ClassVar[str] = "styles/lacie.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Interrupt", show=False, priority=True, id="app.interrupt"),
        *SUSPEND,
    ]

    def __init__(
        self,
        speaker: ChatSpeaker,
        store: Store,
        *,
        resume: str | None = None,
        notice: str | None = None,
        agreement: int | None = None,
        answer_from: float | None = None,
        settings: Settings | None = None,
        seed: Callable[[], int] = random_seed,
        find: "Find | None" = None,
    ) -> None:
        super().__init__()
        self.state = read_state()
        self.settings = settings or Settings()
        self._moved = take_keys(self.state, self.settings)
        self.set_keymap(for_textual(self.state.keymap))  # before anything that names a key is made
        self.session = ChatSession(
            speaker,
            store,
            self._from_session,
            agreement=_first(agreement, self.settings.held("agreement").value, self.state.agreement),
            answer_from=_first(answer_from, self.settings.held("answer_from").value, self.state.answer_from),
            decides=True,
            settings=self.settings,
            seed=seed,
        )
        if resume is not None:
            self.session.open(resume)
        self._notice = notice
        self.chat = ChatScreen(self.session, self.state, find)
        self._interrupted = float("-inf")

    def get_default_screen(self) -> Screen[None]:
        return self.chat

    def on_mount(self) -> None:
        self.show_theme(self._liked_theme)
        self.theme_changed_signal.subscribe(self, lambda theme: self._keep_theme(theme.name))
        self.session.start()
        for wrong in wrong_keys(self.state.keys):
            self.notify(wrong, severity="warning", timeout=20, markup=False)
        if self._moved:
            self.notify(self._moved, timeout=10, markup=False)
        if self._notice:
            self.notify(self._notice, severity="warning", timeout=20, markup=False)

    def on_unmount(self) -> None:
        write_state(self.state)
        self.session.close()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette lists the actions, and nothing that is not one of them."""
        if screen is not self.chat:
            return
        for action in ACTIONS:
            if is_possible(self.chat, action.name):
                callback = partial(self.chat.action_perform, action.name)
                yield SystemCommand(f"{action.label}: {action.help}", names_of(action, self.state.keymap)[0], callback)

    def get_key_display(self, binding: Binding) -> str:
        return binding.key_display or key_name(binding.key, short=True)

    async def action_interrupt(self) -> None:
        """Ctrl+c: copy what is selected, else stop, else clear, else quit when it comes twice."""
        selected = self.screen.get_selected_text()
        focused = self.focused
        if selected:
            self.copy_to_clipboard(selected)
            self.screen.clear_selection()
        elif isinstance(focused, Composer) and focused.selected_text:
            focused.action_copy()
        elif self.session.cancel() or (isinstance(self.screen, SizedScreen) and self.screen.stop()):
            return
        elif isinstance(focused, Composer) and focused.text:
            focused.put_away()
            self.notify("Cleared; the up key brings it back.", timeout=2)
        elif time.monotonic() - self._interrupted < QUIT_SECONDS:
            await self.action_quit()
        else:
            self._interrupted = time.monotonic()
            once_more = key_name(keys_now(self, "app.interrupt", "ctrl+c")[0]).capitalize()
            self.notify(f"{once_more} once more quits (or {key_of(self.chat, 'chat.quit')}).", timeout=QUIT_SECONDS)

    async def action_quit(self) -> None:
        """Quit; where something isn't saved, ask first."""
        await leave_then(self.chat, super().action_quit, quits=True)

    def action_suspend_process(self) -> None:
        """Ctrl+z: back to the shell, till `fg`; the draft is kept should that never come."""
        write_state(self.state)
        super().action_suspend_process()

    def _from_session(self, event: ChatEvent) -> None:
        """Called on the session's threads; posting is safe from any."""
        if self.is_running:
            self.chat.post_message(FromSession(event))

    @property
    def _liked_theme(self) -> str:
        return str(self.settings.held("theme").value or self.state.theme)

    def _keep_theme(self, name: str) -> None:
        if name == self.fitting_theme(self._liked_theme):
            return  # what this terminal made of the theme that the user likes
        if problem := remember(self.state, self.settings, "theme", name):
            self.notify(problem, severity="error", markup=False)


def _first(*values: Any) -> Any:
    """The first that is there."""
    return next(value for value in values if value is not None)
