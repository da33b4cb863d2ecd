"""How likely right each draw is by what the speaker itself knew when it gave it.

A departure from the paper, off in its recipes. The truth of one draw is a noisy teacher: a small model is right by
luck, and wrong where it had every reason to be sure, and a pair of such an answer teaches to guess the tone. How
probable the tokens of the answer span were to the speaker tells right from wrong better than any of its wordings (on
1,740 draws of the embedded model at an AUROC of .89 for .45), and it is known of every draw. So a rung with `top` ranks
the draws by P(right) of a logistic regression over those probabilities, fitted on the run's own draws (each draw by a
fit that didn't see its question), and keeps the pairs on which the two agree: right answers among the likeliest, wrong
ones among the rest. Truth still says what is preferred; knowledge says of which answers that can be learned.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from lacie_chat.confidence import signal_values
from lacie_chat.confidence.signals import MEAN, SPAN_FIRST, SPAN_LOWEST, SPAN_SUM
from lacie_chat.statistics.fitting import FittingError, form_over
from lacie_training.errors import TrainingError

FOLDS = 5
OWN = (SPAN_SUM, SPAN_LOWEST, SPAN_FIRST, MEAN)
"""The signals that are the speaker's own; how its wording sounds is what is to be learned."""


def likelihood_ranks(draws: Sequence[Mapping[str, Any]], *, seed: int) -> dict[str, float]:
    """Of each draw (rows of `judged.jsonl` as they were drawn, by id) the share of draws that are likelier right: 0 the
    likeliest, near 1 the least. Draws without an answer, or whose probabilities aren't known, have none.

    Raises TrainingError, one line, where there is too little to fit: probabilities, right answers or wrong ones.
    """
    known = [(row, _probabilities(row)) for row in sorted(draws, key=lambda row: str(row["id"]))]
    known = [(row, signals) for row, signals in known if signals]
    if not known:
        raise TrainingError(
            "a rung with top needs the probabilities of the speaker's tokens, which these samples don't have: "
            "draw them with the generator transformers or llama_cpp"
        )
    folds = _folds([str(row["question_id"]) for row, _ in known], seed)
    chances: dict[str, float] = {}
    for fold in range(FOLDS):
        here = [place for place, each in enumerate(folds) if each == fold]
        others = [place for place, each in enumerate(folds) if each != fold]
        correct = [bool(known[place][0]["correct"]) for place in others]
        try:
            form = form_over([known[place][1] for place in others], correct, OWN)
        except FittingError as error:
            raise TrainingError(f"{error}; or leave top out of pairs.ladder") from error
        chances |= {str(known[place][0]["id"]): form(known[place][1]) for place in here}
    ordered = sorted(chances, key=lambda each: (-chances[each], each))
    return {each: place / len(ordered) for place, each in enumerate(ordered)}


def _probabilities(row: Mapping[str, Any]) -> dict[str, float]:
    """Those of OWN, where all are known."""
    values = signal_values(row)
    return {name: values[name] for name in OWN} if all(name in values for name in OWN) else {}


def _folds(questions: Sequence[str], seed: int) -> list[int]:
    """A fold for each, the same for all draws of a question."""
    names = sorted(set(questions))
    Random(f"folds {seed}").shuffle(names)
    fold = {name: place % FOLDS for place, name in enumerate(names)}
    return [fold[name] for name in questions]
