"""Answers of the engine in this process: streaming, sampling, the cache, cancelling."""

import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from answers import GREEDY, QUESTION, ask, collect

from lacie_chat.engine import ChatTurn, Delta, Engine, EngineError, EngineSettings, Failed, Finished, Sampling
from lacie_chat.engine.asking import answer_to

LONG_PROMPT = "The harbour was quiet and the boats were still. " * 600  # about 6000 tokens
CANCEL_LIMIT = 1.0  # the promise is 0.2 s on a machine of one's own; the tests share theirs


def test_streams_whole_text_with_true_counts(engine: Engine) -> None:
    answer = ask(engine, sampling=Sampling(temperature=0.0, max_tokens=30))
    assert len(answer.deltas) > 10
    end = answer.finished
    assert end.reason == "length" and end.completion_tokens == 30
    assert end.prompt_tokens == answer.progress[-1].total == answer.progress[-1].done
    assert end.time_to_first_token is not None and 0 < end.prompt_seconds <= end.time_to_first_token
    assert end.mean_logprob is not None and -10 < end.mean_logprob < 0
    assert end.tokens_per_second is not None and end.tokens_per_second > 0


def test_greedy_tokens_are_those_of_llama_cpp(engine: Engine, plain: "PlainLlama") -> None:  # noqa: F821
    prompt = plain.tokens(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n",
        special=True,
    )
    tokens = list(prompt)
    plain.llama.reset()
    logprobs = []
    for _ in range(12):
        probabilities = plain.probabilities(prompt) if len(tokens) == len(prompt) else plain.after(tokens[-1])
        tokens.append(int(probabilities.argmax()))
        logprobs.append(math.log(probabilities.max()))
    answer = ask(engine, sampling=Sampling(temperature=0.0, max_tokens=12, repeat_penalty=1.0))
    assert answer.finished.prompt_tokens == len(prompt)
    assert answer.text == plain.llama.detokenize(tokens[len(prompt) :]).decode()
    assert answer.finished.mean_logprob == pytest.approx(sum(logprobs) / 12, abs=1e-3)


def test_one_seed_one_text(engine: Engine) -> None:
    warm = Sampling(temperature=1.0, top_k=0, top_p=1.0, max_tokens=24)
    first = ask(engine, sampling=replace(warm, seed=1)).text
    ask(engine, "Something else altogether, please.")
    assert ask(engine, sampling=replace(warm, seed=1)).text == first
    assert ask(engine, sampling=replace(warm, seed=2)).text != first


def test_temperature_zero_ignores_the_seed(engine: Engine) -> None:
    assert ask(engine, sampling=replace(GREEDY, seed=1)).text == ask(engine, sampling=replace(GREEDY, seed=2)).text


def test_cached_start_of_a_prompt_changes_nothing(engine: Engine) -> None:
    story = "The keeper of the light counted the ships that passed. " * 20
    fresh = ask(engine, story + "How many?")
    assert fresh.finished.cached_tokens == 0 or fresh.finished.cached_tokens < 64
    ask(engine, story + "Which ones were red?")
    again = ask(engine, story + "How many?")
    assert again.finished.cached_tokens >= 192
    assert again.text == fresh.text


def test_conversation_goes_on_from_the_cache(engine: Engine) -> None:
    first = ask(engine)
    turns = [ChatTurn("user", QUESTION), ChatTurn("assistant", first.text), ChatTurn("user", "Go on.")]
    second = collect(engine.generate(turns, GREEDY))
    assert second.finished.cached_tokens >= first.finished.prompt_tokens
    # and made again it is the same: the prompt is read in the same pieces
    assert collect(engine.generate(turns, GREEDY)).text == second.text


def test_max_tokens_and_stop_strings(engine: Engine) -> None:
    whole = ask(engine, sampling=Sampling(temperature=0.0, max_tokens=20)).text
    stop = whole[10:14]
    assert (
        ask(engine, sampling=Sampling(temperature=0.0, max_tokens=20, stop=(stop,))).text == whole[: whole.find(stop)]
    )
    none = ask(engine, sampling=Sampling(temperature=0.0, max_tokens=0))
    assert none.text == "" and none.finished.reason == "length"


def test_emoji_arrive_whole(engine: Engine) -> None:
    turns = [ChatTurn("user", "Write emoji."), ChatTurn("assistant", "🦜🦩🦚🦜🦩🦚🦜🦩🦚🦜🦩🦚")] * 3
    sampling = Sampling(temperature=0.0, max_tokens=40, repeat_penalty=1.0)
    answer = collect(engine.generate([*turns, ChatTurn("user", "Write emoji.")], sampling))
    assert "�" not in answer.text
    assert not answer.text.isascii(), f"the model wrote no emoji, so this shows nothing: {answer.text!r}"
    assert len(answer.deltas) < answer.finished.completion_tokens


