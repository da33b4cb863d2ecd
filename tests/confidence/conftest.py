"""Who listens in the tests: the tuned listener, and the embedded model asked by a prompt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lacie_chat.confidence import PromptedListener, TunedListener
from lacie_chat.engine import Engine
from lacie_chat.engine.ears import Ears
from lacie_chat.models import prompted_listener


@pytest.fixture(scope="session")
def listener(engine: Engine) -> TunedListener:
    """The listener that comes with the program."""
    assert isinstance(engine.listener, TunedListener)
    return engine.listener


@pytest.fixture(scope="session")
def prompted(embedded_model: Path) -> Iterator[PromptedListener]:
    """The embedded model in the listener's part, by a prompt."""
    with Ears(prompted_listener(embedded_model)) as ears:
        assert isinstance(ears.listener, PromptedListener)
        yield ears.listener
