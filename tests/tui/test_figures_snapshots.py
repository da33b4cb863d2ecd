"""How the figures of an answer look in all states, at 40, 80 and 160 columns. `pytest --snapshot-update` after an
intended change.
"""

import inspect
from pathlib import Path
from typing import Any

import pytest
from figures import SIGNALS, answer, calibrator, every_state
from piloted import ask, still, store  # noqa: F401 - a fixture
from scripted import Answer, ScriptedEngine, ScriptedReader
from states import NAME, SURE
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Static

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Agreement
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.widgets.confidence_line import ConfidenceLine
from lacie_chat.tui.widgets.details import Details
from lacie_chat.tui.widgets.details_figures import Fitted

STYLES = Path(inspect.getfile(LacieApp)).parent / str(LacieApp.CSS_PATH)
QUESTION = "Which river flows through Vienna?"


class Lines(App[None]):
    """Every state's line, as wide as it is in the chat."""

    CSS_PATH = STYLES
    CSS = "#transcript { scrollbar-gutter: auto; } .name { color: $text-muted; }"

    def __init__(self, theme: str) -> None:
        super().__init__()
        self.shown = theme

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="transcript"), VerticalScroll(id="messages"):
            for name, turn in every_state().items():
                with VerticalScroll(classes="message"):
                    yield Static(name, classes="name")
                    yield ConfidenceLine(turn, (2, 3))

    def on_mount(self) -> None:
        self.theme = self.shown


class Panel(App[None]):
    """The details of one answer."""

    CSS_PATH = STYLES
    CSS = "#details { height: 1fr; }"

    def __init__(self, turn: Turn, fitted: Fitted | None) -> None:
        super().__init__()
        self.turn = turn
        self.fitted = fitted

    def compose(self) -> ComposeResult:
        yield Details()

    def on_mount(self) -> None:
        details = self.query_one(Details)
        details.display = True
        details.show(self.turn, self.fitted)


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize(("width", "theme"), [(40, "textual-dark"), (80, "textual-dark"), (160, "textual-light")])
def test_every_line(snap_compare: Any, width: int, theme: str) -> None:
    assert snap_compare(Lines(theme), terminal_size=(width, 110))


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_first_answer_is_explained(snap_compare: Any, store: Store, width: int) -> None:  # noqa: F811
    scripted = ScriptedEngine([Answer([SURE])], ScriptedReader("the Danube", acceptance=0.88))
    app = LacieApp(ChatSpeaker(lambda: scripted, NAME, calibrator=calibrator()), store, seed=lambda: 1234)

    async def before(pilot: Pilot[None]) -> None:
        await still(pilot)
        await ask(pilot, QUESTION)

    assert snap_compare(app, terminal_size=(width, 24), run_before=before)


@pytest.mark.parametrize("width", [40, 46, 80])
@pytest.mark.parametrize("calibrated", [True, False])
def test_the_details(snap_compare: Any, width: int, calibrated: bool) -> None:
    turn = answer(
        p_right=0.17 if calibrated else None,
        signals=SIGNALS,
        hedged=True,
        agreement=Agreement(0.4, 5),
        params={"model": NAME, "model_ref": "embedded", "adapter_ref": None},
    )
    fitted = Fitted(calibrator(), shipped=True) if calibrated else None
    assert snap_compare(Panel(turn, fitted), terminal_size=(width, 56))


@pytest.mark.parametrize("width", [40, 80])
def test_the_welcome_of_a_model_with_a_calibrator(snap_compare: Any, store: Store, width: int) -> None:  # noqa: F811
    app = LacieApp(ChatSpeaker(lambda: ScriptedEngine(), NAME, calibrator=calibrator()), store)
    assert snap_compare(app, terminal_size=(width, 30), run_before=still)


def test_the_help_at_forty_columns(snap_compare: Any, store: Store) -> None:  # noqa: F811
    app = LacieApp(ChatSpeaker(lambda: ScriptedEngine(), NAME), store)

    async def before(pilot: Pilot[None]) -> None:
        await still(pilot)
        await pilot.press("f1")

    assert snap_compare(app, terminal_size=(40, 40), run_before=before)
