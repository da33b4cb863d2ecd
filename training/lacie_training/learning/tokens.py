"""Pairs as tokens, in the order in which they are trained on.

Tokenised here and not by TRL, because TRL puts an end token after every completion: a response that was cut at
`max_new_tokens` would then teach the model to stop in mid-sentence. The order is laid out once for all steps (shuffled
by the seed, pairs of like length side by side, steps shuffled), so it is the same for any batch size, number of
processes, or restart.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import DpoSettings
from lacie_training.run_folder import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_STEPS_SORTED_TOGETHER = 8
"""Lengths are sorted within so many steps' pairs: batches are even, and still differ from epoch to epoch."""


def tokenise_pairs(
    pairs: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int, *, end: Sequence[int] | None = None
) -> list[Row]:
    """`prompt_ids`, `chosen_ids`, `rejected_ids` of each pair; those whose completions are cut away altogether are
    left out.

    A prompt is tokenised alone, as it was when the samples were drawn; where the speaker ended its answer there follows
    `end`, the tokens that end one (None: the tokenizer's end token).
    """
    ending = [tokenizer.eos_token_id] if end is None else list(end)
    rows = []
    for pair in pairs:
        prompt = _with_bos(tokenizer, pair["prompt"])
        if len(prompt) >= max_length:
            continue
        row: Row = {"id": pair["id"], "prompt_ids": prompt}
        for name in ("chosen", "rejected"):
            finished = pair[f"{name}_finished"]
            row[f"{name}_ids"] = _completion(tokenizer, pair["prompt"], prompt, pair[name], ending if finished else ())
        rows.append(row)
    if not rows:
        raise TrainingError(
            f"no pairs are left: all {len(pairs)} prompts are longer than dpo.max_length={max_length}; set it higher"
        )
    return rows


def _with_bos(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    ids = list(tokenizer(text, add_special_tokens=False).input_ids)
    bos = tokenizer.bos_token_id
    adds_bos = bos is not None and list(tokenizer("a").input_ids)[:1] == [bos]
    return [bos, *ids] if adds_bos and ids[:1] != [bos] else ids


def _completion(
    tokenizer: PreTrainedTokenizerBase, prompt: str, prompt_ids: list[int], completion: str, ending: Sequence[int]
) -> list[int]:
    whole = _with_bos(tokenizer, prompt + completion)
    if whole[: len(prompt_ids)] == prompt_ids:
        ids = whole[len(prompt_ids) :]
    else:  # tokens merge across the border, which they could not when the response was drawn
        ids = list(tokenizer(completion, add_special_tokens=False).input_ids)
    return [*ids, *ending]


def training_order(rows: Sequence[Row], settings: DpoSettings, seed: int) -> tuple[list[Row], list[int]]:
    """The rows that will be used, and indices into them for all `steps * pairs_per_step` places.

    An epoch ends before any row comes again. Rows that no step reaches are left out, for each costs a pass through the
    reference.
    """
    order = _laid_out(rows, settings, seed)
    used = sorted(set(order))
    place_of = {row: place for place, row in enumerate(used)}
    return [rows[row] for row in used], [place_of[row] for row in order]


def _laid_out(rows: Sequence[Row], settings: DpoSettings, seed: int) -> list[int]:
    per_step, total = settings.pairs_per_step, settings.steps * settings.pairs_per_step
    lengths = [len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in rows]
    order: list[int] = []
    epoch = 0
    while len(order) < total:
        places = list(range(len(rows)))
        random.Random(f"order {seed} {epoch}").shuffle(places)
        order += places
        epoch += 1
    order = order[:total]
    if not settings.group_by_length:
        return order
    grouped: list[int] = []
    window = per_step * _STEPS_SORTED_TOGETHER
    for start in range(0, total, window):
        part = sorted(order[start : start + window], key=lambda place: (lengths[place], place))
        steps = [part[i : i + per_step] for i in range(0, len(part), per_step)]
        random.Random(f"steps {seed} {start}").shuffle(steps)
        grouped += [place for step in steps for place in step]
    return grouped
