"""Characters that Python doesn't call printable, typed and pasted as bytes into a real terminal."""

import json
from pathlib import Path

import pytest
from terminal import Terminal

TEXTS = (
    "می\u200cخواهم",
    "👩\u200d🚀 👨\u200d👩\u200d👧",
    "5\u00a0km 東京\u3000大阪\u2009x",
    "\u200fעברית\u200e a\u00adb \ufeff\u2060",
    "\U0001fae9 \ue0b0",
)


def kept(folder: Path) -> str:
    """The text that was not sent, as the program left it."""
    return str(json.loads((folder / "interface.json").read_text())["draft"])


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("pasted", [False, True])
def test_every_character_reaches_the_composer(text: str, pasted: bool, data_dir: Path) -> None:
    with Terminal("chat", "--context", "512") as terminal:
        terminal.wait_for("Ask something")
        terminal.type(f"\x1b[200~{text}\x1b[201~" if pasted else text)
        terminal.type(" end")
        terminal.wait_for("end")
        terminal.type("\x11")  # ctrl+q
        assert terminal.wait_for_end() == 0
    assert kept(data_dir) == text + " end"
