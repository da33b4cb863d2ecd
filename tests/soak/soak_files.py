"""Hostile files: damaged GGUFs and adapters, names that lead elsewhere, pickles where weights are looked for.

What counts: an exit status of ours and one clear line; never a traceback, an abort or a hang, never a program out of a
file that was run.
"""

import contextlib
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
from pathlib import Path

from damage_files import damaged_gguf
from hostile import HOSTILE, obeyed
from random_adapter import write_random_adapter
from soak_trials import Kind, Lost
from terminal import LACIE

_MOST_LINES = 6


def _models(draw: random.Random, folder: Path, *, tiny: bool) -> tuple[Path, Path]:
    """A whole model and an adapter for it: tiny ones of an architecture, or the embedded one."""
    from tiny_architectures import write_tiny, write_tiny_adapter

    from lacie_chat.engine import native
    from lacie_chat.models import embedded_model_path

    embedded = embedded_model_path()
    assert embedded is not None
    if not tiny:
        return embedded, write_random_adapter(folder / "adapter.gguf")
    native.start(folder / "native.log")
    model = write_tiny(folder / "model.gguf", draw.choice(["llama", "qwen3", "gemma3", "mamba"]), embedded)
    adapter = write_tiny_adapter(folder / "adapter.gguf", model)
    return model, adapter or write_random_adapter(folder / "other.gguf")


def _in_process(*words: str) -> None:
    """A command in this process. Raises Lost for a traceback, a status or lines that aren't ours."""
    from lacie_chat import cli

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(list(words))
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 2
    _judge(words, status, out.getvalue().encode("utf-8", "replace"), err.getvalue().encode("utf-8", "replace"))


def _as_command(*words: str, seconds: float = 120) -> None:
    done = subprocess.run([LACIE, *words], capture_output=True, check=False, timeout=seconds)
    _judge(words, done.returncode, done.stdout, done.stderr)


def _judge(words: tuple[str, ...], status: int, out: bytes, err: bytes) -> None:
    said = err.decode("utf-8", "replace")
    if status not in (0, 1, 2, 3):
        raise Lost(f"{' '.join(words)!r} ended with {status}: {said[-500:]}")
    if "Traceback" in said or "GGML_ASSERT" in said or "terminate called" in said:
        raise Lost(f"{' '.join(words)!r}: {said[-900:]}")
    if status == 1 and not 1 <= len(said.strip().splitlines()) <= _MOST_LINES:
        raise Lost(f"{' '.join(words)!r} is told in {len(said.splitlines())} lines: {said[-600:]}")
    if found := obeyed(out) + obeyed(err):
        raise Lost(f"{' '.join(words)!r} prints what a terminal obeys: {found[:3]}")


def info_of_models(draw: random.Random, folder: Path, files: int) -> int:
    return _info(draw, folder, 0, files)


def info_of_adapters(draw: random.Random, folder: Path, files: int) -> int:
    return _info(draw, folder, 1, files)


def _info(draw: random.Random, folder: Path, which: int, files: int) -> int:
    from lacie_chat.gguf_header import read_header

    whole = _models(draw, folder, tiny=True)[which]
    data, header = whole.read_bytes(), read_header(whole)
    for number in range(files):
        path = folder / f"damaged-{number}.gguf"
        path.write_bytes(damaged_gguf(draw, data, header))
        _in_process("models", "info", str(path), *(["--json"] if number % 2 else []))
        path.unlink()
    return files


def asked(draw: random.Random, folder: Path) -> int:
    """Damaged models and adapters through the engine: `ask` loads them."""
    from lacie_chat.gguf_header import read_header

    model, adapter = _models(draw, folder, tiny=draw.random() < 0.8)
    for number in range(4):
        damaged = draw.choice([model, model, adapter])
        path = folder / f"damaged-{number}.gguf"
        path.write_bytes(damaged_gguf(draw, damaged.read_bytes(), read_header(damaged)))
        words = ["ask", "What is the capital of Peru?", "--max-tokens", "4", "--context", "512"]
        chosen = [str(path)] if damaged is model else [str(model), "--adapter", str(path)]
        _as_command(*words, "--model", *chosen)
        path.unlink()
    return 4


