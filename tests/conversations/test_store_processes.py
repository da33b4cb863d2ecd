"""Several processes on one file, and processes that die: real ones, killed for real."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lacie_chat.conversations import Store, owner

Start = Callable[..., "subprocess.Popen[str]"]

# Streams an answer a word at a time and says each word only after it is stored, as the screen does.
STREAM = """
import sys
from lacie_chat.conversations import Store
from pathlib import Path
store = Store.open(Path(sys.argv[1]))
conversation = store.create_conversation("embedded")
question = store.add_message(conversation.id, None, "user", "Count")
answer = store.add_message(conversation.id, question.id, "assistant", status="streaming")
print(answer.id, flush=True)
number = 0
while True:
    store.append(answer.id, f"{number} ")
    print(number, flush=True)
    number += 1
    if number == 50 and sys.argv[2:] == ["pause"]:
        sys.stdin.readline()
        store.append(answer.id, "the end")
        store.finish(answer.id, "complete")
        break
"""

THINK = STREAM.replace('store.append(answer.id, f"', 'store.append_thought(answer.id, f"')

WRITE = """
import sys
from lacie_chat.conversations import Store
from pathlib import Path
name, count = sys.argv[2], int(sys.argv[3])
sys.stdin.readline()
with Store.open(Path(sys.argv[1])) as store:
    for number in range(count):
        conversation = store.create_conversation(name)
        question = store.add_message(conversation.id, None, "user", f"{name} {number}")
        answer = store.add_message(conversation.id, question.id, "assistant", status="streaming")
        for piece in range(5):
            store.append(answer.id, f"{piece}")
        store.finish(answer.id, "complete")
print("done")
"""


def test_a_killed_writer_loses_nothing_that_was_shown(path: Path, run_python: Start) -> None:
    process = run_python(STREAM, path)
    assert process.stdout
    answer = int(process.stdout.readline())
    for _ in range(200):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    shown = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    # Ended but not waited for: as a zombie it still has its number and start time, and is dead all the same.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with Store.open(path) as store:
        message = store.message(answer)
        assert message.status == "cut_off"
        written = message.text.split()
        last_shown = 199 + len(shown)
        assert written[: last_shown + 1] == [str(number) for number in range(last_shown + 1)]
        assert len(written) - (last_shown + 1) in (0, 1)  # at most the word that was stored and not yet said
        assert [hit.message_id for hit in store.search("150")] == [answer]
        assert store.list_conversations()[0].leaf_id == answer
        assert store._connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_writer_that_is_killed_while_it_thinks_loses_nothing_that_was_shown(path: Path, run_python: Start) -> None:
    process = run_python(THINK, path)
    assert process.stdout
    answer = int(process.stdout.readline())
    for _ in range(1500):  # more than one part of it
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    shown = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with Store.open(path) as store:
        message = store.message(answer)
        assert (message.text, message.status) == ("", "cut_off")
        written = message.reasoning.split()
        last_shown = 1499 + len(shown)
        assert written[: last_shown + 1] == [str(number) for number in range(last_shown + 1)]
        assert len(written) - (last_shown + 1) in (0, 1)
        assert store._connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_another_chats_answer_is_left_alone_while_it_lives(path: Path, run_python: Start) -> None:
    process = run_python(STREAM, path, "pause")
    assert process.stdout
    assert process.stdin
    answer = int(process.stdout.readline())
    for _ in range(50):
        process.stdout.readline()
    with Store.open(path) as store:
        assert store.message(answer).status == "streaming"
    process.stdin.write("\n")
    process.stdin.flush()
    process.wait(30)
    with Store.open(path) as store:
        message = store.message(answer)
        assert message.status == "complete"
        assert message.text.endswith("49 the end")


def test_a_process_number_that_was_given_away_again_is_seen_through(path: Path) -> None:
    """The row names our own number, which surely lives, with another start time or another boot."""
    pid, realm, started = owner.this_process().split(" ", 2)
    assert int(pid) == os.getpid()
    assert owner.is_alive(f"{pid} {realm} {started}")
    strangers = [f"{pid} {realm} {int(started) - 1}", f"{pid} other-boot {started}", f"{pid} {realm} ", "", "rubbish"]
    with Store.open(path) as store:
        conversation = store.create_conversation("embedded")
        ids = [
            store.add_message(conversation.id, None, "assistant", str(n), status="streaming").id
            for n in range(len(strangers) + 1)
        ]
        with store._writing() as connection:
            connection.executemany("UPDATE messages SET owner = ? WHERE id = ?", zip(strangers, ids, strict=False))
        with Store.open(path) as other:
            statuses = [other.message(one).status for one in ids]
        assert statuses == ["cut_off"] * len(strangers) + ["streaming"]


def test_a_misjudged_writer_still_lands(store: Store, path: Path) -> None:
    """A container may not see the processes of its host: should it mark a live answer, nothing is lost."""
    conversation = store.create_conversation("embedded")
    answer = store.add_message(conversation.id, None, "assistant", "Jane", status="streaming")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE messages SET status = 'cut_off', owner = NULL")
    store.append(answer.id, " Austen")
    store.finish(answer.id, "complete")
    assert (store.message(answer.id).text, store.message(answer.id).status) == ("Jane Austen", "complete")


def test_a_process_start_is_stable_and_tells_the_dead(run_python: Start) -> None:
    process = run_python("input()")
    start = owner.process_start(process.pid)
    assert start is not None
    assert owner.process_start(process.pid) == start
    process.kill()
    process.wait()
    assert owner.process_start(process.pid) is None


def test_ps_tells_the_same_where_there_is_no_proc(run_python: Start) -> None:
    try:
        subprocess.run(["ps", "-o", "lstart=", "-p", str(os.getpid())], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no ps with lstart here")
    process = run_python("input()")
    start = owner.start_from_ps(process.pid)
    assert start is not None
    assert len(start.split()) == 5  # Mon Nov 23 19:27:00 2026
    assert owner.start_from_ps(process.pid) == start
    process.kill()
    process.wait()
    assert owner.start_from_ps(process.pid) is None


def test_several_processes_write_at_once_and_no_row_is_lost(path: Path, run_python: Start) -> None:
    """They also make the file together: all start at the same moment."""
    names, count = ["a", "b", "c", "d"], 25
    processes = [run_python(WRITE, path, name, count) for name in names]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert (process.returncode, output) == (0, "done\n")
    with Store.open(path) as store:
        rows = store.list_conversations(limit=1000)
        assert len(rows) == len(names) * count
        assert sorted(row.title for row in rows) == sorted(f"{name} {n}" for name in names for n in range(count))
        assert {row.last_line for row in rows} == {"01234"}
        assert {row.messages for row in rows} == {2}
