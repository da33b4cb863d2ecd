"""What the tab key offers: by argcomplete's protocol, and in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from hostile import HOSTILE, SHOWN, obeyed
from odd import LACIE, redirected

from lacie_chat.conversations import Store

BREAKS = " \t\n\"'><=;|&(:"
HEAVY = ("torch", "transformers", "llama_cpp", "textual", "huggingface_hub", "sklearn", "numpy")


def offered(line: str, tmp_path: Path, **changes: str) -> list[str]:
    """What a shell is told for a line with the cursor at its end."""
    told = tmp_path / "told"
    told.unlink(missing_ok=True)
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_COMP_WORDBREAKS": BREAKS,
        "_ARGCOMPLETE_STDOUT_FILENAME": str(told),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    done = subprocess.run(
        [LACIE], env={**os.environ, **asked, **changes}, capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return [each for each in told.read_text(encoding="utf-8").split("\v") if each]


@pytest.fixture
def conversation(data_dir: Path) -> str:
    with Store.open() as store:
        return store.create_conversation("embedded", title="The capital of Japan").id


def test_commands_actions_and_options(tmp_path: Path) -> None:
    assert {"chat", "ask", "history", "completion"} <= set(offered("lacie ", tmp_path))
    assert offered("lacie hist", tmp_path) == ["history"]
    assert {"list", "pull"} <= set(offered("lacie models ", tmp_path))
    assert offered("lacie ask --min-c", tmp_path) == ["--min-confidence"]
    assert offered("lacie ask What is --js", tmp_path) == ["--json"]
    assert offered("lacie -q ask --js", tmp_path) == ["--json"]
    assert offered("lacie --res", tmp_path) == ["--resume"]
    assert {"q8_0", "q4_0"} <= set(offered("lacie ask --kv-type q", tmp_path))


def test_models_of_this_machine_and_of_the_catalogue(tmp_path: Path, embedded_model: Path) -> None:
    assert "embedded" in offered("lacie models info ", tmp_path)
    assert offered("lacie --model emb", tmp_path) == ["embedded"]
    found = offered("lacie models pull unsloth/Qwen3.5-4B", tmp_path)
    assert found == ["unsloth/Qwen3.5-4B-GGUF:Q4_K_M"]
    assert offered("lacie models pull unsloth/Qwen3.5-4B-GGUF:Q4", tmp_path) == ["Q4_K_M"], "what follows the colon"


def test_sides_of_a_comparison(tmp_path: Path) -> None:
    assert {"baseline", "adapter", "embedded"} <= set(offered("lacie compare --left ", tmp_path))
    assert set(offered("lacie compare --right embedded+", tmp_path)) >= {"embedded+none", "embedded+embedded"}
    assert offered("lacie compare --left embedded+non", tmp_path) == ["embedded+none"]


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("some.gguf", "some.jsonl"):
        (tmp_path / name).touch()
    assert offered("lacie ask --model so", tmp_path) == ["some.gguf"]
    assert set(offered("lacie evaluate --questions so", tmp_path)) == {"some.gguf", "some.jsonl"}


def test_options_of_the_settings(tmp_path: Path, data_dir: Path) -> None:
    (data_dir / "config.toml").write_text("[presets.precise]\ntemperature = 0.0\n")
    assert offered("lacie ask --preset pre", tmp_path, LACIE_DATA_DIR=str(data_dir)) == ["precise"]
    assert set(offered("lacie chat --reasoning o", tmp_path)) == {"on", "off"}
    assert offered("lacie ask --gpu-layers ", tmp_path) == ["auto"] and offered("lacie ask --seed ", tmp_path) == []
    assert {"path", "show", "init", "edit"} <= set(offered("lacie settings ", tmp_path))


def test_conversations_and_recipes(tmp_path: Path, conversation: str) -> None:
    assert conversation in offered("lacie history show ", tmp_path)
    assert conversation not in offered("lacie history restore ", tmp_path), "it isn't deleted"
    assert offered(f"lacie --resume {conversation[:3]}", tmp_path) == [conversation]
    assert "smollm2-135m-cpu" in offered("lacie train run --recipe smol", tmp_path)
    assert offered("lacie train listener --recipe lis", tmp_path) == ["listener"]


def test_where_nothing_can_be_read_nothing_is_offered(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert offered("lacie --resume a", tmp_path, LACIE_DATA_DIR=str(file)) == []
    assert not (tmp_path / "new").exists()
    assert offered("lacie --resume a", tmp_path, LACIE_DATA_DIR=str(tmp_path / "new")) == []
    assert not (tmp_path / "new").exists(), "to look makes no database"


@pytest.mark.parametrize("line", ["lacie ", "lacie ask --", "lacie models pull ", "lacie history show "])
def test_a_tab_loads_nothing_heavy(line: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, atexit, os\n"
        f"heavy = {HEAVY!r}\n"
        "leave = os._exit\n"
        "def look(status):\n"
        "    open(os.environ['LOADED'], 'w').write(' '.join(n for n in heavy if n in sys.modules))\n"
        "    leave(status)\n"
        "os._exit = look\n"
    )
    loaded = tmp_path / "loaded"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    assert offered(line, tmp_path, PYTHONPATH=path, LOADED=str(loaded))
    assert loaded.read_text() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_is_printed_is_of_that_shell(shell: str, tmp_path: Path) -> None:
    ran = redirected("", "completion", shell)
    assert ran.status == 0 and not ran.lines
    assert {"bash": "complete ", "zsh": "#compdef lacie", "fish": "complete --command lacie"}[shell] in ran.out
    program = shutil.which(shell)
    if program:
        (tmp_path / "script").write_text(ran.out)
        subprocess.run([program, "-n", str(tmp_path / "script")], check=True, timeout=60)


def test_a_tab_in_bash(tmp_path: Path, conversation: str) -> None:
    script = tmp_path / "lacie.bash"
    script.write_text(redirected("", "completion", "bash").out)
    path = f"{Path(LACIE).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PS1": "ready> ", "TERM": "dumb", "INPUTRC": "/dev/null"}
    shell = pexpect.spawn("bash", ["--norc", "--noprofile"], env=environment, timeout=120, dimensions=(24, 200))
    try:
        shell.expect_exact("ready> ")
        shell.sendline(f"source {script}")
        shell.expect_exact("ready> ")
        shell.send("lacie histo\t")
        shell.expect_exact("ry ")
        shell.send(f"sh\t{conversation[:4]}\t")
        shell.expect_exact(f"{conversation[4:]} ")
        shell.send("\x15lacie models pull unsloth/Qwen3.5-9\t")
        shell.expect_exact("B-GGUF:Q4_K_M ")
    finally:
        shell.close(force=True)


def test_nothing_that_a_shell_would_show_as_it_is_moves_a_cursor(
    tmp_path: Path, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (f"{SHOWN}.gguf", f"{HOSTILE.replace('/', '')[:80]}.gguf"):
        (tmp_path / name).touch()
    with Store.open() as store:
        store.create_conversation("embedded", title=HOSTILE)
    for line in ("lacie history show ", f"lacie ask --model {SHOWN}"):
        for shell in ("bash", "zsh", "fish"):
            found = offered(line, tmp_path, _ARGCOMPLETE_SHELL=shell, _ARGCOMPLETE_DFS="\t")
            assert found and obeyed("\n".join(found).encode()) == [], (line, shell)
