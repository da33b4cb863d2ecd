"""Thoughts as the engine has them: a real model that writes marks by itself, one whose template begins the thought, and
what ends it early."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from thinking_copies import OPENS, SHOWS, harmony, names_of, thinking_copy

from lacie_chat.engine import (
    ChatTurn,
    Delta,
    Engine,
    EngineProcess,
    EngineSettings,
    Finished,
    GenerationEvent,
    PromptProgress,
    Reasoning,
    Sampling,
)
from lacie_chat.engine.asking import answer_to, draw_sample
from lacie_chat.engine.batches import LlamaCppGenerator

FRANCE = [ChatTurn("user", "What is the capital of France?")]
GREEDY = Sampling(temperature=0.0, max_tokens=20)
SEA = [ChatTurn("user", "Tell me a long story about the sea.")]


@pytest.fixture(scope="module")
def shows(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return thinking_copy(embedded_model, tmp_path_factory.mktemp("shows") / "shows.gguf", SHOWS)


@pytest.fixture(scope="module")
def opens(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its marks are control tokens, which are no text of their own."""
    return thinking_copy(embedded_model, tmp_path_factory.mktemp("opens") / "opens.gguf", OPENS, marks=True)


@pytest.fixture(scope="module")
def thinker(shows: Path) -> Iterator[Engine]:
    with Engine(EngineSettings(shows, n_ctx=1024)) as engine:
        yield engine


@pytest.fixture(scope="module")
def opened(opens: Path) -> Iterator[Engine]:
    with Engine(EngineSettings(opens, n_ctx=512)) as engine:
        yield engine


def texts_of(events: Sequence[GenerationEvent]) -> tuple[str, str, Finished]:
    finished = events[-1]
    assert isinstance(finished, Finished), finished
    thought = "".join(event.text for event in events if isinstance(event, Reasoning))
    return thought, "".join(event.text for event in events if isinstance(event, Delta)), finished


def test_a_thought_is_told_from_its_answer(thinker: Engine) -> None:
    assert thinker.load().thinks
    events = list(thinker.generate(FRANCE, GREEDY))
    assert names_of(events) == ["PromptProgress", "Reasoning", "Delta", "Finished"]
    thought, answer, finished = texts_of(events)
    assert thought == "They ask for a capital. I know that one." and answer == "It is Paris."
    assert finished.reason == "stop" and not finished.reasoning_open
    assert [finished.tokens[0][0], finished.tokens[-1][1]] == [0, len(answer)]
    assert len(finished.tokens) == len(finished.alternatives) == 4
    assert finished.completion_tokens == finished.reasoning_tokens + 4
    assert "".join(each.text for each in finished.alternatives).strip() == answer
    assert finished.mean_logprob == pytest.approx(sum(each[2] for each in finished.tokens) / 4)
    assert 0 < finished.reasoning_seconds <= finished.generation_seconds


def test_the_next_turn_knows_the_answer_and_not_the_thought(thinker: Engine) -> None:
    turns = [*FRANCE, ChatTurn("assistant", "It is Paris."), ChatTurn("user", "And what is the capital of Japan?")]
    sampling = replace(GREEDY, reasoning="on")  # what it sees of itself has no thought, and it would do without
    thought, answer, finished = texts_of(list(thinker.generate(turns, sampling)))
    assert thought and "Tokyo" in answer and "think" not in answer
    assert finished.prompt_tokens < 200


def test_an_answer_counts_its_own_tokens(thinker: Engine) -> None:
    thought, answer, finished = texts_of(list(thinker.generate(FRANCE, Sampling(temperature=0.0, max_tokens=2))))
    assert thought == "They ask for a capital. I know that one." and answer == "It is"
    assert finished.reason == "length" and finished.completion_tokens - finished.reasoning_tokens == 2


def test_a_stop_string_ends_the_answer_and_no_thought(thinker: Engine) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=20, stop=("capital", " Paris"))
    thought, answer, _ = texts_of(list(thinker.generate(FRANCE, sampling)))
    assert "capital" in thought and answer == "It is"


def test_a_budget_ends_the_thought_and_the_answer_comes(opened: Engine) -> None:
    short, long = (
        texts_of(list(opened.generate(SEA, Sampling(temperature=0.0, max_tokens=12, reasoning=budget))))
        for budget in (3, 30)
    )
    assert short[2].reasoning_tokens < long[2].reasoning_tokens
    for thought, answer, finished in (short, long):
        assert "<think>" not in thought + answer and "</think>" not in thought + answer
        assert not finished.reasoning_open or finished.reason == "stop"
    assert short[0] and long[0].startswith(short[0]) and not short[2].reasoning_open


def test_a_thought_leaves_the_answer_its_room_in_the_context(embedded_model: Path, tmp_path: Path) -> None:
    endless = OPENS.replace("First,", "One fish, two fish, one fish, two fish, one fish, two fish, one")
    with Engine(EngineSettings(thinking_copy(embedded_model, tmp_path / "endless.gguf", endless), n_ctx=256)) as engine:
        sampling = Sampling(temperature=0.0, max_tokens=24, repeat_penalty=1.0)
        thought, answer, finished = texts_of(list(engine.generate(FRANCE, sampling)))
    assert thought.count("fish") > 20 and answer and not finished.reasoning_open
    assert finished.prompt_tokens + finished.completion_tokens <= 256


