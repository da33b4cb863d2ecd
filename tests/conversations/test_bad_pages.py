"""A page that is damaged on the disk is met when it is read, not when the file is opened: one line, and what can be
read is there again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lacie_chat import cli
from lacie_chat.conversations import Store, StoreError, parse_query
from lacie_chat.paths import database_path
from tests.conversations.damage import ASSESSMENT, KINDS, damage, fill

PAGE = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "conversations.db"
    with Store.open(path) as store:
        for number in range(12):
            conversation = store.create_conversation("embedded", title=f"Conversation {number}")
            above = None
            for turn in range(20):
                text = f"Question {turn} of {number}. " + "x" * 300
                above = store.add_message(conversation.id, above, "assistant", text).id
                store.attach_assessment(above, ASSESSMENT)
    return path.read_bytes()


def read_all(store: Store) -> int:
    """How many messages there are, after everything was read."""
    rows = store.list_conversations(100)
    for row in rows:
        store.export(row.id, "json"), store.export(row.id, "markdown")
    store.search("Question 7"), store.marks(), store.all_ids()
    return sum(row.messages for row in rows)


def broken(path: Path, content: bytes, page: int) -> Path:
    changed = bytearray(content)
    changed[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    path.write_bytes(changed)
    return path


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_a_bad_page_is_met_while_reading(path: Path, whole: bytes, share: float) -> None:
    broken(path, whole, int(share * (len(whole) // PAGE)))
    said: list[str] = []
    with Store.open(path, say=said.append) as store:
        try:
            read_all(store)
        except StoreError as error:
            said.append(str(error))
            assert str(error).endswith("; do once more what you did")
        (line,) = said
        assert "conversations with" in line and "messages could be read and are there again" in line
        assert 200 <= read_all(store) <= 240
        one = store.list_conversations()[0]
        answer = store.add_message(one.id, None, "assistant", "It is", status="streaming")
        store.append(answer.id, " written.")
        store.finish(answer.id, "complete")
    (aside,) = path.parent.glob("*.damaged-*.db")
    assert len(aside.read_bytes()) == len(whole)


def page_of_messages(content: bytes) -> int:
    """One that holds nothing but messages, some of their texts."""
    pages = [content[start : start + PAGE] for start in range(0, len(content), PAGE)]
    return next(
        number
        for number, page in enumerate(pages)
        if page[0] == 0x0D and page.count(b"xxxxx Question") + page.count(b"Question 1") > 3 and b"embedded" not in page
    )


def test_the_figure_that_is_filtered_by_is_kept(path: Path, whole: bytes) -> None:
    broken(path, whole, page_of_messages(whole))
    with Store.open(path) as store:
        store.right_by(lambda params, heard: 0.99)
        with pytest.raises(StoreError, match="was damaged"):
            read_all(store)
        assert store.list_conversations(query=parse_query("right:>98"))


def test_what_streams_meanwhile_goes_on(path: Path, whole: bytes) -> None:
    broken(path, whole, page_of_messages(whole))
    with Store.open(path) as store:
        conversation = store.create_conversation("embedded")
        answer = store.add_message(conversation.id, None, "assistant", "It is", status="streaming")
        with pytest.raises(StoreError, match="was damaged"):
            read_all(store)
        store.append(answer.id, " written.")
        store.finish(answer.id, "complete")
        assert store.message(answer.id).text == "It is written."


def test_a_file_that_another_process_has_open_is_left_as_it_is(
    path: Path, whole: bytes, run_python: Callable[..., Any]
) -> None:
    content = broken(path, whole, page_of_messages(whole)).read_bytes()
    other = run_python(OPEN, path)
    assert other.stdout.readline() == "open\n"
    with Store.open(path) as store:
        for _ in range(2):
            with pytest.raises(StoreError, match="end what else has it open and try again"):
                read_all(store)
        other.communicate("\n")
        with pytest.raises(StoreError, match="was damaged"):
            read_all(store)
        assert read_all(store) > 200
    (aside,) = path.parent.glob("*.damaged-*.db")
    assert aside.read_bytes()[PAGE:] == content[PAGE:]  # the first page counts the openings


OPEN = """
import sys
from pathlib import Path
from lacie_chat.conversations import Store
with Store.open(Path(sys.argv[1])) as store:
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_a_command_says_one_line_and_works_again(
    data_dir: Path, whole: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    database_path().parent.mkdir(parents=True, exist_ok=True)
    broken(database_path(), whole, page_of_messages(whole))
    assert cli.main(["history", "list", "--json"]) == 1
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert "was damaged: 12 conversations with" in line and line.endswith("; do once more what you did")
    assert out == "" and cli.main(["history", "list", "--json"]) == 0
    for row in json.loads(capsys.readouterr().out):
        assert cli.main(["history", "export", row["id"], "--format", "json"]) == 0


def test_the_json_export_names_the_damage(path: Path) -> None:
    damaged, other = fill(path)
    damage(path, "conversations", "settings", KINDS["no-json"])
    damage(path, "messages", "usage", KINDS["bytes"])
    with Store.open(path) as store, Store.in_memory() as elsewhere:
        text = store.export(damaged, "json")
        found = json.loads(text)
        assert found["conversation"]["damaged"] == ["settings"]
        assert [message.get("damaged") for message in found["messages"]] == [None, ["usage"], None]
        assert "damaged" not in store.export(other, "json")
        assert elsewhere.import_text(text)[1]
