"""Choosing what to compare with, from within a comparison: the baseline, another adapter, another model."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driver import Driver
from random_adapter import write_random_adapter
from scripted import Answer, ScriptedEngine
from shop import Shop
from two_sided import Ears

from lacie_chat.chat.compared import SIDES
from lacie_chat.chat.others import Against, others_of
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.commands.chat import add_arguments, app_of
from lacie_chat.commands.settled import fill
from lacie_chat.commands.speaker import find_speaker
from lacie_chat.conversations import Store
from lacie_chat.settings import Settings
from lacie_chat.settings.file import SettingsFile
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.others import OthersScreen

QUESTION = "What is the capital of Japan?"
SURE, OTHER = "It is Tokyo.", "It is Kyoto."
WIDE = (140, 40)
OWN = Origin("embedded", "embedded", "model-own")
ALONE = Origin("embedded", None, "model")


@pytest.fixture(autouse=True)
def models_dir(tmp_path: Path, embedded_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where one model and one adapter lie in the user's folder, and nothing else."""
    for name in ("OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("lacie_chat.models.ollama._SYSTEM_STORE", tmp_path / "no system service")
    folder = tmp_path / "models"
    folder.mkdir()
    data = bytearray(embedded_model.read_bytes())
    data[-64:-56] = bytes(8)  # a few weights: another model for all that anyone can tell
    (folder / "another-Q4_1.gguf").write_bytes(data)
    write_random_adapter(folder / "warm-LoRA.gguf", strength=0.3)
    monkeypatch.setenv("LACIE_MODELS_DIR", str(folder))
    return folder


def answers(*texts: str) -> ScriptedEngine:
    return ScriptedEngine([Answer([text]) for text in ("First.", *texts)], Ears())


async def open_comparison(driver: Driver) -> CompareScreen:
    await driver.ask(QUESTION)
    await driver.pilot.press("f2")
    await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
    screen = driver.app.screen
    assert isinstance(screen, CompareScreen)
    await compared(driver, screen)
    return screen


async def compared(driver: Driver, screen: CompareScreen) -> None:
    await driver.until(
        lambda: all(turn.assessment for side in SIDES for turn in screen.comparison.samples[side]) and driver.text()
    )


async def open_list(driver: Driver) -> OthersScreen:
    await driver.pilot.press("s")
    await driver.until(lambda: isinstance(driver.app.screen, OthersScreen))
    screen = driver.app.screen
    assert isinstance(screen, OthersScreen)
    await driver.until(lambda: screen._all is not None)
    return screen


@pytest.fixture
def chatting(driven) -> Callable[..., Any]:
    def run(shop: Shop | None, engine: ScriptedEngine, *, adapter: str | None = "LACIE", **more: Any) -> Any:
        own = OWN if adapter else ALONE
        return driven(engine, find=shop, adapter_name=adapter, origin=own, baseline_origin=ALONE, size=WIDE, **more)

    return run


async def test_another_adapter_over_the_same_weights(chatting, models_dir: Path) -> None:
    engine, shop = answers(SURE, SURE, OTHER, OTHER), Shop()
    async with chatting(shop, engine) as driver:
        screen = await open_comparison(driver)
        first = screen.comparison
        listed = await open_list(driver)
        text = driver.text()
        for part in (
            "baseline: SmolLM2-135M-Instruct",
            "warm-LoRA",
            "another-Q4_1",
            "adapter · ",
            "model · Q4_1 · 98\u00a0MB",
        ):
            assert part in text
        await driver.pilot.press(*"warm")
        await driver.until(lambda: len(listed._shown) == 1)
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.app.screen is screen and screen.comparison is not first)
        await compared(driver, screen)
        adapter = models_dir / "warm-LoRA.gguf"
        assert shop.asked == [f"embedded+{adapter}"]
        assert sorted(map(str, engine.adapters[-2:])) == [str(adapter), "None"]
        text = driver.text()
        assert "with warm-LoRA" in text and "with LACIE" in text
        assert driver.told == ["A line about it."]
        await driver.pilot.press("left", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
        leaf = driver.session.tree.leaf
        assert leaf is screen.comparison.samples["left"][0] and leaf.params["adapter"] == "warm-LoRA"
        assert all(first.samples[side][0] in driver.session.tree.turns() for side in SIDES), "nothing is lost"
        await driver.pilot.press("f2")
        await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
        again = driver.app.screen
        assert isinstance(again, CompareScreen)
        assert again.comparison.samples["left"][0] is leaf, "it is what was chosen last, and as it was"


async def test_another_model_is_loaded_for_the_comparison_only(chatting, models_dir: Path) -> None:
    theirs = ScriptedEngine([Answer([OTHER])])
    shop = Shop(theirs)
    async with chatting(shop, answers(SURE, SURE, SURE)) as driver:
        screen = await open_comparison(driver)
        await open_list(driver)
        await driver.pilot.press(*"q4_1", "enter")
        await driver.until(lambda: driver.app.screen is screen and screen.comparison.samples["left"][0].text == OTHER)
        await compared(driver, screen)
        assert "≠ " in driver.text() and "changed answer: Kyoto → Tokyo" in driver.text()
        assert not theirs.closed
        await driver.pilot.press("escape")
        await driver.until(lambda: theirs.closed)
        await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
        assert driver.session.info is not None and not driver.session.load_error


async def test_back_to_the_baseline(chatting) -> None:
    shop = Shop(ScriptedEngine([Answer([OTHER])]))
    async with chatting(shop, answers(SURE, SURE, SURE)) as driver:
        screen = await open_comparison(driver)
        await open_list(driver)
        await driver.pilot.press(*"q4_1", "enter")
        await driver.until(lambda: driver.app.screen is screen and driver.session.compared_with != Against())
        await compared(driver, screen)
        await open_list(driver)
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.app.screen is screen and driver.session.compared_with == Against())
        await compared(driver, screen)
        assert "baseline: SmolLM2-135M-Instruct" in driver.text() and "with LACIE" in driver.text()


