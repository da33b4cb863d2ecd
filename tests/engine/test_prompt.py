"""Conversations longer than the context."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import GREEDY, collect

from lacie_chat.engine import ChatTurn, Engine, EngineSettings, Failed
from lacie_chat.engine.model import Model
from lacie_chat.engine.prompt import fit
from lacie_chat.engine.template import ChatTemplate

SYSTEM = ChatTurn("system", "Answer as a harbour master.")
LAST = ChatTurn("user", "What is the last question?")


@pytest.fixture(scope="module")
def small(embedded_model: Path) -> Iterator[Engine]:
    engine = Engine(EngineSettings(embedded_model, n_ctx=512))
    engine.load()
    yield engine
    engine.close()


def history(turns: int) -> list[ChatTurn]:
    return [
        turn
        for i in range(turns)
        for turn in (
            ChatTurn("user", f"Question {i}: how many boats came in that day?"),
            ChatTurn("assistant", f"Answer {i}: there were {i} of them, all told."),
        )
    ]


def cut_text(engine: Engine, turns: list[ChatTurn], max_tokens: int = 24) -> tuple[str, int, object]:
    model, template = engine._model, engine._template
    assert isinstance(model, Model) and isinstance(template, ChatTemplate)
    tokens, cut = fit(turns, model, template, n_ctx=512, max_tokens=max_tokens)
    return b"".join(model.piece(token, special=True) for token in tokens).decode(), len(tokens), cut


def test_short_conversation_is_left_alone(small: Engine) -> None:
    text, _, cut = cut_text(small, [SYSTEM, *history(2), LAST])
    assert cut is None and "Question 0" in text


def test_oldest_turns_go_first(small: Engine) -> None:
    turns = [SYSTEM, *history(40), LAST]
    text, length, cut = cut_text(small, turns)
    assert cut is not None and length <= 512 - 24
    assert cut.kept_tokens == length and cut.dropped_turns % 2 == 0
    assert SYSTEM.content in text and LAST.content in text
    first = cut.dropped_turns // 2
    assert f"Question {first}:" in text and f"Question {first - 1}:" not in text
    assert "Answer 39:" in text
    # no more than needed: with one more exchange it would not fit
    assert length + 50 > 512 - 24


def test_long_last_turn_keeps_both_ends(small: Engine) -> None:
    paste = "START " + "the gulls cried over the grey water " * 400 + " END"
    text, length, cut = cut_text(small, [SYSTEM, *history(3), ChatTurn("user", paste)])
    assert cut is not None and cut.dropped_turns == 6 and cut.dropped_tokens > 2000
    assert "START" in text and "END" in text and "[…]" in text and SYSTEM.content in text
    assert 512 - 24 - 40 < length <= 512 - 24


def test_system_turn_too_long_for_the_question_goes(small: Engine) -> None:
    text, length, cut = cut_text(small, [ChatTurn("system", "obey the tide " * 500), LAST])
    assert cut is not None and cut.dropped_turns == 1 and LAST.content in text and length <= 488


def test_emoji_at_the_cut_stay_whole(small: Engine) -> None:
    text, length, _ = cut_text(small, [ChatTurn("user", "🦜" * 600)])
    assert length <= 488 and "\ufffd" not in text


def test_engine_says_what_it_cut_and_answers(small: Engine) -> None:
    answer = collect(small.generate([SYSTEM, *history(40), LAST], GREEDY))
    assert answer.cut is not None and answer.cut.dropped_turns > 0
    assert answer.cut.kept_tokens == answer.finished.prompt_tokens
    assert answer.finished.completion_tokens > 0


def test_room_for_the_answer_is_at_most_half(small: Engine) -> None:
    _, length, cut = cut_text(small, [SYSTEM, *history(40), LAST], max_tokens=100_000)
    assert cut is not None and 150 < length <= 256


def test_turns_must_end_with_the_user(small: Engine) -> None:
    assert isinstance(collect(small.generate(history(2), GREEDY)).end, Failed)


def test_a_long_conversation_costs_little_more_than_its_length(small: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in characters that the tokenizer is given: cutting must not try halves of thousands of messages, and what
    was found of old messages is kept."""
    model, template = small._model, small._template
    assert isinstance(model, Model) and isinstance(template, ChatTemplate)
    given: list[int] = []
    tokenise = model.tokenise

    def counted(text: str, *, special: bool = False) -> list[int]:
        given.append(len(text))
        return tokenise(text, special=special)

    monkeypatch.setattr(model, "tokenise", counted)
    turns = [*history(2000), LAST]
    characters = sum(len(turn.content) for turn in turns)

    def cost(asked: list[ChatTurn]) -> tuple[float, int]:
        """Characters given, by those of the conversation; and how often."""
        given.clear()
        fit(asked, model, template, n_ctx=512, max_tokens=24)
        return sum(given) / characters, len(given)

    first, calls = cost(turns)
    assert first < 3.5 and calls < len(turns) + 100  # each message for itself, the whole, and its frame alone
    again, calls = cost(turns)  # measured before it is sent, then sent
    assert again < 0.2 and calls < 100
    more = [*turns, ChatTurn("assistant", "Who knows."), ChatTurn("user", "And the next?")]
    after, calls = cost(more)
    assert after < 2.5 and calls < 100


def test_the_earliest_turns_that_fit_are_found(small: Engine) -> None:
    """Whatever the number of turns, no more is left out than must be."""
    model, template = small._model, small._template
    assert isinstance(model, Model) and isinstance(template, ChatTemplate)
    for exchanges in (9, 10, 11, 12, 13, 17, 30, 64):
        turns = [*history(exchanges), LAST]
        tokens, cut = fit(turns, model, template, n_ctx=512, max_tokens=24)
        assert len(tokens) <= 488
        if cut is not None:
            assert tokens == template.tokens(turns[cut.dropped_turns :])
            assert len(template.tokens(turns[cut.dropped_turns - 2 :])) > 488
