"""From what a model says the answer is to the span of the response that is meant.

A model's word counts only if it stands in the response. The extractor's (`located`) is taken as it is. That of a model
which was asked by a prompt (`choose_span`) must also be short enough to be an answer and say something that the
question did not; otherwise the form of the response decides: what is in bold or in quotes, the number of a how-many
question, a name that the question lacks, what stands after "is". A response that claims something without any single
answer in it (an explanation, instructions) has no span and is read unmasked.
"""

import re
from collections.abc import Iterator

from lacie_chat.confidence.assessment import Span
from lacie_chat.confidence.cues import lexical_cues
from lacie_chat.confidence.folding import words
from lacie_chat.confidence.masking import clean_answer, occurrences
from lacie_chat.confidence.sentences import sentences
from lacie_chat.confidence.tuned import NO_ANSWER

_MAX_WORDS = 10
_HEAD = 500


def located(response: str, said: str) -> Span | None:
    """Where what the extractor said stands in the response; None where it said that there is no answer.

    A span whose end was lost (cut off, or written a little otherwise) is looked for without its last words.
    """
    said = said.strip()
    if not said or said.lower() == NO_ANSWER:
        return None
    parts = said.split()
    for count in range(len(parts), max(0, len(parts) // 2 - 1), -1):
        core = clean_answer(" ".join(parts[:count]))
        places = occurrences(response, core, surname=False) if core else []
        if places:
            return places[0]
    return None


def choose_span(question: str, response: str, candidate: str) -> Span | None:
    """The model's candidate if it is sound, else the first sound one that the response's form suggests.

    What the question says already is no answer, unless nothing else is found ("Kim Wilde's birth name is Kim Wilde").
    """
    if _YES_NO_QUESTION.match(question) and (reply := _YES_NO.match(response)):
        return Span(reply.group(1), reply.start(1), reply.end(1))
    asked = frozenset() if _CHOICE_QUESTION.search(question) else frozenset(word.text for word in words(question))
    if not _is_sound(question, response, candidate):
        candidate = ""
    for text in (candidate, *by_form(question, response)):
        span = _accept(response, text, asked)
        if span is not None:
            return span
    return _accept(response, candidate, frozenset())


def _is_sound(question: str, response: str, candidate: str) -> bool:
    """Not the response copied from its start, and no number where a person or a place was asked for."""
    said, own = ([word.text for word in words(text)] for text in (candidate, response[:200]))
    if len(said) > 3 and len(own) > len(said) and own[: len(said)] == said:
        return False
    return not (_ASKS_WHO.search(question) and all(word.isdigit() for word in said))


def by_form(question: str, response: str) -> Iterator[str]:
    """Candidates that the form of the response suggests, the likeliest first; only its opening is looked at."""
    opening = [span.text for span in sentences(response[:_HEAD])][:3]
    if not opening:
        return
    first = opening[0]
    yield from _bare(first)
    yield from (match.group(1) for text in opening for match in _EMPHASISED.finditer(text))
    if _ASKS_NUMBER.search(question):
        yield from (match.group() for text in opening for match in _NUMBER.finditer(text))
    yield from (match.group(1) for text in opening for match in _QUOTED.finditer(text))
    if _ASKS_NAME.search(question):
        yield from _names(question, opening)
    for text in opening:
        if match := _COPULA.search(text):
            unlikely = _DESCRIBES if not _ASKS_NAME.search(question) else _DESCRIBES_OR_INDEFINITE
            if not unlikely.match(text, match.end()):
                yield _phrase(text[match.end() :])
            if "," not in text[: match.start()]:
                yield text[: match.start()]
        yield from (_phrase(text[match.end() :]) for match in _AGENT.finditer(text))
    yield from _names(question, opening)


def _accept(response: str, candidate: str, asked: frozenset[str]) -> Span | None:
    """The candidate's first place in the response; None if it is empty, long, a clause, invented or all `asked`."""
    core = _ARTICLE.sub("", clean_answer(candidate))
    parts = [word.text for word in words(core)]
    if not parts or len(parts) > _MAX_WORDS or core.count('"') % 2 or _is_filler(core, parts):
        return None
    if all(part in asked or part in _FILLERS for part in parts):
        return None
    hedges, _ = lexical_cues(response)
    # "I'm" out of "I'm not sure, but …" is no answer, nor "Perhaps Dracula": what begins as a hedge is one
    places = [
        place
        for place in occurrences(response, core, surname=False)
        if not any(hedge.start <= place.start < hedge.end for hedge in hedges)
    ]
    if not places or (_VERBS.intersection(parts) and not _is_set_apart(response, places[0])):
        return None
    return _completed(response, places[0])


def _completed(response: str, span: Span) -> Span:
    """A name cut short is taken whole: capitalised words that follow directly belong to it (Jane **Austen**)."""
    if not span.text[:1].isupper() or not span.text[-1].isalpha():
        return span
    match = _MORE_NAME.match(response, span.end)
    return Span(response[span.start : match.end()], span.start, match.end()) if match else span


def _is_set_apart(response: str, span: Span) -> bool:
    """In quotes or emphasis: a title may have a verb in it."""
    before, after = response[max(0, span.start - 1) : span.start], response[span.end : span.end + 1]
    return before in tuple('"“*_') and after in tuple('"”*_')


def _is_filler(core: str, parts: list[str]) -> bool:
    if all(part in _FILLERS for part in parts) or _PRONOUN.fullmatch(core):
        return True
    hedges, boosters = lexical_cues(core)
    marked = sum(len(words(span.text)) for span in (*hedges, *boosters))
    return marked >= len(parts)


def _bare(sentence: str) -> Iterator[str]:
    """A sentence that is nothing but the answer, apart from hedges and an "it is" in front."""
    hedges, boosters = lexical_cues(sentence)
    kept, position = [], 0
    for span in sorted((*hedges, *boosters), key=lambda span: span.start):
        kept.append(sentence[position : span.start])
        position = span.end
    rest = _LEAD.sub("", clean_answer(" ".join([*kept, sentence[position:]])))
    if 0 < len(rest.split()) <= 4:
        yield rest


def _names(question: str, opening: list[str]) -> Iterator[str]:
    """Capitalised phrases that bring a word the question lacks."""
    asked = {word.text for word in words(question)}
    for text in opening:
        for match in _NAME.finditer(text):
            name = _OPENER.sub("", match.group())
            if not any(character.isalpha() for character in name):
                continue
            adjective = _ADJECTIVE.fullmatch(name) and _LOWER_NEXT.match(text, match.end())
            if not adjective and any(word.text not in asked and word.text not in _FILLERS for word in words(name)):
                yield name


def _phrase(text: str) -> str:
    """The first few words up to where the clause ends."""
    return " ".join(_CLAUSE_END.split(_ARTICLE.sub("", text.strip()), maxsplit=1)[0].split()[:_MAX_WORDS])


_VERBS = frozenset("is was are were has had have refers means stands located known called".split())
_MORE_NAME = re.compile(
    r"(?:[ *_]{1,4}(?:(?:of|de|da|van|von) )?(?!(?:I|In|On|At|The|It|He|She|They|However|But|"
    r"And|As)\b)[A-Z][\w'’-]*)+"
)
_ADJECTIVE = re.compile(
    r"(?:\w+-)?\w+(?:ish|an|ese|ch|ic|i)", re.IGNORECASE
)  # British, American, French: what kind, not who
_LOWER_NEXT = re.compile(r"\s+[a-z]")
_FILLERS = frozenset(
    (
        "the a an it its it's this that these those there here he she they we i you his her their my your our "
        "is was are were be been being has have had do does did not no yes and or but so if then than as of "
        "in on at to by for from with into one some any all more most known called named first also very "
        "question answer response final none unknown however although according sorry hello sure born rare "
        "part type kind what who which when where why how s t "
    ).split()
)
_PRONOUN = re.compile(
    r"(?:I|you|he|she|it|we|they|that|there|here|what|who|let)['’](?:m|d|ve|ll|re|s)"
    r"(?:\s+(?:only|just|not|at|all)\b)*",
    re.IGNORECASE,
)  # "I'm" out of "… I'm only guessing", where the lexicon hears the last word alone
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\S)", re.IGNORECASE)
_OPENER = re.compile(r"^(?:the|an?|in|on|at|by|from|it|its|this|as|for|and|but|after|before)\s+(?=\S)", re.IGNORECASE)
_LEAD = re.compile(
    r"^\W*(?:(?:it|that|this|he|she|they|the (?:correct |right |final |short )?answer)(?:'s|"
    r"’s| is| was| are| were| be| has to be| must be)\s+|answer:\s*)?(?:the |an? )?",
    re.IGNORECASE,
)
_YES_NO_QUESTION = re.compile(
    r"^\W*(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|"
    r"should)\b(?!.*\bor\b)",
    re.IGNORECASE,
)
_CHOICE_QUESTION = re.compile(r"\bor\b", re.IGNORECASE)
_YES_NO = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)
_EMPHASISED = re.compile(r"(?:\*\*|__)([^*_\n]{1,60}?)(?:\*\*|__)")
_QUOTED = re.compile(r"[\"“«]([^\"“”«»\n]{1,60}?)[\"”»]")
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|high|big|deep|fast|heavy)\b|^\W*when\b|\b(?:what|"
    r"which) (?:year|date|day|century|decade|number)\b|\bin what year\b",
    re.IGNORECASE,
)
_ASKS_WHO = re.compile(r"\b(?:who|whom|whose|where)\b", re.IGNORECASE)
_ASKS_NAME = re.compile(r"\b(?:who|whom|whose|where|which|what (?:is|was) the name|name the|in what)\b", re.IGNORECASE)
_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion"
).split()
_NUMBER = re.compile(
    r"\b\d[\d,.]*\d\b|\b\d+(?:st|nd|rd|th)?\b|\b(?:"
    + "|".join(_NUMBER_WORDS[1:])
    + r")(?:[- ](?:"
    + "|".join(_NUMBER_WORDS)
    + r"))*\b|\bone\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’.-]*(?:\s+(?:(?:of|the|de|da|di|van|von|der|den|la|le|du|and|&|"
    r"St\.)\s+){0,2}[A-ZÀ-ÖØ-ÞĀ-Ž0-9][\w'’-]*)*"
)
_COPULA = re.compile(
    r"\s(?:is|was|are|were)\s+(?:(?:also |often |commonly |generally |usually )?(?:called|"
    r"named|known as)\s+)?",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(
    r"(?:\w+ly|\w+ed|not|also|indeed|often|used|based|known|one of|held|found|born|set|made)\b", re.IGNORECASE
)
_DESCRIBES_OR_INDEFINITE = re.compile(_DESCRIBES.pattern + r"|an?\s", re.IGNORECASE)
_AGENT = re.compile(r"\b(?:by|called|named|known as)\s+", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"[,;:.!?()\n]|\s(?:who|which|that|where|when|while|because|and|but|in|on|at|from|located|"
    r"during|since|with|for|as)\s"
)
