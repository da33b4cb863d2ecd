"""The AUROC of agreement."""

import pytest

from lacie_chat.statistics.metrics import agreement_metrics


def test_its_auroc_is_over_the_rows_that_have_it() -> None:
    def row(value: float | None, acceptance: float, correct: bool) -> dict[str, object]:
        agreement = None if value is None else {"value": value, "k": 5}
        return {"agreement": agreement, "acceptance": acceptance, "correct": correct}

    rows = [row(1.0, 0.5, True), row(0.8, 0.6, True), row(0.8, 0.9, False), row(0.2, 0.1, False), row(None, 1, False)]
    found = agreement_metrics(rows, bootstrap=50)
    assert found["n"] == 4 and found["k"] == [5]
    assert found["auroc"] == pytest.approx(3.5 / 4)
    assert found["acceptance_auroc"] == pytest.approx(2 / 4)
    assert found["mean"] == pytest.approx(0.7)
    empty = agreement_metrics([row(None, 1, False)])
    assert (empty["n"], empty["auroc"], empty["mean"], empty["interval"]) == (0, None, None, None)
