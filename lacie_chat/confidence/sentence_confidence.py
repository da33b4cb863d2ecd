"""How sure each sentence of a longer answer sounds, so that a reader sees where it turns unsure.

Each sentence is read by the same listener as the whole, with the answer hidden where the assessment hid it (places are
found in the whole response: a surname alone is known by the full name two sentences before). What is no sentence is
not read: code blocks, headings, tables and rules. An item of a list is one or more sentences without its marker, and a
line break inside a paragraph that was wrapped by hand ends none.

A sentence stands alone here, as the listener's own examples do; what "it" refers to makes no difference to tone.
"""

import re
from dataclasses import replace
from itertools import pairwise

from lacie_chat.confidence.assessment import Assessment, SentenceAcceptance, Span
from lacie_chat.confidence.listener import Listener
from lacie_chat.confidence.masking import occurrences, replace_spans
from lacie_chat.confidence.sentences import sentences

MOST_SENTENCES = 16
"""So many are read, the first ones; a later one is listed with no acceptance."""

_WRAPPED_FROM = 60  # a line at least so long, without a full stop, goes on in the next

_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
_NOT_PROSE = re.compile(r"[ \t]{0,3}#{1,6}\s|[ \t]*\||[ \t]*([-=*_])[ \t]*(?:\1[ \t]*){2,}$")
_MARKER = re.compile(r"[ \t>]*(?:[-*+•–]|\d{1,3}[.)]|\(\d{1,3}\)|[a-z]\))[ \t]+(?:\[[ xX]\][ \t]+)?")
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)+")
_ENDS = re.compile(r"[.!?…:;][*_\"'”’)\]]*$")
_LABEL = re.compile(r"(\*\*|__)[^*_]+(?::\1|\1:)")  # **Step 1:**

# Full stops that `sentences` would take for the end (it must not change: states and answer spans hang on it).
_SHORTENED = re.compile(
    r"(?i:\b(?:fig|figs|eq|pp|nos|gen|col|capt|lt|rev|sen|gov|mt|cf)\.)(?=[ \t])"
    r"|(?i:\b(?:etc|al|ch|sec|inc|ltd|co|corp|est|p|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.)"
    r"(?=[ \t]+[a-z0-9])"
)


def split_sentences(response: str) -> list[Span]:
    """The sentences of a Markdown response, in order, with offsets in it; linear in its length, never raises."""
    return [Span(response[span.start : span.end], span.start, span.end) for span in _split(_prose(response))]


def _split(plain: str) -> list[Span]:
    found: list[Span] = []
    for span in sentences(_SHORTENED.sub(_without_stop, plain)):
        quoted = found and found[-1].text[-1] in '"”’' and plain[found[-1].end : span.start].isspace()
        if quoted and span.text[0].islower() and "\n" not in plain[found[-1].end : span.start]:  # "Really?" he asked.
            span = Span(plain[found[-1].start : span.end], found.pop().start, span.end)
        found.append(Span(plain[span.start : span.end], span.start, span.end))
    return [span for span in found if any(c.isalnum() for c in span.text) and not _LABEL.fullmatch(span.text)]


def _without_stop(match: re.Match[str]) -> str:
    return match.group()[:-1] + "_"


def sentence_acceptances(assessment: Assessment, *, listener: Listener) -> tuple[SentenceAcceptance, ...] | None:
    """Each sentence's acceptance; one call of the listener for all.

    None for a single sentence, and for a response that doesn't answer: there is nothing to tell apart. A listener that
    brings several prompts forward at once (the engine's `patient_listener`) makes this cheapest. Raises only what the
    listener raises.
    """
    if assessment.state != "answered":
        return None
    response = assessment.response
    found = _split(_prose(response))
    if len(found) < 2:
        return None
    hidden = occurrences(response, assessment.answer_span.text) if assessment.answer_span else []
    heard = listener.acceptances([_masked(span, hidden) for span in found[:MOST_SENTENCES]])
    values = [*heard, *[None] * (len(found) - len(heard))]
    return tuple(
        SentenceAcceptance(response[span.start : span.end], span.start, span.end, value)
        for span, value in zip(found, values, strict=True)
    )


def with_sentences(assessment: Assessment, *, listener: Listener) -> Assessment:
    """The assessment with its sentences' acceptances; as it is where another listener has heard the whole."""
    if assessment.assessment_version not in (None, listener.version):
        return assessment
    return replace(assessment, sentences=sentence_acceptances(assessment, listener=listener))


def wants_sentences(assessment: Assessment) -> bool:
    """Whether it has several sentences that are not read yet."""
    return (
        assessment.sentences is None and assessment.state == "answered" and len(_split(_prose(assessment.response))) > 1
    )


def _masked(sentence: Span, hidden: list[Span]) -> str:
    """The sentence with the part of each hidden place that lies in it replaced."""
    inside = []
    for place in hidden:
        start, end = max(place.start, sentence.start), min(place.end, sentence.end)
        if start < end:
            inside.append(Span("", start - sentence.start, end - sentence.start))
    return replace_spans(sentence.text, inside)


def _prose(response: str) -> str:
    """A copy of the same length that holds sentences only: what is none is line breaks, soft line breaks are spaces."""
    lines = response.split("\n")
    kept: list[str] = []
    flowing: list[bool] = []  # may the line go on in the next?
    opens: list[bool] = []  # does it begin something new?
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if fence or mark:
            if mark and not fence:
                fence = mark.group(1)
            elif mark and mark.group(1).startswith(fence):
                fence = ""
            prose, begins = "\n" * len(line), True
        elif _NOT_PROSE.match(line):
            prose, begins = "\n" * len(line), True
        elif marker := _MARKER.match(line):
            prose, begins = "\n" * marker.end() + line[marker.end() :], True
        elif quote := _QUOTE.match(line):
            prose, begins = " " * quote.end() + line[quote.end() :], False
        else:
            prose, begins = line, False
        kept.append(prose)
        opens.append(begins)
        flowing.append(bool(prose.strip()) and not _ENDS.search(prose.rstrip()))
    pieces = [kept[0]]
    for index, (line, following) in enumerate(pairwise(kept)):
        text = following.lstrip()
        wrapped = text[:1].islower() or len(line.rstrip()) >= _WRAPPED_FROM or line.rstrip().endswith(",")
        soft = flowing[index] and text and not opens[index + 1] and wrapped
        pieces += [" " if soft else "\n", following]
    return "".join(pieces)
