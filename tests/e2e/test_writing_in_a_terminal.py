"""What one writes, in a real terminal: long pastes, the user's own editor, commands, files, earlier questions."""

import json
import sys
from pathlib import Path

import pytest
from terminal import Terminal


def kept(folder: Path) -> str:
    """The text that was not sent, as the program left it."""
    return str(json.loads((folder / "interface.json").read_text())["draft"])


def editor(folder: Path, body: str) -> str:
    """An editor that waits for a line on the terminal, then does `body` with the text in `path`."""
    path = folder / "editor.py"
    path.write_text(f"import sys\npath = sys.argv[-1]\nprint('the editor has:', open(path).read())\ninput()\n{body}\n")
    return f"'{sys.executable}' '{path}'"


def test_the_editor_gets_the_text_and_gives_it_back(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(tmp_path, "open(path, 'a').write(', and more\\nof it\\n')"))
    monkeypatch.delenv("VISUAL", raising=False)
    with Terminal("chat", "--context", "512") as terminal:
        terminal.wait_for("Ask something")
        terminal.type("A question\x05")  # in one burst, the key with the text
        terminal.wait_for("the editor has: A question")
        terminal.type("\n")
        terminal.wait_for("of it")
        terminal.type("!")  # the chat has the keys again
        terminal.wait_for("of it!")
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    assert kept(data_dir) == "A question, and more\nof it!"


def test_an_editor_that_fails_leaves_the_text(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, "open(path, 'w').write('half'); sys.exit(4)"))
    with Terminal("chat", "--context", "512") as terminal:
        terminal.wait_for("Ask something")
        terminal.type("A question")
        terminal.wait_for("A question")
        terminal.type("\x05")
        terminal.wait_for("the editor has: A question")
        terminal.type("\n")
        terminal.wait_for("ended with status 4")
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    assert kept(data_dir) == "A question"


def test_a_long_paste_is_one_line_that_opens_and_the_editor_has_it_whole(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, "open(path, 'a').write('more')"))
    pasted = "".join(f"line {number}\n" for number in range(300))
    with Terminal("chat", "--context", "512") as terminal:
        terminal.wait_for("Ask something")
        terminal.type("Why? \x1b[200~" + pasted.replace("\n", "\r") + "\x1b[201~ Say.")
        terminal.wait_for("Why? [pasted: 300 lines, 2.6 kB] Say.")
        terminal.type("\x02")  # ctrl+b
        terminal.wait_for(lambda screen: "line 299" in screen and "[pasted" not in screen)
        terminal.type("\x02")
        terminal.wait_for("Why? [pasted: 300 lines, 2.6 kB] Say.")
        terminal.type("\x05")
        terminal.wait_for("line 299")
        terminal.type("\n")
        terminal.wait_for("Why? [pasted: 300 lines, 2.6 kB] Say.more")
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    assert kept(data_dir) == f"Why? {pasted} Say.more"


def test_a_command_a_file_and_an_earlier_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.md").write_text("Vienna lies on the Danube.\n")
    monkeypatch.chdir(tmp_path)
    with Terminal("chat", "--context", "1024") as terminal:
        terminal.wait_for("Ask something")
        terminal.type("/hel")
        terminal.wait_for("/help")
        terminal.type("\t\r")
        terminal.wait_for("lacie · help")
        terminal.type("\x1b")
        terminal.wait_for("Ask something")
        terminal.type("Sum up @not")
        terminal.wait_for("notes.md  27 bytes")
        terminal.type("\t")
        terminal.wait_for("notes.md 27 bytes, about 6 tokens")
        terminal.type("\r")
        terminal.wait_for("[notes.md: 1 line, 27 bytes]")
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    with Terminal("chat", "--context", "1024") as terminal:
        terminal.wait_for("Ask something")
        terminal.type("\x1b[A")  # the up key
        terminal.wait_for("Sum up @notes.md")
