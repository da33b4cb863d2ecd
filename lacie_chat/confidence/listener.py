"""The listener: who hears a response. It finds the answer span, and judges the wording of the masked response.

An acceptance says how likely a reader who knows nothing of the matter would take the answer that the text gives as
true, going by its wording. A sure denial of the answer, a chance called slight, a number ("70 % sure", "two in three")
count as people count them.

`TunedListener` is the one that comes with the program: the embedded model with two small adapters (tuned.py), trained
on people's ratings. It hears every speaker, so that two models' acceptances can be compared. `PromptedListener` is any
other model that takes the part by a prompt (prompted.py), and `PaperListener` one that takes it by a prompt of the
paper's kind (paper.py), for runs that follow the paper. Everything else knows a `Listener` only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lacie_chat.confidence import paper, prompted, tuned
from lacie_chat.confidence.abstention import state_by_form
from lacie_chat.confidence.assessment import Assessment, Span, State
from lacie_chat.confidence.extraction import choose_span, located
from lacie_chat.confidence.folding import words
from lacie_chat.confidence.masking import occurrences
from lacie_chat.confidence.reader import Reader
from lacie_chat.confidence.version import ASSESSMENT_VERSION, PAPER, PROMPTED
from lacie_chat.listener_files import ListenerFiles, Part

ACCEPT_THRESHOLD = 0.66
"""An answer counts as accepted from this acceptance on, where nothing else is said."""

_MOST_TOKENS = 12
"""Length of what a prompted model says the answer is."""
_LONGEST_SPAN = 24
"""The same of the extractor, whose spans may be titles and joint answers; in tokens."""


Found = tuple[State, Span | None]
"""Whether a response answers, and the answer in it; a response may claim something without any single answer."""


class Listener(Protocol):
    """Whoever hears responses. All calls raise only what the reader behind them raises."""

    @property
    def version(self) -> str:
        """The version of the assessment in which it hears (version.py)."""
        ...

    def acceptances(self, masked_responses: Sequence[str]) -> list[float]:
        """P(accept) of each masked response, 0 to 1, in order; each distinct text is read once."""
        ...

    def answer_spans(self, items: Sequence[tuple[str, str]]) -> list[Span | None]:
        """The answer span of each (question, response), in order; None where it gives no single answer."""
        ...

    def answers(self, items: Sequence[tuple[str, str]], known: Sequence[str | None] = ()) -> list[Found]:
        """Whether each (question, response) answers, and with what, by at most one call of the reader.

        `known` are final answers that are known already, one for each item or None (empty: none are): where such an
        answer stands in the response, the reader isn't asked for it.
        """
        ...


@dataclass(frozen=True, slots=True)
class TunedListener:
    """The embedded model under its adapters: `hearing` judges the wording, `extracting` finds spans."""

    hearing: Reader
    extracting: Reader
    version: str = ASSESSMENT_VERSION

    def acceptances(self, masked_responses: Sequence[str]) -> list[float]:
        """See Listener."""
        return _judged(
            self.hearing,
            tuned.HEARING_PREFIX,
            {text: tuned.hearing_suffix(text) for text in masked_responses},
            tuned.HEARING_CHOICES,
            masked_responses,
        )

    def answer_spans(self, items: Sequence[tuple[str, str]]) -> list[Span | None]:
        """See Listener."""
        if not items:
            return []
        suffixes = [tuned.finding_suffix(question, response) for question, response in items]
        said = self.extracting.complete(tuned.FINDING_PREFIX, suffixes, max_tokens=_LONGEST_SPAN, stop=["\n"])
        return [located(response, each) for (_, response), each in zip(items, said, strict=True)]

    def answers(self, items: Sequence[tuple[str, str]], known: Sequence[str | None] = ()) -> list[Found]:
        """See Listener. A response abstains by its form."""
        return _answers_by_form(self, items, known)


@dataclass(frozen=True, slots=True)
class PromptedListener:
    """A model that takes the part by a prompt."""

    reader: Reader
    version: str

    def acceptances(self, masked_responses: Sequence[str]) -> list[float]:
        """See Listener."""
        return _judged(
            self.reader,
            prompted.LISTENER_PREFIX,
            {text: prompted.listener_suffix(text) for text in masked_responses},
            prompted.CHOICES,
            masked_responses,
        )

    def answer_spans(self, items: Sequence[tuple[str, str]]) -> list[Span | None]:
        """See Listener. The model's word counts if it is sound, else the form of the response decides."""
        asked = [index for index, (_, response) in enumerate(items) if len(words(response[:400])) > 1]
        suffixes = [prompted.extraction_suffix(*items[index]) for index in asked]
        said: list[str] = []
        if suffixes:
            said = self.reader.complete(prompted.EXTRACTION_PREFIX, suffixes, max_tokens=_MOST_TOKENS, stop=["\n"])
        candidates = dict(zip(asked, said, strict=True))
        return [
            choose_span(question, response, candidates.get(index, ""))
            for index, (question, response) in enumerate(items)
        ]

    def answers(self, items: Sequence[tuple[str, str]], known: Sequence[str | None] = ()) -> list[Found]:
        """See Listener. A response abstains by its form."""
        return _answers_by_form(self, items, known)


