"""The strip over the conversation: a mark for each answer, and the way to it."""

from dataclasses import replace
from typing import Any

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.pilot import Pilot

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import (
    ASSESSMENT_VERSION,
    Assessment,
    Calibrator,
    Form,
    Span,
    WayOfDrawing,
    lexical_cues,
    unassessed,
)
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.widgets.confidence_line import line_content
from lacie_chat.tui.widgets.message import MessageView
from lacie_chat.tui.widgets.strip import Strip, mark_of, tooltip_of, window_of
from lacie_chat.tui.widgets.transcript import Later

QUESTION = "Which river flows through Vienna?"
TEXT = "It is the Danube."
CALIBRATOR = Calibrator(
    n=100, right=20, source="own", model_fingerprint="aa", assessment_version="1",
    sampling=WayOfDrawing.of(Sampling()), forms=(Form(-1.5, {}),),
)  # fmt: skip


def assessed(acceptance: float | None = 0.9, p_right: float | None = None, **other: Any) -> Assessment:
    text = other.pop("text", TEXT)
    hedges, boosters = lexical_cues(text)
    place = text.find("the Danube")
    facts: dict[str, Any] = {
        "state": "answered",
        "answer_span": Span("the Danube", place, place + 10),
        "masked_response": text,
    }
    return Assessment(
        question=QUESTION, response=text, acceptance=acceptance, p_right=p_right, hedges=hedges, boosters=boosters,
        **facts | other,
    )  # fmt: skip


def answer(**facts: Any) -> Turn:
    question = Turn("user", QUESTION, None)
    return Turn("assistant", TEXT, question, **facts)


@pytest.mark.parametrize(
    ("facts", "sign", "meaning"),
    [
        ({"phase": "waiting"}, "…", "still to come"),
        ({"phase": "answering"}, "…", "still to come"),
        ({"phase": "listening"}, "…", "being listened to"),
        ({}, "·", "not assessed"),
        ({"assessment": assessed(state="no_claim", answer_span=None)}, "·", "makes no claim"),
        ({"assessment": assessed(None)}, "·", "makes no claim"),
        ({"assessment": assessed(0.1, state="abstained", answer_span=None)}, "⊘", "declines to answer"),
        ({"assessment": assessed(0.9)}, "○", "sounds sure; how likely it is right is not known"),
        ({"assessment": assessed(0.6)}, "○", "fairly sure; how likely it is right is not known"),
        (
            {"assessment": assessed(0.4, text="I think it is the Danube.")},
            "~",
            "hedges; how likely it is right is not known",
        ),
        ({"assessment": assessed(0.1)}, "~", "sounds unsure; how likely it is right is not known"),
        ({"assessment": assessed(0.9, 0.17)}, "▲", "sounds surer than it is: right about 1 in 6 (17\u00a0%)"),
        ({"assessment": assessed(0.3, 0.9)}, "▽", "surer than it sounds: right about 9 in 10 (90\u00a0%)"),
        ({"assessment": assessed(0.8, 0.9)}, "●", "likely right, and sounds so: right about 9 in 10 (90\u00a0%)"),
        (
            {"assessment": assessed(0.2, 0.1)},
            "~",
            "unlikely to be right, and sounds so: right about 1 in 10 (10\u00a0%)",
        ),
        ({"assessment": assessed(0.9, 0.17), "correct": True}, "✓", "you marked it right"),
        ({"assessment": assessed(0.8, 0.9), "correct": False}, "✗", "you marked it wrong"),
        ({"phase": "listening", "correct": False}, "✗", "you marked it wrong"),
    ],
)
def test_marks(facts: dict[str, Any], sign: str, meaning: str) -> None:
    mark = mark_of(answer(**facts))
    assert (mark.sign, mark.meaning) == (sign, meaning)
    assert mark.doubtful == (sign in "▲~")


