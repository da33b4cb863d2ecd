"""Standard output and error, Rich's consoles and JSON let nothing through that a terminal would obey."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from hostile import HIDES, HOSTILE, ORDERS, SHOWN, obeyed
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from lacie_chat import streams
from lacie_chat.commands.answer_text import AnswerText
from lacie_chat.console import make_console
from lacie_chat.conversations import Store
from lacie_chat.printable import exact_json, printable


@pytest.mark.parametrize("order", ORDERS.values(), ids=list(ORDERS))
def test_the_tests_see_each_of_them(order: str) -> None:
    assert obeyed(order.encode()) or obeyed(f"a{order}b".encode())


class Output:
    """The two streams as a command has them, on the real descriptors; and what was written on those."""

    def __init__(self, captured: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
        self._captured, self._monkeypatch = captured, monkeypatch

    def guard(self) -> None:
        """To be called in the test: between a fixture and its test pytest sets the streams anew."""
        for number, name in ((1, "stdout"), (2, "stderr")):
            stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            self._monkeypatch.setattr(sys, name, stream)
        streams.make_usable()

    def written(self) -> bytes:
        sys.stdout.flush()
        out, err = self._captured.readouterr()
        return out + err


@pytest.fixture
def output(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Output:
    return Output(capfdbinary, monkeypatch)


def test_whatever_prints_it(output: Output) -> None:
    output.guard()
    print(HOSTILE)
    print(HOSTILE, file=sys.stderr)
    sys.stdout.writelines([HOSTILE, "\n"])
    streams.complain(HOSTILE)
    make_console().print(HOSTILE, Text(HOSTILE, "bold"), AnswerText(f"{HOSTILE} **{HOSTILE}** &rlm;&#x202e;"))
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    make_console().print(table)
    all_of_it = output.written()
    assert all_of_it.count(SHOWN.encode()) == 11
    assert obeyed(all_of_it) == []


def test_a_link_that_holds_an_escape_sequence_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return sys.__stdout__.fileno() if sys.__stdout__ else 1

    for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Screen())
    console = make_console()
    console.print(Text("to it", "link https://example.org/\x1b]0;title\x07"), Text("there", "link https://example.org"))
    shown = sys.stdout.getvalue()
    assert "title" not in shown and "to it" in shown
    assert shown.count("https://example.org") == 1


def test_an_error_is_one_line(output: Output) -> None:
    output.guard()
    streams.complain(f"lacie: no such file: {HIDES}\nlacie: all is well")
    assert output.written() == b"lacie: no such file: Not seen Seen lacie: all is well\n"


def test_a_text_in_pieces_keeps_its_joiners(output: Output) -> None:
    output.guard()
    text = "می\u200cخواهم 👩\u200d🚀"
    for piece in text:
        print(piece, end="")
    assert output.written().decode() == text


def test_warnings_logs_and_tracebacks_are_harmless() -> None:
    code = (
        "import logging, sys, warnings; from lacie_chat import streams; streams.make_usable(); text = sys.argv[1]; "
        "warnings.warn(text); logging.getLogger('of a library').warning(text); raise ValueError(text)"
    )
    done = subprocess.run([sys.executable, "-c", code, HOSTILE], capture_output=True, timeout=60, check=False)
    assert done.stderr.count(SHOWN.encode()) == 3 and done.returncode == 1
    assert obeyed(done.stderr) == []


def test_what_is_printed_beside_a_live_bar_is_harmless() -> None:
    """Rich's live display puts its own streams before ours, and reads escape sequences as styles and links."""
    code = (
        "import sys\nfrom lacie_chat import streams\nfrom lacie_chat.progress import progress\nstreams.make_usable()\n"
        "with progress(sys.argv[1], 2, 'things') as advance:\n"
        "    print(sys.argv[1])\n    print(sys.argv[1], file=sys.stderr)\n    advance(1, sys.argv[1])\n"
    )
    child = pexpect.spawn(
        sys.executable, ["-c", code, HOSTILE], env={**os.environ, "TERM": "xterm-256color"}, timeout=60
    )
    shown = child.read()
    assert shown.count(SHOWN.encode()) >= 3
    assert obeyed(shown) == []


def test_json_is_exact_and_harmless() -> None:
    value = {HOSTILE: [HIDES, "\ud83d", "\x00", "می\u200cخواهم 👩\u200d🚀 5\u00a0km"]}
    for indent in (None, 2):
        text = exact_json(value, indent=indent)
        assert json.loads(text) == value
        assert obeyed(text.encode()) == [] and printable(text) == text
    assert "خواهم" in text and "🚀 5\u00a0km" in text


@given(st.text())
def test_any_text_survives_json_and_the_streams(text: str) -> None:
    shown = printable(exact_json(text))
    assert json.loads(shown) == text


def test_a_path_is_exact_where_a_program_reads_it(output: Output) -> None:
    output.guard()
    print("before")
    streams.print_path(Path("/models/\udcff\x1b[2J.gguf"))
    assert output.written() == b"before\n/models/\xff\x1b[2J.gguf\n"


def test_exports_to_read_are_harmless_and_json_is_exact() -> None:
    with Store.open() as store:
        made = store.create_conversation(HOSTILE, title=HOSTILE)
        question = store.add_message(made.id, None, "user", HOSTILE)
        answer = store.add_message(made.id, question.id, "assistant", HOSTILE)
        store.append_thought(answer.id, HOSTILE)
        store.set_leaf(made.id, answer.id)
        for written_as in ("markdown", "html", "json"):
            text = store.export(made.id, written_as)
            assert SHOWN in text and obeyed(text.encode()) == [], written_as
    assert [each["text"] for each in json.loads(text)["messages"]] == [HOSTILE, HOSTILE]
