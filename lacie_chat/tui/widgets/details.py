"""All that is known of one answer: what the listener read, each figure, and what it was made with."""

import re
from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from lacie_chat.chat.thinking import choice_text
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import bar, text_read, wants_sentences
from lacie_chat.confidence.assessment import Assessment, SentenceAcceptance, Span
from lacie_chat.confidence.wording import FAIRLY_SURE_FROM
from lacie_chat.conversations import no_answer_text, thought_size
from lacie_chat.cut_off import stored_words
from lacie_chat.engine.settings import Sampling
from lacie_chat.highlights import HighlightKind
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.widgets.details_figures import Fitted, being_right, signal_rows, sounding
from lacie_chat.tui.widgets.highlighted_markdown import STYLES
from lacie_chat.tui.widgets.rows import heading, row

_STRONG = re.compile(r"(?<![\w)\]*/])(\*\*)(?=[^\s*])(?:.*?[^\s*(])(\*\*)(?![\w(\[*])", re.DOTALL)
"""Emphasis, but no sign that multiplies or unpacks (`5**2`, `f(**kwargs)`)."""
_SPACE = re.compile(r"\s*\n\s*(?:>\s)?\s*|\s+")
"""A line's end, with the sign of a quote behind it, or spaces."""

STATUS_WORDS = {
    "complete": "complete",
    "streaming": "in progress",
    "cancelled": "cut off by you",
    "cut_off": "cut off: the engine stopped",
    "failed": "failed",
}


class Details(VerticalScroll):
    """A panel beside the conversation, or under it where that is narrow."""

    def __init__(self) -> None:
        super().__init__(id="details")
        self.display = False
        self.border_title = "Details"
        self._turn: Turn | None = None
        self._fitted: Fitted | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="details-text", markup=False)

    def show(self, turn: Turn | None, fitted: Fitted | None = None) -> None:
        """Draw what is known of `turn`; `fitted` is the calibrator in use for it."""
        self._turn, self._fitted = turn, fitted
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width - 1  # a gap before the bar
        self.query_one("#details-text", Static).update(details_content(self._turn, width, self._fitted))


def details_content(turn: Turn | None, width: int, fitted: Fitted | None = None) -> Content:
    """The panel's text, `width` cells wide."""
    if turn is None:
        return Content.styled("No answer yet.", DIM)
    if turn.role != "assistant":
        return Content.styled("A question of yours. Select an answer to see what the listener made of it.", DIM)
    parts = []
    if turn.assessment is not None:
        parts += _assessment(turn, turn.assessment, fitted, width)
    else:
        parts.append(Content.styled(f"Not assessed: {_why_not(turn).rstrip('.')}.", DIM))
        parts.append(Content(""))
    parts += _making(turn, width)
    return Content("\n").join(parts)


def _why_not(turn: Turn) -> str:
    if turn.problem:
        return turn.problem
    if turn.thought_only:
        why = no_answer_text(turn.usage).replace(":", ", so there is")
        return f"it {why or 'was not finished'}"
    return "it is being listened to" if turn.phase == "listening" else "it was not finished"


def _assessment(turn: Turn, assessment: Assessment, fitted: Fitted | None, width: int) -> list[Content]:
    read = text_read(assessment) if assessment.masked_response.strip() else "(nothing)"
    return [
        *sounding(assessment, width),
        *being_right(turn, assessment, fitted, width),
        *signal_rows(turn, assessment, width),
        *_sentences(turn, assessment, width),
        heading("What the listener read"), Content(read), Content(""),
    ]  # fmt: skip


def _sentences(turn: Turn, assessment: Assessment, width: int) -> list[Content]:
    """Each sentence with its acceptance, its cues set off; nothing for a short answer."""
    if assessment.sentences is None:
        if not wants_sentences(assessment):
            return []
        problem = turn.sentences_problem or ("another listener heard this answer" if turn.heard_otherwise else "")
        why = f"Not read: {problem}." if problem else "Not read yet…"
        return [heading("Sentence by sentence"), Content.styled(why, DIM), Content("")]
    rows = [
        row(_small_bar(number, sentence.acceptance), _sentence(sentence, assessment), width)
        for number, sentence in enumerate(assessment.sentences, start=1)
        if sentence.acceptance is not None
    ]
    return [
        heading("Sentence by sentence"), Content.styled(where_it_turns(assessment.sentences), DIM), *rows, Content(""),
    ]  # fmt: skip


def where_it_turns(sentences: Sequence[SentenceAcceptance]) -> str:
    """In words, from which sentence on it sounds unsure; and which sentences were not read."""
    heard = [sentence.acceptance for sentence in sentences if sentence.acceptance is not None]
    unsure = [number for number, acceptance in enumerate(heard, start=1) if acceptance < FAIRLY_SURE_FROM]
    if not unsure:
        text = "It sounds unsure in none of them."
    elif len(unsure) == len(heard):
        text = "It sounds unsure in all of them."
    elif unsure[0] == 1:
        text = f"It sounds unsure in {len(unsure)} of {len(heard)}, from the first on."
    else:
        text = f"It turns unsure in sentence {unsure[0]} of {len(heard)}."
    if len(heard) < len(sentences):
        left = f"The last {len(sentences) - len(heard)}" if len(sentences) - len(heard) > 1 else "The last one"
        text += f" {left} of {len(sentences)} {'was' if left == 'The last one' else 'were'} not read."
    return text


