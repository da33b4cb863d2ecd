"""What a session writes is its user's alone: whatever the umask, and whoever made the folder before."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from fitted import calibrator
from terminal import LACIE, Terminal, answered, ask

from lacie_chat.conversations import Store
from lacie_chat.engine.log import open_log
from lacie_chat.models import keep_calibrator
from lacie_chat.private import opener, private_folder
from lacie_chat.rows import RowFile, locked, write_json
from lacie_chat.settings.writing import set_values, write_template
from lacie_chat.tui.interface_state import InterfaceState, write_state
from lacie_chat.tui.prompts import keep_prompt

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
KEPT = ("interface.json", "prompts.jsonl", "config.toml", "conversations.db", "logs/engine.log")


@pytest.fixture(autouse=True)
def open_to_all() -> object:
    """A umask of nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Of all that is in the folder, and of the folder itself."""
    return {
        str(path.relative_to(folder)): oct(stat.S_IMODE(path.lstat().st_mode))
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


def assert_private(folder: Path) -> set[str]:
    found = modes(folder)
    for name, mode in found.items():
        assert mode == ("0o700" if (folder / name).is_dir() else "0o600"), f"{name} is {mode}"
    return set(found)


@pytest.fixture(params=["not there", "open to all"])
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, which isn't there; or which an earlier version has left open to all, with all that is in it."""
    folder = tmp_path / "home" / "data"
    monkeypatch.setenv("LACIE_DATA_DIR", str(folder))
    monkeypatch.setenv("LACIE_CACHE_DIR", os.environ["LACIE_CACHE_DIR"])
    if request.param == "open to all":
        write_all(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
    return folder


def write_all(folder: Path) -> None:
    """A session, by its parts."""
    write_state(InterfaceState(explained=1))
    keep_prompt("Who?", "a")
    write_template(folder / "config.toml")
    set_values(folder / "config.toml", {"theme": "textual-light"})
    with Store.open() as store:
        store.create_conversation("embedded", title="About me")
    log = open_log(folder / "logs" / "engine.log")
    assert log is not None
    log.close()
    model = folder.parent / "model.gguf"
    model.write_bytes(b"GGUF of no use")
    for slope in (1.0, 2.0):
        keep_calibrator(calibrator(acceptance=slope), model)
    answers = folder / "calibrators" / "answers"
    private_folder(answers)
    with locked(answers, "answers"):
        RowFile(answers / "rows.jsonl").append([{"id": "1", "question": "Who?"}])
        write_json(answers / "evaluation.json", {})


def test_each_part_keeps_to_its_user(data: Path) -> None:
    write_all(data)
    assert assert_private(data) >= set(KEPT)
    with Store.open():
        assert assert_private(data) >= {"conversations.db-wal", "conversations.db-shm"}


def test_a_session_in_a_terminal(data: Path, tmp_path: Path) -> None:
    wide = ["-c", 'umask 000; exec "$0" "$@"', LACIE]
    with Terminal(*wide, "chat", "--context", "2048", command="/bin/bash") as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, "What is the capital of Japan?")
        terminal.wait_for(answered("What is the capital of Japan?"))
        assert_private(data)
        terminal.type("not sent yet")
        terminal.wait_for("not sent yet")
        terminal.type("\x11")  # ctrl+q
        assert terminal.wait_for_end() == 0
    questions = tmp_path / "questions.jsonl"
    rows = [{"id": str(n), "question": f"What is {n} plus {n}?", "answers": [str(2 * n)]} for n in range(10)]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["calibrate", "--questions", str(questions), "--minimum", "10", "--max-tokens", "4"]
    for each in (words, ["history", "list"], ["settings", "init"], ["ask", "Who?", "--max-tokens", "8"]):
        subprocess.run(["/bin/bash", *wide, *each], capture_output=True, timeout=600, check=False)
    found = assert_private(data)
    assert found >= {*KEPT, "calibrators/answers"}


def test_a_folder_of_the_users_own_is_as_the_umask_has_it(tmp_path: Path) -> None:
    RowFile(tmp_path / "run" / "samples.jsonl").append([{"id": "1"}])
    write_json(tmp_path / "run" / "metrics.json", {})
    assert modes(tmp_path / "run") == {".": "0o777", "samples.jsonl": "0o666", "metrics.json": "0o666"}


def test_what_is_not_ours_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, shared = tmp_path / "home", tmp_path / "shared"
    home.mkdir(0o755)
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv("HOME", str(home))
    for folder in (home, shared):
        before = folder.stat().st_mode
        private_folder(folder)
        assert folder.stat().st_mode == before
    with open(shared / "file", "w", opener=opener) as file:
        file.write("x")
    assert (shared / "file").stat().st_mode & 0o777 == 0o666
