"""Drawing tokens from logits, and the texts that grow out of them: what sampling in transformers is made of.

A token is drawn by inverting the cumulative distribution at one uniform number a token; the numbers come from numpy's
Philox, which is the same on every device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from lacie_chat.engine.alignment import aligned
from lacie_chat.engine.generator import Response
from lacie_chat.engine.settings import PENALTY_WINDOW, Sampling
from lacie_training.generators.encoding import cut_at

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Rows:
    """The texts that grow in one batch, and when each ends.

    A text is decoded only when a token came that may end it: one whose own text has a stop string's last character in
    it (or is no whole character). Decoding every row after every token took longer than a small model's step.
    """

    def __init__(
        self,
        count: int,
        tokenizer: PreTrainedTokenizerBase,
        ends: set[int],
        stop: Sequence[str],
        may_stop: dict[int, bool],
    ) -> None:
        """`may_stop`: what was found out about tokens with these stop strings before; it is added to."""
        self.tokens: list[list[int]] = [[] for _ in range(count)]
        self.logprobs: list[list[float]] = [[] for _ in range(count)]
        self.finished = [False] * count
        self._tokenizer, self._ends, self._stop, self._may_stop = tokenizer, ends, tuple(stop), may_stop

    def add(self, rows: Sequence[int], tokens: Sequence[int], logprobs: Sequence[float] | None = None) -> list[int]:
        """Add one token to each of these rows that has not ended, with its log-probability where that is wanted;
        returns the places (in `rows`) that go on."""
        going_on = []
        for place, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            if self.finished[row]:
                continue
            if token in self._ends:
                self.finished[row] = True
                continue
            self.tokens[row].append(token)
            if logprobs is not None:
                self.logprobs[row].append(logprobs[place])
            if self._stop and self._completes(token) and self._stopped(row):
                self.finished[row] = True
                continue
            going_on.append(place)
        return going_on

    def _completes(self, token: int) -> bool:
        """Whether a stop string may end with this token: its last character, or bytes of one, is in it."""
        found = self._may_stop.get(token)
        if found is None:
            text = self._decoded([token])
            # a token that is alone loses the space before it
            found = "\ufffd" in text or any(mark[-1] in text or mark[-1] == " " for mark in self._stop)
            self._may_stop[token] = found
        return found

    def _stopped(self, row: int) -> bool:
        text = self._decoded(self.tokens[row])
        return cut_at(text, self._stop) != text

    def _decoded(self, tokens: list[int]) -> str:
        return cast(str, self._tokenizer.decode(tokens, skip_special_tokens=True))

    def responses(self, strip: bool) -> list[Response]:
        """The texts before their stop strings, in order of the rows, with their tokens' probabilities where those were
        added."""
        result = []
        for row, tokens in enumerate(self.tokens):
            text = cut_at(self._decoded(tokens), self._stop)
            text = text.strip() if strip else text
            finish = "stop" if self.finished[row] else "length"
            logprobs = self.logprobs[row]
            pieces = list(zip(self._pieces(tokens), logprobs, strict=True)) if logprobs else []
            result.append(Response(text, cast(Any, finish), len(tokens), aligned(pieces, text)))
        return result

    def _pieces(self, tokens: list[int]) -> list[bytes]:
        """What each token adds to the text. A character of several tokens is the last one's."""
        pieces, before = [], ""
        for count in range(1, len(tokens) + 1):
            text = self._decoded(tokens[:count])
            if text.endswith("\ufffd") and count < len(tokens):
                pieces.append(b"")
                continue
            pieces.append(text[len(before) :].encode())
            before = text
        return pieces


def logprobs_of(logits: torch.Tensor, tokens: torch.Tensor) -> list[float]:
    """The natural log-probability of one token a row, by the logits' plain softmax."""
    return cast(list[float], logits.float().log_softmax(-1).gather(-1, tokens[:, None]).squeeze(-1).tolist())


def penalise(logits: torch.Tensor, answers: Sequence[list[int]], penalty: float) -> torch.Tensor:
    """Logits (rows x vocabulary) with the repeat penalty on the last tokens of each row's answer, as llama.cpp has it:
    a positive logit is divided by it, any other multiplied, once a token.
    """
    logits = logits.float().clone()
    for row, tokens in enumerate(answers):
        recent = sorted(set(tokens[-PENALTY_WINDOW:]))
        found = logits[row, recent]
        logits[row, recent] = torch.where(found > 0, found / penalty, found * penalty)
    return logits


def pick(logits: torch.Tensor, sampling: Sampling, uniform: torch.Tensor) -> torch.Tensor:
    """One token a row: greedy at temperature 0, else by inverting the cumulative distribution at `uniform`. As in
    llama.cpp top-k and top-p cut the model's own distribution, before the temperature changes it.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    if sampling.top_k and sampling.top_k < logits.size(-1):
        # what is cut off has no part in the rest: sorting 40 candidates costs nothing, a vocabulary more than a step
        candidates = logits.topk(sampling.top_k, dim=-1).indices.sort(-1).values
        return candidates.gather(-1, _inverted(logits.gather(-1, candidates), sampling, uniform)[:, None]).squeeze(-1)
    return _inverted(logits, sampling, uniform)


def _inverted(logits: torch.Tensor, sampling: Sampling, uniform: torch.Tensor) -> torch.Tensor:
    """The place of one candidate a row, cut by top-p and drawn."""
    logits = logits.float()
    if sampling.top_p < 1:
        ordered, order = logits.softmax(-1).sort(dim=-1, descending=True)
        outside = ordered.cumsum(-1) - ordered >= sampling.top_p
        logits = logits.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), -torch.inf)
    probabilities = (logits / sampling.temperature).softmax(-1)
    cumulative = probabilities.double().cumsum(-1)
    target = uniform[:, None].double() * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True).clamp(max=logits.size(-1) - 1).squeeze(-1)


def uniforms(seed: int, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """`count` numbers from 0 to 1 that hang on the seed alone."""
    return np.random.Generator(np.random.Philox(seed)).random(count)
