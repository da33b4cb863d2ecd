"""Finds hedges and boosters in a response, with their offsets.

A trie over the words of `lexicon.py`: at each word the longest form wins. Then two checks, both on the few
characters around the find, so that the time is linear: a guard for forms that only sometimes hedge or boost ("may"
the month, "all their might", "a kind of bird", "see clearly"), and negation, which turns a booster into a hedge ("I
can't be certain") and silences a hedge ("no maybe about it"). Nothing is found in code or in addresses.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from lacie_chat.confidence.assessment import Span
from lacie_chat.confidence.lexicon import BOOSTERS, HEDGES, expand

Cue = Literal["hedge", "booster"]

_WORD = re.compile(r"[^\W_]+%?(?:'[^\W_]+)*")
_GAP = re.compile(r"(?:[*_-]{0,3}\s[*_\s-]{0,4}|-)")
_UNMARKED = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`|\bhttps?://\S+|\bwww\.\S+", re.DOTALL | re.IGNORECASE
)
_AROUND = 48

_NEGATION = re.compile(
    r"(?:\b(?:not|never|hardly|cannot|nor|neither)|\b\w+n't)(?:\s+[\w%']+){0,2}\s+[*_]*$", re.IGNORECASE
)
_DENIED = re.compile(r"\b(?:no|not(?: just| merely)? an?|isn't(?: just)? an?)\s+(?:ifs,?\s+)?$", re.IGNORECASE)
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…\n—–|>•\d)])[\s*_\"'“”‘(\[#>•-]*$|[-\"“‘(\[][\s*_]*$")


@dataclass(frozen=True, slots=True)
class _Guard:
    """A form counts where `before` ends the text in front of it (or `not_before` doesn't), likewise behind it."""

    before: str | None = None
    not_before: str | None = None
    after: str | None = None
    not_after: str | None = None

    def holds(self, before: str, after: str) -> bool:
        return (
            (self.before is None or re.search(rf"(?:{self.before})$", before, re.IGNORECASE) is not None)
            and (self.not_before is None or re.search(rf"(?:{self.not_before})$", before, re.IGNORECASE) is None)
            and (self.after is None or re.match(self.after, after, re.IGNORECASE) is not None)
            and (self.not_after is None or re.match(self.not_after, after, re.IGNORECASE) is None)
        )


_MONTH = r"\s*(?:\d|,\s*\d|the \d|of (?:\d|that|this|the same) )"
_MANNER = (
    r"\b(?:see|saw|seen|hear|heard|speak|spoke|spoken|write|written|think|explain\w*|"
    r"communicat\w*|express\w*|stat\w+|defin\w+|more|very|as|so|visible|articulat\w*|"
    r"mark\w*)\s"
)

_DETERMINER = (
    r"\b(?:an?|the|my|your|his|her|our|their|this|that|what|which|any|some|one|every|each|same|another|different|"
    r"special|new|other|no|of|first|only|rare|particular|certain|common)\s"
)

_GUARDS: dict[str, _Guard] = {
    "may": _Guard(
        not_before=r"\b(?:in|of|since|until|till|by|on|from|during|early|late|mid|last|next|this|every|each|"
        r"before|after|\d|\d(?:st|nd|rd|th)|you)[\s-]",
        after=r"[\s*_]+[a-z\[]",
        not_after=_MONTH,
    ),
    "might": _Guard(
        not_before=r"\b(?:all|military|naval|the|their|its|his|her|our|my|your|of|with|and|by|economic|"
        r"imperial|divine|full|industrial)\s(?:(?:his|her|their|its|our|my|your)\s)?",
        after=r"[\s*_]+[a-z\[]|[*_]*\s*(?:[.,;!?]|$)",
        not_after=r"\s+(?:of|and (?:main|right|power|majesty|glory))\b",
    ),
    "kind of": _Guard(not_before=_DETERMINER),
    "sort of": _Guard(not_before=_DETERMINER),
    "i believe": _Guard(not_after=r"\s+in\b"),
    "i think": _Guard(not_after=r"\s+(?:of|about)\s+(?:you|him|her|them|us|it)\b"),
    "i figure": _Guard(not_after=r"\s+out\b"),
    "i gather": _Guard(not_after=r"\s+(?:\w+\s+)?(?:data|information|evidence)\b"),
    "i wonder": _Guard(after=r"\s+(?:if|whether)\b"),
    "guessing": _Guard(not_before=r"\b(?:a|the|of)\s", not_after=r"\s+(?:game|games)\b"),
    "a guess": _Guard(not_before=r"\btake\s"),
    "assuming": _Guard(before=_SENTENCE_START.pattern, not_after=r"\s+(?:the role|office|power|command|control)\b"),
    "likely": _Guard(not_before=r"\b(?:as|equally)\s", not_after=r"\s+as\b"),
    "probable": _Guard(not_after=r"\s+cause\b"),
    "the possibility": _Guard(not_after=r"\s+of\s+\w+ing\b"),
    "debatable": _Guard(not_before=r"\bnot\s"),
    "appeared to": _Guard(not_after=r"\s+(?:him|her|them|me|us|the|a|moses|mary|an)\b"),
    "appear to": _Guard(not_after=r"\s+(?:him|her|them|me|us|the|a|an)\b"),
    "appears to": _Guard(not_after=r"\s+(?:him|her|them|me|us|the|a|an)\b"),
    "suggested that": _Guard(not_before=r"\b(?:he|she|they|we)\s"),
    "something like": _Guard(not_before=r"\b(?:say|said|do|does|buy|want|see|need)\s"),
    "or something": _Guard(not_after=r"\s+(?:else|similar to)\b"),
    "or at least": _Guard(not_after=r"\s+(?:one|two|three|\d)"),
    "who knows": _Guard(not_before=r"\b(?:someone|somebody|anyone|person|people|man|woman|those|one|expert|friend)\s"),
    "from memory": _Guard(not_before=r"\b(?:read|loaded|fetched|freed|recite[ds]?|play(?:s|ed)?|retrieved)\s"),
    "some say": _Guard(not_after=r"\s+in\b"),
    "my understanding": _Guard(not_before=r"\b(?:beyond|improve|deepen|of)\s"),
    "clearly": _Guard(not_before=_MANNER),
    "plainly": _Guard(not_before=_MANNER),
    "naturally": _Guard(before=_SENTENCE_START.pattern, after=r","),
    "positively": _Guard(
        not_before=r"\b(?:respond\w*|react\w*|think|affect\w*|impact\w*|contribut\w*|review\w*|correlat\w*)\s",
        not_after=r"\s+charged\b",
    ),
    "absolutely": _Guard(not_before=r"\b(?:converges?)\s"),
    "indeed": _Guard(not_before=r"\b(?:very \w+|friend in need is a friend)\s"),
    "of course": _Guard(
        not_before=r"\b(?:change|changes|correction|length|matter|choice|lack)\s",
        not_after=r"\s+(?:material|materials|work|content)\b",
    ),
    "no question": _Guard(not_after=r"\s+(?:was|is|were|mark|has been)\b"),
    "is clear": _Guard(
        after=r"\s+(?:that|from)\b|[.,;:!]|\s*$",
        not_before=r"\b(?:water|sky|glass|liquid|air|weather|skin|voice|lake|sea|day|road|path)\s",
    ),
    "is certain": _Guard(after=r"\s+(?:that|to)\b|[.,;:!]|\s*$"),
    "quite clear": _Guard(after=r"\s+(?:that|from)\b|[.,;:!]|\s*$", not_before=r"\b(?:water|sky|is)\s(?:is\s)?"),
    "crystal clear": _Guard(not_after=r"\s+(?:water|waters|sky|skies|lake|lakes|sea|glass|ice|springs?)\b"),
    "perfectly clear": _Guard(not_after=r"\s+(?:water|sky|glass|day)\b"),
    "should be": _Guard(
        before=_SENTENCE_START.pattern + r"|\b(?:it|that|this|answer)\s",
        not_after=r"\s+(?:\w+ed|made|kept|taken|done|given|paid|sent|cut|put|able|careful|noted|at least|\d)\b",
    ),
    "no idea": _Guard(not_after=r"\s+(?:how|why|that)\b"),
    "unless i": _Guard(after=r"(?:'m|\s+am|'ve|\s+have)\s+(?:wrong|mistaken|got|mixed|mis\w+|confus\w+|my)\b"),
    "must be": _Guard(
        before=r"\b(?:it|that|this|he|she|they|there|answer)\s",
        not_after=r"\s+(?:\w+ed|made|kept|taken|done|given|paid|sent|cut|put|able|careful|at least|\d)\b",
    ),
    "has to be": _Guard(
        before=r"\b(?:it|that|this|he|she|answer)\s",
        not_after=r"\s+(?:\w+ed|made|kept|taken|done|given|paid|sent|cut|put)\b",
    ),
    "i bet": _Guard(not_after=r"\s+(?:on|\d|\$)"),
    "you can bet": _Guard(not_after=r"\s+on\b"),
    "100%": _Guard(
        not_after=r"\s*(?:of|cotton|wool|silk|silver|gold|pure|natural|polyester|juice|organic|more|less|"
        r"increase|free|the)\b"
    ),
    "sure that": _Guard(not_before=r"\b(?:make|makes|made|making|be|being)\s"),
    "certain that": _Guard(not_before=r"\b(?:make|makes|made|making)\s"),
    "with confidence": _Guard(not_before=r"\b(?:speak|act|walk|dress|play|perform|move|buy)\s"),
}


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    cue: Cue | None = None
    guard: _Guard | None = None
    form: str = ""


def _build() -> _Node:
    root = _Node()
    for cue, forms in (("hedge", HEDGES), ("booster", BOOSTERS)):
        for form in {spelling for pattern in forms for spelling in expand(pattern)}:
            node = root
            for word in _WORD.findall(form):
                node = node.children.setdefault(word, _Node())
            # A form that stands in both lists ("not sure" as a whole) stays what it was first: a hedge.
            if node.cue is None:
                node.cue, node.guard, node.form = cue, _GUARDS.get(form), form  # type: ignore[assignment]
    return root


_ROOT = _build()


def lexical_cues(response: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Hedges and boosters of `response`, each sorted; no two overlap, and `response[start:end] == text` for all."""
    text = response.replace("’", "'")
    unmarked = [match.span() for match in _UNMARKED.finditer(text)]
    tokens = [(match.group().lower(), match.start(), match.end()) for match in _WORD.finditer(text)]
    hedges: list[Span] = []
    boosters: list[Span] = []
    index = region = last_end = 0
    while index < len(tokens):
        start = tokens[index][1]
        while region < len(unmarked) and unmarked[region][1] <= start:
            region += 1
        if region < len(unmarked) and unmarked[region][0] <= start:
            index += 1
            continue
        found = _longest(text, tokens, index)
        if found is None:
            index += 1
            continue
        cue, count = found
        end = tokens[index + count - 1][2]
        before = text[max(last_end, start - _AROUND) : start]
        if cue == "booster" and (negation := _NEGATION.search(before)):
            cue, start = "hedge", start - len(before) + negation.start()
        (hedges if cue == "hedge" else boosters).append(Span(response[start:end], start, end))
        last_end = end
        index += count
    return tuple(hedges), tuple(boosters)


def _longest(text: str, tokens: list[tuple[str, int, int]], index: int) -> tuple[Cue, int] | None:
    """The longest form that starts at this word and whose guard holds, and how many words it has."""
    node = _ROOT
    best: tuple[Cue, int] | None = None
    start = tokens[index][1]
    for offset in range(len(tokens) - index):
        word, word_start, word_end = tokens[index + offset]
        if offset and not _GAP.fullmatch(text, tokens[index + offset - 1][2], word_start):
            break
        following = node.children.get(word)
        if following is None:
            break
        node = following
        if node.cue is not None and _counts(text, node, start, word_end):
            best = (node.cue, offset + 1)
    return best


def _counts(text: str, node: _Node, start: int, end: int) -> bool:
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    if node.guard is not None and not node.guard.holds(before, after):
        return False
    if node.cue == "hedge" and _DENIED.search(before):
        return False
    # "Call Me Maybe", "in May": a capital inside a sentence makes a name of it, unless the text is all capitals.
    first = text[start]
    return not (
        first.isupper() and first != "I" and not text[start:end].isupper() and not _SENTENCE_START.search(before)
    )
