"""Several adapters over one copy of the weights: each answers as it would alone, whatever was answered between."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import GREEDY, QUESTION, ask
from random_adapter import write_random_adapter

from lacie_chat.engine import ChatTurn, Delta, Engine, EngineProcess, EngineSettings, Failed
from lacie_chat.engine.asking import answer_to

TURNS = [ChatTurn("user", QUESTION)]
ROOM = 512


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return [write_random_adapter(folder / f"random-{seed}-LoRA.gguf", strength=0.3, seed=seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def alone(embedded_model: Path, adapters: list[Path]) -> dict[Path | None, str]:
    """What each of them answers in an engine of its own, and the model without any."""
    found: dict[Path | None, str] = {}
    for path in (None, *adapters):
        with Engine(EngineSettings(embedded_model, path, n_ctx=ROOM)) as engine:
            found[path] = ask(engine).text
    assert len(set(found.values())) == 4, "strong enough to be told apart"
    return found


@pytest.fixture(scope="module")
def shared(embedded_model: Path, adapters: list[Path]) -> Iterator[Engine]:
    first, second, _ = adapters
    with Engine(EngineSettings(embedded_model, first, further_adapters=(second,), n_ctx=ROOM)) as engine:
        engine.load()
        yield engine


def text_of(engine: Engine | EngineProcess, path: Path | None) -> str:
    return answer_to(engine, TURNS, GREEDY, baseline=path is None, adapter=path).text


def test_each_answers_as_it_does_alone(shared: Engine, adapters: list[Path], alone: dict[Path | None, str]) -> None:
    order = [*adapters, None, *reversed(adapters), None, adapters[2], adapters[0]]
    assert [text_of(shared, path) for path in order] == [alone[path] for path in order]
    assert ask(shared).text == alone[adapters[0]], "its own, where nothing is said"
    assert set(shared._contexts) == {None, *adapters}


def test_token_by_token_in_turn(shared: Engine, adapters: list[Path], alone: dict[Path | None, str]) -> None:
    running = {path: shared.generate(TURNS, GREEDY, baseline=path is None, adapter=path) for path in (None, *adapters)}
    texts: dict[Path | None, str] = dict.fromkeys(running, "")
    while running:
        for path, events in list(running.items()):
            event = next(events, None)
            if event is None:
                del running[path]
            elif isinstance(event, Delta):
                texts[path] += event.text
    assert texts == alone


def test_the_listener_hears_the_same_whoever_speaks(shared: Engine, adapters: list[Path]) -> None:
    read = ("Is it wet?\n", ["It rains. Wet:"], [[" yes"], [" no"]])
    before = shared.reader("hearing").choice_probabilities(*read)
    for path in adapters:
        text_of(shared, path)
        assert shared.reader("hearing").choice_probabilities(*read) == before


def test_through_the_process(embedded_model: Path, adapters: list[Path], alone: dict[Path | None, str]) -> None:
    first, second, third = adapters
    settings = EngineSettings(embedded_model, first, further_adapters=(second,), n_ctx=ROOM)
    with EngineProcess(settings) as engine:
        assert [text_of(engine, path) for path in (second, first, None, third)] == [
            alone[path] for path in (second, first, None, third)
        ]


def test_one_that_does_not_fit_fails_its_own_answer(shared: Engine, adapters: list[Path], tmp_path: Path) -> None:
    narrow = write_random_adapter(tmp_path / "narrow.gguf", width=64)
    [failed] = list(shared.generate(TURNS, GREEDY, adapter=narrow))
    assert isinstance(failed, Failed) and "doesn't fit" in failed.message and str(narrow) in failed.message
    assert text_of(shared, adapters[1])


def test_one_that_was_announced_and_does_not_fit_is_said_when_it_is_loaded(
    embedded_model: Path, adapters: list[Path], tmp_path: Path
) -> None:
    narrow = write_random_adapter(tmp_path / "narrow.gguf", width=64)
    engine = Engine(EngineSettings(embedded_model, adapters[0], further_adapters=(narrow,), n_ctx=ROOM))
    with pytest.raises(Exception, match="doesn't fit"):
        engine.load()
    engine.close()
