"""The soak itself, so that it doesn't rot: its cheap kinds with a little to do, and what is counted of a trial."""

import random
from pathlib import Path

import pytest
import soak_files
import soak_parsers
from odd_trials import breaks, dies, hangs, holds, loses
from soak_chats import shown
from soak_trials import Kind, soak, table

CHEAP = {kind.name: kind for kind in (*soak_files.KINDS, *soak_parsers.KINDS) if kind.cheap}


@pytest.mark.parametrize("name", CHEAP)
def test_a_little_of_what_is_cheap_holds(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("LACIE_CONFIG_DIR", str(tmp_path / "config"))
    assert CHEAP[name].run(random.Random(1), tmp_path / "work", 6) >= 6


def test_losses_crashes_deaths_and_hangs_are_counted() -> None:
    kinds = [
        Kind("holds", holds, 1, 300, amount=200),
        Kind("loses", loses, 4, 300),
        *(Kind(run.__name__, run, 2, seconds) for run, seconds in ((breaks, 300), (dies, 300), (hangs, 1))),
    ]
    said: list[str] = []
    good, lost, broken, dead, late = soak(kinds, 0.5, 1, tell=said.append)
    assert (good.trials, good.attempts, good.losses, good.crashes) == (1, 100, [], [])
    assert lost.trials == 2 and len(set(lost.losses)) == 2 and not lost.crashes
    assert "ZeroDivisionError" in broken.crashes[0] and "died (-9)" in dead.crashes[0]
    assert late.crashes == ["trial 0: not done within 1 s"]
    assert any(line.startswith("LOST   loses, trial 0: row ") for line in said)
    assert "| loses | 2 of 2 | 0        | 2      | 0       |" in table([good, lost])


def test_what_would_come_too_late_is_not_begun() -> None:
    (late,) = soak([Kind("loses", loses, 4, 300)], 1, 1, minutes=-1)
    assert (late.trials, late.wanted, late.losses) == (0, 4, [])


def test_what_a_screen_shows_is_read_off_it() -> None:
    screen = (
        "▌ One?\n\n  It is a\n  river.\n  … answering\n  Ready\n╭──\n│ Ask something\n▌ Two?\n  No.\n  ▰▰▱ sounds sure"
    )
    assert shown(screen) == [("One?", ["It", "is", "a", "river"]), ("Two?", ["No"])]
