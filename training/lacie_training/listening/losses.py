"""What is wanted of the model: to hear a text as people do, or to say the span. Needs torch.

A loss names the positions whose next token it is about (`positions`), and is given the logits there alone: the
vocabulary is wide, and most of what is read is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from lacie_training.listening.examples import Example
from lacie_training.recipes.listening import LossSettings


class Loss(Protocol):
    """What the training loop asks of a task."""

    measures: str
    """What `errors` are, in a word or two."""

    def positions(self, example: Example) -> range:
        """Where the tokens stand after which something is wanted."""

    def __call__(self, logits: torch.Tensor, examples: Sequence[Example]) -> tuple[torch.Tensor, list[float]]:
        """The loss of one step, and each example's error (0 to 1). `logits`: positions of all examples x vocabulary."""


class HearingLoss:
    """Cross-entropy of yes against no with the ratings as soft labels, and their squared distance."""

    measures = "off the ratings"

    def __init__(self, choices: Sequence[set[int]], settings: LossSettings) -> None:
        self._yes, self._no = (sorted(tokens) for tokens in choices)
        self._settings = settings

    def positions(self, example: Example) -> range:
        """The last of the prompt."""
        return range(example.prompt - 1, example.prompt)

    def __call__(self, logits: torch.Tensor, examples: Sequence[Example]) -> tuple[torch.Tensor, list[float]]:
        """See `Loss`; an error is how far off its rating a text is heard."""
        rating = torch.tensor([example.rating for example in examples], device=logits.device)
        weight = torch.tensor([example.weight for example in examples], device=logits.device)
        yes, no = logits[:, self._yes].logsumexp(1), logits[:, self._no].logsumexp(1)
        share = torch.logaddexp(yes, no) - logits.logsumexp(1)
        heard = torch.sigmoid(yes - no)
        loss = binary_cross_entropy_with_logits(yes - no, rating, reduction="none")
        # four times: a quarter is the largest square of a guess in the middle
        loss = loss + 4 * self._settings.square * (heard - rating) ** 2 - self._settings.mass * share
        return (loss * weight).mean(), (heard.detach() - rating).abs().tolist()


class FindingLoss:
    """Cross-entropy of the target's tokens alone; the first, which decides where the span begins, counts most."""

    measures = "first words wrong"

    def __init__(self, settings: LossSettings) -> None:
        self._settings = settings

    def positions(self, example: Example) -> range:
        """From the last of the prompt to the last but one of all."""
        return range(example.prompt - 1, len(example.ids) - 1)

    def __call__(self, logits: torch.Tensor, examples: Sequence[Example]) -> tuple[torch.Tensor, list[float]]:
        """See `Loss`; an error is 1 where the target's first token isn't the likeliest, else 0."""
        targets = [example.ids[example.prompt :] for example in examples]
        wanted = torch.tensor([token for target in targets for token in target], device=logits.device)
        rest = self._settings.rest
        weights = [1.0 if i == 0 else rest for target in targets for i in range(len(target))]
        weight = torch.tensor(weights, device=logits.device)
        each = cross_entropy(logits, wanted, reduction="none", label_smoothing=self._settings.smoothing)
        wrong = (logits.detach().argmax(1) != wanted).float().tolist()
        ends = torch.tensor([0, *(len(target) for target in targets)]).cumsum(0).tolist()
        return (each * weight).sum() / weight.sum(), [wrong[start] for start in ends[:-1]]
