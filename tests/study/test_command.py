"""`lacie study`, installed: the real embedded model and an adapter, a real terminal, few and short questions."""

import json
import subprocess
from pathlib import Path

import gguf
import numpy as np
import pytest
from studies import judge, make_study
from terminal import LACIE, Terminal

from lacie_chat.study import SPEAKERS, open_study, plan
from lacie_chat.study.checks import check_items

QUESTIONS = [
    {"id": "sea", "question": "Tell me about the sea.", "answers": ["water"]},
    {"id": "legs", "question": "How many legs has a spider?", "answers": ["8", "eight"]},
    {"id": "again", "question": "tell me  about the SEA", "answers": ["water"]},
]


def lacie(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LACIE, "study", *map(str, words)], capture_output=True, text=True, timeout=120, check=False, input=""
    )


def failure(*words: object) -> str:
    """The one line of a failure."""
    run = lacie(*words)
    assert (run.returncode, run.stdout) == (1, ""), run.stdout + run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    return run.stderr.strip()


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("questions") / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    return path


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random LoRA on the embedded model, strong enough to change its answers."""
    path = tmp_path_factory.mktemp("adapter") / "random-LoRA.gguf"
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for layer in range(2):
        for part, shape in (("lora_a", (4, 576)), ("lora_b", (576, 4))):
            weights = random.normal(0, 0.3, shape).astype(np.float32)
            writer.add_tensor(f"blk.{layer}.attn_q.weight.{part}", weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_from_questions_to_report(questions: Path, adapter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    made = ("run", "--questions", questions, "--out", folder, "--adapter", adapter)
    made = (*made, "--max-tokens", 20, "--answers-only")
    run = lacie(*made)
    assert run.returncode == 0, run.stderr
    assert "4 answers are in" in run.stdout, "the repeated question is left out"
    study = open_study(folder)
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [
        f"{question}/{speaker}" for question in ("sea", "legs") for speaker in SPEAKERS
    ]
    assert all(row["response"] and 0 <= row["acceptance"] <= 1 for row in rows)
    assert all(row["signals"]["tokens"] > 0 for row in rows)
    assert all(row["p_right"] is row["verdict"] is None for row in rows[1::2]), "this adapter has no calibrator"
    assert rows[0]["response"] != rows[1]["response"]
    for one, other in (rows[:2], rows[2:]):
        assert one["seed"] == other["seed"]
        assert (one["adapter"], other["adapter"]) == (None, str(adapter))

    # cut off in the midst of it, and taken up again: what is there stays, the rest comes as it would have
    lines = (folder / "answers.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "answers.jsonl").write_bytes(b"".join(lines[:3])[:-40])
    state = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**state, "id": None}))
    assert "not all made yet" in failure("report", folder)
    assert lacie(*made).returncode == 0
    assert open_study(folder).id == study.id
    assert "another study (it differs in: seed)" in failure(*made, "--seed", 1)

    # one judges in a terminal, another elsewhere
    with Terminal("study", "run", "--out", str(folder), "--person", "Ana") as terminal:
        terminal.wait_for("Going by how the answer sounds")
        terminal.type("\r")
        first, *rest = plan(study, "Ana")
        terminal.wait_for(first.question)
        for key in "a4n":
            terminal.type(key)
        terminal.wait_for("2 of")
        terminal.kill()
    with Terminal("study", "run", "--out", str(folder), "--person", "Ana") as terminal:
        terminal.wait_for("1 of 3 are done" if len(rest) == 2 else "are done")
        terminal.type("\r")
        for number, _ in enumerate(rest, start=2):
            terminal.wait_for(f"{number} of {len(rest) + 1}")
            for key in "r2n":
                terminal.type(key)
        terminal.wait_for("That was the last one")
        terminal.type("q")
        assert terminal.wait_for_end() == 0
        assert f"{len(rest) + 1} of {len(rest) + 1} judged" in terminal.screen()
    elsewhere = judge(study, "Bo", lambda shown: (True, 3, shown.question.startswith("Tell")), folder=tmp_path / "bo")

    both = ("report", folder, elsewhere.path, "--keep-inattentive", "--bootstrap", 20)
    found = json.loads(lacie(*both, "--json").stdout)
    assert found["study"] == study.id
    assert [each["person"] for each in found["people"]] == ["Ana", "Bo"]
    assert found["judgements"] == found["sets"]["all"]["n"] == 4
    assert found["sets"]["without_known"]["n"] == 3
    assert check_items(study.id).keys() & {shown.item for shown in plan(study, "Ana")}
    report = tmp_path / "report.md"
    run = lacie(*both, "--out", report)
    assert run.returncode == 0 and run.stdout == report.read_text()
    assert f"lacie: embedded with the adapter {adapter}" in run.stdout


def test_bad_input_is_one_line(questions: Path, adapter: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "s", "--answers-only")
    broken = tmp_path / "broken.jsonl"
    broken.write_text(json.dumps(QUESTIONS[0]) + "\n{broken\n")
    assert "broken.jsonl, line 2: not valid JSON" in failure("run", "--questions", broken, "--adapter", adapter, *out)
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps(QUESTIONS[0]) + "\n")
    same = ("--left", "baseline", "--right", "baseline")
    assert "both sides are the same" in failure("run", "--questions", good, *same, *out)
    assert "holds no study" in failure("run", *out)
    assert "with --questions FILE" in failure("run", "--adapter", adapter, *out)
    assert "the study needs a terminal" in failure("run", "--out", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_reports_that_cannot_be_made_are_one_line(tmp_path: Path) -> None:
    study, other = make_study(tmp_path / "one", 4), make_study(tmp_path / "other", 5)
    assert "nobody has judged" in failure("report", study.folder)
    file = judge(other, "ana")
    assert "is of another study" in failure("report", study.folder, file.path)
    assert "can't be read" in failure("report", study.folder, tmp_path / "none.jsonl")
