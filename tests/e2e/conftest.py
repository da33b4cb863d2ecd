"""A plain chat on a scripted engine: what is typed goes in, what is said comes out."""

import sys
from collections.abc import Callable, Iterator

import pytest
from fitted import calibrator
from plain_lines import Typed
from scripted import ScriptedEngine

from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.commands.plain_chat import PlainChat
from lacie_chat.confidence.calibrator import logit
from lacie_chat.conversations import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open() as store:
        yield store


@pytest.fixture
def talk(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is written in a chat where this is typed."""

    def run(engine: ScriptedEngine, *typed: str | Callable[[], object], resume: str | None = None) -> str:
        of = {"calibrator": calibrator(logit(0.17)), "baseline_calibrator": calibrator(logit(0.5))}
        origins = {"origin": Origin("m", "a", "aa-bb"), "baseline_origin": Origin("m", None, "aa")}
        speaker = ChatSpeaker(lambda: engine, "Model", "LACIE", **of, **origins)
        monkeypatch.setattr(sys, "stdin", Typed(*typed))
        PlainChat(lambda post: ChatSession(speaker, store, post, seed=lambda: 7, decides=True), store, resume).run()
        return capsys.readouterr().out

    return run
