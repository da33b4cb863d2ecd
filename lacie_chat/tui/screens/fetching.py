"""A model that is fetched while one chats on, on the chat screen: how far it is, and that it is there.

A room of the chat screen (chat.py), which shows the conversation and does everything else.
"""

from typing import TYPE_CHECKING

from lacie_chat.chat.session import ChatSession
from lacie_chat.tui.interface_state import InterfaceState
from lacie_chat.tui.messages import FromChoosing
from lacie_chat.tui.screens.writing import WritingScreen

if TYPE_CHECKING:
    from lacie_chat.chat.choosing import Choosing, ChoosingEvent, Find, Found


class FetchingScreen(WritingScreen):
    """What the chat screen has of this. `find` finds other models; None: this chat knows no other."""

    def __init__(self, session: ChatSession, state: InterfaceState, find: "Find | None" = None) -> None:
        super().__init__(session, state)
        self.find: Find | None = find
        self.wanted: Found | None = None
        """The model that was chosen last."""
        self.fetched = ""
        """The one that came while one chatted on, by its REF; the list offers it first."""
        self._choosing: Choosing | None = None

    @property
    def choosing(self) -> "Choosing":
        """What looks for models and fetches them; only where `find` is."""
        from lacie_chat.chat.choosing import Choosing  # what finds models: not before it is wanted

        if self._choosing is None:
            assert self.find is not None
            self._choosing = Choosing(self.find, self._hear_choosing)
        return self._choosing

    def settings_shown(self) -> list[str]:
        fetching = self._choosing.fetching if self._choosing is not None else None
        return [*super().settings_shown(), fetching.text if fetching is not None else ""]

    def on_from_choosing(self, message: FromChoosing) -> None:
        from lacie_chat.chat.choosing import Chosen, Refused

        match message.event:
            case Chosen(found):
                name, origin = found.speaker.model_name, found.speaker.origin
                self.fetched = origin.model_ref if origin is not None else ""
                self.notify(
                    f"{name} is here: {self.key_of('chat.model')} and enter change to it.", timeout=15, markup=False
                )
            case Refused(reason):
                self.notify(reason, title="Not fetched", severity="error", timeout=15, markup=False)
        self.show_setting()

    def _hear_choosing(self, event: "ChoosingEvent") -> None:
        """Called on other threads."""
        self.post_message(FromChoosing(event))
