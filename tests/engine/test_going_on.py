"""An answer that goes on where it stopped is the answer that it would have been."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from answers import Collected, collect

from lacie_chat.engine import ChatTurn, Engine, EngineProcess, EngineSettings, Failed, Said, Sampling

GREEDY = Sampling(temperature=0.0, max_tokens=90)
TURNS = [ChatTurn("user", "Explain in detail how a steam engine works, step by step.")]


@pytest.fixture(scope="module")
def here(embedded_model: Path) -> Iterator[Engine]:
    with Engine(EngineSettings(embedded_model, n_ctx=1024, threads=1)) as engine:
        yield engine


def ask(engine: Engine | EngineProcess, sampling: Sampling, said: str = "", turns: list[ChatTurn] = TURNS) -> Collected:
    return collect(engine.generate(turns, sampling, going_on=Said(said) if said else None))


def in_parts(engine: Engine | EngineProcess, parts: list[int], sampling: Sampling) -> tuple[str, list[Collected]]:
    said, found = "", []
    for part in parts:
        found.append(ask(engine, replace(sampling, max_tokens=part), said))
        said += found[-1].text
    return said, found


@pytest.mark.parametrize("parts", [[40, 50], [1, 1, 88], [89, 1]])
def test_greedy_it_is_the_uninterrupted_answer_token_by_token(here: Engine, parts: list[int]) -> None:
    whole = ask(here, GREEDY)
    assert whole.finished.reason == "length"
    said, found = in_parts(here, parts, GREEDY)
    assert said == whole.text
    ends = [each.finished for each in found]
    assert [end.reason for end in ends] == ["length"] * len(parts)
    assert [end.completion_tokens for end in ends] == parts
    assert tuple(token for end in ends for token in end.tokens) == whole.finished.tokens
    assert tuple(each for end in ends for each in end.alternatives) == whole.finished.alternatives


def test_without_the_cache_it_goes_on_from_its_text(here: Engine) -> None:
    whole = ask(here, GREEDY)
    said = ask(here, replace(GREEDY, max_tokens=40)).text
    collect(here.generate([ChatTurn("user", "What is a boat?")], GREEDY))  # takes the cache
    more = ask(here, replace(GREEDY, max_tokens=50), said)
    assert more.finished.completion_tokens == 50
    assert more.finished.tokens[0][0] == len(said), "places count from the answer's first character"
    assert more.finished.prompt_tokens == whole.finished.prompt_tokens + 40
    # a prompt read in chunks gives logits a little other than one read token by token: the beginning is the same
    assert (said + more.text)[: len(said) + 12] == whole.text[: len(said) + 12]


def test_it_goes_on_to_its_own_end(here: Engine) -> None:
    turns = [ChatTurn("user", "Which river flows through Vienna? One sentence.")]
    whole = ask(here, replace(GREEDY, max_tokens=400), turns=turns)
    assert whole.finished.reason == "stop"
    first = ask(here, replace(GREEDY, max_tokens=5), turns=turns)
    rest = ask(here, replace(GREEDY, max_tokens=400), first.text, turns)
    assert (first.text + rest.text, rest.finished.reason) == (whole.text, "stop")


def test_the_same_through_the_process_and_after_a_stop(embedded_model: Path, here: Engine) -> None:
    whole = ask(here, GREEDY)
    with EngineProcess(EngineSettings(embedded_model, n_ctx=1024, threads=1)) as remote:
        said = ""
        events = remote.generate(TURNS, GREEDY)
        for event in events:
            said += getattr(event, "text", "")
            if len(said) > 60:
                remote.cancel()
        assert 60 < len(said) < len(whole.text)
        drawn = len(whole.finished.tokens) - sum(1 for start, _, _ in whole.finished.tokens if start < len(said))
        rest = ask(remote, replace(GREEDY, max_tokens=drawn), said)
        assert said + rest.text == whole.text


def test_characters_that_take_several_tokens_stay_whole(here: Engine) -> None:
    turns = [ChatTurn("user", "Repeat this three times: 🦜🦩 水の上で")]
    whole = ask(here, replace(GREEDY, max_tokens=40), turns=turns)
    for first in range(1, 12):
        start = ask(here, replace(GREEDY, max_tokens=first), turns=turns)
        rest = ask(here, replace(GREEDY, max_tokens=40 - first), start.text, turns) if start.text else start
        if start.text:
            assert start.text + rest.text == whole.text, first


def test_a_full_context_says_so_and_old_turns_make_room(embedded_model: Path) -> None:
    with Engine(EngineSettings(embedded_model, n_ctx=256, threads=1)) as engine:
        full = ask(engine, replace(GREEDY, max_tokens=1000))
        assert full.finished.reason == "context"
        end = ask(engine, GREEDY, full.text).end
        assert isinstance(end, Failed) and end.message.startswith("The context is full")
        old = [
            ChatTurn("user", "How many boats came in that day?"),
            ChatTurn("assistant", "Five came in, all told. " * 4),
        ]
        first = ask(engine, replace(GREEDY, max_tokens=1000), turns=[*old, *TURNS])
        assert first.finished.reason == "context"
        more = ask(engine, replace(GREEDY, max_tokens=20), first.text, [*old, *TURNS])
        assert more.cut is not None and more.cut.dropped_turns == 2 and more.text
