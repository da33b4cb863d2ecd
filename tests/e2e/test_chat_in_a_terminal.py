"""The installed `lacie`, typed at in a real terminal, on the real model, with real kills."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

from terminal import LACIE, Terminal, answered, ask

LONG = "Tell me a long story about a ship, with many details."


def answering(terminal: Terminal, question: str) -> str:
    """Wait until an answer grows under the question; the screen then."""

    def grows(screen: str) -> bool:
        below = screen.partition(f"▌ {question}")[2]
        return len(re.findall(r"\w+", below.split("answering")[0])) > 12 and "answering" in below

    return terminal.wait_for(grows, 60)


def saved() -> list[dict[str, object]]:
    """All messages in the database, oldest first, through the command."""
    listed = json.loads(subprocess.check_output([LACIE, "history", "list", "--json"]))
    (conversation,) = listed
    exported = subprocess.check_output([LACIE, "history", "export", conversation["id"], "--format", "json"])
    messages: list[dict[str, object]] = json.loads(exported)["messages"]
    return messages


def test_a_question_is_answered_and_assessed_and_chatting_survives_the_engines_death() -> None:
    with Terminal("chat", "--context", "2048") as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, "What is the capital of Japan?")
        assert "Tokyo" in terminal.wait_for(answered("What is the capital of Japan?"))

        ask(terminal, LONG)
        answering(terminal, LONG)
        engine = terminal.engine_pid()
        assert engine is not None
        os.kill(engine, signal.SIGKILL)
        terminal.wait_for("cut off", 20)

        ask(terminal, "What is the capital of Italy?")
        terminal.wait_for(answered("What is the capital of Italy?"))
        assert terminal.engine_pid() not in (None, engine)

        terminal.type("\x11")  # ctrl+q
        assert terminal.wait_for_end() == 0

    messages = saved()
    assert [message["role"] for message in messages] == ["user", "assistant"] * 3
    assert [message["status"] for message in messages[1::2]] == ["complete", "cut_off", "complete"]
    assert str(messages[3]["text"]).strip()


def test_a_killed_chat_is_resumed_with_the_part_of_the_answer_that_was_shown() -> None:
    with Terminal("chat", "--context", "2048") as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, LONG)
        shown = answering(terminal, LONG)
        terminal.kill()
    words = re.findall(r"\w+", shown.partition(f"▌ {LONG}")[2].split("answering")[0])[:10]

    question, answer = saved()
    assert question["text"] == LONG
    assert answer["status"] == "cut_off"
    assert re.findall(r"\w+", str(answer["text"]))[:10] == words

    (conversation,) = json.loads(subprocess.check_output([LACIE, "history", "list", "--json"]))
    with Terminal("chat", "--context", "2048", "--resume", conversation["id"]) as terminal:
        screen = terminal.wait_for("cut off")
        assert LONG in screen
        ask(terminal, "What is the capital of Japan?")
        terminal.wait_for(answered("What is the capital of Japan?"))


def test_escape_stops_an_answer_and_keeps_what_there_is() -> None:
    with Terminal("chat", "--context", "2048") as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, LONG)
        answering(terminal, LONG)
        terminal.type("\x1b")
        terminal.wait_for("cut off by you", 10)
    assert saved()[1]["status"] == "cancelled"


def test_a_terminal_that_is_too_small_says_so_and_recovers() -> None:
    with Terminal("chat", columns=30, rows=6) as terminal:
        terminal.wait_for("small")
        terminal.resize(80, 24)
        terminal.wait_for("Ask something")


def test_two_chats_write_to_one_database_at_once() -> None:
    with Terminal("chat", "--context", "1024") as first, Terminal("chat", "--context", "1024") as second:
        for terminal in (first, second):
            terminal.wait_for("Ask something")
        for terminal in (first, second):
            ask(terminal, "What is the capital of Japan?")
        for terminal in (first, second):
            terminal.wait_for(answered("What is the capital of Japan?"), 120)
    listed = json.loads(subprocess.check_output([LACIE, "history", "list", "--json"]))
    assert [row["messages"] for row in listed] == [2, 2]


def test_a_data_folder_that_cannot_be_written_does_not_stop_the_chat(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("LACIE_DATA_DIR", "/proc/lacie")
    with Terminal("chat", "--context", "1024") as terminal:
        terminal.wait_for("memory only")
        ask(terminal, "What is the capital of Japan?")
        terminal.wait_for(answered("What is the capital of Japan?"))


LEADER = """
import signal, subprocess, sys
signal.signal(signal.SIGHUP, lambda *_: None)
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def test_it_ends_with_its_terminal_also_where_nobody_passes_that_on() -> None:
    """As under make, which waits for what it started: only the leader of a session is told that its terminal went."""
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-c", LEADER, LACIE, "chat", "--context", "512"])
    seen = b""
    while b"\x1b[?1049h" not in seen:  # it fills the screen now
        seen += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