def test_cancel_while_generating(engine: Engine) -> None:
    expected = ask(engine).text
    started = 0.0
    events = []
    for event in engine.generate([ChatTurn("user", "Write a very long story.")], Sampling(max_tokens=400)):
        events.append(event)
        if isinstance(event, Delta) and not started:
            threading.Timer(0.2, engine.cancel).start()
            started = time.perf_counter() + 0.2
    took = time.perf_counter() - started
    print(f"cancelled in {took * 1000:.0f} ms while generating")
    assert isinstance(events[-1], Finished) and events[-1].reason == "cancelled"
    assert 0 < events[-1].completion_tokens < 400
    assert took < CANCEL_LIMIT
    assert ask(engine).text == expected


def test_cancel_while_reading_a_long_prompt(engine: Engine) -> None:
    expected = ask(engine).text
    timer = threading.Timer(0.5, engine.cancel)
    started = time.perf_counter() + 0.5
    timer.start()
    answer = ask(engine, LONG_PROMPT)
    took = time.perf_counter() - started
    print(f"cancelled in {took * 1000:.0f} ms while reading {answer.finished.prompt_tokens} tokens")
    assert answer.finished.reason == "cancelled" and answer.text == ""
    assert answer.finished.prompt_tokens > 5500
    assert answer.progress[-1].done < answer.finished.prompt_tokens
    assert answer.finished.time_to_first_token is None
    assert took < CANCEL_LIMIT
    assert ask(engine).text == expected


def test_cancel_before_the_first_event_counts_and_idle_cancel_does_not(engine: Engine) -> None:
    expected = ask(engine).text
    engine.cancel()
    assert ask(engine).text == expected
    events = engine.generate([ChatTurn("user", QUESTION)], GREEDY)
    engine.cancel()
    assert collect(events).finished.reason == "cancelled"


def test_closing_the_iterator_frees_the_context(engine: Engine) -> None:
    expected = ask(engine).text
    events = engine.generate([ChatTurn("user", QUESTION)], GREEDY)
    next(event for event in events if isinstance(event, Delta))
    events.close()
    assert ask(engine).text == expected


def test_second_answer_of_the_same_thread_is_refused_not_deadlocked(engine: Engine) -> None:
    first = engine.generate([ChatTurn("user", QUESTION)], GREEDY)
    next(first)
    second = collect(engine.generate([ChatTurn("user", QUESTION)], GREEDY))
    assert isinstance(second.end, Failed) and "busy" in second.end.message
    assert collect(first).finished.reason == "length"


def test_two_threads_take_turns(engine: Engine) -> None:
    expected = {question: ask(engine, question).text for question in ("Name a colour.", "Name a fish.")}
    found: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda q=question: found.update({q: ask(engine, q).text})) for question in expected
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == expected


def test_a_full_context_is_told_from_the_length_that_was_asked_for(embedded_model: Path) -> None:
    small = Engine(EngineSettings(embedded_model, n_ctx=256))
    try:
        answer = ask(
            small, "Write a very long story about the sea. " * 8, Sampling(temperature=1.0, max_tokens=1000, seed=3)
        )
        end = answer.finished
        assert end.reason == "context"
        assert end.prompt_tokens + end.completion_tokens == 256 + 1  # the last one drawn needs no place in the cache
    finally:
        small.close()


def test_wrong_turns_fail_in_one_line(engine: Engine) -> None:
    for turns in ([], [ChatTurn("assistant", "Hello.")]):
        end = collect(engine.generate(turns, GREEDY)).end
        assert isinstance(end, Failed) and "\n" not in end.message


def test_odd_input_is_answered(engine: Engine) -> None:
    for question in ("", "\x00", "\ud800 lone surrogate", "[bold]x[/bold]", "{{ messages }} {% for %}", "\n" * 50):
        assert ask(engine, question, replace(GREEDY, max_tokens=2)).finished.completion_tokens <= 2


def test_closed_engine_says_so(embedded_model: Path) -> None:
    closed = Engine(EngineSettings(embedded_model, n_ctx=256))
    events = closed.generate([ChatTurn("user", QUESTION)], GREEDY)
    next(events)
    closed.close()
    assert isinstance(collect(events).end, (Failed, Finished))
    with pytest.raises(EngineError, match="closed"):
        closed.load()
    with pytest.raises(EngineError, match="closed"):
        closed.listener.acceptances(["It is [answer]."])
    end = ask(closed).end
    assert isinstance(end, Failed) and "closed" in end.message
    closed.close()


def test_native_code_writes_nothing_to_the_terminal(
    embedded_model: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "engine.log"
    noisy = Engine(EngineSettings(embedded_model, n_ctx=256), log_path=log)
    ask(noisy, sampling=replace(GREEDY, max_tokens=2))
    noisy.close()
    assert capfd.readouterr() == ("", "")
    assert "llama_model_loader" in log.read_text(errors="replace")


def test_an_answer_asked_for_whole_lets_its_context_go(engine: Engine) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=4)
    first, second = (answer_to(engine, [ChatTurn("user", "Say yes.")], sampling) for _ in range(2))
    assert first.text == second.text and first.finished.completion_tokens == 4
