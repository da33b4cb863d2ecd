"""Pictures of the settings: small and usual, and a value that is not allowed."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from scripted import ScriptedEngine
from textual.pilot import Pilot

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store
from lacie_chat.settings import Settings, parse_settings
from lacie_chat.tui.app import LacieApp

FILE = 'temperature = 0.3\n[presets.brief]\nsystem_prompt = "Answer in one sentence."\nmax_tokens = 64\n'


async def opened(pilot: Pilot[None]) -> None:
    while pilot.app.session.info is None:  # type: ignore[attr-defined]
        await pilot.pause(0.02)
    pilot.app.session.making.take_preset("brief", None)  # type: ignore[attr-defined]
    await pilot.press("ctrl+x")
    while pilot.app.screen is pilot.app.chat:  # type: ignore[attr-defined]
        await pilot.pause(0.02)


async def wrong(pilot: Pilot[None]) -> None:
    await opened(pilot)
    pilot.app.screen.editor.cursor_blink = False  # type: ignore[attr-defined]
    await pilot.press("down", "down", "down", "down", "enter", "backspace", "backspace", "backspace", "8")


@pytest.mark.parametrize(
    ("size", "act"), [((80, 24), opened), ((40, 12), opened), ((80, 24), wrong)], ids=["80x24", "40x12", "wrong"]
)
def test_settings(
    snap_compare: Callable[..., bool], size: tuple[int, int], act: Callable[[Pilot[None]], Awaitable[None]]
) -> None:
    settings = Settings(parse_settings(FILE, Path("config.toml")))
    app = LacieApp(ChatSpeaker(ScriptedEngine, "SmolLM2-135M-Instruct"), Store.in_memory(), settings=settings)
    assert snap_compare(app, terminal_size=size, run_before=act)
