"""What the interface remembers between two starts: theme, a text not yet sent, what it explained.

One small JSON file in the data folder. It is a convenience: whatever is wrong with it (unreadable, edited by hand into
something else, a full disk) never stops a chat.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lacie_chat import paths
from lacie_chat.confidence import MOST_SAMPLES
from lacie_chat.conversations.values import storable
from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.private import opener, private_folder
from lacie_chat.tui.key_names import usable

TIMES_EXPLAINED = 3
"""Answers whose line is explained in words to somebody new; then it is known, or F1 has it."""


@dataclass
class InterfaceState:
    """`keys` maps an action's id (see the help screen) to the keys that it should have, e.g. {"chat.new": "f2"}; they
    are the settings file's, and kept there. `unmoved` are those that an earlier version kept here (own_keys.py).
    `agreement` is how many samples are drawn after each answer; 0: none. `answer_from` is the P(right) under which
    answers are folded; 0: none is. `explained` is under how many answers the figures were explained so far; who opened
    the help needs it no more."""

    theme: str = "textual-dark"
    keys: dict[str, str] = field(default_factory=dict)
    unmoved: dict[str, str] = field(default_factory=dict)
    draft: str = ""
    agreement: int = 0
    answer_from: float = 0.0
    explained: int = 0

    @property
    def keymap(self) -> dict[str, str]:
        """The remapped keys that can be had."""
        return usable(self.keys)

    @property
    def explains(self) -> bool:
        """Is the line of the next answer explained?"""
        return self.explained < TIMES_EXPLAINED

    def help_opened(self) -> None:
        """The help says it all: nothing is explained under answers any more."""
        self.explained = TIMES_EXPLAINED


def state_path() -> Path:
    """The file, next to the conversations."""
    return paths.data_dir() / "interface.json"


def read_state() -> InterfaceState:
    """What was kept; defaults for whatever is missing or not as expected."""
    try:
        data = read_json(state_path())
    except (OSError, NoJSON):
        return InterfaceState()
    found = InterfaceState()
    if not isinstance(data, dict):
        return found
    if isinstance(data.get("theme"), str):
        found.theme = data["theme"]
    if isinstance(data.get("draft"), str):
        found.draft = storable(data["draft"])
    found.agreement = _number(data.get("agreement"), MOST_SAMPLES)
    found.explained = _number(data.get("explained"), TIMES_EXPLAINED)
    limit = data.get("answer_from")
    if isinstance(limit, int | float) and not isinstance(limit, bool) and 0 <= limit <= 1:
        found.answer_from = float(limit)
    if isinstance(data.get("keys"), dict):
        found.unmoved = {str(name): keys for name, keys in data["keys"].items() if isinstance(keys, str)}
    return found


def _number(value: object, most: int) -> int:
    """A whole number from 0 to `most`; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else 0


def write_state(state: InterfaceState) -> None:
    """Keep it; a folder that can't be written is passed over in silence (the store has its own, louder line)."""
    path = state_path()
    try:
        private_folder(path.parent)
        partial = path.with_suffix(".partial")
        kept = asdict(state)
        kept["keys"] = kept.pop("unmoved")
        with open(partial, "w", encoding="utf-8", opener=opener) as file:
            json.dump(kept, file, indent=2)
        partial.replace(path)
    except OSError:
        return
