"""The hours of each recipe, out of measured rates: counts of the recipe, at its lengths, over what a second does."""

from collections.abc import Mapping, Sequence

from lacie_training.check.disk import drawn_questions
from lacie_training.recipes.files import available, load_recipe
from lacie_training.recipes.schema import Recipe

from tests.benchmarks.training_size_stages import Measured

PARAMETERS = {
    "embedded": 135e6,
    "mistralai/Mistral-7B-v0.1": 7.24e9,
    "meta-llama/Meta-Llama-3-8B": 8.03e9,
    "meta-llama/Meta-Llama-3-70B": 70.6e9,
}
"""Of the recipes' speakers and listeners: a rate goes down as parameters go up."""

STAGES = ("sample", "judge", "reference", "train", "evaluate")


def hours_table(found: Sequence[Measured], weights: int) -> str:
    """Markdown, a row a recipe whose sizes are known; `weights`: the parameters that were measured."""
    rates = {each.what: each.rates for each in found if each.rates}
    lines = [
        f"\nHours at these rates, every response at its full length. What was measured has {weights / 1e9:.3g} billion "
        "parameters; for a model of another size they are reckoned by its number, and the tuned listener, which has a "
        "reader of its own, is left out.\n",
        f"| recipe | {' | '.join(STAGES)} | all |",
        "|---|" + "---|" * (len(STAGES) + 1),
    ]
    for name in available():
        times = hours(load_recipe(name), rates, weights)
        if times:
            cells = [f"{times[stage]:.2g}" if stage in times else "" for stage in STAGES]
            lines.append(f"| `{name}` | {' | '.join(cells)} | {sum(times.values()):.2g} |")
    return "\n".join(lines)


def hours(recipe: Recipe, rates: Mapping[str, Mapping[str, float]], weights: int) -> dict[str, float]:
    """Hours by stage, those left out of which a rate or a count isn't known; nothing for a speaker of unknown size."""
    size, questions = PARAMETERS.get(recipe.speaker.model), drawn_questions(recipe)
    if size is None or questions is None:
        return {}
    speaks, hears = size / weights, PARAMETERS.get(recipe.listener.model, 0.0) / weights
    settings = recipe.dpo
    places = settings.steps * settings.pairs_per_step
    checkpointing = "with" if settings.gradient_checkpointing else "without"
    tests = 2 * sum(entry.count or 0 for entry in recipe.questions.test.values())
    if settings.select != "last":
        tests += -(-settings.steps // settings.save_every) * settings.validation_questions
    seconds = {
        "sample": _seconds(
            questions * recipe.sample.drawn_per_question * recipe.sample.max_new_tokens, rates, "sampling", "tokens"
        )
        * speaks,
        "judge": _seconds(questions * recipe.sample.per_question, rates, "judging", "samples") * hears,
        "reference": _seconds(min(places, questions * recipe.pairs.per_question), rates, "reference", "pairs") * speaks,
        "train": _seconds(places, rates, f"training, {checkpointing} checkpointing", "pairs") * speaks,
        "evaluate": _seconds(tests * recipe.evaluate.max_new_tokens, rates, "sampling", "tokens") * speaks
        + _seconds(tests, rates, "judging", "samples") * hears,
    }
    return {stage: value / 3600 for stage, value in seconds.items() if value}


def _seconds(count: int, rates: Mapping[str, Mapping[str, float]], what: str, unit: str) -> float:
    """0 where the rate wasn't measured."""
    rate = rates.get(what, {}).get(unit, 0.0)
    return count / rate if rate else 0.0