@pytest.mark.parametrize("acceptance", [0.05, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("p_right", [0.01, 0.3, 0.55, 0.9])
@pytest.mark.parametrize("width", [0, 30])
def test_the_strip_and_the_line_have_one_sign_for_an_answer(acceptance: float, p_right: float, width: int) -> None:
    turn = answer(assessment=assessed(acceptance, p_right))
    assert f" {mark_of(turn).sign}" in line_content(turn, width=width).plain


def test_a_tooltip_says_what_it_means_and_begins_the_question() -> None:
    turn = answer()
    assert turn.parent is not None
    assert tooltip_of(turn).plain == f"· not assessed\n{QUESTION}"
    turn.parent.text = "[b]" + "x" * 100
    assert tooltip_of(turn).plain.splitlines()[1] == "[b]" + "x" * 56 + "…"


@pytest.mark.parametrize(
    ("count", "width", "chosen", "shown"),
    [
        (5, 76, None, (0, 5)),
        (38, 76, 0, (0, 38)),
        (39, 76, None, (7, 39)),
        (100, 76, None, (68, 100)),
        (100, 76, 99, (68, 100)),
        (100, 76, 70, (68, 100)),
        (100, 76, 0, (0, 32)),
        (100, 76, 50, (34, 66)),
        (100, 5, 50, (50, 51)),
        (100, 0, None, (99, 100)),
    ],
)
def test_which_marks_are_in_sight(count: int, width: int, chosen: int | None, shown: tuple[int, int]) -> None:
    assert window_of(count, width, chosen) == shown


@pytest.mark.parametrize("width", [1, 5, 20, 40, 76, 156])
def test_the_chosen_mark_is_always_in_sight_and_all_fits(width: int) -> None:
    for count in (2, 20, 39, 100, 1000):
        for chosen in range(count):
            first, last = window_of(count, width, chosen)
            assert 0 <= first <= chosen < last <= count
            assert (last - first) * 2 <= width or last - first == 1


class Differently(ScriptedReader):
    """Hears hedged answers as unsure."""

    def choice_probabilities(self, prefix: str, suffixes: Any, choices: Any) -> list[list[float]]:
        super().choice_probabilities(prefix, suffixes, choices)
        return [[0.2, 0.8] if lexical_cues(suffix)[0] else [0.9, 0.1] for suffix in suffixes]


def row_of(driver: Driver) -> str:
    return driver.text().splitlines()[1]


async def click(driver: Driver, turn: Turn) -> None:
    strip = driver.chat.query_one(Strip)
    await driver.until(lambda: strip.place_of(turn) is not None)
    await driver.pilot.click(Strip, offset=(2 + (strip.place_of(turn) or 0), 0))


async def test_the_strip_grows_with_the_conversation_and_its_marks_lead_to_answers(driven) -> None:
    texts = ["It is the Danube.", "I think it is perhaps the Danube.", "I'm sorry, but I don't know."]
    async with driven(ScriptedEngine([Answer([text]) for text in texts], Differently("the Danube"))) as driver:
        strip = driver.chat.query_one(Strip)
        first = await driver.ask("One?")
        assert not strip.display
        second = await driver.ask("Two?")
        await driver.until(lambda: row_of(driver) == "  ○ ~")
        await driver.ask("Three?")
        await driver.until(lambda: row_of(driver) == "  ○ ~ ⊘")
        await click(driver, first)
        await driver.until(lambda: driver.chat.transcript.selected is first)
        await driver.pilot.press("f6")
        await driver.until(lambda: row_of(driver) == "  ✓ ~ ⊘")
        await driver.pilot.hover(Strip, offset=(4, 0))
        assert str(strip.tooltip) == "~ sounds unsure; how likely it is right is not known\nTwo?"
        await driver.pilot.press("escape", "ctrl+down")
        await driver.until(lambda: driver.chat.transcript.selected is second)
        await driver.pilot.press("ctrl+n")
        await driver.until(lambda: not strip.display)


async def test_keys_go_round_the_doubtful_ones(driven) -> None:
    texts = ["It is the Danube.", "I think it is perhaps the Danube."] * 2
    async with driven(ScriptedEngine([Answer([text]) for text in texts], Differently("the Danube"))) as driver:
        turns = [await driver.ask(f"{number}?") for number in range(4)]
        transcript = driver.chat.transcript
        await driver.pilot.press("ctrl+up")
        await driver.until(lambda: transcript.selected is turns[3])
        await driver.pilot.press("tab")
        for key, expected in (("ctrl+up", 1), ("ctrl+up", 3), ("ctrl+down", 1), ("ctrl+down", 3)):
            await driver.pilot.press(key)
            await driver.until(lambda expected=expected: transcript.selected is turns[expected])
        driver.session.tree.mark(turns[1], True)
        await driver.pilot.press("ctrl+down")
        await driver.until(lambda: transcript.selected is turns[3])
        driver.session.tree.mark(turns[3], True)
        await driver.pilot.press("ctrl+down")
        assert driver.told[-1] == "No answer here sounds surer than it is, or unsure."


def long_conversation(store: Store, count: int) -> str:
    made = store.create_conversation("model", title="Long")
    parent = None
    for number in range(count):
        parent = store.add_message(made.id, parent, "user", f"question {number}").id
        parent = store.add_message(made.id, parent, "assistant", f"answer **{number}**").id
        nothing = replace(unassessed(f"question {number}", ASSESSMENT_VERSION), response=f"answer **{number}**")
        store.attach_assessment(parent, nothing.to_dict())
    return str(made.id)


async def test_going_far_back_builds_what_is_there_and_the_end_is_found_again(driven) -> None:
    with Store.open() as store:
        made = long_conversation(store, 100)
        async with driven(ScriptedEngine([Answer(["new"])]), store=store, resume=made) as driver:
            transcript = driver.chat.transcript
            answers = driver.session.tree.path()[1::2]
            await driver.until(lambda: row_of(driver).startswith("  ‹ 68 · ·"))
            assert transcript.view_of(answers[10]) is None
            await driver.chat.go_to(answers[10])
            await driver.until(lambda: transcript.selected is answers[10] and "▌ question 10\n" in driver.text())
            await driver.until(lambda: "answer 10" in driver.text())
            assert len(driver.chat.query(MessageView)) < 20, "what lies between is not built"
            assert row_of(driver).endswith("· 68 ›")
            assert "later messages" in driver.chat.query_one(Later).content
            last = list(driver.chat.query(MessageView))[-1].turn
            transcript.select(last)
            await driver.pilot.press("tab", "down", "down")
            await driver.until(lambda: len(driver.chat.query(MessageView)) == 24)
            await driver.pilot.press("down")
            await driver.until(lambda: transcript.selected.parent in (last, last.children[0]))
            await driver.pilot.press("end")
            await driver.until(lambda: "answer 99" in driver.text())
            assert not driver.chat.query(Later)
            await driver.pilot.press("escape")
            await click(driver, answers[80])
            await driver.until(lambda: "▌ question 80\n" in driver.text())
            turn = await driver.ask("And now?")
            await driver.until(lambda: transcript.view_of(turn) is not None and "new" in driver.text())
            assert not driver.chat.query(Later)


async def test_a_window_far_back_stays_when_a_branch_is_changed_there(driven) -> None:
    with Store.open() as store:
        made = long_conversation(store, 60)
        async with driven(store=store, resume=made) as driver:
            session, transcript = driver.session, driver.chat.transcript
            question = session.tree.path()[10]
            session.tree.add("assistant", "another version", question, status="complete")
            session.tree.select(question.children[0])
            await driver.chat.show_branch()
            await driver.chat.go_to(question.children[0])
            await driver.until(lambda: transcript.selected is question.children[0])
            await driver.pilot.press("tab", "right")
            await driver.until(lambda: "another version" in driver.text())


@pytest.fixture
def marks() -> list[dict[str, Any]]:
    """All states, as facts of turns."""
    return [
        {"correct": True}, {"assessment": assessed(0.8, 0.9)}, {"assessment": assessed(0.9, 0.17)},
        {"assessment": assessed(0.3, 0.9)}, {"assessment": assessed(0.9)}, {"assessment": assessed(0.1)},
        {"assessment": assessed(0.1, state="abstained", answer_span=None)}, {}, {"correct": False},
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "dark"), ((160, 50), "light")], ids=["80x24", "160x50"])
def test_how_it_looks(snap_compare: Any, monkeypatch: pytest.MonkeyPatch, marks: Any, size: Any, theme: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Store.open() as store:
        speaker = ChatSpeaker(lambda: ScriptedEngine(), "SmolLM2-135M-Instruct", calibrator=CALIBRATOR)
        app = LacieApp(speaker, store, answer_from=0.5, seed=lambda: 1234)
        app.state.theme = f"textual-{theme}"
        tree = app.session.tree
        for facts in marks * 5:
            turn = tree.add("assistant", TEXT, tree.add("user", QUESTION, tree.leaf))
            turn.assessment, turn.correct = facts.get("assessment"), facts.get("correct")

        async def act(pilot: Pilot[None]) -> None:
            while app.session.info is None:
                await pilot.pause(0.02)
            while not app.chat.query(MessageView):
                await pilot.pause(0.02)
            app.chat.composer.cursor_blink = False
            await app.chat.go_to(tree.path()[41])
            await pilot.pause(0.2)

        assert snap_compare(app, terminal_size=size, run_before=act)
