"""Real architectures with random weights: what is answered and what is read is the same alone, in a batch, fresh, and
after anything else; whether a model's memory can be cut back or not.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_architectures import ARCHITECTURES, FORGETFUL, NO_CHAT, write_tiny, write_tiny_adapter

from lacie_chat.confidence.prompted import CHOICES, LISTENER_PREFIX, listener_suffix
from lacie_chat.engine import ChatTurn, Delta, Engine, EngineError, EngineSettings, Finished, Sampling
from lacie_chat.engine.batches import LlamaCppGenerator

GREEDY = Sampling(temperature=0, repeat_penalty=1, max_tokens=12)
FIRST = [ChatTurn("user", "Tell me about rivers, lakes and canals. " * 6)]
SECOND = [*FIRST, ChatTurn("assistant", "Rivers are long."), ChatTurn("user", "And which is the longest of them?")]
OTHER = [*FIRST, ChatTurn("assistant", "Rivers are long."), ChatTurn("user", "And ships? " * 12)]
SUFFIXES = [
    listener_suffix(text)
    for text in ("It is [answer], I am certain.", "Perhaps [answer], who knows? I am not sure of it.", "[answer]")
]

Tiny = Callable[[str], Path]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, embedded_model: Path) -> Tiny:
    folder = tmp_path_factory.mktemp("architectures")

    def make(name: str) -> Path:
        path = folder / f"{name}.gguf"
        return path if path.exists() else write_tiny(path, name, embedded_model)

    return make


@pytest.fixture(params=ARCHITECTURES)
def path(request: pytest.FixtureRequest, tiny: Tiny) -> Path:
    return tiny(request.param)


@pytest.fixture
def loaded(path: Path) -> Iterator[Engine]:
    with Engine(EngineSettings(path, n_ctx=1024)) as engine:
        engine.load()
        yield engine


def answer(engine: Engine, turns: list[ChatTurn], *, baseline: bool = False, aside: bool = False) -> tuple[object, ...]:
    """What was written, and how likely each token of it was."""
    events = list(engine.generate(turns, GREEDY, baseline=baseline, aside=aside))
    assert isinstance(events[-1], Finished), events[-1]
    text = "".join(event.text for event in events if isinstance(event, Delta))
    return text, *(logprob for *_, logprob in events[-1].tokens)


def test_answers_are_the_same_fresh_cancelled_and_after_other_turns(path: Path, loaded: Engine) -> None:
    first, second = answer(loaded, FIRST), answer(loaded, SECOND)
    assert first != second
    for turns in (OTHER, FIRST):
        events = loaded.generate(turns, Sampling(temperature=0, max_tokens=400))
        started = False
        for event in events:
            if isinstance(event, Delta) and not started:
                started = True
                loaded.cancel()
        assert isinstance(event, Finished) and event.reason == "cancelled"
        assert answer(loaded, SECOND) == second
    for number in range(20):
        answer(loaded, [ChatTurn("user", f"Question {number}: what of it?")] if number % 2 else OTHER)
    assert (answer(loaded, FIRST), answer(loaded, SECOND)) == (first, second)
    assert [answer(loaded, turns, aside=True) for turns in (SECOND, FIRST)] == [second, first]
    with Engine(EngineSettings(path, n_ctx=1024)) as fresh:
        assert answer(fresh, SECOND) == second


def test_a_start_that_is_read_already_is_used(loaded: Engine) -> None:
    answer(loaded, FIRST)
    *_, again = loaded.generate(FIRST, GREEDY)
    *_, longer = loaded.generate(SECOND, GREEDY)
    *_, back = loaded.generate(OTHER, GREEDY)
    for end, least in ((again, 64), (longer, 64), (back, 64)):
        assert isinstance(end, Finished) and end.cached_tokens >= least, end


def test_in_a_batch_it_answers_as_in_the_chat(path: Path, loaded: Engine) -> None:
    texts = [str(answer(loaded, turns)[0]).strip() for turns in (FIRST, SECOND)]
    generator = LlamaCppGenerator.load(path, batch_size=4, context=512)
    prompts = [generator.render(turns) for turns in (FIRST, SECOND)]
    for seeds in ([[1], [2]], [[1, 2], [3, 4]]):
        found = generator.respond(prompts, GREEDY, seeds)
        assert [[response.text for response in each] for each in found] == [
            [text] * len(each) for text, each in zip(texts, seeds, strict=True)
        ]
    generator.close()


def test_a_reading_is_the_same_alone_in_a_batch_fresh_and_after_others(path: Path, loaded: Engine) -> None:
    reader, patient = loaded.reader("hearing"), loaded.reader("hearing", patient=True)
    whole = reader.choice_probabilities("", [LISTENER_PREFIX + suffix for suffix in SUFFIXES], CHOICES)
    first = reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES)
    for row, expected in zip(first, whole, strict=True):
        assert row == pytest.approx(expected, rel=2e-3), "the prompt was read, all of it"
    assert reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == first, "the second call"
    for suffix, row in zip(reversed(SUFFIXES), reversed(first), strict=True):
        assert reader.choice_probabilities(LISTENER_PREFIX, [suffix], CHOICES) == [row], "alone"
    for number in range(20):
        answer(loaded, [ChatTurn("user", f"Question {number}?")])
        reader.choice_probabilities(f"Prompt number {number}.\n", ["Is it so?", "Or so?"], [["yes"], ["no"]])
    reader.complete(LISTENER_PREFIX, ["One, two,"], max_tokens=9, stop=[])
    assert reader.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == first, "after others"
    together = patient.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES)
    for row, expected in zip(together, first, strict=True):
        assert row == pytest.approx(expected, rel=2e-3), "side by side"
    assert patient.choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == together
    with Engine(EngineSettings(path)) as fresh:
        assert fresh.reader("hearing").choice_probabilities(LISTENER_PREFIX, SUFFIXES[1:], CHOICES) == first[1:]
        assert (
            fresh.reader("hearing", patient=True).choice_probabilities(LISTENER_PREFIX, SUFFIXES, CHOICES) == together
        )


@pytest.mark.parametrize("name", FORGETFUL)
def test_where_a_prefix_ends_within_a_token_nothing_of_it_is_missing(name: str, tiny: Tiny) -> None:
    text = LISTENER_PREFIX + SUFFIXES[0]
    with Engine(EngineSettings(tiny(name))) as engine:
        reader, patient = engine.reader("hearing"), engine.reader("hearing", patient=True)
        (expected,) = reader.choice_probabilities("", [text], CHOICES)
        for place in range(900, 906):
            for _ in range(2):
                (row,) = reader.choice_probabilities(text[:place], [text[place:]], CHOICES)
                assert row == pytest.approx(expected, rel=2e-3)
            (row,) = patient.choice_probabilities(text[:place], [text[place:]], CHOICES)
            assert row == pytest.approx(expected, rel=2e-3)


def test_with_and_without_an_adapter_in_turn(path: Path, loaded: Engine, tmp_path: Path) -> None:
    adapter = write_tiny_adapter(tmp_path / "adapter.gguf", path)
    assert adapter is not None
    with Engine(EngineSettings(path, adapter_path=adapter, n_ctx=1024)) as engine:
        adapted = answer(engine, SECOND)
        plain = answer(engine, SECOND, baseline=True)
        assert plain == answer(loaded, SECOND) and adapted != plain
        for _ in range(2):
            answer(engine, OTHER, baseline=True)
            assert answer(engine, SECOND) == adapted
            answer(engine, FIRST)
            assert answer(engine, SECOND, baseline=True) == plain


@pytest.mark.parametrize("name", NO_CHAT)
def test_models_that_cannot_answer_are_refused_before_they_abort_the_process(name: str, tiny: Tiny) -> None:
    path = tiny(name)
    with Engine(EngineSettings(path)) as engine, pytest.raises(EngineError) as caught:
        engine.load()
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