async def test_a_chat_without_an_adapter_asks_what_to_compare_with(chatting) -> None:
    async with chatting(Shop(), answers(SURE, SURE), adapter=None) as driver:
        await driver.ask(QUESTION)
        await driver.pilot.press("f2")
        await driver.until(lambda: isinstance(driver.app.screen, OthersScreen) and "LACIE" in driver.text())
        assert "baseline" not in driver.text()
        await driver.pilot.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))
        await driver.pilot.press("f2")
        await driver.until(lambda: isinstance(driver.app.screen, OthersScreen) and "LACIE" in driver.text())
        await driver.pilot.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
        await compared(driver, driver.app.screen)
        assert "with embedded" in driver.text()


async def test_what_cannot_be_had_is_one_line_and_the_comparison_stays(chatting) -> None:
    async with chatting(Shop(error="no such model: '[b]x'; a model is a path"), answers(SURE, SURE)) as driver:
        screen = await open_comparison(driver)
        before = screen.comparison
        await open_list(driver)
        await driver.pilot.press(*"[b]x")
        assert "enter looks for it by this name" in driver.text()
        await driver.pilot.press("enter")
        await driver.until(lambda: "✗ no such model: '[b]x'" in driver.text())
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is screen)
        assert screen.comparison is before and screen.comparison.samples["left"][0].status == "complete"


async def test_what_answers_here_is_no_other(chatting) -> None:
    async with chatting(Shop(), answers(), adapter=None) as driver:
        await driver.ask(QUESTION)
        await driver.pilot.press("f2")
        await driver.until(lambda: isinstance(driver.app.screen, OthersScreen))
        await driver.pilot.press(*"embedded+none", "enter")
        await driver.until(lambda: "That is what answers here" in driver.text())


async def test_a_chat_that_knows_no_others_has_no_such_key(chatting) -> None:
    async with chatting(None, answers(SURE, SURE)) as driver:
        screen = await open_comparison(driver)
        assert "Against" not in driver.text()
        await driver.pilot.press("s")
        assert driver.app.screen is screen


def test_the_list_leaves_out_what_can_not_be_read(models_dir: Path) -> None:
    (models_dir / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    write_random_adapter(models_dir / "odd-LoRA.gguf", width=64)
    speaker = ChatSpeaker(ScriptedEngine, "SmolLM2-135M-Instruct", "LACIE", origin=OWN, baseline_origin=ALONE)
    found = others_of(speaker)
    assert found[0].ref is None
    assert {each.name for each in found if each.ref} == {"warm-LoRA", "odd-LoRA", "another-Q4_1"}


async def test_all_of_it_real(models_dir: Path) -> None:
    """The embedded model, its adapter against another over one copy of the weights, then against another model."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(["--context", "512", "--threads", "1"])
    fill(args)
    with Store.open() as store:
        app = app_of(args, find_speaker(args), store)
        async with app.run_test(size=WIDE) as pilot:
            driver = Driver(app, pilot)
            await driver.until(lambda: app.session.info or app.session.load_error)
            app.session.sampling = app.session.sampling.__class__(temperature=0.0, max_tokens=8)
            screen = await open_comparison(driver)
            for typed, params in (
                ("warm", ("SmolLM2-135M-Instruct", "warm-LoRA")),
                ("q4_1", ("another-Q4_1", None)),
            ):
                before = screen.comparison
                await open_list(driver)
                await driver.pilot.press(*typed, "enter")
                await driver.until(lambda before=before: screen.comparison is not before)
                await compared(driver, screen)
                left, right = (screen.comparison.samples[side][0] for side in SIDES)
                assert (left.params["model"], left.params["adapter"]) == params
                assert left.status == right.status == "complete", (left.problem, right.problem)
                assert right.params["adapter"] == "LACIE"


async def test_a_preset_of_the_settings_file(chatting) -> None:
    settings = Settings(SettingsFile(presets={"wild": {"temperature": 0.9}}))
    async with chatting(Shop(), answers(SURE, SURE, SURE, SURE), settings=settings) as driver:
        screen = await open_comparison(driver)
        first = screen.comparison
        await open_list(driver)
        assert "preset wild" in driver.text()
        await driver.pilot.press(*"wild", "enter")
        await driver.until(lambda: driver.app.screen is screen and screen.comparison is not first)
        await compared(driver, screen)
        text = driver.text()
        assert "preset wild: temperature 0.9" in text and "the chat's own: temperature 0.2" in text
