"""How long a run will take: the rates of the rehearsal times the recipe's counts. Rough, and said to be.

One question at a time doesn't fill a batch, so a device that is fast at large ones will be faster than this says; a
training step's rate is that of the longest pairs. Nothing is known of how many samples a question set without a count
gives, nor of what screening finds.
"""

from lacie_chat.progress import duration
from lacie_training.check.disk import drawn_questions
from lacie_training.check.findings import Findings
from lacie_training.check.rehearsal import Rehearsed
from lacie_training.recipes.schema import Recipe


def forecast(recipe: Recipe, rehearsed: Rehearsed, findings: Findings) -> None:
    """One line with hours, or what isn't known."""
    questions = drawn_questions(recipe)
    parts: dict[str, float] = {}
    unknown: list[str] = []
    rates = rehearsed.rates
    for stage, what, count in (
        ("sample", "sample", questions),
        ("judge", "judge", questions * recipe.sample.per_question if questions is not None else None),
        ("reference", "dpo reference", _pairs(recipe, questions) if recipe.dpo.precompute_reference else 0),
        ("dpo", "dpo", recipe.dpo.steps * recipe.dpo.pairs_per_step / rehearsed.pairs_per_step),
        ("evaluate", "evaluate", _evaluated(recipe)),
    ):
        rate = rates.get(what, 0.0)
        if count is None:
            unknown.append(f"{stage} (its number of questions)")
        elif count and not rate:
            unknown.append(f"{stage} (too slow or too quick to measure on one question)")
        elif count:
            parts[stage] = count / rate
    if recipe.dpo.select != "last" and rates.get("evaluate"):
        checkpoints = -(-recipe.dpo.steps // recipe.dpo.save_every)
        parts["validation"] = checkpoints * recipe.dpo.validation_questions / rates["evaluate"]
    if recipe.questions.train.screen or recipe.questions.validation.screen:
        unknown.append("screening")
    if recipe.evaluate.truthfulqa.judges != "none":
        unknown.append("TruthfulQA")
    said = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in parts.items())
    line = f"roughly {duration(sum(parts.values()))} ({said}), by one question's rates; full batches may be faster"
    findings.note("time", line + (f"; not known: {', '.join(unknown)}" if unknown else ""))


def _pairs(recipe: Recipe, questions: int | None) -> int:
    """Pairs that the reference reads: at most those that the steps have places for, or that the questions give."""
    places = recipe.dpo.steps * recipe.dpo.pairs_per_step
    return places if questions is None else min(places, questions * recipe.pairs.per_question)


def _evaluated(recipe: Recipe) -> int | None:
    """Answers of both speakers to the test sets."""
    counts = [entry.count for entry in recipe.questions.test.values()]
    return None if None in counts else 2 * sum(count for count in counts if count is not None)
