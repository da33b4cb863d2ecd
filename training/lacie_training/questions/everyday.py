"""Everyday prompts: a poem, a greeting, a recipe; nothing that one could be sure or unsure of, so nothing to hedge.

A departure from the paper, off in its recipes. A small model that is trained on trivia alone hedges its poems too: all
that it was ever rewarded for is doubt. With `questions.everyday` the package's own prompts (recipes/everyday.txt)
are sampled beside the questions, and what was drawn is preferred to the same said with doubt; listener and truth have
no say in these pairs, which are a kind of their own. They are questions without an accepted answer.
"""

from lacie_chat.evaluation.questions import Question
from lacie_training.recipes.files import RECIPES
from lacie_training.recipes.schema import Recipe


def everyday_prompts(recipe: Recipe) -> list[Question]:
    """The prompts in the file's order, none where the recipe doesn't want them. Ids are `everyday-1` and so on."""
    if not recipe.questions.everyday:
        return []
    lines = (RECIPES / "everyday.txt").read_text(encoding="utf-8").splitlines()
    return [Question(f"everyday-{number}", line, ()) for number, line in enumerate(lines, start=1)]
