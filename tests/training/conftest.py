"""Tiny models with random weights."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lacie_training.run_folder import RunFolder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder with a random model of an architecture (`mistral`, `llama`), and the embedded model's tokenizer.

    It is 32 wide if not told otherwise; 4-bit blocks need 64.
    """
    from tiny_speakers import make_tiny

    made: dict[tuple[str, int], Path] = {}

    def make(architecture: str, width: int = 32) -> Path:
        if (architecture, width) not in made:
            made[architecture, width] = make_tiny(tmp_path_factory.mktemp(f"tiny-{architecture}"), architecture, width)
        return made[architecture, width]

    return make


@pytest.fixture(scope="session")
def reference(tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The uninterrupted training that others are held against: 8 steps of 4 pairs, in one batch, in one process."""
    import torch
    from short_trainings import trained

    torch.set_num_threads(1)
    return trained(tmp_path_factory.mktemp("reference"), tiny("mistral"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch on one thread, as it was before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
