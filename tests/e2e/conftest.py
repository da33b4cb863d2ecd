"""A plain chat on a scripted engine: what is typed goes in, what is said comes out."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fitted import calibrator
from plain_lines import Typed
from scripted import ScriptedEngine

from lacie_chat.chat.choosing import Find
from lacie_chat.chat.events import ChatEvent
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.commands.plain_chat import PlainChat
from lacie_chat.confidence.calibrator import logit
from lacie_chat.conversations import Store
from lacie_chat.settings import Settings


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open() as store:
        yield store


@pytest.fixture
def talk(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is written in a chat where this is typed."""

    def run(
        engines: ScriptedEngine | list[ScriptedEngine],
        *typed: str | Callable[[], object],
        resume: str | None = None,
        find: Find | None = None,
        settings: Settings | None = None,
        **more: Any,
    ) -> str:
        made = list(engines) if isinstance(engines, list) else []
        of = {"calibrator": calibrator(logit(0.17)), "baseline_calibrator": calibrator(logit(0.5)), **more}
        origins = {"origin": Origin("m", "a", "aa-bb"), "baseline_origin": Origin("m", None, "aa")}
        speaker = ChatSpeaker(lambda: made.pop(0) if made else engines, "Model", "LACIE", **of, **origins)
        monkeypatch.setattr(sys, "stdin", Typed(*typed))

        def open_session(post: Callable[[ChatEvent], object]) -> ChatSession:
            return ChatSession(speaker, store, post, seed=lambda: 7, decides=True, settings=settings)

        PlainChat(open_session, store, resume, find).run()
        return capsys.readouterr().out

    return run
