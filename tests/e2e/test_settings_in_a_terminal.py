"""The settings, in a real terminal with the real model: set by keys, used for an answer, and kept."""

import json
from pathlib import Path

from terminal import Terminal

from lacie_chat.conversations import Store
from lacie_chat.settings import read_settings

DOWN = "\x1b[B"


def test_what_is_set_by_keys_is_what_answers(data_dir: Path) -> None:
    (data_dir / "config.toml").write_text("# mine\ntemprature = 1\ntemperature = 0.0\n")
    with Terminal("chat", "--baseline", columns=100, rows=40) as terminal:
        terminal.wait_for("did you mean temperature?")
        terminal.wait_for("Ready · room for")
        terminal.type("\x18")
        terminal.wait_for("lacie · settings")
        terminal.wait_for("chosen by the memory")
        terminal.type(DOWN * 9)
        terminal.wait_for("Length of an answer")
        terminal.type("\r")
        terminal.wait_for("╭─ max_tokens ─")
        terminal.type("\x7f" * 3 + "7\r")
        terminal.wait_for("7  this conversation")
        terminal.type(DOWN * 6)
        terminal.wait_for("Length of the context")
        terminal.type("\r")
        terminal.wait_for("╭─ context ─")
        terminal.type("512\r")
        terminal.wait_for("512  file")
        terminal.type("\x1b")
        terminal.wait_for("Ready · room for 512 tokens")
        terminal.type("Count from one to twenty.\r")
        terminal.wait_for("stopped at 7 tokens")
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    assert (data_dir / "config.toml").read_text().startswith("# mine\ntemprature = 1\ntemperature = 0.0\n")
    assert read_settings().values == {"temperature": 0.0, "context": 512}
    with Store.open() as store:
        [conversation] = store.list_conversations()
        assert store.own_settings(conversation.id) == {"max_tokens": 7}
        answer = store.messages(conversation.id)[-1]
    assert answer.usage is not None and answer.usage["completion_tokens"] == 7
    assert (answer.params["sampling"]["temperature"], answer.params["sampling"]["max_tokens"]) == (0.0, 7)
    assert json.loads((data_dir / "interface.json").read_text())["keys"] == {}
