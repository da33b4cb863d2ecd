"""The line that says that there is new text below what is in sight, and leads there."""

from textual.events import Click
from textual.widgets import Static

from lacie_chat.tui.messages import LatestWanted


class Below(Static):
    """Out of sight as long as nothing new stands below. It comes and goes at the lower edge: what is read stays put."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="below")
        self.display = False

    def hint(self, key: str) -> None:
        """Say that there is something new, and which key leads there too."""
        self.update(f"↓ new text below · click or {key}")
        self.display = True

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(LatestWanted())
