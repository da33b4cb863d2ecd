"""Every command where it can be asked without a model, in surroundings that nobody tests in: one line, no traceback."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from odd import LACIE, WORDS, on_terminal, redirected, without_reader

from lacie_chat import cli
from lacie_chat.conversations import Store

NO_WRITING = "lacie: can't write to standard output"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
EVERY = pytest.mark.parametrize("name", list(WORDS))


def without_sizes(text: str) -> str:
    """Without what is free on the disk and in memory, which changes from one process to the next."""
    return re.sub(r"[\d.,]+ ([KMGT]i?B|kB)", "SIZE", text)


def test_the_whole_table_is_walked() -> None:
    assert list(WORDS) == [command.name for command in cli.COMMANDS]


# -- the three streams --------------------------------------------------------------------------------------------


@EVERY
def test_closed_standard_input_is_an_empty_one(name: str) -> None:
    status, words = WORDS[name]
    closed, empty = redirected("<&-", *words), redirected("", *words)
    assert (closed.status, without_sizes(closed.out), closed.lines) == (status, without_sizes(empty.out), empty.lines)
    assert status == 0 or closed.lines or name == "doctor"  # which says in its table what failed


@EVERY
@pytest.mark.parametrize(("where", "unbuffered"), [(">&-", None), (">/dev/full", "1")])
def test_output_that_can_not_be_written_is_said(name: str, where: str, unbuffered: str | None) -> None:
    ran = redirected(where, name, "--help", PYTHONUNBUFFERED=unbuffered)
    assert ran.status == 1
    assert len(ran.lines) == 1 and ran.lines[0].startswith(NO_WRITING)


@EVERY
def test_a_closed_standard_error_changes_nothing_else(name: str) -> None:
    status, words = WORDS[name]
    ran, usual = redirected("2>&-", *words), redirected("", *words)
    assert (ran.status, without_sizes(ran.out), ran.err) == (status, without_sizes(usual.out), "")


@EVERY
def test_with_all_three_closed_the_exit_status_is_left(name: str) -> None:
    status, words = WORDS[name]
    ran = redirected("<&- >&- 2>&-", *words)
    wrote = name in ("models", "settings", "doctor", "completion")  # which then fail for that
    assert ran.status == (1 if wrote else status)


@EVERY
def test_a_reader_that_has_gone_is_no_error_to_read_of(name: str) -> None:
    ran = without_reader(name, "--help")
    assert (ran.status, ran.err) == (1, "")


def test_a_database_never_takes_the_place_of_a_closed_stream(data_dir: Path) -> None:
    """What is opened first would get the closed one's number, and what is printed would land in it."""
    for _ in range(2):
        assert redirected(">&- 2>&-", "history", "list").status == 0
    with Store.open() as store:
        assert store.list_conversations(5) == []
    assert (data_dir / "conversations.db").read_bytes()[:6] == b"SQLite"


# -- locales ------------------------------------------------------------------------------------------------------


@EVERY
def test_an_ascii_locale_stops_no_line(name: str) -> None:
    status, words = WORDS[name]
    ran = redirected("", *words, **ASCII)
    assert ran.status == status
    assert ran.lines == redirected("", *words, LC_ALL="C.UTF-8").lines


@pytest.fixture
def conversation() -> str:
    title = f"Où est né Molière ? {'word ' * 30}end"
    with Store.open() as store:
        made = store.create_conversation("embedded", title=title)
        question = store.add_message(made.id, None, "user", "Où est né Molière ?")
        answer = store.add_message(made.id, question.id, "assistant", "À Paris — en 1622. 🦜")
        store.set_leaf(made.id, answer.id)
    return made.id


@pytest.mark.parametrize("locale", [ASCII, {"LC_ALL": "C"}, {"LC_ALL": None, "LANG": None}])
def test_what_was_written_reaches_a_pipe_in_any_locale(conversation: str, locale: dict[str, str | None]) -> None:
    ran = redirected("", "history", "export", conversation, **locale)
    assert "À Paris — en 1622. 🦜" in ran.out and not ran.lines
    found = redirected("", "history", "search", "Molière", **locale)
    assert "Où est né Molière ?" in found.out


def test_an_encoding_that_is_asked_for_is_kept_to(conversation: str) -> None:
    ran = redirected("", "history", "export", conversation, PYTHONIOENCODING="ascii")
    assert "? Paris ? en 1622. ?" in ran.out and not ran.lines


