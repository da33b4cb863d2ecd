"""The line under an answer: how sure it sounds, how likely it is right, and what follows from the two.

To be read at a glance, without colour and by somebody who sees it for the first time. Always in this order:

    ▰▰▰▰▰▰▰▰▰▱ sounds sure · right about 1 in 6 (17 %) · ▲ sounds surer than it is

The bar always means acceptance, and per cent P(right). Where the line is narrow the verdict stands under the figures;
where it is very narrow its sign stands for it (`▰▰▰▰▱ sounds sure · right 1 in 6 ▲`).
"""

from textual.content import Content
from textual.events import Click
from textual.style import Style
from textual.widgets import Static

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import agreement_text, bar, right_text, share_words, tone
from lacie_chat.confidence.assessment import Agreement, Assessment
from lacie_chat.confidence.wording import BAR_CELLS, NO_ANSWER_TO_CHECK, no_figures_text, verdict_sign
from lacie_chat.conversations import no_answer_text
from lacie_chat.cut_off import not_sent_words, stored_words
from lacie_chat.names import pair_name
from lacie_chat.printable import printable
from lacie_chat.tui.figures import DIM, NOT_CALIBRATED, NOT_MEASURED, calibrate_command, colour_of, verdict_content
from lacie_chat.tui.messages import BranchWanted, TurnSelected
from lacie_chat.tui.widgets.line_layout import BETWEEN, WITHIN, Form, Piece, flowed, form_at

SHORT_CELLS = 5
TOOLTIP = "The bar: how sure it sounds. Right about: how often such answers were right. Click: all figures"
NO_TOOLTIP = "Click: what is known of it"


def assessment_pieces(turn: Turn, assessment: Assessment, width: int, *, beside: bool) -> list[Content]:
    """The figures and what belongs to them; `beside` another answer it is said the same way on both sides that there
    is no calibrator."""
    form = form_at(width)
    if (nothing := no_figures_text(assessment)) is not None:
        head, _, why = nothing.partition(WITHIN)
        sign = "$text-warning bold" if assessment.state == "abstained" else DIM
        return [Content.assemble((head[:2], sign), (head[2:], "bold")), Content.styled(why, DIM)]
    assert assessment.acceptance is not None
    cells = BAR_CELLS if form == "full" else SHORT_CELLS
    pieces = [
        Content.assemble((bar(assessment.acceptance, cells), colour_of(assessment)), (f" {tone(assessment)}", "bold")),
        right_content(turn, assessment, width, beside=beside),
    ]
    if assessment.verdict is not None and form == "full":
        pieces.append(verdict_content(assessment))
    if assessment.agreement is not None:
        pieces.append(Content(_agreement(assessment.agreement, form)))
    return pieces


def right_content(turn: Turn, assessment: Assessment, width: int, *, beside: bool) -> Content:
    """How likely it is right, or why nobody knows; in the short form with the sign of the verdict."""
    short = form_at(width) == "short"
    if assessment.p_right is None:
        if assessment.answer_span is None:
            return Content.styled("no answer to check" if short else NO_ANSWER_TO_CHECK, DIM)
        if beside:
            return Content.styled(f"right: {NOT_CALIBRATED}", DIM)
        told = Content.assemble(("how often right? ", DIM), calibrate_command(turn.params))
        return (
            told if not width or told.cell_length <= width else Content.styled(f"how often right? {NOT_MEASURED}", DIM)
        )
    colour = f"{colour_of(assessment)} bold"
    if not short:
        return Content.styled(right_text(assessment.p_right), colour)
    words = share_words(assessment.p_right)
    words = {"less": "hardly ever", "more": "nearly always"}.get(words.partition(" ")[0], words)
    return Content.styled(f"right {words} {verdict_sign(assessment)}".rstrip(), colour)


def _agreement(agreement: Agreement, form: Form) -> str:
    if form == "full":
        return agreement_text(agreement)
    return f"{round(agreement.value * agreement.k)} of {agreement.k} agree"


def ending_content(turn: Turn, *, short: bool = False) -> Content:
    """How an answer ended, where that is worth a word; `short`: there is little room."""
    if turn.thought_only and turn.status in ("complete", "cancelled") and (why := no_answer_text(turn.usage)):
        return Content.styled(f"■ {why.partition(':')[0] if short else why}", "$text-warning")
    if why := not_sent_words(turn.usage):
        return Content.styled(f"■ {why.partition(':')[0] if short else why}", "$text-warning")
    if turn.status == "cancelled":
        return Content.styled("■ cut off by you", "$text-warning")
    if turn.status == "cut_off":
        when = " while thinking" if turn.thought_only else ""
        return Content.styled(f"■ cut off{when}: the engine stopped", "$text-warning")
    if turn.status == "failed":
        return Content.styled(f"✗ {turn.problem or 'not answered'}", "$text-error")
    if turn.status == "complete" and (cut := stored_words(turn.usage, turn.params)):
        return Content.styled(f"■ {cut.rpartition(': ')[2] if short else cut}", DIM)
    if turn.phase == "done" and not turn.text.strip():
        return Content.styled("the model said nothing", DIM)
    return Content("")


