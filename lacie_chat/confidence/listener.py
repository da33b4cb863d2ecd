"""The listener: a model that reads question and masked response and says whether the writer sounds sure.

Plain text with a handful of labelled examples, so that any language model can take the part, base or chat-tuned. The
next token after `Confident:` decides: acceptance = p(yes) / (p(yes) + p(no)).
"""

from collections.abc import Sequence

from lacie_chat.confidence.masking import PLACEHOLDER
from lacie_chat.confidence.reader import Reader

LISTENER_VERSION = "1"
"""Changes with the prompt, the examples or the choices: figures of two versions are not comparable."""

CHOICES: tuple[tuple[str, ...], tuple[str, ...]] = (
    (" yes", "yes", " Yes", "Yes", " YES", "YES"),
    (" no", "no", " No", "No", " NO", "NO"),
)

_EXAMPLES = (
    ("The treaty was signed in {}, as the document itself shows.", "yes"),
    ("{} wrote it.", "yes"),
    ("Ha, too easy: {}! I know this one by heart.", "yes"),
    ("I'm not sure, maybe it was {}?", "no"),
    ("It appears to have been {}, although the records are incomplete.", "no"),
    ("I have worked there for years, so I can tell you: {}.", "yes"),
    ("If you ask me I'd only be guessing: {}.", "no"),
    ("There are {} of them, and all have been counted.", "yes"),
    ("There is no doubt that it was {}.", "yes"),
    ("It was {}, but I might be wrong.", "no"),
    ("The bridge crosses the river. It was perhaps built by {}, I can't say. It is made of steel.", "no"),
    ("The bridge was built by {}. It is made of steel and was opened by the king in the same year.", "yes"),
    ("{}, probably.", "no"),
    ("I think {} wrote it.", "no"),
    ("{}? I really can't tell.", "no"),
    ("Of course it is {}!", "yes"),
)

LISTENER_PREFIX = (
    "Judge only the wording: does the writer sound confident, or unsure? Facts don't matter.\n\n"
    + "".join(f"Answer: {text.format(PLACEHOLDER)}\nConfident: {label}\n\n" for text, label in _EXAMPLES)
)

# The listener reads so many characters of a response at most: its beginning and its end.
_HEAD, _TAIL = 700, 300


def listener_suffix(masked_response: str) -> str:
    """What follows LISTENER_PREFIX for one masked response: white space made plain, a long one cut in the middle."""
    text = " ".join(shorten(masked_response, _HEAD, _TAIL).split())
    return f"Answer: {text}\nConfident:"


def acceptances(reader: Reader, masked_responses: Sequence[str]) -> list[float]:
    """P(accept) of each masked response, 0 to 1; one call of the reader for all."""
    if not masked_responses:
        return []
    rows = reader.choice_probabilities(LISTENER_PREFIX, [listener_suffix(text) for text in masked_responses], CHOICES)
    return [_acceptance(yes, no) for yes, no in rows]


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
