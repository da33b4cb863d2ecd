"""The line over the status that says what isn't saved, and why: it stands as long as that is so."""

from textual.events import Click
from textual.widgets import Static

from lacie_chat.chat.saving import Saving
from lacie_chat.printable import printable
from lacie_chat.tui.messages import CopyWanted


def count_of(messages: int) -> str:
    """So many messages, in words."""
    return f"{messages} message{'' if messages == 1 else 's'}"


class UnsavedLine(Static):
    """Out of sight while all is saved. A click on it writes a copy."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="unsaved", markup=False)
        self.display = False
        self._shown = ""

    def show(self, saving: Saving, copy_key: str, anew_key: str) -> None:
        """Say what is so now; the keys write a copy, and keep what another chat deleted as a new conversation."""
        problem, missing = saving.problem, saving.lost_at_the_end
        text = ""
        if problem:
            what = f"{count_of(missing)} not saved" if missing else "Not saved"
            anew = f"{anew_key} keeps it as a new one · " if saving.deleted_elsewhere else ""
            text = printable(f"✗ {what} · {anew}{copy_key} writes a copy · {problem}")
        if text != self._shown:
            self._shown = text
            self.display = bool(text)
            self.update(text)

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(CopyWanted())
