"""kill -9 of what works for long: stages of a training, an export, a download, a calibration, an evaluation.

A row that was counted is there afterwards, once and as it was; what is started again goes on and comes to its end.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub_server import HubServer
from soak_trials import Kind, Lost
from terminal import LACIE

from lacie_chat import paths
from lacie_chat.gguf_header import read_header

Rows = dict[Path, list[str]]


class Counted:
    """The whole rows of all JSON lines files under a folder: none may go, or come twice."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._seen = folder, Rows()

    def __call__(self) -> int:
        """Look; how many bytes of rows there are. Raises Lost."""
        size = 0
        for path in sorted(self._folder.rglob("*.jsonl")):
            data = path.read_bytes()
            size += len(data)
            rows = data[: data.rfind(b"\n") + 1].decode().splitlines()
            before = self._seen.get(path, [])
            if rows[: len(before)] != before:
                raise Lost(f"{path.name}: {len(before)} rows were there, and they are there no more ({len(rows)} are)")
            ids = [row["id"] for row in map(json.loads, rows) if "id" in row]
            if len(ids) != len(set(ids)):
                raise Lost(f"{path.name}: a row is there twice")
            self._seen[path] = rows
        gone = [path.name for path in self._seen if not path.exists()]
        if gone:
            raise Lost(f"gone: {', '.join(gone)}")
        return size


def killed(
    draw: random.Random, words: list[str], counted: Counted, *, kills: int, longest: float, **variables: str
) -> int:
    """Start a command, kill it at a random moment, `kills` times; then let it end. How many were killed in time."""
    environment, died = {**os.environ, **variables}, 0
    for life in range(kills + 1):
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        end = time.monotonic() + draw.uniform(0.05, longest)
        before = counted()
        grows = draw.random() < 0.6
        while life < kills and process.poll() is None and time.monotonic() < end:
            if counted() != before and grows:  # just after a row was written
                break
            time.sleep(0.01)
        if life < kills and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            died += 1
        _, error = process.communicate()
        counted()
        if process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"{words} ended with {process.returncode}: {error.decode()[-600:]}")
        if process.returncode == 0:
            return died
    return died


def training(draw: random.Random, folder: Path) -> int:
    """The stages of a tiny training, each killed."""
    from lacie_training.run_folder import RunFolder
    from lives import live_and_die
    from tiny_pairs import write_pairs
    from tiny_recipes import small
    from tiny_speakers import make_tiny

    model = make_tiny(folder / "model", "mistral")
    path = folder / "run"
    settings = ("dpo.steps=6", "dpo.save_every=2", "evaluate.other_listeners=[lexicon]")
    run = RunFolder.open(path, small("mistral-7b", model, *settings, "questions.train={source: sample, count: 12}"))
    counted, died = Counted(path), 0
    stages = draw.choice([("sample", "judge"), ("sample", "judge"), ("dpo", "evaluate")])
    if "dpo" in stages:
        write_pairs(run)
    for stage in stages:
        died += live_and_die(stage, path, counted, kills=draw.randint(2, 4))
        counted()
    if "dpo" in stages and not (path / "metrics.json").exists():
        raise Lost("the evaluation is done and has no figures")
    return died


def export(draw: random.Random, folder: Path) -> int:
    """What stands under its final name is whole, and what was begun is gone after the next export."""
    import torch
    from tiny_models import make_adapter, sentencepiece_tokenizer, shapes, tiny_model

    base = folder / "Tiny-Mistral"
    base.mkdir()
    sentencepiece_tokenizer(base)
    tiny_model(base, "mistral", dtype=torch.bfloat16)
    adapter = make_adapter(folder / "adapter", shapes(base), str(base))
    out = folder / "out"
    words = [sys.executable, "-m", "lacie_export.run", "--adapter", str(adapter), "--base", str(base)]
    words += ["--out", str(out), "--quant", "q8_0", "--no-verify", "--force"]
    died = killed(draw, words, Counted(out), kills=3, longest=14)
    for path in out.rglob("*.gguf"):
        header = read_header(path)
        if max(header.data + each.offset for each in header.tensors) >= header.size:
            raise Lost(f"{path.name} stands there and isn't whole")
    left = [path.name for path in out.rglob("*") if ".part" in path.name]
    if left or not list(out.rglob("*Q8_0.gguf")):
        raise Lost(f"after the export: {sorted(path.name for path in out.rglob('*'))}")
    return died


