"""Pictures of the history and of a tree of branches where they are hardest: tiny, no filter, found, branched."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from scripted import ScriptedEngine
from textual.pilot import Pilot

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp

NAME = "SmolLM2-135M-Instruct"
LONG_AGO = "2001-02-03T12:00:00.000000+00:00"
SAID = {
    "I think it is the Danube.": (0.4, 0.17, None),
    "It is certainly the Rhine.": (0.95, 0.17, False),
    "Perhaps [bold]neither[/bold].": (0.2, 0.3, True),
}
DECLINED = {"state": "abstained", "p_right": None, "confidence": None, "answer_span": None, "answer_offsets": None}


def assessment(text: str, acceptance: float, p_right: float) -> dict[str, Any]:
    """What is known of an answer with these figures."""
    hedges = [{"text": "I think", "start": 0, "end": 7}] if text.startswith("I think") else []
    return {
        "question": "Which river?", "response": text, "state": "answered", "answer_span": text[-7:-1],
        "answer_offsets": [len(text) - 7, len(text) - 1], "masked_response": "It is [answer].", "hedges": hedges,
        "acceptance": acceptance, "p_right": p_right, "confidence": {"value": p_right, "kind": "calibrated"},
        "boosters": [], "assessment_version": ASSESSMENT_VERSION,
    }  # fmt: skip


@pytest.fixture
def store() -> Any:
    """A pinned conversation with three answers to its question, and an older one."""
    with Store.open() as store:
        for title in ("Why is the sky blue?", "Rivers of Europe, and the lands through which they flow"):
            made = store.create_conversation(NAME, "LACIE", title)
            asked = store.add_message(made.id, None, "user", "Which river flows through Vienna?")
            for text, (acceptance, p_right, mark) in SAID.items():
                answer = store.add_message(made.id, asked.id, "assistant", text)
                store.attach_assessment(answer.id, assessment(text, acceptance, p_right))
                store.mark(answer.id, mark)
            sure = store.add_message(made.id, answer.id, "user", "Are you sure?")
            declined = store.add_message(made.id, sure.id, "assistant", "I can't say.")
            store.attach_assessment(declined.id, assessment("I can't say.", 0.2, 0.9) | DECLINED)
        store.pin(made.id)
        store._connection.execute("UPDATE conversations SET updated_at = ?", (LONG_AGO,))
        yield store


@pytest.fixture
def look(store: Store, snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.delenv("NO_COLOR", raising=False)

    def compare(size: tuple[int, int], theme: str, keys: Sequence[str], resume: str | None = None) -> None:
        app = LacieApp(ChatSpeaker(ScriptedEngine, NAME), store, resume=resume)
        app.state.theme = f"textual-{theme}"

        async def before(pilot: Pilot[None]) -> None:
            app.chat.composer.cursor_blink = False
            while app.session.info is None:
                await pilot.pause(0.02)
            await pilot.press(keys[0])
            for search in app.screen.query("#search"):
                search.cursor_blink = False  # type: ignore[attr-defined]
            await pilot.press(*keys[1:])

        assert snap_compare(app, terminal_size=size, run_before=before)

    return compare


def test_the_history_in_a_tiny_terminal(look) -> None:
    look((40, 12), "dark", ["ctrl+o"])


def test_what_is_no_filter_is_told(look) -> None:
    look((80, 24), "light", ["ctrl+o", *"sound:>80"])


def test_what_was_found_is_previewed(look) -> None:
    look((120, 30), "dark", ["ctrl+o", *"is:wrong certainly"])


def test_the_tree_of_branches(look, store) -> None:
    look((120, 20), "light", ["alt+g"], store.list_conversations()[0].id)
