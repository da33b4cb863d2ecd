"""Run folders: nothing is lost or made twice, one process at a time, one recipe a folder."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from lacie_training.errors import TrainingError
from lacie_training.recipes.files import load_recipe
from lacie_training.run_folder import RowFile, RunFolder, read_rows, write_rows

from lacie_chat.errors import LacieError
from lacie_chat.rows import writing

ROWS = [{"id": f"r{n}", "text": "é" * n} for n in range(6)]


def test_a_torn_file_is_repaired_wherever_it_is_torn(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    RowFile(whole).append(ROWS)
    data = whole.read_bytes()
    for cut in range(len(data) + 1):
        torn = tmp_path / "torn.jsonl"
        torn.write_bytes(data[:cut])
        file = RowFile(torn)
        file.append(ROWS)
        assert torn.read_bytes() == data


def test_zeros_at_the_end_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    RowFile(path).append(ROWS)
    data = path.read_bytes()
    path.write_bytes(data + b"\0" * 40 + b"\n")
    assert RowFile(path).ids == {row["id"] for row in ROWS}
    assert path.read_bytes() == data


def test_no_row_twice(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    file.append(ROWS[:3])
    file.append(ROWS)
    assert read_rows(file.path) == ROWS


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1}\n\n{"id": 2\n')
    with pytest.raises(LacieError, match=r"rows.jsonl, line 3: not valid JSON"):
        read_rows(path)
    path.write_text("[1]\n")
    with pytest.raises(LacieError, match="line 1: not a JSON object"):
        read_rows(path)
    path.write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(LacieError, match="not UTF-8"):
        read_rows(path)


def test_line_separators_inside_a_text_do_not_break_a_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"id": "a", "text": "one\u2028two\u0085three\x0bfour"}]
    write_rows(path, rows)
    assert read_rows(path) == rows


def test_a_folder_belongs_to_one_recipe(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, load_recipe("smoke"))
    RunFolder.open(tmp_path, load_recipe("smoke", ["dpo.per_device_batch=1"]))
    with pytest.raises(TrainingError, match=r"another recipe \(it differs in dpo.beta, dpo.steps\)"):
        RunFolder.open(tmp_path, load_recipe("smoke", ["dpo.beta=0.3", "dpo.steps=5"]))


def test_a_missing_file_names_the_stage(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, load_recipe("smoke"))
    with pytest.raises(TrainingError, match="run the stage 'judge' first"):
        folder.file("judged.jsonl")


def test_the_second_process_refuses(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, load_recipe("smoke"))
    with folder.lock():
        line = [sys.executable, "-m", "lacie_training.pairs", "--recipe", "smoke", "--run", str(tmp_path)]
        second = subprocess.run(line, capture_output=True, text=True)
    assert second.returncode == 1
    assert second.stderr.strip() == f"another process is working on {tmp_path}; wait for it, or stop it first"


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    full = Path("/dev/full")
    with pytest.raises(LacieError, match=r"the disk is full: .* could not be written"), writing(full):
        full.write_text(json.dumps(ROWS))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "file").write_text("")
        target = tmp_path / "file" / "run"
    else:
        tmp_path.chmod(0o500)
        target = tmp_path / "run"
    with pytest.raises(LacieError, match="can't be written"):
        RunFolder.open(target, load_recipe("smoke"))


def test_appends_from_many_short_lives(tmp_path: Path) -> None:
    """Each life appends a few rows and leaves a torn one behind, as a kill would."""
    path, draw = tmp_path / "rows.jsonl", random.Random(3)
    rows = [{"id": f"r{n}", "n": n} for n in range(200)]
    while True:
        file = RowFile(path)
        todo = [row for row in rows if row["id"] not in file.ids][: draw.randint(1, 20)]
        if not todo:
            break
        file.append(todo)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) - draw.randint(0, 8)])
    assert read_rows(path) == rows
