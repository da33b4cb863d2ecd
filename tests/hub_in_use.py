"""The Hub of this machine (hub_server.py) in the place of the real one, for one test."""

from collections.abc import Iterator
from contextlib import contextmanager

import huggingface_hub
import pytest
from hub_server import HubServer


@contextmanager
def hub_in_use(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub that the program, and the library under it, take for the real one."""
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        huggingface_hub.close_session()  # an earlier test's connections
        yield server
        huggingface_hub.close_session()
