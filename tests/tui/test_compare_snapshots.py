"""How the compare screen looks, at 80x24 and 160x50. `pytest --snapshot-update` after an intended change."""

from scripted import Answer
from test_snapshots import NAME, ask, look, store  # noqa: F401 - fixtures
from textual.pilot import Pilot
from two_sided import TwoSided

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.screens.compare import CompareScreen

SURE = "It is certainly **Tokyo**, the seat of the government since 1868:\n\n1. the largest city\n2. it is by the sea"
UNSURE = "I think it is probably **Tokyo**, or so I have heard:\n\n1. perhaps the largest city\n2. it is by the sea"
ABSTAINED = "I'm sorry, but I don't know."


def chat(store: Store, baseline: list[Answer], speaker: list[Answer]) -> LacieApp:  # noqa: F811
    engine = TwoSided(baseline, [Answer(["First."]), *speaker])
    return LacieApp(ChatSpeaker(lambda: engine, NAME, "SmolLM2-LACIE-LoRA"), store, seed=lambda: 1234)


async def compare(pilot: Pilot[None], *keys: str, until: str = "assessed") -> None:
    await ask(pilot, "What is the capital of Japan?")
    await pilot.press("f2", *keys)
    while not isinstance(pilot.app.screen, CompareScreen):
        await pilot.pause(0.02)
    samples = pilot.app.screen.comparison.samples.values()
    while until == "assessed" and not all(turn.assessment for turns in samples for turn in turns):
        await pilot.pause(0.02)
    while until != "assessed" and not all(turns[0].text == until for turns in samples):
        await pilot.pause(0.02)
    await pilot.pause(0.3)


def test_a_comparison(look, store) -> None:  # noqa: F811
    look(chat(store, [Answer([SURE])], [Answer([UNSURE])]), compare)


def test_differing_words(look, store) -> None:  # noqa: F811
    look(chat(store, [Answer([SURE])], [Answer([UNSURE])]), lambda pilot: compare(pilot, "w"))


def test_several_samples(look, store) -> None:  # noqa: F811
    baseline = [Answer([text]) for text in (SURE, SURE, "It is Kyoto.")]
    speaker = [Answer([text]) for text in (ABSTAINED, UNSURE, UNSURE)]
    look(chat(store, baseline, speaker), lambda pilot: compare(pilot, "plus", "plus", "p", "p"))


def test_both_are_answering(look, store) -> None:  # noqa: F811
    half = [Answer(["It is", " Tokyo."], hold_after=1)]
    look(chat(store, half, half), lambda pilot: compare(pilot, until="It is"))