def test_switched_off_by_the_template_or_by_closing_the_block(opened: Engine, thinker: Engine) -> None:
    for engine in (opened, thinker):
        events = list(engine.generate(SEA, Sampling(temperature=0.0, max_tokens=8, reasoning="off")))
        assert "Reasoning" not in names_of(events)
        assert texts_of(events)[2].reasoning_tokens <= 1


def hurried(engine: Engine | EngineProcess) -> tuple[str, str, Finished]:
    """The thought is ended with its first words."""
    events = []
    sampling = Sampling(temperature=0.7, max_tokens=8, seed=3)
    for event in engine.generate(SEA, sampling):
        events.append(event)
        if isinstance(event, Reasoning):
            engine.answer_now()
    return texts_of(events)


def test_an_answer_can_be_had_now(opened: Engine, opens: Path) -> None:
    sampling = Sampling(temperature=0.7, max_tokens=8, seed=3)
    whole, _, without = texts_of(list(opened.generate(SEA, sampling)))
    thought, _, finished = hurried(opened)
    assert thought and whole.startswith(thought) and not finished.reasoning_open
    assert finished.reasoning_tokens < without.reasoning_tokens
    with EngineProcess(EngineSettings(opens, n_ctx=512)) as child:
        assert child.load().thinks
        distant, _, end = hurried(child)  # it may have thought on while the word was on its way
        assert distant.startswith(thought) and not end.reasoning_open
        child.answer_now()  # nothing to end


def test_an_answer_asked_for_before_the_thought_begins_ends_it_at_once(opened: Engine) -> None:
    events = []
    for event in opened.generate(SEA, GREEDY):
        events.append(event)
        if isinstance(event, PromptProgress):
            opened.answer_now()
    thought, _, finished = texts_of(events)
    assert thought == "" and not finished.reasoning_open and finished.reasoning_tokens >= 1


def test_one_that_ends_within_its_thought_has_no_answer(opened: Engine) -> None:
    events = []
    generation = opened.generate(SEA, Sampling(temperature=0.7, seed=3))
    for event in generation:
        events.append(event)
        if isinstance(event, Reasoning):
            opened.cancel()
    thought, answer, finished = texts_of(events)
    assert thought and answer == "" and finished.reasoning_open and finished.tokens == ()
    assert finished.mean_logprob is None and finished.usage()["reasoning_open"] is True


def test_answers_in_batches_think_as_those_of_the_chat(shows: Path, thinker: Engine) -> None:
    generator = LlamaCppGenerator.load(shows, batch_size=3, context=512)
    try:
        prompts = [generator.render(FRANCE), generator.render(SEA), "Plain <think>text</think>, and"]
        [[one, again], [sea], [plain]] = (
            *generator.respond(prompts[:1], GREEDY, [[0, 1]]),
            *generator.respond(prompts[1:2], GREEDY, [[0]]),
            *generator.respond(prompts[2:], Sampling(temperature=0.0, max_tokens=3), [[0]]),
        )
    finally:
        generator.close()
    alone = answer_to(thinker, FRANCE, GREEDY)
    assert one.text == again.text == alone.text == "It is Paris."
    assert one.reasoning == alone.reasoning and one.reasoning_tokens == alone.finished.reasoning_tokens
    assert [span[:2] for span in one.probabilities] == [span[:2] for span in alone.finished.tokens]
    assert sea.reasoning_tokens + 20 >= sea.tokens
    assert plain.reasoning == "" and plain.tokens == 3


def test_samples_agree_by_their_answers(thinker: Engine) -> None:
    samples = [draw_sample(thinker, FRANCE, seed) for seed in (1, 2)]
    assert all(sample and "Paris" in sample and "They ask" not in sample for sample in samples)


def test_gpt_oss_answers_turn_after_turn(embedded_model: Path, llama_cpp_models: Path, tmp_path: Path) -> None:
    """Its own template; the channels are written by the model, as text, for these weights know no such tokens."""
    source = (llama_cpp_models / "templates" / "openai-gpt-oss-120b.jinja").read_text(encoding="utf-8")
    model = thinking_copy(embedded_model, tmp_path / "harmony.gguf", harmony(source))
    turns: list[ChatTurn] = []
    sampling = Sampling(temperature=0.0, max_tokens=20, stop=("<|return|>", "."))
    with Engine(EngineSettings(model, n_ctx=2048)) as engine:
        for country in ("France", "Japan", "Italy"):
            turns.append(ChatTurn("user", f"What is the capital of {country}?"))
            choice = "on" if country == "France" else None  # else these weights may go to the answer at once
            events = list(engine.generate(turns, replace(sampling, reasoning=choice)))
            thought, answer, finished = texts_of(events)
            assert answer.startswith("It is") and "<|" not in answer + thought and finished.reason == "stop"
            assert thought or choice is None
            turns.append(ChatTurn("assistant", answer))
        turns.append(ChatTurn("user", "Say <|channel|>analysis<|message|>"))
        turns[1:1] = [ChatTurn("assistant", "<|channel|>final<|message|>"), ChatTurn("user", "Hm.")]
        assert texts_of(list(engine.generate(turns, sampling)))[2].reason in ("stop", "length")
