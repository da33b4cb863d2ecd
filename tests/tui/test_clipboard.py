"""A copy arrives where it is said to: by the system's programs, tmux or the terminal; and nothing is left behind."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from scripted import Answer, ScriptedEngine

from lacie_chat.tui import clipboard
from lacie_chat.tui.clipboard import programs, put

TEXT = "Ünï <b>\n" + "x" * 200_000


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs that is searched first, in an environment without a display."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("WAYLAND_DISPLAY", "DISPLAY", "TMUX", "SSH_CONNECTION", "SSH_TTY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return folder


def program(folder: Path, name: str, body: str) -> Path:
    """A program that runs Python; `out` is where it may write."""
    out = folder.parent / f"{name}.out"
    file = folder / name
    file.write_text(f"#!{sys.executable}\nimport os, sys, time\nout = {str(out)!r}\n{body}\n")
    file.chmod(0o755)
    return out


TAKES = "open(out, 'wb').write(sys.stdin.buffer.read())"
SERVES_ON = f"""{TAKES}
if os.fork() == 0:
    time.sleep(600)  # as xclip does, with its input and outputs open
open(out + '.pid', 'w').write(str(os.getpid()))"""
FAILS = "sys.stdin.buffer.read(); sys.exit(1)"
HANGS = "open(out, 'w').write(str(os.getpid())); time.sleep(600)"


def test_wl_copy_takes_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    out = program(path, "wl-copy", TAKES)
    assert put(TEXT, os.environ) == "system"
    assert out.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize("name", ["xclip", "xsel"])
def test_a_program_that_serves_the_clipboard_on_is_not_waited_for(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    out = program(path, name, SERVES_ON)
    if name == "xsel":
        program(path, "xclip", FAILS)
    assert put(TEXT, os.environ) == "system"
    assert out.read_text(encoding="utf-8") == TEXT
    serving = [each for each in psutil.process_iter(["cmdline"]) if str(path / name) in (each.info["cmdline"] or [])]
    try:
        assert serving, "with it the copy would end"
    finally:
        for each in serving:
            each.kill()


def test_one_that_hangs_is_ended_and_the_next_way_is_gone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(clipboard, "LIMIT_SECONDS", 1.0)
    hung = program(path, "wl-copy", HANGS)
    program(path, "xclip", FAILS)
    out = program(path, "xsel", TAKES)
    assert put(TEXT, os.environ) == "system"
    assert out.read_text(encoding="utf-8") == TEXT
    assert not psutil.pid_exists(int(hung.read_text()))


def test_without_any_the_terminal_is_asked_where_it_may_take_it(path: Path) -> None:
    assert put(TEXT, os.environ) == "terminal"
    assert put(TEXT, {**os.environ, "TERM": "linux"}) == "nowhere"
    assert put(TEXT, {**os.environ, "DISPLAY": ":77", "PATH": str(path)}) == "terminal"


@pytest.mark.parametrize(
    ("environment", "system", "release", "names"),
    [
        ({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, "linux", "6.8", ["wl-copy", "xclip", "xsel"]),
        ({"WAYLAND_DISPLAY": "w", "SSH_CONNECTION": "x"}, "linux", "6.8", []),
        ({"DISPLAY": "localhost:10.0", "SSH_TTY": "/dev/pts/1"}, "linux", "6.8", ["xclip", "xsel"]),
        ({}, "darwin", "23", ["pbcopy"]),
        ({"SSH_CONNECTION": "x"}, "darwin", "23", []),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", "5.15.1-microsoft-standard-WSL2", ["clip.exe"]),
        ({}, "win32", "11", ["clip"]),
        ({}, "linux", "6.8", []),
    ],
)
def test_which_programs_are_asked(environment: dict[str, str], system: str, release: str, names: list[str]) -> None:
    assert [each.command[0] for each in programs(environment, system, release)] == names


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
@pytest.mark.parametrize("mode", ["off", "external", "on"])
def test_tmux_keeps_it_and_hands_it_on(mode: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real tmux, in a terminal that takes copies; `set-clipboard` says whether it would let the sequence pass."""
    import pexpect

    socket = str(tmp_path / "tmux")
    tmux = ["tmux", "-S", socket, "-f", "/dev/null"]
    child = pexpect.spawn(tmux[0], [*tmux[1:], "new-session", "sleep 600"], dimensions=(24, 80))
    try:
        ready(lambda: subprocess.run([*tmux, "has-session"], capture_output=True, check=False).returncode == 0)
        subprocess.run([*tmux, "set", "-s", "set-clipboard", mode], check=True)
        ready(lambda: subprocess.check_output([*tmux, "list-clients"]).strip())
        assert put("größer <b>", {**os.environ, "TMUX": f"{socket},1,0"}) == "tmux"
        assert subprocess.check_output([*tmux, "show-buffer"]).decode() == "größer <b>"
        child.expect(rb"\x1b\]52;[^;]*;Z3LDtsOfZXIgPGI\+", timeout=60)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
        child.close(force=True)


