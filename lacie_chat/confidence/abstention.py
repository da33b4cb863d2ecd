"""Does a response answer at all? Told from its forms, because a small model's word for it can't be trusted.

`state_by_form` says `abstained` for a response that declines ("I don't know", "As an AI I have no access to …"),
`no_claim` for one that asserts nothing (a greeting, a question back, a poem or program that was asked for), and
None for one that answers. The rules:

- An abstention is the writer's own ("I", "we", or no subject at all: "No idea."). "Nobody knows who wrote it" and
  "He said he didn't know" are claims.
- An abstention is undone by an answer beside it: a claim before it ("It's Lyon. I don't know more."), a guess after
  it ("I don't know, but I think it's Lyon"), any claim beside a qualified one ("I don't know for sure, but Paris";
  "It's Paris, though I'm not certain").
  Offers, apologies, advice to ask elsewhere and reasons for not knowing are no answers.
- How-to instructions and explanations do claim something, so they count as answered (without a single answer span).
"""

import re

from lacie_chat.confidence.assessment import State
from lacie_chat.confidence.cues import lexical_cues
from lacie_chat.confidence.sentences import sentences

# Only the opening decides; what comes after so much text is no refusal any more.
_OPENING = 1500

_ABSTAINS = re.compile(
    r"""
    \b(?:i|we)(?:\s+(?:really|honestly|just|simply|actually|truly|sadly|unfortunately|still|also))*\s+
      (?: (?:do\ not|don't|dont|did\ not|didn't)\s+(?:(?:really|actually|even|currently)\s+)*
            (?:know\b(?!\s+about\s+you)|have\s+(?:\w+\s+){0,3}(?:answer|access|information|knowledge|idea|clue|
              data|details|memory|ability|record|records|capability|personal|real-time)\b
              |recall\b|remember\b|recogni[sz]e\b|possess\b)
        | (?:cannot|can\ not|can't|could\ not|couldn't|am\ unable\ to|am\ not\ able\ to|are\ not\ able\ to|
          are\ unable\ to|would\ not\ be\ able\ to|wouldn't\ be\ able\ to|'m)\s+
            (?:possibly\s+|really\s+|accurately\s+|definitively\s+|reliably\s+)*
            (?:say\b(?!\s+(?:enough|no\b))|tell\b|answer\b|determine\b|provide\b|give\b|help\b|assist\b|find\b|
              confirm\b|verify\b|identify\b|recall\b|remember\b|access\b|predict\b|offer\b|fulfill?\b|comply\b)
        | have\s+(?:no|not\ the\ faintest|not\ the\ slightest|absolutely\ no)\s+(?:idea|clue|knowledge|
          information|answer|access|way\ of\ knowing|recollection|memory)\b
        | have(?:n't|\ not)\s+(?:a\s+clue|the\s+(?:faintest|foggiest|slightest)|any\s+idea|heard\ of)\b
        | (?:'d|would|must|will\ have\ to|have\ to)\s+(?:rather\s+not\s+(?:say|answer|guess)|decline\b|pass\b)
        | decline\s+to\b
      )
    | \b(?:i'm|i\ am|we're|we\ are)\s+(?:\w+\s+)?(?:not\s+able|unable)\s+to\s+(?:say|tell|answer|determine|
      provide|give|help|assist|find|confirm|verify|identify|recall|access|predict|offer)\b
    | \b(?:i'm|i\ am)\s+not\s+(?:\w+\s+)?(?:aware|familiar|sure|certain)\b
    | \b(?:i'm|i\ am)\s+(?:unsure|clueless|unaware|unfamiliar|at\ a\ loss|stumped)\b
    | (?:^|[.!?,;:\n]\s*|\bsorry,?\s+|\bbut\s+)(?:no\ (?:idea|clue)|not\ sure|not\ a\ clue|dunno|don't\ know|
      can't\ say|couldn't\ say|couldn't\ tell\ you|beats\ me|search\ me|haven't\ a\ clue|unknown(?:\ to\ me)?|
      pass)\s*(?:[.!?,;:\n]|\bsorry\b|$)
    | \b(?:cannot|can't|can\ not|could\ not)\s+be\s+(?:determined|answered)\b(?:\s+(?:from|with|based|without|
      by)\b|\s*[.,;!]|\s*$)
    | \b(?:is\ unknown|unknown)\s+to\s+me\b
    | \b(?:beyond|outside(?:\ of)?|above)\s+my\s+(?:knowledge|expertise|ability|abilities|training|capabilities|
      scope|pay\ grade)\b
    | \bno\s+(?:answer|information)\s+(?:is\s+)?available\s+to\s+me\b
    | \bthere\s+is\s+no\s+way\s+for\s+me\s+to\s+(?:know|tell|say)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

# "I don't know for sure", "I'm not certain": the writer holds back a guarantee, not the answer.
_QUALIFIED = re.compile(
    r"(?:for (?:sure|certain|a fact)|exactly|precisely|definitively|"
    r"with (?:\w+ )?(?:certainty|confidence)|offhand|off the top)|not (?:\w+ )?(?:sure|"
    r"certain)|unsure|confirm|verify",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(?:said|says|say|replied|answered|wrote|told \w+|sang|"
    r"asked)[,:]?\s*(?:that\s+)?[\"“'‘]?$",
    re.IGNORECASE,
)
_CONTRAST = re.compile(
    r"(?:,|;|—|–|-|\.)?\s*\b(?:but|however|though|although|yet|still)\b[,:]?\s*|[;—–]\s*|\s-\s", re.IGNORECASE
)
_CLAUSE = re.compile(r"[,:]\s+(?:but\s+)?|" + _CONTRAST.pattern, re.IGNORECASE)
_INTERJECTION = re.compile(
    r"\W*(?:well|hm+|um+|uh+|oh|ah|ooh|gosh|wow|ok|okay|sure|sorry|unfortunately|sadly|honestly|right|alas|no|yes)\W*",
    re.IGNORECASE,
)

# Sentences that answer nothing: offers, apologies, advice, remarks on the question or on the writer.
_ASIDE = re.compile(
    r"""
    \b(?:you\ (?:can|could|may|might|should|would|will|need|want)|please|let\ me\ know|feel\ free|if\ you|try\b|
      consult|check\b|look\ (?:it|this|that)\ up|refer\ to|contact|visit|search|
      sorry|apologi[sz]e|thank|thanks|happy\ to|glad\ to|i\ recommend|i\ suggest|i'd\ (?:recommend|suggest|
        be\ happy|love)|i\ (?:can|could)\ (?:help|try|tell\ you\ about|provide|offer|assist)|
      as\ an?\ (?:ai|artificial|language|large|assistant|machine)|i'm\ (?:an?\ (?:ai|assistant|language|large|
        machine)|just|only|designed|here)|i\ am\ (?:an?\ (?:ai|assistant|language|large|machine)|just|only|designed|
        here)|
      my\ (?:knowledge|training|data|purpose|cutoff)|real-time|provide\ more|more\ (?:context|information|
        details)|clarify|rephrase|
      (?:this|that|the|your|a|an|great|good|interesting|tricky|tough|hard|difficult)\ question|without\ more|
        ask\ someone|ask\ me)
    """,
    re.IGNORECASE | re.VERBOSE,
)

_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|greetings|howdy|welcome|good (?:morning|afternoon|evening|day|"
    r"night)|bye|goodbye|thanks|thank you|you're welcome|no problem|nice to meet|"
    r"pleased to meet|my pleasure)\b",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"^\W*(?:(?:hi|hello|hey|greetings|howdy|good (?:morning|afternoon|evening|day|night)|bye|"
    r"goodbye|thanks|thank you|thx|ok|okay|cool|nice|great|"
    r"how are you|how's it going|what's up|how do you do|nice to meet you|see you|later|there|"
    r"again|very much|so much|a lot|today|doing|friend|everyone|all|and|it|that|was|is|very|"
    r"helpful)\W*)+$",
    re.IGNORECASE,
)
_CREATIVE = re.compile(
    r"""
    ^\W*(?:(?:please|can\ you|could\ you|would\ you|will\ you|i\ want\ you\ to|i'd\ like\ you\ to|
      i\ need\ you\ to|help\ me)\s+(?:please\s+)?)*
    (?:(?:write|compose|create|draft|generate|make\ up|invent|improvise|sing|tell|give|show|make|code|program|
      implement|imagine)\b(?:\s+(?:me|us))?
       \s+(?:[\w'-]+\s+){0,5}?
       (?:poems?|haikus?|limericks?|sonnets?|verses?|rhymes?|stor(?:y|ies)|tales?|jokes?|riddles?|songs?|lyrics|
         raps?|letters?|e-?mails?|essays?|speech|dialogues?|scripts?|plays?|
         scenes?|novels?|slogans?|tweets?|posts?|code|functions?|programs?|class|regex|query|fiction|
           monologues?|toasts?|ballads?|ode|prayers?|captions?|bio|cover\ letter|blog|article|paragraphs?)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_QUESTION_BACK = re.compile(
    r"^\W*(?:(?:but|and|so|sure|okay|ok|great|sorry)\W+)*(?:what|which|who|whom|whose|where|"
    r"when|why|how|can|could|would|will|do|does|did|are|is there|have|may i|shall|should|"
    r"any)\b",
    re.IGNORECASE,
)
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def state_by_form(question: str, response: str) -> State | None:
    """`abstained` or `no_claim` where the forms say so, None where the response seems to answer. Never raises."""
    text = response.replace("’", "'").strip()
    if not any(character.isalnum() for character in text):
        return "no_claim"
    asked = question.replace("’", "'")[:_OPENING]
    if _CREATIVE.search(asked) or _SMALL_TALK.match(asked.strip()):
        return "abstained" if _abstains(text) else "no_claim"
    if not any(character.isalnum() for character in _CODE_BLOCK.sub("", text)):
        return "no_claim"
    if _abstains(text):
        return "abstained"
    return "no_claim" if _claims_nothing(text) else None


def _abstains(text: str) -> bool:
    opening = text[:_OPENING]
    for match in _ABSTAINS.finditer(opening):
        if _REPORTED.search(opening[max(0, match.start() - 24) : match.start()]):
            continue
        found = [sentence for sentence in sentences(opening) if sentence.end > match.start()]
        own = found[0]
        before, after = opening[: own.start], opening[own.end :]
        if any(_answers(sentence.text) for sentence in sentences(before)):
            return False  # it had answered already
        qualified = _QUALIFIED.search(opening[match.start() : match.end() + 24]) is not None
        split = _CLAUSE if qualified else _CONTRAST  # "I'm not certain, it was Paris" needs no "but"
        clauses = split.split(opening[match.end() : own.end])[1:]
        # "It may be Lyon, but I don't know", "It is Lyon, though I'm not certain"
        lead = _CONTRAST.split(opening[own.start : match.start()])[:-1]
        return not (
            any(_guesses(clause, qualified) for clause in clauses)
            or any(_answers(clause) and (qualified or lexical_cues(clause)[0]) for clause in lead)
            or any(_guesses(sentence.text, qualified) for sentence in sentences(after))
        )
    return False


def _answers(sentence: str) -> bool:
    """A sentence that asserts something about the world, so far as its form tells."""
    plain = sentence.strip()
    if not any(c.isalnum() for c in plain) or plain.endswith(":") or _GREETING.match(plain) or _ASIDE.search(plain):
        return False
    return not _ABSTAINS.search(plain) and not _INTERJECTION.fullmatch(plain)


def _guesses(clause: str, qualified: bool) -> bool:
    """A clause that answers after an abstention: any claim after a qualified one, else one with a hedge."""
    if _ABSTAINS.search(clause) or _ASIDE.search(clause) or not any(c.isalnum() for c in clause):
        return False
    contrasted = (
        re.match(r"\W*(?:however|still|that said|nevertheless|anyway|but)\b", clause, re.IGNORECASE) is not None
    )
    return qualified or contrasted or bool(lexical_cues(clause)[0])


def _claims_nothing(text: str) -> bool:
    """A greeting, an offer or questions back, and nothing besides."""
    parts = [sentence.text for sentence in sentences(text[:_OPENING])]
    if any(_answers(part) and not (part.endswith("?") and _QUESTION_BACK.match(part)) for part in parts):
        return False
    greeted = any(_GREETING.match(part) for part in parts)
    asked_back = any(part.endswith("?") and _QUESTION_BACK.match(part) for part in parts)
    offered = all(_ASIDE.search(part) or _GREETING.match(part) or part.endswith("?") for part in parts)
    return (greeted and offered) or (asked_back and offered)
