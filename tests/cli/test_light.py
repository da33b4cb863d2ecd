"""What needs no extra: run in a process that can import nothing of the extras."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from random_adapter import write_random_adapter

BLOCKER = """
import sys

class Blocker:
    names = {"torch", "transformers", "trl", "peft", "datasets", "accelerate", "pydantic", "yaml", "sklearn",
             "matplotlib", "lacie_training", "lacie_export"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Blocker())
"""
LACIE = "import sys; from lacie_chat.cli import main; sys.exit(main(sys.argv[1:]))"
QUESTIONS = (("a", "What is the capital of Japan?", "Tokyo"), ("b", "What is the capital of France?", "Paris"))


@pytest.fixture
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a blocker that Python loads at its start."""
    folder = tmp_path / "light"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BLOCKER)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))
    return folder


def lacie(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LACIE, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def questions(tmp_path: Path) -> str:
    path = tmp_path / "q.jsonl"
    rows = [{"id": key, "question": question, "answers": [answer]} for key, question, answer in QUESTIONS]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.usefixtures("no_own_adapter", "light")
def test_ask_evaluate_and_compare_need_no_extra(questions: str, tmp_path: Path) -> None:
    blocked = subprocess.run([sys.executable, "-c", "import pydantic"], capture_output=True, text=True)
    assert "No module named 'pydantic'" in blocked.stderr, "the blocker blocks"
    done = lacie("ask", "What is the capital of Japan?", "--baseline", "--max-tokens", "8", "--json")
    assert done.returncode in (0, 3), done.stderr
    assert json.loads(done.stdout)["question"] == "What is the capital of Japan?"

    out = tmp_path / "evaluated"
    short = ["--questions", questions, "--max-tokens", "8"]
    done = lacie("evaluate", *short, "--baseline", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "metrics.json").read_text())["n"] == 2
    [said] = [line for line in done.stderr.splitlines() if "matplotlib" in line]
    assert (
        said == "evaluate: reliability.png is left out, since drawing needs matplotlib: pip install 'lacie-chat[plots]'"
    )
    assert not (out / "reliability.png").exists()

    out = tmp_path / "compared"
    adapter = write_random_adapter(tmp_path / "random-LoRA.gguf")
    done = lacie("compare", *short, "--adapter", str(adapter), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "comparison.json").read_text())["n"] == 2
    assert "compare: shift.png is left out" in done.stderr
    assert "shift.png" not in (out / "report.md").read_text() and "data:image" not in (out / "report.html").read_text()


@pytest.mark.parametrize("launched", [(LACIE, "train", "run"), ("lacie_training.dpo",)])
def test_training_that_lacks_a_part_of_its_extra_says_so_at_once(
    launched: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reads recipes may be there for another's sake (as in an environment of pipx): no stage is begun."""
    (tmp_path / "sitecustomize.py").write_text(re.sub(r"names = \{[^}]*\}", 'names = {"transformers"}', BLOCKER))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    how = ["-m", *launched] if len(launched) == 1 else ["-c", *launched]
    run = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, *how, "--recipe", "smoke", "--run", str(run)], capture_output=True, text=True, check=False
    )
    line = "this needs the extra 'train' (transformers is missing): pip install 'lacie-chat[train]'"
    assert (done.returncode, done.stderr.splitlines()) == (1, [line])
    assert not (run / "samples.jsonl").exists()


@pytest.mark.usefixtures("light")
def test_a_fit_on_questions_needs_no_extra(questions: str) -> None:
    done = lacie("calibration", "fit", "--replace", "--baseline", "--questions", questions, "--max-tokens", "8")
    assert done.returncode == 1
    assert "too few to fit a calibrator: at least 60 are needed" in done.stderr, done.stderr
