"""A damaged database: a copy is put aside, what can be read is there again, and one line says how much."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lacie_chat.conversations import Store, StoreError
from lacie_chat.conversations.recovery import recover


@pytest.fixture
def filled(path: Path) -> Path:
    with Store.open(path) as store:
        for number in range(20):
            conversation = store.create_conversation("embedded", title=f"Conversation {number}")
            above = None
            for turn in range(20):
                above = store.add_message(
                    conversation.id, above, "user", f"Question {turn} of {number}. " + "x" * 150
                ).id
    return path


def kept(path: Path) -> list[Path]:
    return list(path.parent.glob("conversations.damaged-*.db"))


def test_a_destroyed_header(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytes(100) + filled.read_bytes()[100:]
    filled.write_bytes(content)
    with Store.open(filled) as store:
        assert len(store.list_conversations()) == 20
        assert sum(row.messages for row in store.list_conversations()) == 400
        assert store.search("Question 7 of 3")
        store.create_conversation("embedded")
    (line,) = capsys.readouterr().err.splitlines()
    assert "was damaged: 20 conversations with 400 messages could be read and are there again" in line
    (aside,) = kept(filled)
    assert aside.read_bytes() == content
    assert (aside.stat().st_mode & 0o777, filled.stat().st_mode & 0o777) == (0o600, 0o600)
    assert {file.name for file in filled.parent.iterdir()} == {filled.name, aside.name}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_pages_of_zeros(filled: Path, share: float) -> None:
    content = bytearray(filled.read_bytes())
    at = int(share * (len(content) // 4096)) * 4096
    content[at : at + 4096] = bytes(4096)
    filled.write_bytes(content)
    assert recover(filled) is not None
    with Store.open(filled) as store:
        assert sum(row.messages for row in store.list_conversations()) >= 350
        for row in store.list_conversations():
            store.export(row.id, "json")


def test_a_cut_off_file(filled: Path) -> None:
    content = filled.read_bytes()
    filled.write_bytes(content[: len(content) // 2])
    with Store.open(filled) as store:
        assert sum(row.messages for row in store.list_conversations()) >= 100


@pytest.mark.parametrize("content", [b"Dear diary. " * 2000, b"\0" * 20_000])
def test_where_nothing_can_be_read_nothing_is_changed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged or not a database"):
        Store.open(path)
    assert path.read_bytes() == content
    assert kept(path) == []


def test_a_file_that_another_process_has_open_is_left_alone(filled: Path, run_python: Callable[..., Any]) -> None:
    other = run_python(OPEN, filled)
    assert other.stdout.readline() == "open\n"
    content = bytes(100) + filled.read_bytes()[100:]
    filled.write_bytes(content)
    assert recover(filled) is None
    assert filled.read_bytes() == content
    assert kept(filled) == []
    other.communicate("\n")
    assert recover(filled) is not None


OPEN = """
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from lacie_chat.conversations import Store
with Store.open(Path(sys.argv[1])) as store:
    store.list_conversations()
    print("open", flush=True)
    sys.stdin.readline()
"""
