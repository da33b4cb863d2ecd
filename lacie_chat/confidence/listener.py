"""The listener: a model that reads a masked response and says whether the writer sounds sure.

Plain text with a handful of labelled examples, so that any language model can take the part, base or chat-tuned. The
next token after `Confident:` decides: acceptance = p(yes) / (p(yes) + p(no)). Choices made by measurement, on the
development half of tests/confidence/listener_set.jsonl:

- The question is not shown: with it the embedded model told less (AUROC 0.88, not 0.90), and reading it takes time.
- The hedges that the lexicon finds are pointed out on a line of their own. A model of 135M parameters loses a single "I
  think" in a plain sentence: the best examples without that line reached 0.90 on texts not used to choose them, with it
  0.97. Naming the boosters too changed nothing. One example is unsure without any marked hedge: the text still counts.
- Nine examples: with sixteen it was no better, and the order mattered more than the number.

The whole set of 112: AUROC 0.97 with the embedded model, 0.97 with Gemma 3 270M (which was asked, too, when the last
few variants were compared). The lexicon and the set have one author: expect less on other people's wording. At 0.5,
0.83 and 0.92 of the answers lie on their side (the embedded model leans towards yes: 0.58 would divide best); no
correction is applied, since what an acceptance is worth for one speaker is the calibrator's matter.
"""

from collections.abc import Sequence

from lacie_chat.confidence.cues import lexical_cues
from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_chat.confidence.reader import Reader

ACCEPT_THRESHOLD = 0.66
"""An answer counts as accepted from this acceptance on, where nothing else is said."""

CHOICES: tuple[tuple[str, ...], tuple[str, ...]] = (
    (" yes", "yes", " Yes", "Yes", " YES", "YES"),
    (" no", "no", " No", "No", " NO", "NO"),
)

_EXAMPLES = (
    ("Is it {}? It's a long time since I read the book.", "no"),
    ("Oh, that's an easy one! I have known it since I was a child: {}.", "yes"),
    ("I think it was {}.", "no"),
    ("The war ended in {}.", "yes"),
    ("Maybe {}? Just guessing.", "no"),
    ("It would seem that the largest one is {}, although the evidence is thin.", "no"),
    ("I'm sure of it: {}!", "yes"),
    ("It was {}, but don't take my word for it, I may be mixing things up.", "no"),
    ("Table salt is made of {}, as any chemist will tell you.", "yes"),
)

# The listener reads so many characters of a response at most, its beginning and its end, and so many hedges by name.
_HEAD, _TAIL = 700, 300
_MOST_HEDGES = 8


def listener_suffix(masked_response: str) -> str:
    """What follows LISTENER_PREFIX for one masked response: white space made plain, a long one cut in the middle."""
    text = " ".join(shorten(masked_response, _HEAD, _TAIL).split())
    hedges = list(dict.fromkeys(span.text for span in lexical_cues(text)[0]))[:_MOST_HEDGES]
    return f"Answer: {text}\nHedges: {'; '.join(hedges) or 'none'}\nConfident:"


def acceptances(reader: Reader, masked_responses: Sequence[str]) -> list[float]:
    """P(accept) of each masked response, 0 to 1; one call of the reader for all, in which each text is read once."""
    texts = list(dict.fromkeys(masked_responses))
    if not texts:
        return []
    rows = reader.choice_probabilities(LISTENER_PREFIX, [listener_suffix(text) for text in texts], CHOICES)
    heard = {text: _acceptance(yes, no) for text, (yes, no) in zip(texts, rows, strict=True)}
    return [heard[text] for text in masked_responses]


def shorten(text: str, head: int, tail: int) -> str:
    """`text`, or its first `head` and last `tail` characters around an ellipsis, cut at white space if possible."""
    if len(text) <= head + tail:
        return text
    start, end = text[:head], text[-tail:]
    if " " in start:
        start = start.rsplit(" ", 1)[0]
    if " " in end:
        end = end.split(" ", 1)[1]
    return f"{start} … {end}"


def _acceptance(yes: float, no: float) -> float:
    """A listener that says neither has no opinion: 0.5."""
    total = yes + no
    return yes / total if total > 0 else 0.5


LISTENER_PREFIX = (
    "Judge only the wording: does the writer sound confident, or unsure? Facts don't matter.\n\n"
    + "".join(f"{listener_suffix(text.format(PLACEHOLDER))} {label}\n\n" for text, label in _EXAMPLES)
)
"""What the listener reads before every response; its cache is kept."""
