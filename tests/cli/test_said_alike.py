"""What several commands say of one thing, they say alike: sizes, names, calibrators."""

import json
import re
from pathlib import Path

import pytest
from odd import redirected

from lacie_chat.models import default_adapter, find_calibrator, resolve_adapter
from lacie_chat.sizes import size_text


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """All that is said of the embedded model, by command."""
    commands = {
        "list": ["models", "list"],
        "info": ["models", "info", "embedded"],
        "doctor": ["doctor", "--context", "1024"],
        "compare": ["compare", "What is the capital of Japan?", "--max-tokens", "12", "--context", "1024"],
    }
    ran = {name: redirected("", *words) for name, words in commands.items()}
    assert {name: each.status for name, each in ran.items()} == dict.fromkeys(commands, 0)
    return {name: each.out for name, each in ran.items()}


def line_of(text: str, name: str) -> str:
    found = re.search(rf"^(?:ok +)?{name} {{2,}}(.*)$", text, flags=re.MULTILINE)
    assert found, f"no line {name!r} in:\n{text}"
    return found[1]


def test_the_file_has_one_size(said: dict[str, str], embedded_model: Path) -> None:
    size = size_text(embedded_model.stat().st_size)
    assert size == "98 MB"
    assert re.search(rf"^  embedded\n.*, {size}, fits", said["list"], flags=re.MULTILINE)
    assert line_of(said["info"], "size") == size
    assert f"weights {size}," in line_of(said["doctor"], "memory")


def test_sizes_have_one_kind_of_unit(said: dict[str, str]) -> None:
    everything = "".join(said.values())
    assert not re.search(r"\d [KMG]iB", everything)
    assert len(re.findall(r"\d [MG]B\b", everything)) > 10


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 kB"), (64_000, "64 kB"), (999_499, "999 kB"), (999_600, "1 MB"), (98_362_432, "98 MB"),
     (999_400_000, "999 MB"), (999_600_000, "1.0 GB"), (2_497_281_120, "2.5 GB"), (140_000_000_000, "140.0 GB")],
)  # fmt: skip
def test_a_size_is_decimal(size: int, text: str) -> None:
    assert size_text(size) == text


def test_the_model_has_one_name(said: dict[str, str]) -> None:
    assert "SmolLM2-135M-Instruct, package" in said["list"]
    assert line_of(said["info"], "name").startswith("SmolLM2-135M-Instruct (in its file: ")
    assert line_of(said["doctor"], "model").startswith("SmolLM2-135M-Instruct + LACIE, ")
    assert re.search(r"^adapter  embedded \+ LACIE$", said["compare"], flags=re.MULTILINE)
    assert "embedded + embedded" not in said["compare"]


def test_both_calibrators_are_told_and_told_as_text(said: dict[str, str], embedded_model: Path) -> None:
    adapter = resolve_adapter(default_adapter("embedded") or "")
    alone, pair = find_calibrator(embedded_model), find_calibrator(embedded_model, adapter.path)
    assert alone and pair and alone.n != pair.n
    assert line_of(said["info"], "calibrator").startswith(
        f"without its adapter: fitted on {alone.n} answers; it goes by"
    )
    assert line_of(said["info"], "its calibrator").startswith(
        f"with its adapter: fitted on {pair.n} answers; it goes by"
    )
    assert line_of(said["doctor"], "calibrator") == f"fitted on {pair.n} answers of SmolLM2-135M-Instruct + LACIE"
    facts = json.loads(redirected("", "models", "info", "embedded", "--json").out)
    assert (facts["calibrator"]["n"], facts["adapter"]["calibrator"]["n"]) == (alone.n, pair.n)
    of_adapter = redirected("", "models", "info", str(adapter.path)).out
    assert line_of(of_adapter, "calibrator").startswith(f"fitted on {pair.n} answers")
    assert line_of(of_adapter, "trained with") == "LACIE (arXiv:2405.21028)"
    for text in (said["info"], of_adapter):
        assert not re.search(r"[{}\[\]]", text), "no dictionary is text"


def test_who_hears_has_one_name(said: dict[str, str]) -> None:
    listener = line_of(said["doctor"], "listener").partition(", version")[0]
    assert listener.startswith("the tuned listener (") and f"heard by {listener}" in said["compare"]
