"""The wheel: what is in it, and that it works from anywhere, away from the checkout.

Built without isolation and installed into a folder of its own that goes before the checkout on the path; where the
modules really come from is asked of them.
"""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lacie_chat", "lacie_training", "lacie_export")
SMALL = (
    "questions.train.count=6",
    "questions.validation.count=2",
    "questions.test.sample.count=2",
    "sample.max_new_tokens=12",
    "evaluate.max_new_tokens=8",
    "evaluate.bootstrap=50",
    "pairs.margin=0.0",
    "dpo.steps=1",
    "dpo.pairs_per_step=2",
    "dpo.per_device_batch=1",
    "dpo.validation_questions=2",
)


@dataclass(frozen=True)
class Installed:
    """A wheel that was unpacked into `site`; commands run in `folder`, which is no checkout."""

    wheel: Path
    site: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.site)}

    def run(self, *words: str) -> str:
        """What a Python command prints on standard output; it must end well."""
        done = subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def lacie(self, *words: str) -> str:
        return self.run(str(self.site / "bin" / "lacie"), *words)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    built, site, folder = (tmp_path_factory.mktemp(name) for name in ("wheel", "site", "elsewhere"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(built), str(ROOT)], check=True)
    (wheel,) = built.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    return Installed(wheel, site, folder)


@pytest.fixture(scope="module")
def trained(installed: Installed) -> Path:
    """A run of the recipe `smoke`, made smaller still, by the wheel's command."""
    settings = [word for setting in SMALL for word in ("--set", setting)]
    installed.lacie("train", "run", "--no-check", "--recipe", "smoke", "--run", "run", *settings)
    return installed.folder / "run"


def test_the_wheel_has_our_packages_and_their_files_and_nothing_else(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    for package, home in zip(PACKAGES, (ROOT, ROOT / "training", ROOT / "export"), strict=True):
        tracked = subprocess.run(
            ["git", "ls-files", package], cwd=home, capture_output=True, text=True, check=True
        ).stdout.split()
        assert tracked and not set(tracked) - set(names)
        assert {name for name in names if name.startswith(f"{package}/")} == set(tracked)
    assert any(name.endswith(".dist-info/licenses/NOTICE") for name in names)


def test_all_modules_come_from_the_wheel(installed: Installed) -> None:
    code = f"import importlib; print([importlib.import_module(name).__file__ for name in {PACKAGES!r}])"
    found = installed.run("-P", "-c", code)
    assert found.count(str(installed.site)) == len(PACKAGES) and str(ROOT) not in found


def test_ask(installed: Installed, embedded_model: Path) -> None:
    found = json.loads(installed.lacie("ask", "What is the capital of Japan?", "--json", "--max-tokens", "16"))
    assert "Tokyo" in found["response"] and 0 <= found["acceptance"] <= 1


def test_evaluate(installed: Installed, embedded_model: Path) -> None:
    rows = ({"id": name, "question": f"What is the capital of {name}?", "answers": ["?"]} for name in ("Japan", "Peru"))
    (installed.folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = ("--questions", "q.jsonl", "--out", "figures", "--max-tokens", "12", "--json")
    assert json.loads(installed.lacie("evaluate", *out))["n"] == 2
    assert (installed.folder / "figures" / "rows.jsonl").is_file()


def test_chat_opens(installed: Installed, embedded_model: Path) -> None:
    chat = pexpect.spawn(
        sys.executable,
        [str(installed.site / "bin" / "lacie"), "chat"],
        cwd=str(installed.folder),
        env={**installed.environment, "TERM": "xterm-256color"},
        dimensions=(24, 80),
        timeout=300,
    )
    chat.expect("Ready")
    chat.send("\x11")  # ctrl+q
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 0


def test_train(trained: Path) -> None:
    assert (trained / "adapter" / "adapter_model.safetensors").is_file()
    assert (trained / "report.md").is_file()


def test_export(installed: Installed, trained: Path) -> None:
    installed.lacie("export", "adapter", "--run", "run", "--out", "exported", "--no-verify")
    (adapter,) = (installed.folder / "exported").glob("*-LoRA.gguf")
    assert "Tokyo" in installed.lacie("ask", "What is the capital of Japan?", "--adapter", str(adapter))


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "lacie_training.dpo"),
        ("-m", "lacie_export.merge"),
        ("-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1", "-m", "lacie_training.dpo"),
    ],
)
def test_stages_are_modules_of_ours(installed: Installed, words: tuple[str, ...]) -> None:
    assert "usage: python -m lacie_" in installed.run(*words, "--help")
