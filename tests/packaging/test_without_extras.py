"""The wheel in an environment of its own, as `pip install lacie-chat` makes one: what it requires and no extra.

A library that is used and not required, or a module that is not in the wheel, shows here and nowhere else. The
libraries are borrowed from the tests' own environment, so nothing is fetched.
"""

import importlib.metadata
import json
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from terminal import Terminal

from lacie_chat.models.embedded import DISTRIBUTION as EMBEDDED

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = (
    {"id": "a", "question": "What is the capital of Japan?", "answers": ["Tokyo"]},
    {"id": "b", "question": "Who wrote the novel Emma?", "answers": ["Jane Austen"]},
)


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the environment's commands. The embedded model's file is there, without the program it is for."""
    folder, built = tmp_path_factory.mktemp("light"), tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(built), str(ROOT)]
    subprocess.run([*pip, *wheel], check=True)
    venv.create(folder, symlinks=True)
    places = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    commands, packages = Path(places["scripts"]), Path(places["purelib"])
    install = [
        "--python",
        str(commands / "python"),
        "install",
        "--no-deps",
        "--no-index",
        *map(str, built.glob("*.whl")),
    ]
    subprocess.run([*pip, *install], check=True)
    for library in [*required("lacie-chat"), importlib.metadata.distribution(EMBEDDED)]:
        for name in {file.parts[0] for file in library.files or ()} - {".."}:
            if not (packages / name).exists():
                (packages / name).symlink_to(Path(str(library.locate_file(name))))
    return commands


def required(name: str) -> Iterable[importlib.metadata.Distribution]:
    """What a distribution requires without its extras, and what that requires; not itself."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [(name, frozenset[str]())]
    while waiting:
        each, extras = waiting.pop()
        for line in importlib.metadata.requires(each) or ():
            wanted = Requirement(line)
            marker = wanted.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                continue
            if wanted.name not in found:
                found[wanted.name] = importlib.metadata.distribution(wanted.name)
                waiting.append((wanted.name, frozenset(wanted.extras)))
    return found.values()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)


def run(command: Path, *words: str, status: int = 0) -> str:
    """What a command prints, errors where it is to fail."""
    done = subprocess.run([str(command), *words], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr[-3000:]
    return done.stderr if status else done.stdout


def test_it_holds_no_extra_and_knows_no_checkout(light: Path) -> None:
    for module in ("torch", "transformers", "pydantic", "matplotlib"):
        assert "ModuleNotFoundError" in run(light / "python", "-c", f"import {module}", status=1)
    ours = "lacie_chat, lacie_training, lacie_export"
    files = run(light / "python", "-c", f"import {ours}\nfor each in {ours}: print(each.__file__)").split()
    assert [Path(file).is_relative_to(light.parent) for file in files] == [True] * 3


def test_questions_are_answered_and_measured(light: Path) -> None:
    lacie = light / "lacie"
    answer = json.loads(run(lacie, "ask", QUESTIONS[0]["question"], "--json", "--max-tokens", "16"))
    assert "Tokyo" in answer["response"]
    assert 0 < answer["acceptance"] < 1
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    source = ("--questions", "questions.jsonl", "--max-tokens", "16")
    run(lacie, "evaluate", *source, "--out", "measured")
    assert json.loads(Path("measured/metrics.json").read_text())["n"] == 2
    run(lacie, "compare", *source, "--out", "compared")
    assert "<html" in Path("compared/report.html").read_text()


@pytest.mark.parametrize(
    ("words", "extra"), [("train sample --recipe smoke", "train"), ("export run --run x --out y", "export")]
)
def test_what_needs_an_extra_names_it(words: str, extra: str, light: Path) -> None:
    (line,) = run(light / "lacie", *words.split(), status=1).splitlines()
    assert line.endswith(f"pip install 'lacie-chat[{extra}]'")


def test_the_chat_opens_answers_and_ends(light: Path) -> None:
    with Terminal("chat", command=str(light / "lacie")) as terminal:
        terminal.wait_for("Ask something")
        terminal.type("What is the capital of Japan?")
        terminal.wait_for("What is the capital of Japan?")
        terminal.type("\r")
        terminal.wait_for("Tokyo")
        terminal.type("\x11")  # ctrl+q
        assert terminal.wait_for_end() == 0
