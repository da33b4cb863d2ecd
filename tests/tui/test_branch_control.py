"""`◂ 2/3 ▸` never breaks: not under an answer in whatever state and at whatever width, not under a question."""

import pytest
from figures import every_state
from hypothesis import given
from hypothesis import strategies as st
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.tui.widgets.confidence_line import branch_content, line_content

NARROWEST = 40 - 5
"""Cells of the line in a terminal of 40 columns."""
STATES = every_state()


def shown(width: int, state: str, siblings: tuple[int, int], *, beside: bool) -> list[str]:
    """The rows as Textual draws them in a widget of this width."""
    content = line_content(STATES[state], siblings=siblings, width=width, beside=beside)
    return [row.plain.rstrip() for row in content.wrap(width)]


@given(
    width=st.integers(NARROWEST, 320),
    state=st.sampled_from(sorted(STATES)),
    siblings=st.integers(2, 2000).flatmap(lambda count: st.tuples(st.integers(1, count), st.just(count))),
    beside=st.booleans(),
)
def test_it_stands_whole_in_the_last_row(width: int, state: str, siblings: tuple[int, int], beside: bool) -> None:
    rows = shown(width, state, siblings, beside=beside)
    control = branch_content(siblings).plain
    assert control == f"◂ {siblings[0]}/{siblings[1]} ▸"
    assert rows[-1].endswith(control) and not any("◂" in row or "▸" in row for row in rows[:-1])


@pytest.mark.parametrize("state", sorted(STATES))
def test_at_every_width(state: str) -> None:
    for width in range(NARROWEST, 200):
        assert shown(width, state, (2, 3), beside=False)[-1].endswith("◂ 2/3 ▸"), width


@pytest.mark.parametrize("again", ["ctrl+r", "ctrl+g"])
async def test_on_a_screen_that_changes_its_size(driven, again: str) -> None:
    """Under an answer that was given again, and under a question that was asked otherwise."""
    answers = [Answer([f"It is the Danube, number {number}."]) for number in range(3)]
    async with driven(ScriptedEngine(answers, ScriptedReader("the Danube", acceptance=0.88))) as driver:
        leaf = await driver.ask("Which river?")
        for _ in range(2):
            await driver.pilot.press(again)
            if again == "ctrl+g":
                await driver.pilot.press("end", "question_mark", "enter")
            await driver.until(lambda before=leaf: driver.session.tree.leaf is not before)
            leaf = driver.session.tree.leaf
            await driver.until(lambda turn=leaf: turn.phase == "done" and not driver.session.busy)
        for width in (80, 40, 41, 47, 52, 60, 79, 81, 100, 120, 160, 80):
            await driver.pilot.resize_terminal(width, 24)
            await driver.until(lambda width=width: driver.app.screen.size.width == width and "◂" in driver.text())
            rows = [row for row in driver.text().splitlines() if "◂" in row or "3/3" in row]
            assert len(rows) == 1 and rows[0].rstrip().endswith("◂ 3/3 ▸"), f"at {width}: {rows}"
