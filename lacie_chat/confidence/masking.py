"""Hides the answer in a response, so that the listener judges the wording and not what it happens to know.

`occurrences` finds every place where the answer stands: whole words, whatever the case or the accents, across
Markdown emphasis (**Jane** Austen), punctuation inside a name, possessives (Austen's keeps its 's) and thousands
separators. What leaks is masked too: a person's surname alone gives a full name away, so of "Jane Austen" a lone
"Austen" is hidden as well, in the answer's own spelling, unless it is part of another name (Cassandra Austen) or an
everyday word of geography or institutions (the Ocean of "Atlantic Ocean"). A first name alone is left: it seldom
identifies anybody.

One-letter answers are matched in their own case ("A" would otherwise take every article), yes and no only where
they open a clause ("no doubt" stays), and scripts that put no spaces between words (Chinese, Japanese, Thai …) are
searched for the plain sequence of characters.
"""

import re
from itertools import pairwise

from lacie_chat.confidence.assessment import Span
from lacie_chat.confidence.folding import Word, fold, words

PLACEHOLDER = "[answer]"

# What may stand between two words of one answer. Longer stretches join words that do not belong together.
_LONGEST_GAP = 8

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_EMPHASIS = re.compile(r"\*+|_+|`+|~~")
_EDGE = re.compile(r"^[\s*_`~\"'“”‘’«»().,;:!?\[\]]+|[\s*_`~\"'“”‘’«»().,;:!?\[\]]+$")

# Last words that a name shares with many others: alone they do not give it away.
_SHARED_LAST_WORDS = frozenset(
    "ocean sea river lake bay gulf strait channel canal mountain mountains mount hill hills desert island islands "
    "isles peninsula valley falls city town state states kingdom republic empire union nations county province park "
    "street road avenue bridge tower castle palace cathedral church abbey museum gallery university college school "
    "institute academy library hospital company corporation group club league cup prize award awards war wars battle "
    "treaty act revolution party house court council dynasty age era day night people band brothers sisters family "
    "king queen prince princess emperor pope saint president".split()
)


def clean_answer(answer: str) -> str:
    """The answer without emphasis, quotes, brackets and punctuation around it."""
    return _EDGE.sub("", answer)


def occurrences(response: str, answer: str, *, surname: bool = True) -> list[Span]:
    """Every place where `answer` stands in `response` (with `surname`, its surname alone, too).

    Sorted and non-overlapping; linear time; never raises.
    """
    core = clean_answer(answer) or answer.strip()
    if not core:
        return []
    parts = words(core)
    if not parts or _UNSPACED.search(core):
        hidden = [match.span() for match in re.finditer(re.escape(PLACEHOLDER), response)]
        found_here = _sequences(response, core)
        return [span for span in found_here if not any(span.start < end and start < span.end for start, end in hidden)]
    found = words(response)
    spans = _full(response, found, core, parts)
    if surname and (last := _surname(core, parts)) is not None:
        spans += _alone(response, found, last, spans)
        spans.sort(key=lambda span: span.start)
    return [span for span in spans if not _is_placeholder(response, span)]


def mask(response: str, answer: str, placeholder: str = PLACEHOLDER) -> str:
    """`response` with every occurrence of `answer` replaced, all other text unchanged; masking twice adds nothing."""
    return replace_spans(response, occurrences(response, answer), placeholder)


def replace_spans(response: str, spans: list[Span], placeholder: str = PLACEHOLDER) -> str:
    """`response` with each of `spans` (sorted, non-overlapping) replaced."""
    pieces = []
    position = 0
    for span in spans:
        pieces += [response[position : span.start], placeholder]
        position = span.end
    pieces.append(response[position:])
    return "".join(pieces)


def _sequences(response: str, core: str) -> list[Span]:
    """Plain occurrences of a sequence of characters, for answers without words or of scripts without spaces."""
    haystack, needle = fold(response), fold(core).text
    spans: list[Span] = []
    if not needle:  # an answer of invisible characters only
        return spans
    at = haystack.text.find(needle)
    while at >= 0:
        start, end = haystack.original_span(at, at + len(needle))
        if not spans or start >= spans[-1].end:
            spans.append(Span(response[start:end], start, end))
        at = haystack.text.find(needle, at + len(needle))
    return spans


