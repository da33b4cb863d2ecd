"""Where a model doesn't fit into memory, its answers are computed layer by layer: the same ones."""

from pathlib import Path

import numpy as np
import pytest
from lacie_export import layered
from lacie_export.errors import ExportError

PROMPTS = [[1, 5, 9, 40, 41], [1, 300, 20], [1, 7, 8, 9, 10, 11, 12, 13], [1, 77]]


@pytest.mark.parametrize("with_adapter", [True, False])
@pytest.mark.parametrize("name", ["mistral", "gemma", "llama"])
def test_the_outcome_is_that_of_the_whole_model(
    name: str, with_adapter: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    base: Path = request.getfixturevalue(name)
    adapter: Path | None = request.getfixturevalue(f"{name}_adapter") if with_adapter else None
    whole = layered.ask(base, PROMPTS, "whole", adapter=adapter, continued=3, tokens=6)

    def none_whole(*_model: object) -> None:
        raise AssertionError("the whole model was loaded")

    free = iter([1])  # too little for the whole; then as much as there is
    real = layered.available_bytes
    monkeypatch.setattr(layered, "available_bytes", lambda: next(free, None) or real())
    monkeypatch.setattr(layered, "loaded", none_whole)
    by_layer = layered.ask(base, PROMPTS, "by layer", adapter=adapter, continued=3, tokens=6)
    for wanted, found in zip(whole.logits, by_layer.logits, strict=True):
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() < 1e-3
    assert by_layer.greedy == whole.greedy
    assert np.abs(np.concatenate(by_layer.margins) - np.concatenate(whole.margins)).max() < 2e-3
    assert by_layer.dtype == whole.dtype == "float32"


def test_what_would_not_fit_either_is_not_begun(mistral: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layered, "available_bytes", lambda: 1 << 20)
    with pytest.raises(
        ExportError, match=r"even layer by layer: it takes \S+ \S+, and 1\S* \S+ can be had; use --no-v"
    ):
        layered.ask(mistral, PROMPTS, "neither")