@pytest.mark.parametrize("words", [["ask"], ["compare"], ["listen"], ["history", "search"]])
def test_an_argument_that_is_no_text_is_named(words: list[str]) -> None:
    done = subprocess.run(
        [os.fsencode(each) for each in (LACIE, *words)] + [b"caf\xe9"], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and b"is not UTF-8 text" in done.stderr


# -- terminals ----------------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("term", ["dumb", "unknown", None])
def test_a_terminal_without_control_codes_gets_none(name: str, term: str | None) -> None:
    status, words = WORDS[name]
    ran = on_terminal(*words, typed="\x04" if name == "ask" else "", TERM=term, COLORTERM=None)
    assert ran.status == status
    assert "Traceback" not in ran.out
    assert not re.search(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]", ran.out), ran.out
    assert "\r" not in ran.out.replace("\r\n", "")


@pytest.mark.parametrize("term", ["dumb", "unknown", None])
def test_a_screen_that_can_not_be_drawn_is_one_line(term: str | None) -> None:
    chat = on_terminal("chat", TERM=term)
    assert chat.status == 1 and chat.out.startswith("lacie: the chat can't draw on") and chat.out.count("\n") == 1
    assert (term or "TERM isn't set") in chat.out
    study = on_terminal("study", "run", "--out", "/nowhere", TERM=term)
    assert study.status == 1 and study.out.startswith("lacie: the study can't draw on")
    assert "can't draw on" in on_terminal("doctor", "--model", "/nowhere.gguf", TERM=term).out


def test_a_terminal_with_control_codes_is_styled() -> None:
    assert "\x1b[1m" in on_terminal("models", "list", TERM="xterm-256color", NO_COLOR=None).out


@pytest.mark.parametrize("columns", ["0", "-3", "abc", "1", "99999999", "9" * 30])
def test_a_width_that_no_terminal_has_is_passed_over(columns: str, conversation: str) -> None:
    for words in (["history", "list"], ["history", "show", conversation], ["models", "list"]):
        ran = on_terminal(*words, TERM="xterm", COLUMNS=columns, NO_COLOR="1")
        assert ran.status == 0 and "Traceback" not in ran.out
        shown = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in ran.out.splitlines()]
        assert max(map(len, shown)) <= 80
        assert max(map(len, shown)) > 20
    assert on_terminal("--help", TERM="xterm", COLUMNS=columns).status == 0


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_codes_that_somebody_wrote_are_not_carried_out(term: str, data_dir: Path) -> None:
    with Store.open() as store:
        made = store.create_conversation("embedded", title="red \x1b[31mtitle")
        question = store.add_message(made.id, None, "user", "Who clears the screen?")
        answer = store.add_message(made.id, question.id, "assistant", "I do\x1b[2J, and \x1b]0;rename the window\x07.")
        store.set_leaf(made.id, answer.id)
    for words in (["list"], ["show", made.id], ["search", "screen"], ["search", "rename"], ["delete", made.id]):
        ran = on_terminal("history", *words, typed="\x04" if words[0] == "delete" else "", TERM=term)
        assert ran.status == 0
        assert not re.search(r"\x1b\[(31m|2J)|\x1b\]|\x07", ran.out)
    ran = on_terminal("models", "info", "/nowhere/\x1b[31m.gguf", TERM=term)
    assert ran.status == 1 and "\x1b[31m" not in ran.out


def test_ctrl_d_deletes_nothing(conversation: str) -> None:
    ran = on_terminal("history", "delete", "--now", conversation, typed="\x04", TERM="xterm")
    assert ran.status == 0 and "kept" in ran.out
    assert conversation in redirected("", "history", "list").out


# -- pipes --------------------------------------------------------------------------------------------------------


def test_a_pipe_gets_whole_plain_lines(conversation: str, embedded_model: Path) -> None:
    for columns in ("20", None):
        [line] = redirected("", "history", "list", COLUMNS=columns).out.splitlines()
        assert line.startswith(conversation) and line.endswith("…") and line.count("word ") > 5
        info = redirected("", "models", "info", "embedded", COLUMNS=columns).out.splitlines()
        assert any(re.fullmatch(rf"path +{re.escape(str(embedded_model))}", line) for line in info)
        listed = redirected("", "models", "list", COLUMNS=columns).out.splitlines()
        worth = listed[next(at for at, line in enumerate(listed) if line.startswith("Worth getting")) :]
        assert sum(", context " in line for line in worth) == sum("-GGUF:" in line for line in worth) > 3
        doctor = redirected("", "doctor", "--model", "/nowhere/model.gguf", COLUMNS=columns).out.splitlines()
        assert any("(written and read back; " in line and line.endswith("GB free)") for line in doctor)
        for text in (line, *info, *listed, *doctor):
            assert text == text.rstrip() and "\x1b" not in text


# -- folders ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["history", "calibration"])
@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("FILE", "which is a file; give a folder"),
        ("FILE/below", "can't make the folder"),
        ("~nobody-of-this-name/x", "there is no such home folder"),
        ("/proc/lacie", "can't make the folder /proc/lacie"),
    ],
)
def test_a_data_folder_that_is_none_is_one_line(name: str, folder: str, line: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    ran = redirected("", *WORDS[name][1], LACIE_DATA_DIR=folder.replace("FILE", str(file)))
    assert ran.status == 1 and ran.out == ""
    assert len(ran.lines) == 1 and line in ran.lines[0]


@pytest.mark.parametrize("variable", ["LACIE_DATA_DIR", "LACIE_CACHE_DIR"])
def test_a_listener_needs_a_folder_that_is_one(variable: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    changes = {"LACIE_CACHE_DIR": None, variable: str(file)}
    ran = redirected("", "listen", "It is so.", **changes)
    assert ran.status == 1
    assert ran.lines == [f"lacie: {variable} is {file}, which is a file; give a folder"]


@pytest.mark.parametrize("written", ["~/data", "HOME/data/", "data"])
def test_a_data_folder_may_be_written_in_any_way(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = redirected("", "history", "list", HOME=str(tmp_path), LACIE_DATA_DIR=written.replace("HOME", str(tmp_path)))
    assert ran.status == 0, ran.err
    assert (tmp_path / "data" / "conversations.db").is_file()
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_a_home_that_is_none_names_the_way_out() -> None:
    changes = {"LACIE_DATA_DIR": None, "XDG_DATA_HOME": None, "HOME": "/proc/nowhere"}
    [line] = redirected("", "history", "list", **changes).lines
    assert "/proc/nowhere" in line and line.endswith("set LACIE_DATA_DIR to another folder")
