"""Faults of a chat at random moments, on the real model in a real terminal: what it had shown is there afterwards."""

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soak_trials import Kind, Lost
from terminal import LACIE, Terminal, answered, ask

from lacie_chat.conversations import Message, Store

ASKED = (
    "Tell me a long story about a ship, with many details.",
    "Explain how bread is made, step by step.",
    "Describe the history of Rome in detail.",
    "What should one see in Vienna, and why?",
)
NEXT = "What is the capital of Japan?"
WAYS = ("chat", "--baseline", "--context", "1024", "--max-tokens", "60")
_STATE = re.compile(r"  (?:…|▰|▱|∿|·|■|○|●)")
"""How the line under an answer begins."""
_AGAIN = "tries again"
_LATEST = 4.0
"""Seconds after the question within which the fault comes: reading, answering and listening all lie in them."""


@contextmanager
def chat(*more: str, variables: dict[str, str] | None = None) -> Iterator[Terminal]:
    """A chat that is ready to be asked, high enough for all that is shown to stay on the screen."""
    with Terminal(*WAYS, *more, columns=100, rows=70, variables=variables) as terminal:
        terminal.wait_for("Ask something", 120)
        yield terminal


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def shown(screen: str) -> list[tuple[str, list[str]]]:
    """Questions and the words of their answers that a screen shows."""
    found: list[tuple[str, list[str]]] = []
    reads = False
    for line in screen.splitlines():
        if line.startswith("▌ "):
            found.append((line[2:].strip(), []))
            reads = True
        elif line.startswith("╭") or _STATE.match(line):
            reads = False
        elif reads and line.startswith("  ") and found:
            found[-1][1].extend(words(line))
    return found


def stored() -> list[Message]:
    """All messages of the newest conversation."""
    with Store.open() as store:
        newest = store.list_conversations(1)
        return store.messages(newest[0].id) if newest else []


def check(screen: str) -> list[Message]:
    """All that the screen shows is stored; the messages. Raises Lost."""
    messages = stored()
    answers = {message.id: message for message in messages if message.role == "assistant"}
    for question, said in shown(screen):
        asked = [message for message in messages if message.role == "user" and message.text == question]
        if not asked:
            raise Lost(f"the question {question!r} was shown and is not stored")
        kept = [words(each.text) for each in answers.values() if each.parent_id in {one.id for one in asked}]
        whole = said[:-1]  # the last word may have been in the making
        if whole and not any(each[: len(whole)] == whole for each in kept):
            raise Lost(f"shown under {question!r}: {' '.join(said)!r}; stored: {[' '.join(each) for each in kept]!r}")
    return messages


def begin(draw: random.Random, terminal: Terminal) -> str:
    """Ask, and wait for a random moment."""
    question = draw.choice(ASKED)
    ask(terminal, question)
    end = time.monotonic() + draw.uniform(0, _LATEST)
    while time.monotonic() < end:
        terminal.screen()
        time.sleep(0.02)
    return question


def goes_on(terminal: Terminal) -> None:
    """The chat answers what is asked next, and ends when it is told to."""
    terminal.wait_for(lambda screen: "Answering" not in screen and "Reading" not in screen, 120)
    ask(terminal, NEXT)
    terminal.wait_for(answered(NEXT), 120)
    check(terminal.screen())
    terminal.type("\x11")  # ctrl+q
    if terminal.wait_for_end(120) != 0:
        raise Lost("the chat did not end well")


def engine_killed(draw: random.Random, folder: Path) -> int:
    """Three times in one chat."""
    with chat() as terminal:
        for _ in range(3):
            question = begin(draw, terminal)
            engine = terminal.engine_pid()
            assert engine is not None, terminal.screen()
            before = terminal.screen()
            os.kill(engine, signal.SIGKILL)
            terminal.wait_for(lambda screen: any(each in screen for each in ("Loading", "Ready", _AGAIN)), 120)
            if _AGAIN in terminal.screen():  # it died while it loaded: nothing is tried again that may kill it again
                terminal.type("\x1br")  # alt+r
            terminal.wait_for(lambda screen: "Ready" in screen and "listening…" not in screen, 240)
            check(before)
            check(terminal.screen())
            terminal.type("\x0e")  # ctrl+n
            terminal.wait_for(lambda screen, question=question: f"▌ {question}" not in screen, 120)  # type: ignore[misc]
        goes_on(terminal)
    for message in _answers():
        if message.status == "streaming":
            raise Lost(f"an answer is stored as still being written: {message.text!r}")
        if message.text.strip() and message.assessment is None:
            raise Lost(f"an answer was never assessed: {message.text!r}")
    return 3


def chat_killed(draw: random.Random, folder: Path) -> int:
    return _chat_ended(draw, signal.SIGKILL)


def hung_up(draw: random.Random, folder: Path) -> int:
    return _chat_ended(draw, signal.SIGHUP)


def terminated(draw: random.Random, folder: Path) -> int:
    return _chat_ended(draw, signal.SIGTERM)


def closed_terminal(draw: random.Random, folder: Path) -> int:
    return _chat_ended(draw, None)


