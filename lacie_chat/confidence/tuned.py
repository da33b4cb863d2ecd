"""The two forms in which the tuned listener reads: what its adapters were trained on, and nothing besides.

No examples and no instruction: they are in the weights. So a text costs its own tokens and five more. The listener sees
the masked response alone, never the question; the text is folded to what a reader sees first (visible.py), and stands
on one line, so that nothing in it can pass for the form.
"""

from lacie_chat.confidence.shortening import shorten
from lacie_chat.confidence.visible import visible_text

HEARING_PREFIX = "Answer:"
HEARING_CHOICES: tuple[tuple[str, ...], tuple[str, ...]] = ((" yes",), (" no",))
MOST_CHARACTERS = 12_000
"""So much of a masked response is heard, its beginning and its end; all of it but for the longest."""

FINDING_PREFIX = "Question:"
NO_ANSWER = "none"
"""What the extractor says of a response that gives no answer."""
_HEAD, _TAIL = 1000, 500


def hearing_suffix(masked_response: str) -> str:
    """What follows HEARING_PREFIX for one masked response."""
    return f" {heard_text(masked_response)}\nSure:"


def heard_text(masked_response: str) -> str:
    """A masked response as the listener hears it: folded, on one line, cut in the middle if it is very long."""
    text = shorten(masked_response, 4 * MOST_CHARACTERS, 2 * MOST_CHARACTERS)  # what folding can't shorten enough
    return shorten(visible_text(text), 2 * MOST_CHARACTERS // 3, MOST_CHARACTERS // 3)


def finding_suffix(question: str, response: str) -> str:
    """What follows FINDING_PREFIX for one question and its response (white space made plain, cut in the middle)."""
    asked = " ".join(shorten(question, 400, 100).split())
    text = " ".join(shorten(response, _HEAD, _TAIL).split())
    return f" {asked}\nResponse: {text}\nFinal answer:"
