"""The study as a person sees it: keys, corrections, pauses; and how it looks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from screen_text import screen_text
from textual.pilot import Pilot

from lacie_chat.errors import LacieError
from lacie_chat.study import PersonFile, Shown, Study, plan
from lacie_chat.tui.screens.judging import JudgingScreen, StudyApp, answer_content

Opened = tuple[Pilot[None], JudgingScreen, PersonFile]


@asynccontextmanager
async def opened(study: Study, person: str = "ana", items: int | None = 4, **more: Any) -> AsyncIterator[Opened]:
    """The app after its instructions."""
    file = PersonFile.open(study.people_dir, study.id, person, items)
    app = StudyApp(plan(study, person, file.items), file, **more)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        yield pilot, app._judging, file


def seen(pilot: Pilot[None]) -> str:
    return screen_text(pilot.app)


async def test_three_keys_judge_an_item_and_it_is_kept_at_once(study: Study) -> None:
    times = iter(range(0, 1000, 5))
    async with opened(study, clock=lambda: float(next(times))) as (pilot, screen, file):
        first, second = plan(study, "ana", 4)[:2]
        assert first.question in seen(pilot) and first.response in seen(pilot)
        assert "1 of 6" in seen(pilot)
        await pilot.press("a")
        assert "✓ Do you accept it?   accepted" in seen(pilot)
        await pilot.press("4")
        assert not file.judgements
        await pilot.press("n")
        kept = PersonFile.open(study.people_dir, study.id, "ana").judgements
        assert list(kept) == [first.item]
        assert (kept[first.item].accepted, kept[first.item].sure, kept[first.item].known) == (True, 4, False)
        assert kept[first.item].seconds == 5
        assert second.question in seen(pilot) and "2 of 6" in seen(pilot)
        assert screen.done == 1


async def test_keys_work_only_in_their_step(study: Study) -> None:
    async with opened(study) as (pilot, screen, file):
        await pilot.press("4", "y", "n", "b", "enter")
        assert screen.step == "verdict"
        await pilot.press("r", "a", "y")
        assert screen.step == "sure"
        assert "rejected" in seen(pilot)
        await pilot.press("6", "0", "5", "1")
        assert screen.step == "known"
        await pilot.press("y")
        [kept] = file.judgements.values()
        assert (kept.accepted, kept.sure, kept.known) == (False, 5, True)


async def test_back_takes_back_a_key_and_then_corrects_the_last_item(study: Study) -> None:
    async with opened(study) as (pilot, screen, file):
        first, second, third = plan(study, "ana", 4)[:3]
        await pilot.press("a", "3", "b", "b", "r", "2", "n")
        assert not file.judgements[first.item].accepted
        await pilot.press("a", "5", "n")
        assert third.question in seen(pilot)
        await pilot.press("b")
        assert second.question in seen(pilot)
        assert "You said: accepted, certain, did not know it. Enter keeps that." in seen(pilot)
        await pilot.press("r", "1", "y")
        assert third.question in seen(pilot), "and on from where it was"
        assert (file.judgements[second.item].accepted, file.judgements[second.item].sure) == (False, 1)
        await pilot.press("b", "backspace", "enter")
        assert third.question in seen(pilot)
        assert not file.judgements[first.item].accepted and len(file.judgements) == 2
        assert screen.done == 2


async def test_quit_and_go_on_and_the_end(study: Study) -> None:
    shown = plan(study, "ana", 4)
    async with opened(study) as (pilot, _, _):
        await pilot.press("a", "3", "n", "r", "2")  # the second one is not finished
        await pilot.press("q")
    async with opened(study, items=None) as (pilot, screen, file):
        assert screen.done == 1
        assert shown[1].question in seen(pilot) and "2 of 6" in seen(pilot)
        for _ in shown[1:]:
            await pilot.press("r", "2", "n")
        assert "That was the last one" in seen(pilot) and "all 6 judged" in seen(pilot)
        await pilot.press("a", "3", "n", "enter")
        assert [file.judgements[each.item].accepted for each in shown] == [True] + [False] * 5
        await pilot.press("b", "a", "3", "n")
        assert file.judgements[shown[-1].item].accepted
        assert "That was the last one" in seen(pilot)
        await pilot.press("q")
    assert pilot.app.return_code == 0


async def test_the_instructions_come_first_and_on_a_key(study: Study) -> None:
    file = PersonFile.open(study.people_dir, study.id, "ana", 4)
    app = StudyApp(plan(study, "ana", 4), file)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Going by how the answer sounds" in seen(pilot) and "6 items." in seen(pilot)
        await pilot.press("a")
        assert not app._judging._accepted
        await pilot.press("enter", "a", "f1")
        assert "Going by how the answer sounds" in seen(pilot)
        await pilot.press("escape")
        assert "✓ Do you accept it?   accepted" in seen(pilot), "and nothing is lost by reading them again"


async def test_a_judgement_that_cannot_be_kept_is_not_passed_over(study: Study, monkeypatch: Any) -> None:
    async with opened(study) as (pilot, screen, file):

        def full(_: object) -> None:
            raise LacieError("the disk is full: [x] could not be written")

        monkeypatch.setattr(file, "add", full)
        await pilot.press("a", "3", "n")
        await pilot.pause()
        assert "Not kept: the disk is full: [x]" in " ".join(seen(pilot).split())
        assert screen.step == "known" and screen.done == 0
        monkeypatch.undo()
        await pilot.press("n")
        assert screen.done == 1


async def test_no_screen_names_the_speaker(study: Study, monkeypatch: Any) -> None:
    async with opened(study, items=None) as (pilot, screen, _):
        text = ""
        for _ in range(screen.total):
            text += seen(pilot)
            await pilot.press("a", "3", "n")
        text = text.lower().replace("lacie · study", "")
        assert not [word for word in ("baseline", "lacie", "adapter", "embedded") if word in text]


def test_what_a_terminal_would_take_for_commands_is_text() -> None:
    answer = answer_content(Shown("1", "A question?", "a\x1b[31mb\r\n\tc\x07d\u202ee"))
    assert answer.plain == "a [31mb \n    c d e"


LONG = "It may well be so, or so I have heard. " * 30


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (160, 50)], ids=["80x24", "40x12", "160x50"])
@pytest.mark.parametrize("state", ["intro", "item", "sure", "back", "long", "end"])
def test_looks(
    study: Study, snap_compare: Any, monkeypatch: pytest.MonkeyPatch, state: str, size: tuple[int, int], tmp_path: Path
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = [
        Shown("1", "Which river flows through Vienna?", "It is [b]probably[/b] the Danube, though I am not certain."),
        Shown(
            "2", "Which lake is the deepest of them all, and where does it lie?", LONG if state == "long" else "", True
        ),
        Shown("3", "Who?", "Nobody."),
    ]
    app = StudyApp(shown, PersonFile.open(tmp_path, study.id, "Ana María"))
    keys = {"intro": [], "item": ["enter"], "sure": ["enter", "a"], "long": ["enter", "r", "5", "y", "a", "2"]}
    keys["back"] = [*keys["long"], "y", "b"]
    keys["end"] = [*keys["long"], "y", "a", "2", "n"]
    app._judging._file.path = Path("study/people/ana-maria.jsonl")  # what is shown of it; it is kept where it was

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press(*keys[state])
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)
