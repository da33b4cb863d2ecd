"""Which editor is taken, and what comes of what it does; with real programs."""

import signal
import sys
from pathlib import Path

import pytest

from lacie_chat.tui.external_editor import EditorError, edited, editor_command


def script(folder: Path, body: str, name: str = "my editor") -> str:
    """An editor that does `body` with the text in `path`."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\npath = sys.argv[-1]\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_visual_goes_before_editor_and_may_have_arguments(tmp_path: Path) -> None:
    one, other = script(tmp_path, ""), script(tmp_path, "", "other")
    assert editor_command({"VISUAL": f"'{one}' --wait", "EDITOR": other}) == [one, "--wait"]
    assert editor_command({"VISUAL": " ", "EDITOR": other}) == [other]


def test_without_either_one_that_is_found(tmp_path: Path) -> None:
    script(tmp_path, "", "vi")
    assert editor_command({"PATH": str(tmp_path)}) == ["vi"]
    script(tmp_path, "", "nano")
    assert editor_command({"PATH": str(tmp_path)}) == ["nano"]


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"PATH": "/nowhere"}, "no editor is found; set VISUAL or EDITOR to one"),
        ({"PATH": "/nowhere", "EDITOR": "emacz -nw"}, "EDITOR is emacz -nw, and no such program is found"),
        ({"VISUAL": "vi 'x"}, "VISUAL is vi 'x, which is no command"),
    ],
)
def test_no_editor_is_one_line(environment: dict[str, str], reason: str) -> None:
    with pytest.raises(EditorError, match=reason) as caught:
        editor_command(environment)
    assert "\n" not in str(caught.value)


def test_what_it_saves_is_the_text(tmp_path: Path) -> None:
    editor = script(tmp_path, "text = open(path).read(); open(path, 'w').write(text.upper() + 'más\\n')")
    assert edited("one\ntwo ", [editor]) == "ONE\nTWO más"
    assert edited("one\n", [editor]) == "ONE\nmás\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("open(path, 'w').write('half'); sys.exit(3)", "ended with status 3; the text is as it was"),
        ("os.kill(os.getpid(), 15)", "was ended by signal 15"),
        ("open(path, 'wb').write(bytes([255, 254, 0]))", "no text; yours is as it was"),
        ("os.remove(path)", "No such file or directory; the text is as it was"),
    ],
)
def test_one_that_fails_changes_nothing(tmp_path: Path, body: str, reason: str) -> None:
    with pytest.raises(EditorError, match=reason):
        edited("text", [script(tmp_path, body)])


def test_one_that_does_not_wait_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lacie_chat.tui.external_editor.AT_ONCE", 60)
    with pytest.raises(EditorError, match="true came back at once"):
        edited("text", ["true"])


def test_ctrl_c_in_the_editor_is_the_editors(tmp_path: Path) -> None:
    editor = script(tmp_path, "os.kill(os.getppid(), 2); time.sleep(0.5); open(path, 'a').write('!')")
    before = signal.getsignal(signal.SIGINT)
    assert edited("text", [editor]) == "text!"
    assert signal.getsignal(signal.SIGINT) is before


def test_nobody_else_reads_the_text_and_nothing_stays(tmp_path: Path) -> None:
    note = tmp_path / "note"
    editor = script(tmp_path, f"open({str(note)!r}, 'w').write(f'{{path}} {{os.stat(path).st_mode & 0o777:o}}')")
    try:
        edited("text", [editor])
    except EditorError as error:
        assert "at once" in str(error)
    path, mode = note.read_text().split()
    assert mode == "600" and not Path(path).exists()
