"""The ladder: one answer said in several degrees of sureness, and where on the scale of odds one steps down.

A departure from the paper, off in its recipes. The paper's table of scores knows two states, accepted and rejected: a
speaker that learns it perfectly says everything in one of two tones, and its AUROC is that of a single cut. A ladder
names styles from the surest down; its rungs are pairs of them. The worth of a sample is its acceptance where the answer
is right and minus that where it is wrong: the same game with the listener's verdict uncut. Of two samples that are one
draw said in two degrees, a right answer prefers the surer, a wrong one the less sure, and the listener has its say: a
pair that it hears the other way round, or within the margin, is dropped.

Where one steps down hangs on how many wrong answers stand against a right one: DPO prefers the lower degree where the
odds of being wrong, times `wrong_per_right`, are above one (shifted by what the base model says of itself). Many wrong
ones at the top rung and few at the bottom make the tone follow the odds in steps. The last step down is to decline.
With `top` a rung is also set by what the speaker knew (`lacie_training.samples.knowledge`).
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from lacie_training.recipes.schema import PairSettings, Rung
from lacie_training.samples.knowledge import likelihood_ranks
from lacie_training.samples.rewording import draw_of, is_drawn

RIVALS = "right > wrong, both as drawn"

Sample = Mapping[str, Any]
Preference = tuple[str, Sample, Sample]
"""The kind, the chosen sample, the rejected one."""


def ladder_preferences(
    samples: Sequence[Sample], settings: PairSettings, *, seed: int, dropped: Counter[str]
) -> tuple[list[Preference], Counter[str]]:
    """Preferences of every rung in its proportion, and how many of each kind there were before.

    `samples` are the rows that answer, and those of styles that decline. `dropped` counts what isn't paired. The draw
    hangs on the seed alone.
    """
    of_draw: dict[str, dict[str, Sample]] = defaultdict(dict)
    for row in sorted(samples, key=lambda row: str(row["id"])):
        of_draw[draw_of(row)][row["style"]] = row
    found: list[Preference] = []
    before: Counter[str] = Counter()
    ranks: Mapping[str, float] = {}
    if any(rung.top is not None for rung in settings.ladder):
        ranks = likelihood_ranks([row for row in samples if is_drawn(row)], seed=seed)
    for number, rung in enumerate(settings.ladder):
        kinds = _of_rung(of_draw, rung, settings.margin, ranks, dropped)
        before += Counter(kind for each in kinds for kind, _, _ in each)
        kept = _in_proportion(*kinds, rung, random.Random(f"rung {seed} {number}"))
        dropped["beyond a rung's proportion"] += sum(map(len, kinds)) - len(kept)
        found += kept
    if settings.rivals:
        draw = random.Random(f"rivals {seed}")
        rivals = list(_rivals(of_draw, settings.per_question, draw))
        before[RIVALS] = len(rivals)
        found += draw.sample(rivals, min(len(rivals), settings.rivals))
    random.Random(f"ladder {seed}").shuffle(found)
    return found, before


def _of_rung(
    of_draw: Mapping[str, Mapping[str, Sample]],
    rung: Rung,
    margin: float,
    ranks: Mapping[str, float],
    dropped: Counter[str],
) -> tuple[list[Preference], list[Preference]]:
    """The preferences of right answers and those of wrong ones. One who declines is always the less sure."""
    right: list[Preference] = []
    wrong: list[Preference] = []
    for draw, styles in of_draw.items():
        if rung.sure not in styles or rung.unsure not in styles:
            continue
        sure, unsure = styles[rung.sure], styles[rung.unsure]
        declines = unsure["state"] == "abstained"
        if not declines and sure["correct"] != unsure["correct"]:
            dropped["judged differently as twins"] += 1
        elif not declines and sure["acceptance"] - unsure["acceptance"] < margin:
            dropped["within the margin of acceptance, or heard the other way round"] += 1
        elif rung.top is not None and bool(sure["correct"]) != (ranks.get(draw, 1.0) < rung.top):
            dropped["right or wrong against all that the speaker knew"] += 1
        elif sure["correct"]:
            right.append((f"right: {rung.sure} > {rung.unsure}", sure, unsure))
        else:
            wrong.append((f"wrong: {rung.unsure} > {rung.sure}", unsure, sure))
    return right, wrong


def _in_proportion(
    right: list[Preference], wrong: list[Preference], rung: Rung, draw: random.Random
) -> list[Preference]:
    """As many of both as can stand in the rung's proportion."""
    count = min(len(right), int(len(wrong) / rung.wrong_per_right), rung.right or len(right))
    return draw.sample(right, count) + draw.sample(wrong, min(len(wrong), round(count * rung.wrong_per_right)))


def cut_threshold(rows: Sequence[Sample], settings: PairSettings) -> float | None:
    """The accept threshold of the rung that has the cut: half way between its styles' median acceptances, over all
    samples that have one. None where no rung has it.
    """
    for rung in settings.ladder:
        if rung.cut:
            heard = [
                [row["acceptance"] for row in rows if row["style"] == style and row["acceptance"] is not None]
                for style in (rung.sure, rung.unsure)
            ]
            if all(heard):
                return float(sum(map(median, heard))) / 2
    return None


def _rivals(
    of_draw: Mapping[str, Mapping[str, Sample]], per_question: int, draw: random.Random
) -> Iterator[Preference]:
    """Of a question that was answered right and wrong, right answers against wrong ones, as drawn, each once."""
    questions: dict[str, list[Sample]] = defaultdict(list)
    for styles in of_draw.values():
        for row in filter(is_drawn, styles.values()):
            questions[str(row["question_id"])].append(row)
    for rows in questions.values():
        right, wrong = ([row for row in rows if bool(row["correct"]) is truth] for truth in (True, False))
        draw.shuffle(right)
        draw.shuffle(wrong)
        for chosen, rejected in list(zip(right, wrong, strict=False))[:per_question]:
            yield RIVALS, chosen, rejected
