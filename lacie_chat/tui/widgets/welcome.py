"""What an empty conversation shows: what answers here, what the line under an answer means, and something to try."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from lacie_chat.confidence import bar
from lacie_chat.engine.events import ModelInfo
from lacie_chat.tui.messages import Submitted

SAMPLES = (
    "Which river flows through Vienna?",
    "Who painted the ceiling of the Sistine Chapel?",
    "How many moons does Neptune have, and how sure are you?",
)

SMALL = 1_000_000_000
"""Parameters under which a model is often wrong about plain facts."""


def large_number(number: int) -> str:
    """135_000_000 as `135 M`."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            value = number / size
            return f"{value:.1f}\u00a0{letter}" if value < 10 else f"{value:.0f}\u00a0{letter}"
    return str(number)


def parameter_count(number: int) -> str:
    """1_700_000_000 as `1.7 B`, as models are named."""
    return large_number(number).replace("G", "B")


class Sample(Static, can_focus=True):
    """A question to pick, by a click or by enter."""

    ALLOW_SELECT = False
    BINDINGS = [("enter,space", "pick", "Ask this")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, question: str) -> None:
        super().__init__(Content.assemble(("▸ ", "$text-primary"), question), classes="sample")
        self.question = question

    def action_pick(self) -> None:
        self.post_message(Submitted(self.question))

    def on_click(self, event: Click) -> None:
        event.stop()
        self.action_pick()


class Welcome(Vertical):
    """Takes the place of the messages while there are none."""

    def __init__(self, model: str, adapter: str | None, calibrated: bool, info: ModelInfo | None) -> None:
        super().__init__(id="welcome")
        self.model = model
        self.adapter = adapter
        self.calibrated = calibrated
        self.info = info

    def compose(self) -> ComposeResult:
        yield Static(Content.styled("Every answer shows how sure it sounds.", "bold $text-primary"))
        yield Static(self._model_content(), id="welcome-model")
        yield Static(self._meaning_content(), id="welcome-meaning")
        yield Static("Try", classes="heading")
        for question in SAMPLES:
            yield Sample(question)
        yield Static(
            Content.assemble(
                *(
                    part
                    for key, word in (("enter", "send"), ("ctrl+o", "history"), ("f1", "all keys"))
                    for part in ((key, "bold"), (f" {word}    ", "$foreground 65%"))
                )
            ),
            id="welcome-keys",
        )

    def loaded(self, info: ModelInfo) -> None:
        """Now it is known what answers."""
        self.info = info
        self.query_one("#welcome-model", Static).update(self._model_content())

    def _model_content(self) -> Content:
        name = f"{self.model} with {self.adapter}" if self.adapter else self.model
        if self.info is None:
            return Content.styled(name, "bold") + "\n\n"
        size = f" · {parameter_count(self.info.parameters)} parameters · {large_number(self.info.size_bytes)}B"
        if method := self.info.metadata.get("lacie.method"):  # our export wrote it: trained so that its wording tells
            size += f" · {method}-trained"
        if self.info.parameters >= SMALL:
            return Content.styled(name, "bold") + Content.styled(f"{size}\n\n", "$foreground 65%")
        return Content.assemble(
            (name, "bold"),
            (f"{size}\n", "$foreground 65%"),
            "Small and often wrong. A better one: ",
            ("lacie chat --model owner/repo", "bold"),
            ("\nlacie models list shows some that fit", "$foreground 65%"),
        )

    def _meaning_content(self) -> Content:
        if self.calibrated:
            kind, meaning = (
                "calibrated",
                "How often answers that sound like this one are right, measured for this model.",
            )
        else:
            kind, meaning = (
                "acceptance",
                "How sure the wording sounds to a listener that can't see the answer: not how often it is right.",
            )
        return Content.assemble(
            (f"{bar(0.7)} 70\u00a0%", "$text-primary"), (f"  {kind}\n", "bold"), (meaning, "$foreground 65%")
        )
