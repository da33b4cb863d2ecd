"""The accept threshold: from which acceptance on an answer counts as accepted, in the pairs and in the evaluation."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import PairSettings
from lacie_training.row_kinds import THRESHOLD, pairs_report
from lacie_training.run_folder import RunFolder
from lacie_training.samples.ladder import cut_threshold


def accept_threshold(rows: Sequence[Mapping[str, Any]], settings: PairSettings) -> float:
    """From which acceptance on a sample is accepted: stated, at a rung of the ladder, or the samples' median."""
    cut = cut_threshold(rows, settings)
    if cut is not None:
        return cut
    accepted = [row["acceptance"] for row in rows if row["acceptance"] is not None]
    if not accepted:
        raise TrainingError("no sample has an acceptance; were they judged?")
    return median(accepted) if settings.threshold == "median" else settings.threshold


def evaluation_threshold(folder: RunFolder) -> float:
    """The recipe's `evaluate.threshold` as a number: a stated one, or the one that the pairs were made with."""
    wanted = folder.recipe.evaluate.threshold
    if wanted != "training":
        return wanted
    return float(pairs_report(folder.file("pairs_report.json"), THRESHOLD)["accept_threshold"])
