"""The tokens of either task, in the forms in which the chat reads (lacie_chat/confidence/tuned.py).

A text to hear is its prompt, after which yes or no is expected; a response with a span is its prompt and what the
extractor is to say of it.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lacie_chat.confidence.tuned import FINDING_PREFIX, HEARING_PREFIX, NO_ANSWER, finding_suffix, hearing_suffix
from lacie_chat.confidence.version import EXTRACTION_VERSION, LISTENER_VERSION
from lacie_training.listening.rated import Rated
from lacie_training.listening.spans import Answered, is_shown

FORMS = {"listener": int(LISTENER_VERSION), "extraction": int(EXTRACTION_VERSION)}
"""The version of each task's form; an adapter names that in which it was trained."""
SPANS = "spans"

Encode = Callable[[Sequence[str]], list[list[int]]]
"""Token ids of each text."""


@dataclass(frozen=True, slots=True)
class Example:
    """What the model reads. Its first `prompt` tokens are given; the rest, if any, it is to say. `rating` (0 to 1) is
    for texts to be heard.
    """

    ids: tuple[int, ...]
    prompt: int
    source: str
    rating: float = 0.0
    weight: float = 1.0


def hearing_examples(texts: Sequence[Rated], encode: Encode, *, longest: int) -> list[Example]:
    """Each text as it is heard, once per source; texts in which nothing is seen are left out. Of one that has more
    than `longest` tokens the middle is cut out.
    """
    prompts = [HEARING_PREFIX + hearing_suffix(row.text) for row in texts]
    unseen = HEARING_PREFIX + hearing_suffix("")
    rows = {(prompt, row.source): row for prompt, row in zip(prompts, texts, strict=True) if prompt != unseen}
    examples = []
    for ids, row in zip(encode([prompt for prompt, _ in rows]), rows.values(), strict=True):
        kept = ids if len(ids) <= longest else ids[: longest // 2] + ids[len(ids) - longest + longest // 2 :]
        examples.append(Example(tuple(kept), len(kept), row.source, row.rating, row.weight))
    return examples


def finding_examples(rows: Sequence[Answered], encode: Encode, encode_target: Encode, *, longest: int) -> list[Example]:
    """Each response as it is searched, and the target that follows; `encode_target` adds no BOS. Left out is what has
    more than `longest` tokens, or whose span lies in the part of a long response that isn't shown.
    """
    shown = [row for row in rows if is_shown(row)]
    prompts = encode([FINDING_PREFIX + finding_suffix(row.question, row.response) for row in shown])
    targets = encode_target([target_of(row.span) for row in shown])
    pairs = zip(prompts, targets, strict=True)
    return [Example((*a, *b), len(a), SPANS) for a, b in pairs if len(a) + len(b) <= longest]


def target_of(span: str | None) -> str:
    """What the extractor says: the span, or that there is none, and the end of the line."""
    return f" {NO_ANSWER if span is None else ' '.join(span.split())}\n"


def digest(examples: Sequence[Example]) -> str:
    """What tells one set of examples from another (SHA-256)."""
    found = hashlib.sha256()
    for each in examples:
        line = [each.ids, each.prompt, each.source, each.rating, each.weight]
        found.update(json.dumps(line).encode() + b"\n")
    return found.hexdigest()


def batches(lengths: Sequence[int], tokens: int, most: int) -> list[list[int]]:
    """Places in groups of like length, each of at most `tokens` with its padding (a longer one stands alone) and of at
    most `most`.
    """
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if groups and len(groups[-1]) < most and (len(groups[-1]) + 1) * lengths[groups[-1][0]] <= tokens:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def schedule(lengths: Sequence[int], *, epochs: float, tokens: int, most: int, seed: int) -> list[list[int]]:
    """The places of each step's examples: every one once an epoch, in groups that are mixed anew each time."""
    order = random.Random(seed)
    groups = _epoch(lengths, tokens, most, order)
    steps = max(1, round(len(groups) * epochs))
    while len(groups) < steps:
        groups += _epoch(lengths, tokens, most, order)
    return groups[:steps]


def _epoch(lengths: Sequence[int], tokens: int, most: int, order: random.Random) -> list[list[int]]:
    shuffled = list(range(len(lengths)))
    order.shuffle(shuffled)
    groups = [[shuffled[i] for i in group] for group in batches([lengths[i] for i in shuffled], tokens, most)]
    order.shuffle(groups)
    return groups