@dataclass(frozen=True, slots=True)
class PaperListener:
    """A model that takes the part by a prompt of the paper's kind: an abstention is what its extractor calls NONE."""

    reader: Reader
    version: str

    def acceptances(self, masked_responses: Sequence[str]) -> list[float]:
        """See Listener."""
        return _judged(
            self.reader,
            paper.LISTENER_PREFIX,
            {text: paper.listener_suffix(text) for text in masked_responses},
            prompted.CHOICES,
            masked_responses,
        )

    def answer_spans(self, items: Sequence[tuple[str, str]]) -> list[Span | None]:
        """See Listener."""
        return [span for _, span in self.answers(items)]

    def answers(self, items: Sequence[tuple[str, str]], known: Sequence[str | None] = ()) -> list[Found]:
        """See Listener. What the extractor says and the response doesn't is no span: it could not be hidden."""
        found = [_found_already(response, answer) for (_, response), answer in _with_known(items, known)]
        asked = [index for index, each in enumerate(found) if each is None]
        suffixes = [paper.extraction_suffix(*items[index]) for index in asked]
        said: list[str] = []
        if suffixes:
            said = self.reader.complete(paper.EXTRACTION_PREFIX, suffixes, max_tokens=paper.MOST_TOKENS, stop=["\n"])
        for index, each in zip(asked, said, strict=True):
            found[index] = (
                ("abstained", None) if paper.says_none(each) else ("answered", located(items[index][1], each))
            )
        return [each for each in found if each is not None]


def listener_over(files: ListenerFiles, reader_of: Callable[[Part], Reader]) -> Listener:
    """The listener of these files, over what reads for each part."""
    if files.tuned:
        return TunedListener(reader_of("hearing"), reader_of("extracting"), files.version)
    return PromptedListener(reader_of("hearing"), files.version)


def text_read(assessment: Assessment) -> str:
    """What the listener of this assessment read, without the form around it."""
    if (assessment.assessment_version or "").startswith(PAPER):
        return paper.listener_suffix(assessment.masked_response)
    if (assessment.assessment_version or "").startswith(PROMPTED):
        return prompted.listener_suffix(assessment.masked_response)
    return tuned.heard_text(assessment.masked_response)


def _answers_by_form(listener: Listener, items: Sequence[tuple[str, str]], known: Sequence[str | None]) -> list[Found]:
    """States by the forms of the responses; the spans of those that seem to answer, by the listener or known."""
    states = [state_by_form(question, response) for question, response in items]
    spans = [
        _first_place(response, answer) if state is None else None
        for ((_, response), answer), state in zip(_with_known(items, known), states, strict=True)
    ]
    asked = [index for index, state in enumerate(states) if state is None and spans[index] is None]
    for index, span in zip(asked, listener.answer_spans([items[index] for index in asked]), strict=True):
        spans[index] = span
    return [(state or "answered", span) for state, span in zip(states, spans, strict=True)]


def _with_known(
    items: Sequence[tuple[str, str]], known: Sequence[str | None]
) -> Iterator[tuple[tuple[str, str], str | None]]:
    return zip(items, known or [None] * len(items), strict=True)


def _first_place(response: str, answer: str | None) -> Span | None:
    return next(iter(occurrences(response, answer, surname=False)), None) if answer else None


def _found_already(response: str, answer: str | None) -> Found | None:
    """What needs no asking: an answer that is known, or a response without any word."""
    if not any(character.isalnum() for character in response):
        return "no_claim", None
    place = _first_place(response, answer)
    return ("answered", place) if place else None


def _judged(
    reader: Reader,
    prefix: str,
    suffix_of: dict[str, str],
    choices: Sequence[Sequence[str]],
    texts: Sequence[str],
) -> list[float]:
    """p(yes) / (p(yes) + p(no)) of each text, by one call of the reader in which each suffix is read once."""
    suffixes = list(dict.fromkeys(suffix_of.values()))
    rows = reader.choice_probabilities(prefix, suffixes, choices) if suffixes else []
    heard = {suffix: _acceptance(yes, no) for suffix, (yes, no) in zip(suffixes, rows, strict=True)}
    return [heard[suffix_of[text]] for text in texts]


def _acceptance(yes: float, no: float) -> float:
    """A listener that says neither has no opinion: 0.5."""
    total = yes + no
    return yes / total if total > 0 else 0.5
