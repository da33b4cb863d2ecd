"""How the list of models looks: narrow, usual and wide, with a model that can't be used, one that is too big, one that
is being fetched. `pytest --snapshot-update` after an intended change."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest
from scripted import ScriptedEngine
from textual.pilot import Pilot

from lacie_chat.chat.choices import Choice, Closer
from lacie_chat.chat.choosing import Fetching, Found, OnProgress
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.screens.models import ModelsScreen

HERE = (
    Choice("embedded", "SmolLM2-135M-Instruct", 98_000_000, "Q4_1", "package", Path("/x/0")),
    Choice(
        "unsloth/Qwen3-4B-Instruct-2507-GGUF:Q4_K_M", "Qwen3 4B Instruct 2507 Q4_K_M", 2_497_281_120, "Q4_K_M",
        "Hub's cache", Path("/x/1"), "unsloth/Qwen3-4B-Instruct-2507-GGUF",
    ),
    Choice("ollama:gpt-oss:120b", "gpt-oss:120b", 65_000_000_000, "MXFP4", "Ollama", Path("/x/2")),
    Choice("/models/nomic-embed.gguf", "nomic-embed", 84_000_000, "", "folder", Path("/x/3")),
)  # fmt: skip
ADAPTER = Choice("embedded+/models/mine-LoRA.gguf", "mine-LoRA", 0, facts=("adapter · 10 MB · folder",))
CLOSER = {
    "embedded": Closer("", "LACIE", True, True),
    HERE[1].ref: Closer("", None, True, False),
    HERE[3].ref: Closer("embedding model: it can't chat"),
}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("lacie_chat.chat.choosing.available_bytes", lambda: 8_000_000_000)
    monkeypatch.setattr("lacie_chat.chat.choosing.choices_here", lambda: (list(HERE), ("can't look into /models/old",)))
    monkeypatch.setattr(
        "lacie_chat.chat.choosing.look_closer", lambda choice, version, context: CLOSER.get(choice.ref, Closer())
    )
    monkeypatch.setattr("lacie_chat.chat.choosing.adapters_for", lambda speaker: [ADAPTER])
    waits = Event()

    def find(ref: str, on_progress: OnProgress) -> Found:
        waits.wait(20)
        raise AssertionError(ref)

    with Store.open() as store:
        speaker = ChatSpeaker(
            lambda: ScriptedEngine(), "SmolLM2-135M-Instruct", origin=Origin("embedded", "embedded", "f")
        )
        yield LacieApp(speaker, store, find=find)
    waits.set()


async def opened(pilot: Pilot[None]) -> ModelsScreen:
    await pilot.press("alt+m")
    while not (isinstance(pilot.app.screen, ModelsScreen) and len(pilot.app.screen._closer) == len(HERE)):
        await pilot.pause(0.02)
    pilot.app.screen.search.cursor_blink = False
    return pilot.app.screen


@pytest.mark.parametrize(("width", "height", "theme"), [(40, 12, "dark"), (80, 24, "light"), (160, 50, "dark")])
def test_the_list(app: LacieApp, snap_compare: Any, width: int, height: int, theme: str) -> None:
    app.state.theme = f"textual-{theme}"
    assert snap_compare(app, terminal_size=(width, height), run_before=opened)


def test_a_download(app: LacieApp, snap_compare: Any) -> None:
    async def fetching(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        screen.search.value = "qwen"
        screen._choosing.post(Fetching(0.4, "Qwen3.5 2B Q4_K_M: 512 MB of 1.3 GB"))
        await pilot.pause(0.1)

    assert snap_compare(app, terminal_size=(80, 24), run_before=fetching)
