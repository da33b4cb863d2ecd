"""The list of models: what it shows at every size, filtering, changing to one, and a real download from a local Hub."""

import argparse
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from driver import Driver
from hub_in_use import hub_in_use
from hub_server import HubServer
from scripted import Answer, ScriptedEngine
from shop import Shop

from lacie_chat.chat.speaker import Origin
from lacie_chat.commands.chat import add_arguments, app_of
from lacie_chat.commands.settled import fill
from lacie_chat.commands.speaker import find_speaker
from lacie_chat.conversations import Store
from lacie_chat.models import embedded_adapter_path
from lacie_chat.tui.screens.confirm import ConfirmScreen
from lacie_chat.tui.screens.models import ModelsScreen, looks_like_ref


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it but what a test puts there: other programs' models are not seen."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    for name in (
        *("OLLAMA_MODELS", "LLAMA_CACHE", "LACIE_MODELS_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
        *("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody answers there
    monkeypatch.setattr("lacie_chat.models.ollama._SYSTEM_STORE", folder / "no system service")
    monkeypatch.setattr("lacie_chat.chat.choosing.available_bytes", lambda: 8_000_000_000)
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_in_use(monkeypatch) as server:
        yield server


@pytest.fixture
def models_dir(home: Path, embedded_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with two models, one of which is damaged."""
    folder = home / "models"
    folder.mkdir()
    shutil.copy(embedded_model, folder / "another-Q4_1.gguf")
    (folder / "broken.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    monkeypatch.setenv("LACIE_MODELS_DIR", str(folder))
    return folder


@pytest.fixture
def picking(driven) -> Callable[..., Any]:
    """`async with picking(shop, engine) as driver`: a chat on the embedded model with the list of models open."""

    @asynccontextmanager
    async def run(shop: Shop, *engines: ScriptedEngine, **more: Any) -> AsyncIterator[Driver]:
        async with driven(*engines, find=shop, origin=Origin("embedded", "embedded", "f"), **more) as driver:
            await driver.until(lambda: driver.session.info)
            await open_list(driver)
            yield driver

    return run


async def open_list(driver: Driver) -> ModelsScreen:
    await driver.pilot.press("alt+m")
    await driver.until(lambda: isinstance(driver.app.screen, ModelsScreen))
    screen = driver.app.screen
    assert isinstance(screen, ModelsScreen)
    await driver.until(lambda: screen._listed is not None and len(screen._closer) == len(screen._listed.here))
    return screen


async def filter_by(driver: Driver, text: str) -> None:
    driver.app.screen.query_one("#search").value = text
    await driver.pilot.pause()


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 50)])
async def test_what_is_here_and_what_is_worth_getting(picking, models_dir: Path, size: tuple[int, int]) -> None:
    async with picking(Shop(), size=size) as driver:
        text = driver.text()
        assert "On this machine" in text
        assert "SmolLM2-135M-Instruct + LACIE current calibrated" in " ".join(text.replace("▆", "").split())
        assert "98 MB · Q4_1 · needs about 1.2 GB" in " ".join(text.split())
        if size[1] > 12:
            assert "another-Q4_1" in text and "is damaged or incomplete" in " ".join(text.split()), (
                "a damaged file is said to be one"
            )
        if size[1] > 24:
            assert "Worth getting" in text and "Qwen3.5 2B" in text and "Apache-2.0" in text
        await filter_by(driver, "35b")
        assert "Too big for now: about 25.7 GB of memory" in " ".join(driver.text().split())
        await filter_by(driver, "")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)


async def test_one_types_to_filter_and_enter_changes_the_model(picking, models_dir: Path) -> None:
    other = ScriptedEngine([Answer(["From the other."])])
    shop, first = Shop(other), ScriptedEngine([Answer(["From the first."])])
    async with picking(shop, first) as driver:
        await driver.pilot.press("escape")
        one = await driver.ask("Who are you?")
        await open_list(driver)
        await driver.pilot.press(*"another")
        assert "Worth getting" not in driver.text()
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.info and driver.session.speaker.model_name == "another-Q4_1")
        two = await driver.ask("And you?")
        assert (one.params["model"], two.params["model"]) == ("SmolLM2-135M-Instruct", "another-Q4_1")
        assert shop.asked == [str(models_dir / "another-Q4_1.gguf")] and "A line about it." in driver.told
        text = driver.text()
        assert "lacie · another-Q4_1" in text
        assert "From the first." in text and "From the other." in text
        named = [line for line in text.splitlines()[1:] if "another-Q4_1" in line]
        assert len(named) == 1 and "Ready" not in named[0], "who gave it is said under the answer of another model"
        assert [turn.content for turn in other.prompts[0]] == ["Who are you?", "From the first.", "And you?"]
        assert driver.app.focused is driver.chat.composer


async def test_a_name_may_follow_the_typed_command(driven, models_dir: Path) -> None:
    shop = Shop(ScriptedEngine())
    path = str(models_dir / "another-Q4_1.gguf")
    async with driven(find=shop) as driver:
        await driver.until(lambda: driver.session.info)
        await driver.type(f"/model {path}")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.info and driver.session.speaker.model_name == "another-Q4_1")
        assert shop.asked == [path] and driver.app.screen is driver.chat


async def test_a_conversation_of_another_model_is_told_of(driven, models_dir: Path) -> None:
    with Store.open() as store:
        made = store.create_conversation("Qwen3.5 2B", "LACIE", title="Rivers")
        asked = store.add_message(made.id, None, "user", "Which river?")
        params = {"model": "Qwen3.5 2B", "adapter": "LACIE"}
        store.add_message(made.id, asked.id, "assistant", "The Danube.", params=params)
        async with driven(ScriptedEngine([Answer(["The Seine."])]), store=store) as driver:
            await driver.pilot.press("ctrl+o", "enter")
            await driver.until(lambda: driver.told)
            assert driver.told == ["Qwen3.5 2B + LACIE answered here last; from now on it is SmolLM2-135M-Instruct."]
            await driver.ask("And through Paris?")
            assert "SmolLM2-135M-Instruct" in driver.text().split("The Seine.")[1]
            assert store.list_conversations()[0].model == "SmolLM2-135M-Instruct"


async def test_the_one_that_answers_is_not_loaded_again(picking) -> None:
    shop = Shop()
    async with picking(shop) as driver:
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.told)
        assert driver.told == ["SmolLM2-135M-Instruct answers already."] and not shop.asked


async def test_an_answer_in_progress_is_finished_first(picking, models_dir: Path) -> None:
    first = ScriptedEngine([Answer(["Half, ", "whole."], hold_after=1)])
    shop = Shop(ScriptedEngine([Answer(["From the other."])]))
    async with picking(shop, first) as driver:
        await driver.pilot.press("escape")
        await driver.type("Question")
        await driver.pilot.press("enter")
        await driver.until(first.held.is_set)
        turn = driver.session.tree.leaf
        await open_list(driver)
        await driver.pilot.press("down", "enter")
        await driver.until(lambda: driver.app.screen is driver.chat and driver.told)
        assert "another-Q4_1 answers when this answer is finished" in driver.told[0]
        assert driver.session.speaker.model_name == "SmolLM2-135M-Instruct" and not first.closed
        first.go_on.set()
        await driver.until(lambda: driver.session.speaker.model_name == "another-Q4_1" and driver.session.info)
        assert (turn.text, turn.status) == ("Half, whole.", "complete")


async def test_a_model_that_cannot_be_had_is_one_line(picking) -> None:
    async with picking(Shop(error="no such model: 'x'; a model is a path")) as driver:
        await filter_by(driver, "nonsense")
        assert "As typed" in driver.text()
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.told)
        assert driver.told[0].startswith("no such model: 'nonsense'")
        assert isinstance(driver.app.screen, ModelsScreen), "one can choose another"


async def test_a_wrong_bracket_is_no_markup(picking, home: Path, embedded_model: Path, monkeypatch) -> None:
    folder = home / "[b]odd"
    folder.mkdir()
    shutil.copy(embedded_model, folder / "[red]x[.gguf")
    monkeypatch.setenv("LACIE_MODELS_DIR", str(folder))
    async with picking(Shop(), size=(100, 40)) as driver:
        assert "[red]x[" in driver.text()
        await filter_by(driver, "[/nope/x")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.told)
        assert "[/nope/x" in driver.told[0]


async def test_the_list_opens_at_once_and_says_that_it_looks(driven, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Event()

    def slow() -> tuple[list[Any], tuple[str, ...]]:
        assert gate.wait(20)
        return [], ("the disk is slow",)

    monkeypatch.setattr("lacie_chat.chat.choosing.choices_here", slow)
    async with driven(find=Shop()) as driver:
        await driver.pilot.press("alt+m")
        await driver.until(lambda: "Looking what is on this machine…" in driver.text())
        gate.set()
        await driver.until(lambda: "Worth getting" in driver.text())
        await driver.pilot.press("end")
        await filter_by(driver, "zzz")
        assert "As typed" in driver.text()


async def test_a_chat_that_knows_no_other_models_has_no_list(driven) -> None:
    async with driven() as driver:
        await driver.pilot.press("alt+m")
        assert driver.app.screen is driver.chat


async def test_a_model_of_the_hub_is_offered_fetched_and_answers(
    hub: HubServer, embedded_model: Path, tmp_path: Path
) -> None:
    """All of it real: the embedded engine, a download over HTTP, the engine on what was fetched."""
    hub.add("some/one-GGUF", {"one-Q4_1.gguf": embedded_model, "one-Q8_0.gguf": b"GGUF" + b"\0" * 999})
    async with real_chat() as driver:
        first = await driver.ask("Which river flows through Vienna? One sentence.")
        await open_list(driver)
        await filter_by(driver, "some/one-GGUF:q4_1")
        await driver.pilot.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmScreen))
        said = " ".join(driver.text().split())
        assert "Fetch" in said and "98 MB" in said and "Q8_0" in said
        assert not hub.contents_requests(), "nothing is fetched before it is wanted"
        await driver.pilot.press("y")
        await driver.until(lambda: driver.session.speaker.model_name != "SmolLM2-135M-Instruct")
        await driver.until(lambda: driver.session.info or driver.session.load_error)
        second = await driver.ask("And through Paris? One sentence.")
        assert second.status == "complete" and second.text and second.assessment is not None, second.problem
        assert first.params["model_ref"] == "embedded" and first.params["adapter"] == "LACIE"
        assert second.params["model_ref"] == "some/one-GGUF:Q4_1" and second.params["adapter"] is None
        assert driver.session.tree.path()[1] is first
        listed = driver.session.store.list_conversations()[0]
        assert listed.model == second.params["model"]


async def test_a_download_is_stopped_and_goes_on_later(hub: HubServer, embedded_model: Path) -> None:
    hub.add("some/one-GGUF", {"one-Q4_1.gguf": embedded_model})
    hub.faults.bytes_per_second = 2_000_000
    async with real_chat() as driver:
        await open_list(driver)
        await filter_by(driver, "some/one-GGUF")
        await driver.pilot.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmScreen))
        await driver.pilot.press("y")
        await driver.until(lambda: "of 98 MB" in driver.text() and "ctrl+x\u00a0stops" in driver.text())
        await driver.until(lambda: hub.bytes_sent > 3_000_000)
        await driver.pilot.press("ctrl+x")
        await driver.until(lambda: driver.told)
        assert driver.told[0].startswith("Stopped. What was fetched is kept") and "of 98 MB" not in driver.text()
        hub.faults.bytes_per_second = 0
        await driver.pilot.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmScreen))
        assert "are here from an earlier try" in " ".join(driver.text().split())
        await driver.pilot.press("y")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert hub.contents_requests()[-1].range is not None, "it went on where it stopped"


async def test_one_chats_on_while_a_model_is_fetched(hub: HubServer, embedded_model: Path) -> None:
    hub.add("some/one-GGUF", {"one-Q4_1.gguf": embedded_model})
    hub.faults.bytes_per_second = 2_000_000
    async with real_chat() as driver:
        await open_list(driver)
        await filter_by(driver, "some/one-GGUF")
        await driver.pilot.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ConfirmScreen))
        await driver.pilot.press("y")
        await driver.until(lambda: "of 98 MB" in driver.text())
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat and "of 98 MB" in driver.text())
        turn = await driver.ask("Which river flows through Vienna? One sentence.")
        assert turn.params["model"] == "SmolLM2-135M-Instruct" and turn.status == "complete"
        screen = await open_list(driver)
        assert "of 98 MB" in driver.text(), "the list shows how far it is, whenever it is opened"
        await driver.pilot.press("enter")
        await driver.until(lambda: any("One at a time" in line for line in driver.told))
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is not screen)
        hub.faults.bytes_per_second = 0
        await driver.until(lambda: any("is here: alt+m and enter change to it" in line for line in driver.told))
        assert driver.session.speaker.model_name == "SmolLM2-135M-Instruct" and "of 98 MB" not in driver.text()
        await open_list(driver)
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.speaker.model_name != "SmolLM2-135M-Instruct")
        await driver.until(lambda: driver.session.info or driver.session.load_error)
        assert not driver.session.load_error


async def test_another_adapter_over_the_same_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacie = embedded_adapter_path()
    assert lacie is not None
    folder = home / "models"
    folder.mkdir()
    mine = Path(shutil.copy(lacie, folder / "mine-LoRA.gguf"))
    monkeypatch.setenv("LACIE_MODELS_DIR", str(folder))
    async with real_chat() as driver:
        await open_list(driver)
        assert "Adapters over SmolLM2-135M-Instruct" in driver.text()
        await driver.pilot.press(*"mine", "enter")
        await driver.until(lambda: driver.session.speaker.adapter_name == "mine-LoRA" and driver.session.info)
        turn = await driver.ask("Which river flows through Vienna? One sentence.")
        assert (turn.params["model"], turn.params["adapter"]) == ("SmolLM2-135M-Instruct", "mine-LoRA")
        assert turn.params["adapter_ref"] == str(mine)
        await open_list(driver)
        text = " ".join(driver.text().split())
        assert "mine-LoRA current" in text and "+ LACIE current" not in text
        await filter_by(driver, "embedded")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.speaker.adapter_name == "LACIE" and driver.session.info)
        await open_list(driver)
        await filter_by(driver, "embedded+none")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.speaker.adapter_name is None and driver.session.info)
        assert driver.session.speaker.origin.model_ref == "embedded"


async def test_errors_of_the_hub_are_one_line(hub: HubServer) -> None:
    hub.add("some/gated-GGUF", {"x-Q4_K_M.gguf": b"GGUF" * 100}, gated=True)
    async with real_chat() as driver:
        await open_list(driver)
        for typed, line in (("no/such", "there is no repository no/such"), ("some/gated-GGUF", "is gated")):
            driver.told.clear()
            await filter_by(driver, typed)
            await driver.pilot.press("enter")
            await driver.until(lambda: driver.told)
            assert line in driver.told[0] and "\n" not in driver.told[0]
        assert driver.session.speaker.model_name == "SmolLM2-135M-Instruct"


@asynccontextmanager
async def real_chat() -> AsyncIterator[Driver]:
    """`lacie chat --context 1024 --threads 1`, as the command makes it."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(["--context", "1024", "--threads", "1"])
    fill(args)
    with Store.open() as store:
        app = app_of(args, find_speaker(args), store)
        async with app.run_test(size=(80, 24)) as pilot:
            driver = Driver(app, pilot)
            await driver.until(lambda: app.session.info or app.session.load_error)
            yield driver


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("owner/repo", True), ("owner/repo:Q8_0", True), ("~/x.gguf", True), ("x.gguf", True), ("ollama:llama3", True),
        ("qwen", False), ("35 b", False), ("what is a / in it", False),
    ],
)  # fmt: skip
def test_what_is_taken_for_a_name(text: str, looks: bool) -> None:
    assert looks_like_ref(text) is looks