def _small_bar(number: int, acceptance: float) -> Content:
    """As wide as a row's name: which sentence, and how sure it sounds; an unsure one stands out."""
    weight = "bold" if acceptance < FAIRLY_SURE_FROM else ""
    return Content.assemble(
        (f"{number:>2} ", DIM), (bar(acceptance, 3), "$text-primary"), (f" {acceptance:.2f}", weight), " "
    )


def _sentence(sentence: SentenceAcceptance, assessment: Assessment) -> Content:
    """Its text on one line, its cues set off as in the conversation, without the signs of Markdown's emphasis."""
    cues: list[tuple[Span, HighlightKind]] = [(span, "hedge") for span in assessment.hedges]
    cues += [(span, "booster") for span in assessment.boosters]
    content = Content(sentence.text)
    position = 0
    for span, kind in sorted(cues, key=lambda cue: cue[0].start):
        start, end = span.start - sentence.start, span.end - sentence.start
        if position <= start and end <= len(sentence.text):
            content = content.stylize(STYLES[kind], start, end)
            position = end
    return _on_one_line(content)


def _on_one_line(content: Content) -> Content:
    text = content.plain
    changes = [(*match.span(group), "") for match in _STRONG.finditer(text) for group in (1, 2)]
    changes += [(*match.span(), " ") for match in _SPACE.finditer(text) if match[0] != " "]
    pieces: list[Content | str] = []
    position = 0
    for start, end, instead in sorted(changes):
        pieces += [content[position:start], instead]
        position = end
    return Content.assemble(*pieces, content[position:])


def _making(turn: Turn, width: int) -> list[Content]:
    usage, timings, params = turn.usage or {}, turn.timings or {}, turn.params
    sampling: dict[str, Any] = params.get("sampling") or {}
    written = usage.get("completion_tokens")
    if written is not None:
        written -= usage.get("reasoning_tokens", 0)
    rows: list[tuple[str, Any]] = [
        ("status", _status(turn)),
        ("first token", _seconds(timings.get("time_to_first_token"))),
        ("speed", _rate(timings.get("tokens_per_second"))),
        ("prompt", _tokens(usage.get("prompt_tokens"), usage.get("cached_tokens"))),
        ("thought", _thought(turn)),
        ("answer", _tokens(written)),
        ("model", params.get("model")),
        ("adapter", params.get("adapter") or "none"),
        ("speaker", _speaker(turn)),
        ("seed", sampling.get("seed")),
        ("sampling", sampling_text(sampling)),
        ("length", _length(sampling.get("max_tokens"))),
        ("preset", params.get("preset")),
        ("told first", params.get("system_prompt")),
    ]
    return [
        heading("How it was made"),
        *(row(name, str(value), width) for name, value in rows if value not in (None, "")),
    ]


def _status(turn: Turn) -> str:
    if turn.thought_only and (why := no_answer_text(turn.usage).partition(":")[0]):
        return why if turn.status == "complete" else f"{STATUS_WORDS[turn.status]}, while thinking"
    cut = stored_words(turn.usage, turn.params) if turn.status == "complete" else None
    return cut or STATUS_WORDS[turn.status]


def _thought(turn: Turn) -> str:
    """How long it was thought first: time, words and tokens, as far as they are known."""
    if not turn.reasoning.strip():
        return ""
    tokens = (turn.usage or {}).get("reasoning_tokens")
    size = thought_size(turn.reasoning, turn.thought_seconds)
    return f"{size}, {_tokens(tokens)}" if tokens else size


def _speaker(turn: Turn) -> str:
    """Which of the two answered, where there are two."""
    if turn.baseline:
        return "baseline"
    return "with the adapter" if turn.params.get("adapter") else ""


def _seconds(value: float | None) -> str:
    return f"{value:.2f} s" if value is not None else ""


def _rate(value: float | None) -> str:
    return f"{value:.1f} tokens/s" if value is not None else ""


def _length(most: int | None) -> str:
    """How long it could get, where that was set."""
    return f"at most {most} tokens" if most not in (None, Sampling().max_tokens) else ""


def _tokens(count: int | None, cached: int | None = None) -> str:
    if count is None:
        return ""
    return f"{count} tokens, {cached} of them cached" if cached else f"{count} tokens"


def sampling_text(sampling: dict[str, Any]) -> str:
    """The parameters of `Sampling` that shape an answer, without the seed."""
    names = {"temperature": "temperature", "top_p": "top-p", "top_k": "top-k", "repeat_penalty": "repeat"}
    names |= {"min_p": "min-p"} if sampling.get("min_p") else {}
    drawn = [f"{word} {sampling[name]:g}" for name, word in names.items() if name in sampling]
    return ", ".join(filter(None, [*drawn, choice_text(sampling.get("reasoning"))]))
