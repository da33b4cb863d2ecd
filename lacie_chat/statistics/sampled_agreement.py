"""Does agreement of samples tell right answers from wrong ones, and how does acceptance do on the same answers?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lacie_chat.statistics.metrics import Scored, auroc, bootstrap_intervals


def agreement_metrics(rows: Sequence[Mapping[str, Any]], *, bootstrap: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Of the rows with an agreement (an answer span to agree on): `n`, `k`, `mean`, `auroc` with its `interval`.

    `acceptance_auroc` is that of the acceptance over the same rows, so that the two can be compared. None where only
    right or only wrong answers are left.
    """
    found = [row for row in rows if row.get("agreement")]
    correct = np.array([bool(row["correct"]) for row in found], dtype=bool)
    agreement = np.array([row["agreement"]["value"] for row in found], dtype=float)
    acceptance = np.array([row["acceptance"] or 0.0 for row in found], dtype=float)
    scored = Scored(agreement, correct, np.zeros(len(found), dtype=bool))
    intervals = bootstrap_intervals(
        scored, lambda part: {"auroc": auroc(part.acceptance, part.correct)}, bootstrap, seed
    )
    return {
        "n": len(found),
        "k": sorted({row["agreement"]["k"] for row in found}),
        "mean": float(agreement.mean()) if len(found) else None,
        "auroc": _none_if_nan(auroc(agreement, correct)),
        "interval": intervals.get("auroc"),
        "acceptance_auroc": _none_if_nan(auroc(acceptance, correct)),
    }


def _none_if_nan(value: float) -> float | None:
    return None if value != value else value
