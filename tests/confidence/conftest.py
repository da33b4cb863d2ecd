"""The embedded model as the tests' reader."""

import pytest

from lacie_chat.confidence import Reader
from lacie_chat.engine import Engine


@pytest.fixture(scope="session")
def reader(engine: Engine) -> Reader:
    """The engine's own reader: prefix in the cache, suffixes one by one."""
    return engine.reader
