"""How every state of every screen looks, small, usual and large; the main ones in light and in 16 colours, too.

Each state is reached once, and the terminal is resized and coloured from picture to picture. `pytest --snapshot-update`
after an intended change, and then look at what has changed: the pictures lie under __snapshots__/test_states.
"""

from pathlib import Path
from typing import Any

import pytest
from driver import Driver, settled
from pytest_textual_snapshot import SVGImageExtension
from states import STATES
from states_of_chat import HOSTILE as HOSTILE  # they list themselves
from states_of_screens import ADAPTERS, CLOSER, HERE, OTHERS, THERE

from lacie_chat.chat.choices import Closer
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.themes import FEW_COLOURS

SIZES = ((80, 24), (40, 12), (160, 50))
MORE_THEMES = {"light": "textual-light", "16-colours": FEW_COLOURS}
"""In which the main states are looked at, at the first of the sizes."""


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the pictures show of a machine is no machine's: its models, its files, its paths, its pace."""
    for name, size in (("notes.md", 1800), ("my notes.txt", 6), ("東京.md", 12)):
        (tmp_path / name).write_text("x" * size)
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("lacie_chat.tui.screens.help.settings_path", lambda: Path("lacie-chat/config.toml"))
    choosing = "lacie_chat.chat.choosing"
    monkeypatch.setattr(f"{choosing}.available_bytes", lambda: 8_000_000_000)
    monkeypatch.setattr(f"{choosing}.choices_here", lambda: (list(HERE), ("can't look into /models/old",)))
    monkeypatch.setattr(f"{choosing}.look_closer", lambda choice, version, context: CLOSER.get(choice.ref, Closer()))
    monkeypatch.setattr(f"{choosing}.adapters_for", lambda speaker: [ADAPTERS])
    monkeypatch.setattr(f"{choosing}.choices_of_the_catalogue", lambda here, free: list(THERE))
    monkeypatch.setattr("lacie_chat.tui.screens.others.others_of", lambda speaker, presets: OTHERS)
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda field: None)  # nothing blinks
    monkeypatch.setattr("textual.widgets.TextArea._toggle_cursor_blink_visible", lambda field: None)
    notify = LacieApp.notify
    monkeypatch.setattr(LacieApp, "notify", lambda app, text, **named: notify(app, text, **{**named, "timeout": 600}))


@pytest.mark.parametrize("name", STATES)
async def test_it_looks_as_it_was_looked_at(name: str, snapshot: Any) -> None:
    pictures, state = snapshot.use_extension(SVGImageExtension), STATES[name]
    with Store.open() as store:
        app = state.make(store)
        async with app.run_test(size=SIZES[0], notifications=True) as pilot:
            await state.act(Driver(app, pilot))
            for size in SIZES:
                if size != app.size:
                    await pilot.resize_terminal(*size)
                assert await settled(pilot) == pictures(name=f"{size[0]}x{size[1]}")
            if state.main:
                await pilot.resize_terminal(*SIZES[0])
                await settled(pilot)
            for look, theme in MORE_THEMES.items() if state.main else ():
                app.show_theme(theme)
                assert await settled(pilot) == pictures(name=look)
