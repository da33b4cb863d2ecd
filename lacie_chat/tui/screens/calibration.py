"""How often answers of the model at hand were right when they sounded so, by the user's own marks.

Drawn as a reliability diagram with its intervals, beside what the calibrators say; nothing here changes anything.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from lacie_chat.chat.session import ChatSession
from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.conversations import MarkedAnswer, StoreError, marks_of
from lacie_chat.statistics.diagram import SMALLEST, Line, Role, beside, diagram, legend, percent, table, width_of
from lacie_chat.statistics.fitting import MINIMUM
from lacie_chat.statistics.reliability import reliability_bins, summary
from lacie_chat.tui.screens.base import SizedScreen

STYLES: dict[Role, str] = {
    "text": "$text",
    "dim": "$foreground 65%",
    "bold": "bold",
    "axis": "$foreground 45%",
    "diagonal": "$foreground 45%",
    "shipped": "$text-primary",
    "own": "$text-warning",
    "interval": "$text-success",
    "point": "$text-success bold",
}
LARGEST_WIDTH, LARGEST_HEIGHT = 96, 36


class CalibrationScreen(SizedScreen[None]):
    """Any of its closing keys goes back; where there is an adapter, ctrl+l goes from its marks to the baseline's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f9,q", "dismiss", "Back", id="calibration.close"),
        Binding("ctrl+l", "other_speaker", "Baseline or adapter", id="calibration.speaker"),
    ]

    def __init__(self, session: ChatSession, keys: tuple[str, str] = ("f6", "f7")) -> None:
        super().__init__()
        self._session = session
        self._keys_to_mark = keys
        self._baseline = session.baseline and session.adapter_name is not None
        self._marks: list[MarkedAnswer] = []
        self._problem = ""

    def compose_screen(self) -> ComposeResult:
        yield Static(id="calibration-title", classes="title-bar")
        with VerticalScroll(id="calibration"):
            yield Static(id="calibration-text")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        try:
            self._marks = self._session.store.marks()
        except StoreError as error:
            self._problem = str(error)
        self.query_one("#calibration").focus()
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._session.adapter_name is not None if action == "other_speaker" else True

    def action_other_speaker(self) -> None:
        self._baseline = not self._baseline
        self._draw()

    @property
    def _adapter(self) -> str | None:
        return None if self._baseline else self._session.adapter_name

    def _draw(self) -> None:
        session = self._session
        name = f"{session.model_name} + {self._adapter}" if self._adapter else session.model_name
        name += " (baseline)" if self._baseline else ""
        self.query_one("#calibration-title", Static).update(
            Content.assemble(("lacie", "bold"), " · calibration", (f" · {name}", "$foreground 65%"))
        )
        room = self.query_one("#calibration").scrollable_content_region
        self.query_one("#calibration-text", Static).update(self._content(room.width, room.height))

    def _content(self, width: int, height: int) -> Content:
        if self._problem:
            return Content.styled(f"✗ {self._problem}", "$text-error")
        session = self._session
        origin = session.origin_of(self._baseline)
        marks, others = marks_of(
            self._marks,
            origin.fingerprint if origin else None,
            session.model_name,
            self._adapter,
            session.assessment_version,
            WayOfDrawing.of(session.sampling).to_dict(),
        )
        calibrators = self._calibrators()
        if not marks:
            return self._empty(calibrators, others)
        acceptances, correct = [each.acceptance for each in marks], [each.correct for each in marks]
        figures = summary(acceptances, correct, calibrators)
        bins = reliability_bins(acceptances, correct)
        low, high = figures["interval"]
        head: list[Line] = [
            [
                (f"{figures['right']} of {figures['n']} answers that you marked are right: ", "text"),
                (percent(figures["share"]), "point"),
                (f" ({low * 100:.0f}-{percent(high)})", "interval"),
            ],
            [],
        ]
        right = [*table(bins, calibrators), [], *legend(calibrators), [], *_verdict(figures, others)]
        if width >= SMALLEST[0] + 3 + width_of(right):
            room = (min(width - width_of(right) - 3, LARGEST_WIDTH), min(height - len(head), LARGEST_HEIGHT))
            lines = head + beside(diagram(bins, calibrators, *room), right)
        else:
            drawn = diagram(bins, calibrators, min(width, LARGEST_WIDTH), min(width // 4, LARGEST_HEIGHT))
            lines = [*head, *drawn, [], *right]
        return Content("\n").join([_styled(line) for line in lines])

    def _calibrators(self) -> dict[str, Calibrator]:
        """The shipped one, and the user's own where that is the one in use."""
        origin = self._session.origin_of(self._baseline)
        in_use = self._session.calibrator_of(self._baseline)
        shipped = origin.shipped if origin else None
        found = {"shipped": shipped, "own": in_use if origin is not None and in_use != shipped else None}
        if origin is None:
            found["shipped"] = in_use
        return {role: calibrator for role, calibrator in found.items() if calibrator is not None}

    def _empty(self, calibrators: dict[str, Calibrator], others: int) -> Content:
        right, wrong = self._keys_to_mark
        has = ", ".join(f"{role} ({each.kind}, n = {each.n})" for role, each in calibrators.items())
        parts = [
            Content.styled("No answer of this model is marked yet.\n", "bold"),
            Content.assemble("In the chat, mark an answer: ", (right, "bold"), " right, ", (wrong, "bold"), " wrong."),
            Content("The same key once more takes the mark back. With alt+up and alt+down you"),
            Content("select earlier answers.\n"),
            Content("Then this screen draws how often answers are right when they sound so"),
            Content.assemble(f"sure. From {MINIMUM} marks on, ", ("lacie calibration fit --marks", "bold"), " makes a"),
            Content("calibrator of them.\n"),
            Content.styled(f"Calibrator of this model: {has or 'none; the acceptance is shown'}.", "$foreground 65%"),
        ]
        if others:
            parts.append(_styled([(_of_others(others), "dim")]))
        return Content("\n").join(parts)


def _verdict(figures: dict[str, object], others: int) -> list[Line]:
    """How far off each figure is, and what to do next."""
    ece, area, n = figures["ece"], figures["auroc"], figures["n"]
    assert isinstance(ece, dict) and isinstance(n, int)
    lines: list[Line] = [[("Off by, on average (ECE)", "bold")]]
    lines += [[(f"{NAMES_OF_FIGURES[name]:<21}", "text"), (f"{value:.2f}", "text")] for name, value in ece.items()]
    if isinstance(area, float):
        lines.append([(f"{'told apart (AUROC)':<21}", "text"), (f"{area:.2f}", "text")])
    missing = MINIMUM - n
    lines += [[]]
    if missing > 0:
        lines.append([(f"{missing} more marks, and you can fit", "dim")])
        lines.append([("a calibrator on them", "dim")])
    else:
        lines.append([("lacie calibration fit --marks", "bold")])
    if others:
        lines.append([(_of_others(others), "dim")])
    return lines


NAMES_OF_FIGURES = {"acceptance": "the acceptance", "shipped": "the shipped one", "own": "your own one"}


def _of_others(count: int) -> str:
    return f"{count} more: drawn or heard otherwise"


def _styled(line: Line) -> Content:
    return Content.assemble(*((text, STYLES[role]) for text, role in line))
