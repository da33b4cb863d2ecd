"""`lacie settings`, and what the file is to the other commands."""

import json
import sys
from pathlib import Path

import pytest
from odd import on_terminal

from lacie_chat import cli
from lacie_chat.commands.chat import told_at_the_start
from lacie_chat.commands.machine import machine_of
from lacie_chat.commands.settled import fill, settings_of
from lacie_chat.commands.speaker import adapter_ref, speaker_options
from lacie_chat.engine import Machine
from lacie_chat.settings import OPTIONS, Held, template

FILE = """\
model = "ollama:llama3.2"
adapter = "mine.gguf"
temperature = 0.7
threads = 3
gpu_layers = 4

[presets.precise]
temperature = 0.0
system_prompt = "Be brief."
"""


@pytest.fixture
def path(data_dir: Path) -> Path:
    path = data_dir / "config.toml"
    path.write_text(FILE)
    return path


def lacie(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    try:
        status = cli.main(words)
    except SystemExit as ended:
        status = int(str(ended.code))
    told = capsys.readouterr()
    return status, told.out, told.err


def test_path_and_init(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = data_dir / "config.toml"
    assert lacie(capsys, "settings", "path") == (0, f"{path}\n", "")
    assert lacie(capsys, "settings", "init") == (0, "", f"written: {path}\n")
    assert path.read_text() == template()
    status, _, err = lacie(capsys, "settings", "init")
    assert status == 1 and err == f"lacie: {path} is there already and stays as it is; lacie settings edit opens it\n"


@pytest.mark.usefixtures("path")
def test_show_says_what_holds_and_who_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = lacie(capsys, "settings", "show", "--preset", "precise", "--seed", "7")
    rows = [line.split() for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert ["temperature", "preset", "precise", "0.0"] in rows and ["seed", "flag", "7"] in rows
    assert ["threads", "file", "3"] in rows and ["max_tokens", "default", "512"] in rows
    assert "preset precise: temperature 0.0, system_prompt Be brief." in out
    assert {option.name for option in OPTIONS} <= {row[0] for row in rows if row}
    status, out, _ = lacie(capsys, "settings", "show", "--json")
    assert json.loads(out)["options"]["temperature"] == {"value": 0.7, "from": "file"}


def test_in_a_pipe_each_option_is_a_line_with_its_whole_value(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = "Answer in one sentence, and say so where you don't know it. " * 3
    path.write_text(f'system_prompt = """{long}\n\tThen stop."""\ntemperature = 0.7\n')
    status, out, err = lacie(capsys, "settings", "show")
    lines = out.splitlines()
    assert (status, err, lines[0]) == (0, "", str(path))
    assert [line.partition("  ")[0] for line in lines[1:]] == [option.name for option in OPTIONS]
    assert f'system_prompt  file  "{long}\\n\\tThen stop."' in lines and "temperature  file  0.7" in lines
    assert all(len(line.split("  ")) == 3 for line in lines[1:] if not line.startswith("system_prompt"))


def test_what_is_wrong_is_told_and_only_the_chat_goes_on(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("temprature = 0.2\nmax_tokens = 0\nseed = 5\n")
    lines = [
        f"lacie: {path}: there is no option temprature; did you mean temperature?",
        f"lacie: {path}: max_tokens is 0, which is not a whole number of 1 or more",
    ]
    status, out, err = lacie(capsys, "settings", "show")
    assert status == 2 and err.splitlines() == lines and "seed" in out
    for command in (["ask", "Who?"], ["doctor"], ["evaluate", "--questions", "q", "--out", "o"], ["calibrate"]):
        status, out, err = lacie(capsys, *command)
        assert (status, out) == (2, "") and err == f"{lines[0]} (1 more: lacie settings show)\n"
    assert lacie(capsys, "ask", "--help")[0] == 0


def test_edit_opens_the_editor_and_checks_afterwards(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    editor = tmp_path / "an editor.py"
    editor.write_text("import sys\nopen(sys.argv[1], 'a').write('[presets.x]\\nseed = -1\\n')\n")
    monkeypatch.setenv("EDITOR", f"{sys.executable} '{editor}'")
    monkeypatch.delenv("VISUAL", raising=False)
    status, _, err = lacie(capsys, "settings", "edit")
    assert status == 2 and err.count("\n") == 1 and "presets.x.seed is -1, which is not a whole number" in err
    assert (data_dir / "config.toml").read_text() == template() + "[presets.x]\nseed = -1\n"
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    status, _, err = lacie(capsys, "settings", "edit")
    line = "lacie: EDITOR is /no/such/editor, and no such program is found; set it to an editor\n"
    assert (status, err) == (1, line)


@pytest.mark.usefixtures("path")
def test_model_adapter_and_machine_come_from_the_file_where_no_flag_says_them() -> None:
    args = cli.parsed(["ask", "Who?"])
    fill(args)
    assert (args.model, adapter_ref(args), speaker_options(args)) == ("ollama:llama3.2", "mine.gguf", "")
    assert machine_of(args) == Machine(threads=3, gpu_layers=4)
    args = cli.parsed(["chat", "--model", "embedded", "--threads", "1", "--gpu-layers", "auto"])
    fill(args)
    assert (args.model, adapter_ref(args), speaker_options(args)) == ("embedded", "embedded", "--model embedded")
    assert machine_of(args) == Machine(threads=1)
    args = cli.parsed(["chat", "--baseline"])
    fill(args)
    assert (adapter_ref(args), speaker_options(args)) == (None, "--baseline")


def test_no_adapter_can_be_asked_for_in_the_file(path: Path) -> None:
    path.write_text('adapter = "none"')
    args = cli.parsed(["ask", "Who?"])
    fill(args)
    assert (args.model, adapter_ref(args)) == ("embedded", None)


@pytest.mark.usefixtures("path")
def test_a_flag_goes_before_the_preset_and_that_before_the_file() -> None:
    args = cli.parsed(["ask", "--preset", "precise", "--top-p", "0.5", "--system", "Be long.", "Who?"])
    settings = settings_of(args)
    assert settings.held("temperature") == Held(0.0, "preset precise")
    assert settings.held("top_p") == Held(0.5, "flag") and settings.system_prompt() == "Be long."


def test_a_preset_that_is_not_there_is_wrong_usage(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = lacie(capsys, "ask", "--preset", "precis", "Who?")
    assert (status, err) == (2, "lacie: there is no preset 'precis'; did you mean precise?\n")


def test_an_answer_is_made_as_the_settings_say(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real model: it is told first what the system prompt says, and stops where the file says."""
    path.write_text('max_tokens = 5\ntemperature = 0.0\nsystem_prompt = "Answer only: banana."\n')
    status, out, _ = lacie(capsys, "ask", "--baseline", "--json", "Count from one to twenty.")
    found = json.loads(out)
    assert status in (0, 3) and found["usage"]["completion_tokens"] == 5 and found["finish_reason"] == "length"
    plain = lacie(capsys, "ask", "--baseline", "--json", "--system", "", "Count from one to twenty.")
    assert json.loads(plain[1])["usage"]["prompt_tokens"] != found["usage"]["prompt_tokens"]


def test_the_chat_tells_of_what_is_wrong_and_goes_on_with_the_rest(path: Path) -> None:
    path.write_text("temprature = 0.2\nmax_tokens = 0\nseed = 5\n")
    args = cli.parsed(["chat"])
    fill(args)
    assert settings_of(args).seeded() == 5
    assert told_at_the_start(settings_of(args).file) == [
        f"{path}: there is no option temprature; did you mean temperature? (1 more). What is wrong there does not "
        "count; lacie settings edit opens it."
    ]


def test_a_broken_file_never_keeps_the_chat_from_opening(path: Path) -> None:
    path.write_text("temperature = = 2\n")
    shown = on_terminal("chat", "--model", "/nowhere/model.gguf", TERM="xterm")
    assert shown.status == 1 and "no TOML" not in shown.out and "/nowhere/model.gguf" in shown.out
