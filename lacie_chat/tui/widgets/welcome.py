"""What an empty conversation shows: what answers here, what the line under an answer means, and something to try."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Assessment, Span, percent
from lacie_chat.engine.events import ModelInfo
from lacie_chat.sizes import size_text
from lacie_chat.tui.figures import DIM, calibrate_command, gloss
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.messages import Submitted
from lacie_chat.tui.widgets.confidence_line import line_content
from lacie_chat.tui.widgets.line_layout import form_at, unbroken

SAMPLES = (
    "Which river flows through Vienna?",
    "Who painted the ceiling of the Sistine Chapel?",
    "How many moons does Neptune have, and how sure are you?",
)

SMALL = 1_000_000_000
"""Parameters under which a model is often wrong about plain facts."""


def parameter_count(number: int) -> str:
    """1_700_000_000 as `1.7 B`, as models are named."""
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            value = number / size
            return f"{value:.1f}\u00a0{letter}" if value < 10 else f"{value:.0f}\u00a0{letter}"
    return str(number)


class Sample(Static, can_focus=True):
    """A question to pick, by a click or by enter."""

    ALLOW_SELECT = False
    BINDINGS = [("enter", "pick", "Ask this")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, question: str) -> None:
        super().__init__(Content.assemble(("▸ ", "$text-primary"), question), classes="sample")
        self.question = question

    def action_pick(self) -> None:
        self.post_message(Submitted(self.question))

    def on_click(self, event: Click) -> None:
        event.stop()
        self.action_pick()


class Example(Static):
    """A line as it will stand under answers of this model, and what it means."""

    ALLOW_SELECT = False

    def __init__(self, session: ChatSession) -> None:
        super().__init__(id="welcome-meaning")
        self._session = session

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """Draw it for what answers now."""
        width, turn = self.size.width, example(self._session)
        assert turn.assessment is not None
        means = gloss(turn.assessment, calibrate_command(turn.params), short=form_at(width) == "short")
        share = turn.assessment.p_right
        tested = "" if share is None else f" ({percent(share).strip()} of all its answers were right when tested)"
        self.update(
            Content.assemble((f"For example{tested}:\n", DIM), line_content(turn, width=width), "\n", (means, DIM))
        )


def example(session: ChatSession) -> Turn:
    """An answer that sounds sure. How likely it is right is the share of right answers on which the calibrator of what
    answers now was fitted: a figure that this model really gives, be it good or bad."""
    calibrator, origin = session.speaker.calibrator_of(session.baseline), session.speaker.origin_of(session.baseline)
    p_right = calibrator.share if calibrator is not None else None
    assessment = Assessment("", "…", "answered", Span("…", 0, 1), "", 0.9, p_right, (), ())
    return Turn("assistant", "…", None, params=dict(origin.to_params()) if origin else {}, assessment=assessment)


class Welcome(Vertical):
    """Takes the place of the messages while there are none."""

    def __init__(self, session: ChatSession) -> None:
        super().__init__(id="welcome")
        self.session = session
        self.info = session.info

    def compose(self) -> ComposeResult:
        yield Static(
            Content.styled("Every answer shows how sure it sounds, and how likely it is right.", "bold $text-primary")
        )
        yield Static(self._model_content(), id="welcome-model")
        yield Example(self.session)
        yield Static("Try", classes="heading")
        for question in SAMPLES:
            yield Sample(question)
        yield Static(
            Content("   ").join(
                Content.assemble((key, "bold"), (f"\u00a0{word}".replace(" ", "\u00a0"), DIM))
                for key, word in (
                    ("enter", "send"),
                    (key_of(self, "chat.history"), "history"),
                    (key_of(self, "view.help"), "what it means, all keys"),
                )
            ),
            id="welcome-keys",
        )

    def loaded(self, info: ModelInfo) -> None:
        """Now it is known what answers."""
        self.info = info
        self.show()

    def show(self) -> None:
        """Say anew what answers."""
        self.query_one("#welcome-model", Static).update(self._model_content())
        self.query_one(Example).show()

    def _model_content(self) -> Content:
        model, adapter = self.session.speaker.model_name, self.session.speaker.adapter_name
        name = f"{model} {'alone, the baseline' if self.session.baseline else f'with {adapter}'}" if adapter else model
        if self.info is None:
            return Content.styled(name, "bold") + "\n"
        size = f" · {parameter_count(self.info.parameters)} parameters · {size_text(self.info.size_bytes)}"
        if method := self.info.metadata.get("lacie.method"):  # our export wrote it: trained so that its wording tells
            size += f" · {method}-trained"
        size = unbroken(size)
        if self.info.parameters >= SMALL:
            return Content.styled(name, "bold") + Content.styled(f"{size}\n", DIM)
        return Content.assemble(
            (name, "bold"),
            (f"{size}\n", DIM),
            "Small and often wrong; ",
            (key_of(self, "chat.model"), "bold"),
            (" lists better ones that fit this machine", DIM),
        )
