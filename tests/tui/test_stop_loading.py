"""Escape stops a model that takes another's place while it is loaded; the one before answers again."""

from collections.abc import Callable
from threading import Event

from scripted import Answer, ScriptedEngine

from lacie_chat.chat.choosing import Found
from lacie_chat.chat.speaker import ChatSpeaker


def finds(engine: ScriptedEngine) -> Callable[..., Found]:
    return lambda ref, on_progress: Found(ChatSpeaker(lambda: engine, "Large-7B"))


async def test_escape_stops_the_load_and_the_one_before_is_back(driven) -> None:
    slow, again = ScriptedEngine(load_gate=Event()), ScriptedEngine([Answer(["Still here."])])
    async with driven(ScriptedEngine(), again, find=finds(slow), size=(100, 30)) as driver:
        await driver.until(lambda: driver.session.info)
        await driver.type("/model embedded")
        await driver.pilot.press("enter")
        await driver.shows("Loading Large-7B", "esc Stop loading", "lacie · Large-7B")
        await driver.type("a draft")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.session.info and "Ready" in driver.text())
        assert driver.told[-1] == "Large-7B was not loaded. SmolLM2-135M-Instruct answers again."
        await driver.until(lambda: "Stop loading" not in driver.text())
        await driver.shows("lacie · SmolLM2-135M-Instruct")
        assert driver.chat.composer.text == "a draft"
        driver.chat.composer.clear()
        assert (await driver.ask("Are you there?")).text == "Still here."


async def test_a_question_that_waits_for_it_is_stopped_first(driven) -> None:
    slow, again = ScriptedEngine(load_gate=Event()), ScriptedEngine()
    async with driven(ScriptedEngine(), again, find=finds(slow), size=(100, 30)) as driver:
        await driver.until(lambda: driver.session.info)
        await driver.type("/model embedded")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.is_loading)
        await driver.type("An early question")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.busy)
        await driver.pilot.press("escape")
        await driver.until(lambda: not driver.session.busy)
        assert driver.session.is_loading and driver.session.speaker.model_name == "Large-7B"
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.session.info)
        assert driver.session.speaker.model_name == "SmolLM2-135M-Instruct"
