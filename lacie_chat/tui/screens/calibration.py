"""How often answers of the model at hand were right when they sounded so, by the user's own marks.

A reliability diagram with its intervals, of how sure they sound and of P(right); nothing here changes anything.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from lacie_chat.chat.session import ChatSession
from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.conversations import MarkedAnswer, StoreError, marks_of
from lacie_chat.names import pair_name
from lacie_chat.statistics.diagram import (
    SMALLEST,
    Line,
    Role,
    beside,
    diagram,
    figures_table,
    legend,
    names_of,
    percent,
    table,
    width_of,
)
from lacie_chat.statistics.reliability import Figure, all_bins, said_of, summary
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.screens.base import Room, SizedScreen
from lacie_chat.tui.widgets.fitting_footer import FittingFooter

STYLES: dict[Role, str] = {
    "text": "$text",
    "dim": "$foreground 65%",
    "bold": "bold",
    "axis": "$foreground 45%",
    "diagonal": "$foreground 45%",
    "acceptance": "$text-success",
    "shipped": "$text-primary",
    "own": "$text-warning",
}
LARGEST_WIDTH, LARGEST_HEIGHT = 96, 36
_DIM = STYLES["dim"]


class CalibrationScreen(SizedScreen[None]):
    """Any of its closing keys goes back; where there is an adapter, ctrl+l goes from its marks to the baseline's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f9,q", "dismiss", "Back", id="calibration.close"),
        Binding("ctrl+l", "other_speaker", "Baseline or adapter", id="calibration.speaker"),
    ]

    def __init__(self, session: ChatSession) -> None:
        super().__init__()
        self._session = session
        self._baseline = session.baseline and session.speaker.adapter_name is not None
        self._marks: list[MarkedAnswer] = []
        self._problem = ""

    def compose_screen(self) -> ComposeResult:
        yield Static(id="calibration-title", classes="title-bar")
        with Room(self._draw, id="calibration"):
            yield Static(id="calibration-text")
        yield FittingFooter()

    def on_mount(self) -> None:
        try:
            self._marks = self._session.store.marks()
        except StoreError as error:
            self._problem = str(error)
        self.query_one(Room).focus()
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._session.speaker.adapter_name is not None if action == "other_speaker" else True

    def action_other_speaker(self) -> None:
        self._baseline = not self._baseline
        self._draw()

    @property
    def _adapter(self) -> str | None:
        return None if self._baseline else self._session.speaker.adapter_name

    def _draw(self) -> None:
        session = self._session
        name = pair_name(session.speaker.model_name, self._adapter)
        name += " (baseline)" if self._baseline else ""
        self.query_one("#calibration-title", Static).update(
            Content.assemble(("lacie", "bold"), " · calibration", (f" · {name}", "$foreground 65%"))
        )
        room = self.query_one(Room).scrollable_content_region
        content = self._content(room.width - 1, room.height)  # a gap before the bar
        self.query_one("#calibration-text", Static).update(content)

    def _content(self, width: int, height: int) -> Content:
        if self._problem:
            return Content.styled(f"✗ {self._problem}", "$text-error")
        session = self._session
        origin = session.speaker.origin_of(self._baseline)
        marks, others = marks_of(
            self._marks,
            origin.fingerprint if origin else None,
            session.speaker.model_name,
            self._adapter,
            session.speaker.assessment_version,
            WayOfDrawing.of(session.sampling, session.making.told()).to_dict(),
        )
        calibrators = self._calibrators()
        if not marks:
            return self._empty(calibrators, others)
        correct = [each.correct for each in marks]
        said = said_of([each.acceptance for each in marks], [each.signals for each in marks], calibrators)
        figures, bins = summary(said, correct), all_bins(said, correct)
        low, high = figures["interval"]
        share = f"{percent(figures['share'])} ({low * 100:.0f}-{percent(high)})"
        counted = f"{figures['right']} of {figures['n']} answers that you marked are right: "
        head: list[Line] = [[(counted, "text"), (share, "bold")], []]
        right = [*table(bins), *figures_table(figures["auroc"], figures["ece"]), []]
        right += [*legend(bins, names_of(calibrators)), [], *_what_next(calibrators, others)]
        if width >= SMALLEST[0] + 3 + width_of(right):
            room = (min(width - width_of(right) - 3, LARGEST_WIDTH), min(height - len(head), LARGEST_HEIGHT))
            lines = head + beside(diagram(bins, *room), right)
        else:
            drawn = diagram(bins, min(width, LARGEST_WIDTH), min(width // 4, LARGEST_HEIGHT))
            lines = [*head, *drawn, [], *right]
        return Content("\n").join([_styled(line) for line in lines])

    def _calibrators(self) -> dict[Figure, Calibrator]:
        """The shipped one, and the user's own where that is the one in use."""
        origin = self._session.speaker.origin_of(self._baseline)
        in_use = self._session.speaker.calibrator_of(self._baseline)
        shipped = origin.shipped if origin else None
        found: dict[Figure, Calibrator | None] = {"shipped": in_use}
        if origin is not None:
            found = {"shipped": shipped, "own": in_use if in_use != shipped else None}
        return {role: calibrator for role, calibrator in found.items() if calibrator is not None}

    def _empty(self, calibrators: dict[Figure, Calibrator], others: int) -> Content:
        right, wrong = key_of(self, "answer.right"), key_of(self, "answer.wrong")
        has = ", ".join(name for role, name in names_of(calibrators).items() if role != "acceptance")
        parts = [
            Content.styled("No answer of this model is marked yet.\n", "bold"),
            Content.assemble("In the chat, mark an answer: ", (right, "bold"), " right, ", (wrong, "bold"), " wrong."),
            Content(
                f"The same key once more takes the mark back. With {key_of(self, 'view.answer_before')} and "
                f"{key_of(self, 'view.answer_after')} you select earlier answers.\n"
            ),
            Content("Then this screen draws how often answers are right when they sound sure.\n"),
            Content.assemble(
                ("lacie calibrate", "bold"),
                " asks this model questions whose answers are known, adds your marks, and finds out how likely an "
                "answer is right, and when.\n",
            ),
            Content.styled(f"Of this model: {has or 'nothing is known yet of how likely it is right'}.", _DIM),
        ]
        if others:
            parts.append(_styled([(_of_others(others), "dim")]))
        return Content("\n").join(parts)


def _what_next(calibrators: dict[Figure, Calibrator], others: int) -> list[Line]:
    """What to do next, and what isn't drawn."""
    own = calibrators.get("own")
    lines: list[Line] = []
    if own is not None and "own marks" in own.source:
        lines += [[("yours has perhaps seen these answers:", "dim")], [("it may look better than it is", "dim")]]
    what = "counts your marks too" if calibrators else "finds P(right)"
    lines.append([("lacie calibrate", "bold"), (f" {what}", "dim")])
    if others:
        lines.append([(_of_others(others), "dim")])
    return lines


def _of_others(count: int) -> str:
    return f"{count} more: drawn or heard otherwise"


def _styled(line: Line) -> Content:
    return Content.assemble(*((text, STYLES[role]) for text, role in line))
