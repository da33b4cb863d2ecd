"""Whatever is in a text, no line of the interface holds what a terminal would obey; nor does the clipboard."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hostile import HIDES, HOSTILE, ORDERS, SHOWN, obeyed
from rich.segment import Segment
from rich.style import Style
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.app import App, ComposeResult
from textual.color import Color
from textual.content import Content
from textual.strip import Strip
from textual.widgets import DataTable, Input, Label, Markdown, OptionList, Static, TextArea

from lacie_chat.conversations import Store
from lacie_chat.tui import clipboard
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.handlers import is_possible
from lacie_chat.tui.harmless import Harmless, ShowsHarmless


def lines_of(app: App[Any]) -> str:
    """The screen as the driver is given it, without the styles."""
    width, height = app.size
    strips = app.screen._compositor.render_strips(app.size)
    assert len(strips) == height and all(strip.cell_length == width for strip in strips)
    return "\n".join(strip.text for strip in strips)


class EveryKind(ShowsHarmless[None]):
    """Each kind of widget that the interface is made of, with the hostile text in every place for one."""

    def compose(self) -> ComposeResult:
        yield Static(HOSTILE, markup=False)
        yield Label(Content.styled(HOSTILE, "bold"))
        yield Markdown(
            f"# {HOSTILE}\n\n`{HOSTILE}` [{HOSTILE}](https://example.org) &rlm;&#x202e;\n\n|a|\n|-|\n|{HOSTILE}|"
        )
        yield Input(HOSTILE)
        yield TextArea(f"{HOSTILE}\n{HIDES}")
        yield OptionList(HOSTILE, Content(HOSTILE))
        yield DataTable()

    def on_mount(self) -> None:
        self.title = HOSTILE
        for widget in self.query(Static):
            widget.border_title, widget.border_subtitle = Content(HOSTILE), Content(HOSTILE)
            widget.styles.border = ("round", "red")
            widget.tooltip = HOSTILE
        self.query_one(Input).placeholder = HOSTILE
        table = self.query_one(DataTable)
        table.add_column(HOSTILE)
        table.add_row(HOSTILE)
        self.notify(HOSTILE, title=HOSTILE, markup=False, timeout=60)


async def test_every_kind_of_widget() -> None:
    app = EveryKind()
    async with app.run_test(size=(200, 80), tooltips=True) as pilot:
        await pilot.hover(Static, offset=(3, 1))
        await pilot.pause(app.TOOLTIP_DELAY + 0.1)
        await pilot.pause()
        shown = lines_of(app)
    assert shown.count(SHOWN) >= 15
    assert obeyed(shown.encode()) == []


@pytest.mark.parametrize("order", ORDERS.values(), ids=list(ORDERS))
def test_a_piece_is_as_wide_as_it_was(order: str) -> None:
    before = [Segment(f"ab{order}cd", Style(bold=True)), Segment(HIDES), Segment("plain")]
    after = Harmless().apply(before, Color(0, 0, 0))
    assert Strip(after).cell_length == Strip(before).cell_length
    assert obeyed(Strip(after).text.encode()) == []
    assert after[0].style == Style(bold=True) and after[2] is before[2]


def test_a_link_that_would_end_early_is_none() -> None:
    there, gone = (Segment("x", Style(link=f"https://example.org{end}")) for end in ("", "\x1b\\\x1b]0;title\x07"))
    after = Harmless().apply([there, gone], Color(0, 0, 0))
    assert after[0] is there and after[1].style is not None and after[1].style.link is None


ENDS = {"chat.quit", "chat.new"}
LOOKED_AT = {
    *("answer.copy", "answer.copy_code", "answer.details", "answer.tokens", "answer.compare", "answer.again"),
    *("chat.history", "chat.edit", "chat.editor", "chat.calibration", "chat.settings", "chat.export", "chat.branches"),
}
"""At the least; what else is possible is, too."""


@pytest.fixture
def hostile() -> ScriptedEngine:
    pieces = [HOSTILE, f" **{HOSTILE}**", f"\n\n```{HOSTILE}\n{HOSTILE}\n```\n\n- {HOSTILE}\n\n", f"It is {SHOWN}."]
    return ScriptedEngine([Answer(pieces) for _ in range(9)], ScriptedReader(SHOWN, acceptance=0.88))


async def test_the_chat_and_all_that_its_actions_show(
    driven: Callable[..., Any], hostile: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every action of the interface that is possible over a hostile answer is taken, and the screen looked at."""
    copied: list[str] = []

    def put(text: str, _environment: object) -> clipboard.Way:
        copied.append(text)
        return "system"

    monkeypatch.setattr(clipboard, "put", put)
    monkeypatch.setenv("EDITOR", "true")
    with Store.open() as store:
        made = store.create_conversation(HOSTILE, title=HOSTILE)
        store.add_message(made.id, None, "user", HOSTILE)
        async with driven(hostile, store=store, size=(120, 60)) as driver:
            await driver.ask(HOSTILE)
            await driver.type(f"{HOSTILE}\n{HIDES}")
            taken = []
            for action in ACTIONS:
                await driver.chat.action_perform("view.answer_before")
                if action.name in ENDS or not is_possible(driver.chat, action.name):
                    continue
                taken.append(action.name)
                await driver.chat.action_perform(action.name)
                await driver.pilot.pause()
                for _ in range(3):
                    shown = lines_of(driver.app)
                    assert obeyed(shown.encode()) == [], action.name
                    await asyncio.sleep(0.01)
                while driver.app.screen is not driver.chat:
                    await driver.pilot.press("escape")
                    await driver.pilot.pause()
                await driver.until(lambda: not driver.session.busy)
            assert set(taken) >= LOOKED_AT, taken
            assert SHOWN in lines_of(driver.app)
    assert copied and all(obeyed(text.encode()) == [] for text in copied)
