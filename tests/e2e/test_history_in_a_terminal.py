"""The history by real keys: renamed, deleted, taken back, filtered, exported; and a branch chosen in the tree."""

from pathlib import Path

import pytest
from terminal import Terminal

from lacie_chat.conversations import Store


def test_a_conversation_is_renamed_deleted_taken_back_and_exported(
    embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open() as store:
        for title in ("rivers", "seas"):
            made = store.create_conversation("model", title=title)
            asked = store.add_message(made.id, None, "user", f"What of {title}?")
            store.add_message(made.id, asked.id, "assistant", "")
    with Terminal("chat", "--baseline", "--context", "1024") as terminal:
        terminal.wait_for("Ask something")
        terminal.type("\x0f")  # ctrl+o
        terminal.wait_for("Today")
        terminal.type("\x1b[B\x12")  # down, ctrl+r
        terminal.wait_for("Rename the conversation")
        terminal.type("\x1b[F of Europe\r")  # what is there is selected; end
        terminal.wait_for(lambda screen: "Rename" in screen.splitlines()[-1] and "rivers of Europe" in screen)
        terminal.type("\x18")  # ctrl+x: the renamed one, wherever its row is now
        terminal.wait_for("Deleted “rivers of Europe”")
        terminal.type("\x1bz")  # alt+z
        terminal.wait_for("“rivers of Europe” is back.")
        terminal.type("is:pined")
        terminal.wait_for("did you mean pinned?")
        terminal.type("\x7f\x7fned")
        terminal.wait_for("Nothing found.")
        terminal.type("\x7f" * 9 + "rivers")
        terminal.wait_for("1 found")
        terminal.type("\x1be")  # alt+e
        terminal.wait_for("Export the conversation")
        terminal.type("\x1b[B\r")
        terminal.wait_for("Exported to")
        terminal.type("\r")
        terminal.wait_for("· rivers of Europe")
        terminal.type("\x1bg")  # alt+g
        terminal.wait_for("lacie · branches")
        terminal.type("\x1b[A\r")
        terminal.wait_for("Ask something")
        terminal.type("\x11")
        assert terminal.wait_for_end(60) == 0
    (file,) = tmp_path.glob("*.html")
    assert "What of rivers?" in file.read_text()
    with Store.open() as store:
        assert [each.title for each in store.list_conversations()] == ["seas", "rivers of Europe"]