class _Runs:
    """What a pickle can do to who reads it."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._marker}",)


_PICKLES = (
    "pytorch_model.bin",
    "adapter_model.bin",
    "model.pt",
    "model.pkl",
    "consolidated.00.pth",
    "training_args.bin",
)
_DISGUISED = ("model.gguf", "model.safetensors", "adapter_model.safetensors", "tokenizer.json", "tokenizer.model")


def pickles(draw: random.Random, folder: Path) -> int:
    """A folder of a model, and of an adapter, in which pickles lie: none is read, by whichever command."""
    marker, place = folder / "marker", folder / "model"
    place.mkdir()
    payload = pickle.dumps(_Runs(marker))
    for name in draw.sample(_PICKLES, 4) + draw.sample(_DISGUISED, draw.randint(0, 3)):
        (place / name).write_bytes(payload)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32, "vocab_size": 64,
              "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}  # fmt: skip
    (place / "config.json").write_text(json.dumps(config))
    adapter = {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": "x",
    }
    (place / "adapter_config.json").write_text(json.dumps(adapter))
    (place / "questions.jsonl").write_text('{"id": "a", "question": "b?", "answers": ["c"]}\n')
    commands = [
        ["models", "info", str(place)],
        ["models", "info", str(place / draw.choice(_PICKLES))],
        ["ask", "x?", "--model", str(place)],
        ["ask", "x?", "--model", str(place / draw.choice(_DISGUISED))],
        ["ask", "x?", "--model", "embedded", "--adapter", str(place / draw.choice(_PICKLES))],
        ["export", "merge", "--adapter", str(place), "--base", str(place), "--out", str(folder / "out")],
        ["export", "adapter", "--adapter", str(place), "--base", str(place), "--out", str(folder / "out")],
        ["train", "sample", "--recipe", "smoke", "--run", str(folder / "run"), "--set", f"speaker.model={place}"],
        ["train", "mean", "--adapter", str(place), "--adapter", str(place), "--out", str(folder / "mean")],
    ]
    chosen = draw.sample(commands, 4)
    for words in chosen:
        done = subprocess.run([LACIE, *words], capture_output=True, text=True, check=False, timeout=200)
        if marker.exists():
            raise Lost(f"a pickle was run by {' '.join(words)!r}")
        if "Traceback" in done.stderr or done.returncode not in (0, 1, 2, 3):
            raise Lost(f"{' '.join(words)!r} ended with {done.returncode}: {done.stderr[-700:]}")
    return len(chosen)


_TRICKS = (
    *(
        "../../../../etc/passwd",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/mem",
        "-rf",
        "--model",
        "~root/x",
        "~nobody-here/x",
    ),
    *(
        "a" * 300,
        "a/" * 2000,
        "owner/../../x",
        "owner/repo:../../x",
        "owner/repo:Q4/../../x",
        "hf.co/../x",
        "ollama:../../x",
    ),
    *(
        f"x{HOSTILE}.gguf",
        "file:///etc/passwd",
        "http://[::1",
        "owner/repo@../x",
        ".",
        "..",
        "/",
        "",
        " ",
        "\udcff",
        "a\nb",
    ),
    *("models--x/../..", "con", "ollama:", "embedded/../x", "-hf owner/repo", "%2e%2e/%2e%2e", "\\\\host\\share"),
)


def names(draw: random.Random, folder: Path, tries: int) -> int:
    """Names that lead elsewhere: nothing outside is read as ours, or written."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.chdir(folder)
    before = _listing(folder.parent)
    for _ in range(tries):
        name = draw.choice(_TRICKS)
        words = draw.choice([
            ["models", "info", name], ["models", "pull", name], ["models", "remove", name], ["history", "show", name],
            ["history", "export", name], ["calibration", "show", "--model", name], ["history", "delete", name],
        ])  # fmt: skip
        _in_process(*words)
    if (after := _listing(folder.parent)) - before - {"data", "hub", "config"}:
        raise Lost(f"files that nobody asked for: {sorted(after - before)[:9]}")
    return tries


def _listing(folder: Path) -> set[str]:
    return {re.split(r"[/\\]", str(path.relative_to(folder)))[0] for path in folder.rglob("*")}


KINDS = [
    Kind("GGUFs, damaged: models info", info_of_models, 14, 300, amount=50, cheap=True),
    Kind("adapters, damaged: models info", info_of_adapters, 6, 300, amount=50, cheap=True),
    Kind("GGUFs, damaged: ask", asked, 30, 520),
    Kind("pickles in place of weights", pickles, 6, 800),
    Kind("names that lead elsewhere", names, 6, 200, amount=40, cheap=True),
]
if sys.platform == "win32":
    KINDS.clear()