def _chat_ended(draw: random.Random, way: signal.Signals | None) -> int:
    """None: the window is closed. What was shown is there, and an answer that nobody heard is heard later."""
    with chat() as terminal:
        question = begin(draw, terminal)
        engine = terminal.engine_pid()
        screen = terminal.screen()
        if way is None:
            terminal._child.ptyproc.fileobj.close()
        else:
            os.kill(terminal.pid, way)
        _gone(terminal.pid)
    messages = check(screen)
    if engine is not None:
        _gone(engine)
    if not any(message.role == "assistant" and message.text.strip() for message in messages):
        return 1
    with chat("--continue") as terminal:
        terminal.wait_for(f"▌ {question}", 120)
        terminal.wait_for(lambda screen: "Ready" in screen and "istening…" not in screen, 240)
        check(terminal.screen())
        terminal.type("\x11")
        terminal.wait_for_end(120)
    for message in stored():
        if message.role == "assistant" and message.text.strip() and message.assessment is None:
            raise Lost(f"an answer ({message.status}) was never assessed: {message.text!r}")
    return 1


def engine_stopped(draw: random.Random, folder: Path) -> int:
    """The engine sleeps for a while, as with a machine that does."""
    with chat() as terminal:
        begin(draw, terminal)
        engine = terminal.engine_pid()
        assert engine is not None, terminal.screen()
        os.kill(engine, signal.SIGSTOP)
        time.sleep(draw.uniform(0.2, 3))
        check(terminal.screen())
        if draw.random() < 0.5:
            terminal.type("\x1b")
        os.kill(engine, signal.SIGCONT)
        goes_on(terminal)
    return 1


def chat_stopped(draw: random.Random, folder: Path) -> int:
    """ctrl+z, and back after a while."""
    with chat() as terminal:
        begin(draw, terminal)
        terminal.type("\x1a")
        end = time.monotonic() + 60
        while _state(terminal.pid) != "T":
            terminal.screen()
            if time.monotonic() > end:
                raise Lost("ctrl+z did not suspend it")
        time.sleep(draw.uniform(0, 2))
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_for("Ask something", 120)
        goes_on(terminal)
    return 1


def resized(draw: random.Random, folder: Path) -> int:
    """The window is drawn to another size sixty times while it answers."""
    with chat() as terminal:
        ask(terminal, draw.choice(ASKED))
        for _ in range(60):
            terminal.resize(draw.randint(20, 160), draw.randint(8, 70))
            terminal.screen()
            time.sleep(draw.uniform(0, 0.1))
        terminal.resize(100, 70)
        goes_on(terminal)
    return 60


def _answers() -> list[Message]:
    with Store.open() as store:
        found = [message for each in store.list_conversations(100) for message in store.messages(each.id)]
    return [message for message in found if message.role == "assistant"]


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _gone(pid: int, seconds: float = 60) -> None:
    """Wait until a process is there no more. Raises Lost."""
    end = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
        if time.monotonic() > end:
            raise Lost(f"process {pid} still runs after its parent's end")
        time.sleep(0.05)


def two_and_an_export(draw: random.Random, folder: Path) -> int:
    """Two chats on one database, while a third process exports all of it, again and again."""
    exports = 0
    with chat() as one, chat() as other:
        for _ in range(6):
            for terminal in draw.sample([one, other], 2):
                ask(terminal, draw.choice(ASKED))
            for terminal in (one, other):
                terminal.screen()
                for each in _conversations():
                    words = [LACIE, "history", "export", each, "--format", draw.choice(["md", "json", "html"])]
                    done = subprocess.run(words, capture_output=True, text=True, check=False)
                    exports += 1
                    if done.returncode or not done.stdout:
                        raise Lost(f"history export failed: {done.stderr}")
            for terminal in (one, other):
                terminal.wait_for(lambda screen: "Ready" in screen and "istening…" not in screen, 240)
        for terminal in (one, other):
            for question, _ in shown(terminal.screen()):
                if question not in _questions():
                    raise Lost(f"the question {question!r} of two chats is not stored")
            terminal.type("\x11")
            terminal.wait_for_end(120)
    return exports


def _conversations() -> list[str]:
    with Store.open() as store:
        return [each.id for each in store.list_conversations(100)]


def _questions() -> set[str]:
    with Store.open() as store:
        return {m.text for each in store.list_conversations(100) for m in store.messages(each.id) if m.role == "user"}


KINDS = [
    Kind("engine: kill -9", engine_killed, 16, 300),
    Kind("chat: kill -9", chat_killed, 24, 240),
    Kind("chat: SIGHUP", hung_up, 8, 240),
    Kind("chat: SIGTERM", terminated, 8, 240),
    Kind("chat: its window is closed", closed_terminal, 8, 240),
    Kind("engine: stopped for a while", engine_stopped, 10, 240),
    Kind("chat: suspended and resumed", chat_stopped, 8, 240),
    Kind("chat: resized without pause", resized, 6, 240),
    Kind("two chats and an export", two_and_an_export, 2, 600),
]
