"""A chat driven by a bare pilot, for pictures that the library takes of an app from its start."""

from collections.abc import Iterator

import pytest
from textual.pilot import Pilot

from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.widgets.composer import Composer


async def ask(pilot: Pilot[None], question: str) -> None:
    """Send a question and wait until the answer is there and assessed."""
    app = pilot.app
    assert isinstance(app, LacieApp)
    app.chat.query_one(Composer).insert(question)
    await pilot.press("enter")
    while app.session.busy or (app.session.tree.leaf is None or app.session.tree.leaf.phase != "done"):
        await pilot.pause(0.02)
    await pilot.pause(0.1)


async def still(pilot: Pilot[None]) -> None:
    """No blinking cursor, and the model loaded (or not) before the picture is taken."""
    app = pilot.app
    assert isinstance(app, LacieApp)
    app.chat.query_one(Composer).cursor_blink = False
    while app.session.info is None and not app.session.load_error:
        await pilot.pause(0.02)
    await pilot.pause(0.1)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open() as store:
        yield store
