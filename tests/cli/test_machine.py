"""How a model is run, from the options on; what `lacie doctor` says of it; what `make` compiles for a GPU."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from lacie_chat.cli import build_parser
from lacie_chat.commands.machine import machine_of
from lacie_chat.engine import Machine

ROOT = Path(__file__).resolve().parents[2]
LACIE = str(Path(sys.executable).with_name("lacie"))
ANSWERING = (
    ["ask", "Who?"],
    ["chat"],
    ["doctor"],
    ["compare", "Who?"],
    ["calibrate"],
    ["calibration", "fit", "--marks"],
    ["evaluate", "--questions", "q.jsonl", "--out", "out"],
    ["study", "run", "--out", "out"],
)
OPTIONS = (
    *("--threads", "3", "--reading-threads", "4", "--gpu-layers", "20", "--flash-attention", "on", "--kv-type", "q8_0"),
    *("--batch", "128", "--ubatch", "32", "--no-mmap", "--mlock"),
)


def lacie(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LACIE, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", **environment},
        check=False,
    )


@pytest.mark.parametrize("command", ANSWERING, ids=lambda words: " ".join(words[:2]))
def test_every_command_that_answers_takes_them(command: list[str]) -> None:
    parser = build_parser(command[0])
    assert machine_of(parser.parse_args(command)) == Machine()
    asked = machine_of(parser.parse_args([*command, *OPTIONS]))
    expected = Machine(
        threads=3,
        reading_threads=4,
        gpu_layers=20,
        flash_attention="on",
        kv_type="q8_0",
        batch=128,
        ubatch=32,
        mmap=False,
        mlock=True,
    )
    assert asked == expected
    assert machine_of(parser.parse_args([*command, "--gpu-layers", "auto"])) == Machine()


def test_settings_are_a_table_of_plain_values() -> None:
    """As a settings file holds it: names and scalars, and back."""
    machine = Machine(n_ctx=4096, kv_type="q8_0", mlock=True)
    table = asdict(machine)
    assert all(value is None or isinstance(value, str | int | bool) for value in table.values())
    assert Machine(**table) == machine


@pytest.mark.parametrize(
    "options, said",
    [
        (["--threads", "0"], "argument --threads: '0' is not a whole number of 1 or more"),
        (["--batch", "none"], "argument --batch: 'none' is not a whole number of 1 or more"),
        (["--kv-type", "q9"], "argument --kv-type: 'q9' is none of "),
        (["--gpu-layers", "-1"], "argument --gpu-layers: '-1' is not auto or a whole number of 0 or more"),
        (["--context", "100"], "argument --context: '100' is not a whole number of 256 or more"),
        (["--flash-attention", "off", "--kv-type", "q8_0"], "lacie: A cache of q8_0 needs flash attention"),
        (["--batch", "8", "--ubatch", "16"], "lacie: ubatch (16) can't be more than batch (8)"),
    ],
)
def test_what_makes_no_sense_is_one_line(options: list[str], said: str) -> None:
    run = lacie("ask", "Who?", *options)
    assert run.returncode in (1, 2) and run.stdout == ""
    assert said in run.stderr.splitlines()[-1] and "Traceback" not in run.stderr


def test_file_of_questions_has_a_context_of_its_own(tmp_path: Path) -> None:
    run = lacie("compare", "--questions", str(tmp_path / "q.jsonl"), "--out", str(tmp_path), "--context", "4096")
    assert run.returncode == 2 and "--context is for one QUESTION" in run.stderr


def test_doctor_says_what_was_chosen_and_why(data_dir: Path) -> None:
    run = lacie("doctor", "--baseline", "--kv-type", "q8_0", "--context", "1024", "--batch", "32", LACIE_THREADS="1")
    assert run.returncode == 0, run.stdout
    rows = dict(re.findall(r"^ok +(\S.*?) {2,}(.*?) *$", run.stdout, flags=re.MULTILINE))
    assert "CPU" in rows["llama.cpp computes on"]
    assert re.fullmatch(r"[\d.]+ [GM]B", rows["free memory"])
    assert rows["context"] == "1,024 tokens, as asked (the model's own length is 8,192)"
    assert re.match(r"[\d.]+ [GM]B of [\d.]+ [GM]B available: weights 98 MB, answers \d+ MB, ", rows["memory"])
    assert rows["GPU layers"]
    assert rows["flash attention"] == "on: a cache of q8_0 needs it" and rows["KV cache"] == "q8_0, as asked"
    assert rows["threads"] == "1 to generate (LACIE_THREADS says so), 1 to read"
    assert rows["batch"] == "32 tokens at a time (as asked)" and rows["weights"] == "mapped from the file"


def make(folder: Path, *words: str, **besides: str) -> subprocess.CompletedProcess[str]:
    """What `make` would do in a folder whose environment stands."""
    return subprocess.run(
        ["make", "--dry-run", "chat", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key not in ("CMAKE_ARGS", "MAKEFLAGS", "GPU")}
        | besides,
        check=False,
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_compiles_for_the_gpu_that_is_named(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", ".constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    first = make(tmp_path, "GPU=cuda").stdout
    assert "CMAKE_ARGS=-DLLAVA_BUILD=OFF -DGGML_CUDA=on)" in first
    besides = make(tmp_path, "GPU=cuda", CMAKE_ARGS="-DMINE=1").stdout
    assert "CMAKE_ARGS=-DLLAVA_BUILD=OFF -DGGML_CUDA=on -DMINE=1)" in besides
    compiled = r"--force-reinstall --no-deps --no-cache-dir --no-binary llama-cpp-python 'llama-cpp-python==[\d.]+'"
    assert re.search(compiled, first)
    stamp = re.search(r"touch (\.venv/\.llama-\S+-cuda)", first)
    assert stamp is not None

    (tmp_path / ".venv").mkdir()  # as it is then left behind
    for made in (".venv/.python", stamp[1], ".venv/.installed-chat"):
        (tmp_path / made).touch()
    (tmp_path / ".venv/.gpu").write_text("cuda\n")
    for again in ((), ("GPU=cuda",)):  # kept, and compiled once
        assert "pip" not in make(tmp_path, *again).stdout
    assert "-DGGML_VULKAN=on" in make(tmp_path, "GPU=vulkan").stdout
    back = make(tmp_path, "GPU=default").stdout
    assert "--force-reinstall" in back and "--no-cache-dir" not in back
    unknown = make(tmp_path, "GPU=nvidia")
    assert unknown.returncode != 0 and "GPU=nvidia is unknown: take cuda, metal, vulkan" in unknown.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_first_make_leaves_the_build_to_pip(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", ".constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    told = make(tmp_path).stdout
    assert "if [ 'default' != default ] || [ 'default' != default ]" in told
    assert "-e '.[embedded]'" in told
