"""How much of the context a conversation takes, and what would be left out: measured before it is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import collect

from lacie_chat.engine import ChatTurn, Engine, EngineError, EngineProcess, EngineSettings, PromptSize, Said, Sampling

SHORT = Sampling(temperature=0.0, max_tokens=24)
ROOM = 512 - 24


@pytest.fixture(scope="module")
def remote(embedded_model: Path) -> Iterator[EngineProcess]:
    with EngineProcess(EngineSettings(embedded_model, n_ctx=512)) as engine:
        yield engine


def history(turns: int) -> list[ChatTurn]:
    return [
        turn
        for i in range(turns)
        for turn in (
            ChatTurn("user", f"Question {i}: how many boats came in that day?"),
            ChatTurn("assistant", f"Answer {i}: there were {i} of them, all told."),
        )
    ]


def asked(engine: EngineProcess, turns: list[ChatTurn]) -> tuple[PromptSize, int, object]:
    """The measure, and what is read and cut when it is really asked."""
    size = engine.measure(turns, SHORT)
    found = collect(engine.generate(turns, Sampling(temperature=0.0, max_tokens=24, stop=("\n",))))
    return size, found.finished.prompt_tokens, found.cut


def test_what_fits_is_what_is_read(remote: EngineProcess) -> None:
    turns = [*history(2), ChatTurn("user", "And what was the last question?")]
    size, read, cut = asked(remote, turns)
    assert (size.tokens, size.room, size.n_ctx) == (read, ROOM, 512)
    assert size.cut is None is cut and size.question_fits
    assert 0 < size.question < size.tokens


def test_old_turns_are_told_before_they_go(remote: EngineProcess) -> None:
    turns = [*history(30), ChatTurn("user", "And what was the last question?")]
    size, read, cut = asked(remote, turns)
    assert size.cut == cut and size.cut is not None
    assert size.cut.dropped_turns >= 2 and size.cut.kept_tokens == read <= ROOM < size.tokens
    assert size.tokens == read + size.cut.dropped_tokens
    assert size.question_fits and size.cut.question_tokens == 0 and not size.cut.system


@pytest.mark.parametrize("word", ["the gulls cried over the grey water ", "水の上でカモメが鳴いた。", "🦜🦩"])
def test_a_question_too_long_by_itself_names_its_missing_middle(remote: EngineProcess, word: str) -> None:
    question = "START of it. " + word * 900 + " END of it."
    turns = [*history(3), ChatTurn("user", question)]
    size, read, cut = asked(remote, turns)
    assert size.cut == cut and size.cut is not None and size.cut.question is not None
    assert not size.question_fits and size.question > ROOM and size.cut.dropped_turns == 6
    start, end = size.cut.question
    assert question[:start].startswith("START of it.") and question[end:].endswith("END of it.")
    assert size.cut.question_tokens >= size.question - read > 0
    without = [ChatTurn("user", f"{question[:start]}\n[…]\n{question[end:]}")]
    assert remote.measure(without, SHORT).tokens == read, "just these characters are left out"


def test_a_system_prompt_that_leaves_no_room_is_named(remote: EngineProcess) -> None:
    size = remote.measure([ChatTurn("system", "obey the tide " * 500), ChatTurn("user", "Why?")], SHORT)
    assert size.cut is not None and size.cut.system and size.cut.dropped_turns == 1


def test_half_of_a_short_context_is_kept_for_a_long_answer(remote: EngineProcess) -> None:
    assert remote.measure([ChatTurn("user", "Why?")], Sampling(max_tokens=4000)).room == 256


def test_measuring_needs_no_turn_at_the_context(remote: EngineProcess) -> None:
    """It answers while another answer is being written."""
    events = iter(remote.generate([ChatTurn("user", "Tell me about the sea.")], Sampling(max_tokens=200)))
    next(events)
    assert remote.measure([ChatTurn("user", "Why?")], SHORT).tokens > 0
    remote.cancel()
    collect(events)


def test_without_a_question_there_is_one_line(remote: EngineProcess) -> None:
    with pytest.raises(EngineError, match="There is no question to answer"):
        remote.measure([], SHORT)


def test_the_same_in_this_process(remote: EngineProcess, embedded_model: Path) -> None:
    turns = [*history(30), ChatTurn("user", "And what was the last question?")]
    with Engine(EngineSettings(embedded_model, n_ctx=512)) as engine:
        assert engine.measure(turns, SHORT) == remote.measure(turns, SHORT)


@pytest.mark.parametrize(("turns", "cuts"), [(history(2), False), (history(16), True)])
def test_what_an_answer_needs_to_go_on_is_told_before(remote: EngineProcess, turns: list[ChatTurn], cuts: bool) -> None:
    said = Said("It rained all day, and the boats stayed in the harbour. " * 12)
    turns = [*turns, ChatTurn("user", "Tell of the day.")]
    size = remote.measure(turns, SHORT, said)
    found = collect(remote.generate(turns, Sampling(temperature=0.0, max_tokens=24, stop=("\n",)), going_on=said))
    assert size.cut == found.cut and (size.cut is not None) is cuts is (size.tokens > size.room)
    assert size.tokens == found.finished.prompt_tokens + (size.cut.dropped_tokens if size.cut is not None else 0)
    assert size.said > 100 and size.question_fits


def test_an_answer_that_fills_the_context_can_not_go_on(remote: EngineProcess) -> None:
    with pytest.raises(EngineError, match="The context is full"):
        remote.measure([ChatTurn("user", "Why?")], SHORT, Said("word " * 600))
