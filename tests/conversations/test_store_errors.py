"""What can go wrong with the file, each as one clear line, and nothing lost or deleted. Real errors of the system."""

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lacie_chat.conversations import Store, StoreError

PlainUser = Callable[[], AbstractContextManager[None]]


def refused(path: Path, *, busy_seconds: float = 0.2) -> str:
    with pytest.raises(StoreError) as caught:
        Store.open(path, busy_seconds=busy_seconds)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    message = refused(tmp_path / "data" / "conversations.db")
    assert "can't make the folder" in message
    assert "LACIE_DATA_DIR" in message
    assert (tmp_path / "data").read_text() == "mine"


def test_a_folder_where_the_file_should_be(path: Path) -> None:
    path.mkdir()
    assert "is a folder, not a file" in refused(path)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_place_where_nothing_can_be_made() -> None:
    assert "can't make the folder /proc/lacie" in refused(Path("/proc/lacie/conversations.db"))


def test_a_read_only_folder_without_a_file(open_folder: Path, as_plain_user: PlainUser) -> None:
    open_folder.chmod(0o555)
    with as_plain_user():
        message = refused(open_folder / "conversations.db")
    assert f"can't write in {open_folder} (Permission denied)" in message


def test_a_read_only_file(open_folder: Path, as_plain_user: PlainUser) -> None:
    path = open_folder / "conversations.db"
    with Store.open(path) as store:
        conversation = store.create_conversation("embedded", title="Kept")
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with as_plain_user():
        message = refused(path)
    assert str(path) in message
    assert "read-only" in message
    open_folder.chmod(0o755)
    path.chmod(0o644)
    with Store.open(path) as store:
        assert store.conversation(conversation.id).title == "Kept"


def test_a_file_that_may_not_be_read(open_folder: Path, as_plain_user: PlainUser) -> None:
    path = open_folder / "conversations.db"
    Store.open(path).close()
    open_folder.chmod(0o777)
    path.chmod(0)
    with as_plain_user():
        assert f"can't open {path}: no permission" in refused(path)


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    content = b"Dear diary, this is no database at all. " * 200
    path.write_bytes(content)
    message = refused(path)
    assert f"{path} is damaged or not a database; end what else has it open" in message
    assert path.read_bytes() == content


def test_a_damaged_database_is_left_alone(path: Path) -> None:
    with Store.open(path) as store:
        conversation = store.create_conversation("embedded")
        for number in range(200):
            store.add_message(conversation.id, None, "user", f"Question {number} " + "x" * 200)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    assert "is damaged or not a database; end what else has it open" in refused(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    assert "another program's database" in refused(path)
    with sqlite3.connect(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert tables == ["recipes"]


def test_a_newer_schema_asks_for_an_update(path: Path) -> None:
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    message = refused(path)
    assert "newer lacie-chat" in message
    assert "update lacie-chat" in message


def test_a_database_that_is_kept_locked(path: Path) -> None:
    with Store.open(path, busy_seconds=0.2) as store:
        conversation = store.create_conversation("embedded")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"kept .*conversations.db locked for over 0.2 s"):
            store.add_message(conversation.id, None, "user", "Who wrote Emma?")
        assert "locked" in refused(path)
        assert store.messages(conversation.id) == []  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        store.add_message(conversation.id, None, "user", "Who wrote Emma?")
        assert len(store.messages(conversation.id)) == 1


def test_a_full_disk_keeps_what_was_written_and_goes_on_later(store: Store) -> None:
    conversation = store.create_conversation("embedded")
    answer = store.add_message(conversation.id, None, "assistant", "Jane", status="streaming")
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="the disk is full"):
        store.append(answer.id, " Austen" * 10_000)
    assert store.message(answer.id).text == "Jane"
    store._connection.execute("PRAGMA max_page_count = 1000000")
    store.append(answer.id, " Austen")
    assert store.message(answer.id).text == "Jane Austen"


FILL = """
import resource, sys
from pathlib import Path
from lacie_chat.conversations import Store, StoreError
store = Store.open(Path(sys.argv[1]))
conversation = store.create_conversation("embedded")
answer = store.add_message(conversation.id, None, "assistant", status="streaming")
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
written = 0
try:
    while True:
        store.append(answer.id, "word " * 200)
        written += 1
except StoreError as error:
    print(written, error)
"""


def test_a_write_that_the_system_refuses(path: Path) -> None:
    """RLIMIT_FSIZE: the write itself fails, in the middle of SQLite's work."""
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run([sys.executable, "-c", FILL, path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    written, _, message = done.stdout.strip().partition(" ")
    assert "\n" not in message
    assert str(path) in message
    assert int(written) > 10
    with Store.open(path) as store:
        answer = store.messages(store.list_conversations()[0].id)[0]
        assert answer.status == "cut_off"
        assert answer.text == "word " * 200 * int(written)