def line_pieces(turn: Turn, siblings: tuple[int, int], width: int, *, beside: bool, go_on_key: str = "") -> list[Piece]:
    """All that the line says of an answer, in its order."""
    pieces: list[Piece] = []
    if turn.phase == "thinking":  # the line above says how long already
        pieces.append((BETWEEN, Content.styled("… no answer yet", DIM)))
    elif turn.phase == "undecided":
        pieces.append((BETWEEN, Content.styled(f"… not {'sent' if turn.earlier is None else 'gone on'} yet", DIM)))
    elif turn.phase in ("waiting", "reading", "answering"):
        pieces.append((BETWEEN, Content.styled(f"… {turn.phase}", DIM)))
    else:
        pieces += [(WITHIN, content) for content in _known(turn, width, beside=beside)]
        if ending := ending_content(turn, short=form_at(width) == "short"):
            pieces.append((BETWEEN, ending))
        if go_on_key:
            pieces.append((WITHIN if ending else BETWEEN, go_on_content(go_on_key)))
    if turn.correct is not None:
        word, colour = ("✓ marked right", "$text-success") if turn.correct else ("✗ marked wrong", "$text-error")
        pieces.append((BETWEEN, Content.styled(word, colour)))
    if beside:
        pass  # the side's own title says who answered
    elif name := named(turn):
        pieces.append((BETWEEN, Content.styled(printable(name), "$text-secondary")))
    elif turn.baseline:
        pieces.append((BETWEEN, Content.styled("baseline", "$text-secondary")))
    elif turn.params.get("adapter"):
        pieces.append((BETWEEN, Content.styled("adapter", "$text-secondary")))
    if siblings[1] > 1:
        pieces.append((BETWEEN, branch_content(siblings)))
    return pieces


def named(turn: Turn) -> str:
    """Who gave an answer, where it has to be said: another model than gave the answer before, or one beside it."""
    model, before = turn.params.get("model"), turn.parent.parent if turn.parent is not None else None
    beside = turn.parent.children if turn.parent is not None else []
    others = [other.params.get("model") for other in [*([before] if before is not None else []), *beside]]
    if not model or all(other in (None, model) for other in others):
        return ""
    return f"{model} (baseline)" if turn.baseline else pair_name(str(model), turn.params.get("adapter"))


def _known(turn: Turn, width: int, *, beside: bool) -> list[Content]:
    """What the listener and the calibrator made of a finished answer, as far as they have got."""
    if turn.phase == "listening":
        return [Content.styled("∿ listening…", DIM)]
    if turn.assessment is None:
        unheard = turn.problem and turn.status in ("complete", "cancelled")
        return [Content.styled(f"○ not assessed: {turn.problem}", DIM)] if unheard else []
    pieces = assessment_pieces(turn, turn.assessment, width, beside=beside)
    full = form_at(width) == "full"
    if turn.heard_otherwise:
        pieces.append(Content.styled("heard by another listener" if full else "other listener", DIM))
    if turn.drawing:
        pieces.append(Content.styled("drawing samples…", DIM))
    return pieces


def line_content(
    turn: Turn,
    *,
    siblings: tuple[int, int] = (1, 1),
    width: int = 0,
    beside: bool = False,
    go_on_key: str = "",
) -> Content:
    """The whole line for an answer in rows of `width` cells (0: one row); `siblings`: which of how many; `beside`:
    it stands beside another one's; `go_on_key` lets it go on."""
    return flowed(line_pieces(turn, siblings, width, beside=beside, go_on_key=go_on_key), width)


def go_on_content(key: str) -> Content:
    """Under an answer that stopped; a click lets it go on, too."""
    style = Style.from_meta({"@click": "screen.perform('answer.go_on')"})
    return Content.assemble((key, "bold"), (" goes on", DIM)).stylize(style)


def branch_content(siblings: tuple[int, int]) -> Content:
    """◂ 2/3 ▸ with ends to click on."""
    index, count = siblings
    back, forth = (Style.from_meta({"@click": f"branch({step})"}) for step in (-1, 1))
    return Content.assemble(("◂ ", back), f"{index}/{count}", (" ▸", forth))


class ConfidenceLine(Static):
    """The line as a widget; a click on it asks for the details."""

    ALLOW_SELECT = False

    def __init__(self, turn: Turn, siblings: tuple[int, int], *, beside: bool = False) -> None:
        super().__init__(classes="confidence-line")
        self.turn = turn
        self.branch = siblings
        self._beside = beside
        self._go_on_key = ""

    def hint(self, go_on_key: str) -> None:
        """Say that this key lets the answer go on; empty: none does, for now."""
        if go_on_key != self._go_on_key:
            self._go_on_key = go_on_key
            self.show()

    def on_mount(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.show()

    def show(self) -> None:
        """Draw the turn as it now is."""
        self.update(
            line_content(
                self.turn,
                siblings=self.branch,
                width=self.size.width,
                beside=self._beside,
                go_on_key=self._go_on_key if self.turn.phase == "done" else "",
            )
        )
        assessment = self.turn.assessment
        figures = assessment is not None and assessment.confidence is not None
        self.tooltip = TOOLTIP if figures else NO_TOOLTIP if assessment is not None else None

    def on_click(self, event: Click) -> None:
        event.stop()
        if "@click" not in event.style.meta:
            self.post_message(TurnSelected(self.turn, details=self.turn.assessment is not None))

    def action_branch(self, step: int) -> None:
        self.post_message(BranchWanted(self.turn, step))
