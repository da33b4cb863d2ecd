"""Rewording: a sample's own words, said with doubt; the same answer once plainly and once hedged.

A departure from the paper, off in its recipes, for speakers that don't hedge by themselves. Told to hedge, or begun
with a hedge, a small model loses its thread ("I believe that I am not equipped …"), and the listener's verdict is about
another answer than the plain one's. A style with `rewords` draws nothing: each of its samples is a sample of the style
that it names with a hedge before it, after it, or both, by turns. Such twins say the same, so a pair of them differs in
how sure it sounds and in nothing else, and DPO's gradient is about that alone.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from lacie_chat.confidence.sentences import sentences

LEFT_OUT = "left_out"
"""The state of a reworded sample that nobody listened to, and that no pair is made of (see `lacie_training.judge`)."""

_PLAIN_STARTS = frozenset(
    """a an the this that these those there here it its he his she her they their we our you your in on at by for from
    during after before as according when while since both each most many some one no not yes all to with""".split()
)
"""First words that lose their capital inside a sentence; any other may be a name and keeps it."""


def draw_of(row: Mapping[str, Any]) -> str:
    """The id of the sample as it was drawn; of what was not said again in other words, its own."""
    return str(row.get("draw", row["id"]))


def is_drawn(row: Mapping[str, Any]) -> bool:
    """Whether a sample is the speaker's own, and not one said again in other words."""
    return draw_of(row) == str(row["id"])


def first_sentences(text: str, count: int) -> tuple[str, bool]:
    """The first `count` sentences of `text`, and whether the last is whole, not cut off where the drawing stopped."""
    found = sentences(text)
    if not found:
        return text, False
    last = found[min(count, len(found)) - 1]
    return text[: last.end], last.text.rstrip("*_\"'”’)]")[-1:] in ".!?…"


def ways(count: int, openings: Sequence[str], closings: Sequence[str], draw: Random) -> list[tuple[str, str]]:
    """`count` pairs of opening and closing, either of which may be empty, by turns: before, after, both."""
    before, after = list(openings), list(closings)
    draw.shuffle(before)
    draw.shuffle(after)
    kinds = [kind for kind, has in ((1, before), (2, after), (3, before and after)) if has]
    start = draw.randrange(len(kinds))
    found = []
    for number in range(count):
        kind = kinds[(start + number) % len(kinds)]
        opening = before[number % len(before)] if kind & 1 else ""
        closing = after[number % len(after)] if kind & 2 else ""
        found.append((opening, closing))
    return found


def reworded(text: str, opening: str, closing: str) -> str:
    """`text` with doubt before and behind it: `I think` + `The sky is blue.` gives `I think the sky is blue.`

    A closing that begins with a comma takes the place of the full stop (`The sky is blue, I think.`); a text that
    ends otherwise is left as it is.
    """
    if opening:
        word, *rest = text.split(" ", 1)
        if word.lower().replace("’", "'").split("'")[0].rstrip(",") in _PLAIN_STARTS:
            text = " ".join([word.lower(), *rest])
        text = f"{opening} {text}"
    if closing.startswith(","):
        return text[:-1] + closing if text.endswith(".") and not text.endswith("..") else text
    return f"{text} {closing}" if closing else text
