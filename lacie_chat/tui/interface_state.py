"""What the interface remembers from one start to the next: the theme, remapped keys, and a text not yet sent.

One small JSON file in the data folder. It is a convenience: whatever is wrong with it (unreadable, edited by hand into
something else, a full disk) never stops a chat.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lacie_chat import paths
from lacie_chat.confidence import MOST_SAMPLES


@dataclass
class InterfaceState:
    """`keys` maps an action's id (see the help screen) to the keys that it should have, e.g. {"chat.new": "f2"}.
    `agreement` is how many samples are drawn after each answer; 0: none. `answer_from` is the P(right) under which
    answers are folded; 0: none is."""

    theme: str = "textual-dark"
    keys: dict[str, str] = field(default_factory=dict)
    draft: str = ""
    agreement: int = 0
    answer_from: float = 0.0


def state_path() -> Path:
    """The file, next to the conversations."""
    return paths.data_dir() / "interface.json"


def read_state() -> InterfaceState:
    """What was kept; defaults for whatever is missing or not as expected."""
    try:
        data = json.loads(state_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return InterfaceState()
    found = InterfaceState()
    if not isinstance(data, dict):
        return found
    if isinstance(data.get("theme"), str):
        found.theme = data["theme"]
    if isinstance(data.get("draft"), str):
        found.draft = data["draft"]
    samples = data.get("agreement")
    if isinstance(samples, int) and not isinstance(samples, bool) and 0 <= samples <= MOST_SAMPLES:
        found.agreement = samples
    limit = data.get("answer_from")
    if isinstance(limit, int | float) and not isinstance(limit, bool) and 0 <= limit <= 1:
        found.answer_from = float(limit)
    if isinstance(data.get("keys"), dict):
        found.keys = {str(name): keys for name, keys in data["keys"].items() if isinstance(keys, str)}
    return found


def write_state(state: InterfaceState) -> None:
    """Keep it; a folder that can't be written is passed over in silence (the store has its own, louder line)."""
    path = state_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
        partial.replace(path)
    except OSError:
        return