def _full(response: str, found: list[Word], core: str, parts: list[Word]) -> list[Span]:
    texts = [part.text for part in parts]
    first, count = texts[0], len(texts)
    single = core if len(core) == 1 else None
    before, after = core[: parts[0].start], core[parts[-1].end :]
    spans: list[Span] = []
    index = 0
    while index + count <= len(found):
        run = found[index : index + count] if found[index].text == first else []
        if (
            run
            and [word.text for word in run] == texts
            and all(right.start - left.end <= _LONGEST_GAP for left, right in pairwise(run))
            and not (single and not _stands_alone(response, run[0], single))
            and not (core.lower() in ("yes", "no") and not _opens_clause(response, run[0]))
        ):
            start, end = _widen(response, run[0].start, run[-1].end, before, after)
            if not spans or start >= spans[-1].end:
                spans.append(Span(response[start:end], start, end))
            index += count
        else:
            index += 1
    return spans


def _stands_alone(response: str, word: Word, single: str) -> bool:
    """A one-letter answer counts in its own case, and not as the tail of a contraction (the s of it's)."""
    if response[word.start : word.end] != single:
        return False
    return single.isdigit() or response[word.start - 1 : word.start] not in ("'", "’")


def _opens_clause(response: str, word: Word) -> bool:
    """A yes or no that replies: nothing or the end of a clause before it, and after it."""
    before = response[max(0, word.start - 8) : word.start].rstrip(" *_\"'“‘(")
    after = response[word.end : word.end + 8].lstrip(" *_\"'”’)")
    return before[-1:] in (*".!?:;,\n—–-", "") and after[:1] in (*".!?:;,\n—–-", "")


def _widen(response: str, start: int, end: int, before: str, after: str) -> tuple[int, int]:
    """Take in the answer's own symbols (the ++ of C++, the $ of $5) and an emphasis marker whose partner is inside."""
    if before and response.endswith(before, 0, start):
        start -= len(before)
    if after and response.startswith(after, end):
        end += len(after)
    inside = response[start:end]
    for marker in {match.group() for match in _EMPHASIS.finditer(inside)}:
        if inside.count(marker) % 2:
            if response.endswith(marker, 0, start):
                start -= len(marker)
            elif response.startswith(marker, end):
                end += len(marker)
    return start, end


def _surname(core: str, parts: list[Word]) -> str | None:
    """The last word of what looks like a name of two to five words, as it is written; None if it is shared by many."""
    last = core[parts[-1].start : parts[-1].end]
    is_name = 2 <= len(parts) <= 5 and core[:1].isupper() and last[:1].isupper() and last.isalpha() and len(last) > 2
    return last if is_name and parts[-1].text not in _SHARED_LAST_WORDS else None


def _alone(response: str, found: list[Word], surname: str, taken: list[Span]) -> list[Span]:
    """The surname where it stands outside the full names `taken`; both lists run in step, so the time is linear."""
    spans = []
    at = 0
    for index, word in enumerate(found):
        while at < len(taken) and taken[at].end <= word.start:
            at += 1
        free = at == len(taken) or word.end <= taken[at].start
        if free and response[word.start : word.end] == surname and not _in_another_name(response, found, index):
            spans.append(Span(surname, word.start, word.end))
    return spans


def _in_another_name(response: str, found: list[Word], index: int) -> bool:
    """A capitalised word directly before it, within the sentence, makes it part of another name."""
    if index == 0:
        return False
    previous, word = found[index - 1], found[index]
    if response[previous.end : word.start] != " " or not response[previous.start].isupper():
        return False
    before = response[max(0, previous.start - 8) : previous.start].rstrip(" *_\"'“‘(")
    return before[-1:] not in ("", ".", "!", "?", "\n", ":")


def _is_placeholder(response: str, span: Span) -> bool:
    """True for the word inside a placeholder that an earlier masking put there."""
    inner = PLACEHOLDER.strip("[]")
    return span.text == inner and response[span.start - 1 : span.end + 1] == PLACEHOLDER