def pull(draw: random.Random, folder: Path) -> int:
    """A download that is killed goes on from where it was."""
    from hub_server import HubRepo

    content = _model_of(folder / "whole.gguf", megabytes=12).read_bytes()
    with HubServer() as hub:
        repo: HubRepo = hub.add("owner/repo", {"model-Q4_K_M.gguf": content})
        hub.faults.bytes_per_second = 4_000_000
        words = [LACIE, "models", "pull", "owner/repo"]
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        died = killed(draw, words, Counted(folder), kills=3, longest=5, **variables)
        found = [path for path in Path(os.environ["HF_HOME"]).rglob("*.gguf") if path.is_file()]
        if [path.read_bytes() for path in found] != [content]:
            raise Lost(f"the file in the cache is not the one of the Hub: {found}")
        starts = [int((request.range or "bytes=0-")[6:-1]) for request in hub.contents_requests()]
        if starts != sorted(starts):
            raise Lost(f"a download began again: {starts}, of {len(repo.files['model-Q4_K_M.gguf'])} bytes")
    return died


def _model_of(path: Path, *, megabytes: int) -> Path:
    """A GGUF of one tensor of so many megabytes."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("model")
    writer.add_tensor("blk.0.ffn_up.weight", np.zeros((megabytes << 8, 1 << 10), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def calibrate(draw: random.Random, folder: Path) -> int:
    counted = Counted(paths.database_path().parent)
    words = [LACIE, "calibrate", "--baseline", "--n", "40", "--minimum", "20", "--max-tokens", "24"]
    died = killed(draw, words, counted, kills=3, longest=12)
    if not list(paths.calibrators_dir().rglob("*.json")):
        raise Lost("it was done, and there is no calibrator")
    return died


def evaluate(draw: random.Random, folder: Path) -> int:
    questions = folder / "questions.jsonl"
    with questions.open("w") as file:
        for number, country in enumerate(("Japan", "Peru", "Norway", "Kenya", "Italy", "Chile", "Cuba", "Egypt") * 2):
            row = {"id": f"q{number}", "question": f"What is the capital of {country}?", "answers": ["x"]}
            file.write(json.dumps(row) + "\n")
    out = folder / "out"
    words = [LACIE, "evaluate", "--questions", str(questions), "--out", str(out), "--baseline", "--max-tokens", "12"]
    died = killed(draw, words, Counted(out), kills=3, longest=12)
    rows = [json.loads(line)["id"] for line in (out / "rows.jsonl").read_text().splitlines()]
    if sorted(rows) != sorted(f"q{number}" for number in range(16)):
        raise Lost(f"rows of an evaluation: {rows}")
    return died


@contextmanager
def _limited(size: int) -> Iterator[None]:
    """What is started from here on writes no file beyond so many bytes: a full disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def evaluate_on_a_full_disk(draw: random.Random, folder: Path) -> int:
    """One line that says so, no traceback, and it goes on once there is room."""
    questions = folder / "questions.jsonl"
    rows = [
        {"id": f"q{number}", "question": "What is the capital of Peru?", "answers": ["Lima"]} for number in range(9)
    ]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out, counted = folder / "out", Counted(folder / "out")
    words = [LACIE, "evaluate", "--questions", str(questions), "--out", str(out), "--baseline", "--max-tokens", "8"]
    words += ["--batch-size", "1"]
    with _limited(draw.randint(600, 12_000)):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    counted()
    if "Traceback" in done.stderr or done.returncode not in (0, 1):
        raise AssertionError(f"on a full disk: {done.returncode} {done.stderr[-800:]}")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    counted()
    if done.returncode or len((out / "rows.jsonl").read_text().splitlines()) != len(rows):
        raise Lost(f"it did not go on: {done.stderr[-600:]}")
    return 1


KINDS = [
    Kind("train: kill -9 of its stages", training, 6, 600),
    Kind("export: kill -9", export, 4, 400),
    Kind("models pull: kill -9", pull, 10, 200),
    Kind("calibrate: kill -9", calibrate, 4, 500),
    Kind("evaluate: kill -9", evaluate, 5, 400),
    Kind("evaluate: disk full", evaluate_on_a_full_disk, 4, 300),
]
