"""How the screens look, at 80x24 and 160x50, dark and light. `pytest --snapshot-update` after an intended change."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawn import VIENNA, answer_of
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.pilot import Pilot

from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, Form, WayOfDrawing, lexical_cues
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.settings import Sampling
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.widgets.composer import Composer

WAY = WayOfDrawing.of(Sampling())

NAME = "SmolLM2-135M-Instruct"
SURE = "It is certainly **the Danube**, which rises in the Black Forest and ends in the Black Sea."
HEDGED = (
    "I think it is probably **the Danube**:\n\n- it might be the *Wien*, which is smaller\n"
    "- it is definitely not the Rhine\n\n```python\nriver = 'perhaps'\n```"
)
ABSTAINED = "I'm sorry, but I don't know."


def chat(store: Store, *texts: str, acceptance: float = 0.88, **engine: Any) -> LacieApp:
    reader = ScriptedReader("the Danube", acceptance=acceptance)
    scripted = ScriptedEngine([Answer([text]) for text in texts], reader, **engine)
    return LacieApp(ChatSpeaker(lambda: scripted, NAME), store, seed=lambda: 1234)


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
def store() -> Any:
    with Store.open() as store:
        yield store


@pytest.fixture(params=["80x24-dark", "160x50-light"])
def look(request: pytest.FixtureRequest, snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    size, theme = request.param.split("-")
    width, height = map(int, size.split("x"))

    def compare(app: LacieApp, act: Callable[[Pilot[None]], Any] | None = None) -> None:
        app.state.theme = f"textual-{theme}"

        async def before(pilot: Pilot[None]) -> None:
            await still(pilot)
            if act is not None:
                await act(pilot)
            await pilot.pause(0.1)

        assert snap_compare(app, terminal_size=(width, height), run_before=before)

    return compare


def test_welcome(look, store) -> None:
    look(chat(store))


def test_a_sure_answer(look, store) -> None:
    look(chat(store, SURE), lambda pilot: ask(pilot, "Which river flows through Vienna?"))


def test_hedges_and_boosters_are_marked(look, store) -> None:
    look(chat(store, HEDGED, acceptance=0.31), lambda pilot: ask(pilot, "Which river flows through Vienna?"))


def test_an_abstention(look, store) -> None:
    look(chat(store, ABSTAINED, acceptance=0.1), lambda pilot: ask(pilot, "Which river flows through Vienna?"))


def test_details(look, store) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await ask(pilot, "Which river flows through Vienna?")
        await pilot.press("ctrl+t", "alt+up")
        turn = pilot.app.session.tree.leaf  # type: ignore[attr-defined]
        while turn.assessment.sentences is None:
            await pilot.pause(0.02)

    look(chat(store, HEDGED, acceptance=0.31), act)


SENTENCES = (
    "The river is **the Danube**. It is certainly the longest river of the European Union, and it passes ten "
    "countries.\n\n- It rises in the Black Forest.\n- Perhaps its name comes from a Celtic word, but I'm not sure "
    "about that.\n\nIt ends in the Black Sea."
)


class ByWording(ScriptedReader):
    """Sounds unsure of what has hedges."""

    def choice_probabilities(self, prefix: str, suffixes: Any, choices: Any) -> list[list[float]]:
        super().choice_probabilities(prefix, suffixes, choices)
        sure = [0.23 if lexical_cues(suffix)[0] else 0.9 - len(suffix) / 400 for suffix in suffixes]
        return [[acceptance, 1 - acceptance] for acceptance in sure]


def test_sentence_by_sentence(look, store) -> None:
    async def act(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, LacieApp)
        await ask(pilot, "Which river flows through Vienna?")
        await pilot.press("ctrl+t")
        turn = app.session.tree.leaf
        assert turn is not None and turn.assessment is not None
        while turn.assessment.sentences is None or turn.assessment.agreement is None:
            await pilot.pause(0.02)
        await pilot.press("alt+up")
        await pilot.pause(0.1)
        if app.size.width < 100:
            app.chat.query_one("#details").scroll_to(y=9, animate=False)
            await pilot.pause(0.1)

    scripted = ScriptedEngine([Answer([SENTENCES])], ByWording("the Danube"))
    look(LacieApp(ChatSpeaker(lambda: scripted, NAME), store, agreement=5, seed=lambda: 1234), act)


def test_history(look, store, data_dir: Path) -> None:
    for title in ("Rivers of Europe", "A recipe with [bold]leeks[/bold]", "Why is the sky blue?"):
        made = store.create_conversation(NAME, title=title)
        store.add_message(made.id, None, "user", title)
    with sqlite3.connect(data_dir / "conversations.db") as database:
        database.execute("UPDATE conversations SET updated_at = '2001-02-03T12:00:00.000000+00:00'")

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+o")
        await pilot.pause(0.1)
        pilot.app.screen.query_one("#search").cursor_blink = False  # type: ignore[attr-defined]

    look(chat(store), act)


def test_help(look, store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lacie_chat.tui.screens.help.settings_path", lambda: Path("lacie-chat/config.toml"))
    look(chat(store), lambda pilot: pilot.press("f1"))


def test_a_model_that_cannot_be_loaded(look, store) -> None:
    look(chat(store, load_error=EngineError("broken.gguf is cut short: download it again")))


def marked_chat(store: Store, n: int) -> LacieApp:
    """A chat whose model has n marked answers, surer ones more often right, and a shipped calibrator."""
    conversation = store.create_conversation(NAME)
    for index in range(n):
        params = {"model": NAME, "fingerprint": "aa"}
        made = store.add_message(conversation.id, None, "assistant", "So it is.", params=params)
        acceptance = 0.2 + 0.75 * index / n
        right = index % 7 < 6 * acceptance - 1.5
        logprob = -0.3 - index % 5 * (0.2 if right else 0.6)
        read = {
            "state": "answered",
            "acceptance": acceptance,
            "answer_span": "So",
            "assessment_version": ASSESSMENT_VERSION,
            "signals": dict.fromkeys(("span_sum", "span_lowest", "span_first", "mean"), logprob),
        }
        store.attach_assessment(made.id, read)
        store.mark(made.id, right)
    forms = Form(-1.5, {"acceptance": 0.8}), Form(0.4, {"acceptance": 0.6, "span_sum": 0.9})
    shipped, own = (
        Calibrator(count, count // 3, source, "aa", ASSESSMENT_VERSION, WAY, (form,))
        for count, source, form in zip((500, 60), ("the maker's", "own marks"), forms, strict=True)
    )
    scripted = ScriptedEngine([Answer([SURE])], ScriptedReader("the Danube", acceptance=0.88))
    in_use = own if n >= 100 else shipped
    origin = Origin("embedded", None, "aa", shipped)
    return LacieApp(ChatSpeaker(lambda: scripted, NAME, calibrator=in_use, origin=origin), store, seed=lambda: 1234)


@pytest.mark.parametrize("n", [0, 41, 160])
def test_calibration(look, store, n: int) -> None:
    look(marked_chat(store, n), lambda pilot: pilot.press("f9"))


def test_a_marked_answer(look, store) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await ask(pilot, "Which river flows through Vienna?")
        await pilot.press("f6")

    look(chat(store, SURE), act)


@pytest.mark.parametrize("key", ["n", "end"])
def test_tokens(look, store, key: str) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await ask(pilot, "Which river flows through Vienna?")
        await pilot.press("f12", key)

    scripted = ScriptedEngine([answer_of(*VIENNA)], ScriptedReader("Rhine", acceptance=0.7))
    look(LacieApp(ChatSpeaker(lambda: scripted, NAME), store, seed=lambda: 1234), act)
