"""How close two models' answers are, and how close they must be.

The bounds per quantisation stand at three to six times the mean KL that was measured for sound files of small models
(which suffer most from quantisation): F16 5e-6, Q8_0 5e-3, Q4_K_M 7e-2, an adapter over a Q4_K_M base 9e-3, top-1
agreement 100, 94, 85 and 94 %. A file outside of them is not a coarser copy of the model but another model.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lacie_export.reference import Floats


@dataclass(frozen=True, slots=True)
class Bounds:
    """`top1`: at least this share, near ties counted as equal; `kl` (nats) and `largest` (logits): at most."""

    top1: float
    kl: float
    largest: float


@dataclass(frozen=True, slots=True)
class Closeness:
    """Over all positions of all prompts: equal best tokens, mean KL divergence in nats, largest difference of a logit.

    `near` counts, beside the equal ones, best tokens that the reference itself finds at least half as likely as its
    own: where two tokens are nearly even, any rounding decides, and a model of little training has many such places.
    """

    agreed: int
    near: int
    positions: int
    kl: float
    largest: float

    @property
    def top1(self) -> float:
        return self.agreed / self.positions

    @property
    def top1_near(self) -> float:
        return self.near / self.positions


BOUNDS = {
    "f32": Bounds(0.99, 2e-4, 1.0),
    "f16": Bounds(0.99, 2e-4, 1.0),
    "bf16": Bounds(0.98, 5e-3, 3.0),
    "q8_0": Bounds(0.95, 3e-2, 15.0),
    "q6_k": Bounds(0.92, 6e-2, 20.0),
    "q5_k_m": Bounds(0.88, 1.2e-1, 25.0),
    "q4_k_m": Bounds(0.80, 3e-1, 30.0),
}
"""For a merged model by its quantisation; for an adapter by that of the base that it lies over."""

OWN_BASE = BOUNDS["q8_0"]
"""For an adapter over the very GGUF that it was trained on: the weights are equal, llama.cpp rounds activations to 8
bit."""


def compare(reference: Sequence[Floats], found: Sequence[Floats]) -> Closeness:
    """`found` against `reference`: arrays of tokens x vocabulary, one a prompt, of equal shapes."""
    agreed = near = positions = 0
    divergence = largest = 0.0
    for wanted, got in zip(reference, found, strict=True):
        p, q = _log_softmax(wanted), _log_softmax(got)
        divergence += float((np.exp(p) * (p - q)).sum())
        largest = float(np.maximum(largest, np.abs(wanted - got).max()))  # a NaN stays a NaN
        rows, best = np.arange(len(p)), got.argmax(-1)
        agreed += int((wanted.argmax(-1) == best).sum())
        near += int((p.max(-1) - p[rows, best] <= math.log(2)).sum())
        positions += len(wanted)
    return Closeness(agreed, near, positions, divergence / positions, largest)


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def unexplained(
    reference: Sequence[Sequence[int]],
    margins: Sequence[Sequence[float]],
    found: Sequence[Sequence[int]],
    largest: float,
) -> int:
    """How many greedy texts part ways where the reference was sure: its lead was more than twice the largest
    difference."""
    count = 0
    for wanted, leads, got in zip(reference, margins, found, strict=True):
        for at, (one, other) in enumerate(zip(wanted, got, strict=False)):
            if one != other:
                count += leads[at] > 2 * largest
                break
    return count