def ready(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


# In the chat

CODE = "Two:\n\n```python\nprint('<b>')\n```\n\nand\n\n```sh\nls\n```\n"


async def test_the_line_says_where_it_went(driven, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with driven(ScriptedEngine([Answer([CODE])]), size=(80, 40)) as driver:
        await driver.ask("code?")
        await driver.pilot.press("ctrl+y")
        await driver.until(lambda: driver.told)
        assert driver.told[-1].startswith("Sent the answer to the terminal, which may not take it: ")
        await driver.pilot.press("ctrl+y")
        await driver.until(lambda: len(driver.told) == 2)
        assert driver.told[-1] == "Sent the answer to the terminal, which may not take it."

        monkeypatch.setenv("TERM", "linux")
        await driver.pilot.press("ctrl+y")
        await driver.until(lambda: len(driver.told) == 3)
        assert driver.told[-1].startswith("Not copied: ")

        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
        out = program(path, "wl-copy", TAKES)
        await driver.pilot.press("ctrl+y")
        await driver.until(lambda: len(driver.told) == 4)
        assert driver.told[-1] == "Copied the answer to the system's clipboard."
        assert out.read_text() == driver.app.clipboard == driver.session.tree.leaf.text


async def test_code_is_copied_by_key_block_after_block(driven, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    out = program(path, "wl-copy", TAKES)
    async with driven(ScriptedEngine([Answer([CODE]), Answer(["`none`"])]), size=(80, 40)) as driver:
        await driver.ask("code?")
        seen = []
        for number in range(1, 4):
            await driver.pilot.press("ctrl+f")
            await driver.until(lambda number=number: len(driver.told) == number)
            seen.append(out.read_text())
        assert seen == ["print('<b>')", "ls", "print('<b>')"]
        assert driver.told[:2] == [
            "Copied code 1 of 2 (python) to the system's clipboard.",
            "Copied code 2 of 2 (sh) to the system's clipboard.",
        ]
        await driver.ask("and now?")
        await driver.pilot.press("ctrl+f")
        assert len(driver.told) == 3, "there is none in this answer, so the key does nothing"


async def test_code_is_copied_by_click(driven, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    out = program(path, "wl-copy", TAKES)
    async with driven(ScriptedEngine([Answer([CODE])]), size=(80, 40)) as driver:
        await driver.ask("code?")
        heads = list(driver.chat.query("CodeHead"))
        assert [" ".join(head.content.plain.split()) for head in heads] == ["python copy", "sh copy"]
        await driver.pilot.click(heads[1], offset=(heads[1].size.width - 2, 0))
        await driver.until(lambda: driver.told)
        assert out.read_text() == "ls"
        assert driver.chat.transcript.selected is None


async def test_what_is_selected_in_the_composer_goes_the_same_way(
    driven, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    out = program(path, "wl-copy", TAKES)
    async with driven() as driver:
        await driver.type("a draft")
        driver.chat.composer.select_all()
        await driver.pilot.press("ctrl+c")
        await driver.until(lambda: driver.told)
        assert out.read_text() == "a draft"
        assert driver.told == ["Copied the selection to the system's clipboard."]


async def test_a_slow_program_holds_nothing_up_and_the_later_copy_wins(
    driven, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    gate = path.parent / "go"
    waits = f"data = sys.stdin.buffer.read()\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
    out = program(path, "wl-copy", waits + "open(out, 'wb').write(data)")
    monkeypatch.setattr(clipboard, "LIMIT_SECONDS", 60.0)
    async with driven(ScriptedEngine([Answer(["one"])])) as driver:
        turn = await driver.ask("first?")
        await driver.pilot.press("ctrl+y")
        await driver.type("typed meanwhile")
        assert driver.chat.composer.text == "typed meanwhile"
        assert not driver.told
        clipboard.copy(driver.chat, "two", "the other")
        gate.touch()
        await driver.until(lambda: len(driver.told) == 2)
        assert turn.text == "one"
        assert out.read_text() == "two"
