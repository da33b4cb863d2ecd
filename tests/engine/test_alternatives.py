"""What else could have stood at each place of an answer: the likeliest tokens, and the drawn one among them."""

from math import exp

import numpy as np
import pytest
from answers import ask, collect
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.engine import ChatTurn, Engine, Finished, Sampling
from lacie_chat.engine.decoding import likeliest
from lacie_chat.engine.events import ALTERNATIVES

PLAIN = Sampling(temperature=0.0, repeat_penalty=1.0, max_tokens=24)
MULTIBYTE = "Repeat this: 東京は大きい 🎉 naïve"


def check(finished: Finished) -> None:
    """What holds for every answer."""
    assert len(finished.alternatives) == len(finished.tokens) > 0
    for (_, _, logprob), (text, others, drawn) in zip(finished.tokens, finished.alternatives, strict=True):
        assert len(others) == ALTERNATIVES
        values = [value for _, value in others]
        assert values == sorted(values, reverse=True)
        assert 0 < sum(map(exp, values)) <= 1 + 1e-5
        assert all(other for other, _ in others), "every token has a text to show"
        if drawn is None:
            assert logprob <= values[-1] + 1e-6
        else:
            assert others[drawn] == (text, pytest.approx(logprob, abs=1e-6))


def test_under_greedy_the_drawn_token_is_the_first_alternative(engine: Engine) -> None:
    answer = ask(engine, "Which river flows through Vienna?", PLAIN)
    check(answer.finished)
    assert {drawn for _, _, drawn in answer.finished.alternatives} == {0}
    assert "".join(text for text, _, _ in answer.finished.alternatives).strip() == answer.text.strip()


def test_other_tokens_are_drawn_where_chance_is_let_in(engine: Engine) -> None:
    hot = Sampling(temperature=2.5, top_k=0, top_p=1.0, max_tokens=60, seed=3)
    finished = ask(engine, "Tell me about the sea.", hot).finished
    check(finished)
    assert any(drawn is None or drawn > 0 for _, _, drawn in finished.alternatives)


def test_tokens_of_parts_of_characters_have_alternatives_each(engine: Engine) -> None:
    hot = Sampling(temperature=1.0, max_tokens=60, seed=5)
    answer = collect(engine.generate([ChatTurn("user", MULTIBYTE)], hot))
    check(answer.finished)
    parts = [text for text, others, _ in answer.finished.alternatives for text in (text, *(t for t, _ in others))]
    assert any("‹0x" in text for text in parts)
    assert not any("\ufffd" in text for text in parts)


def test_the_end_of_the_answer_is_an_alternative_by_its_marker(engine: Engine) -> None:
    finished = ask(engine, "Say yes.", Sampling(temperature=0.0, max_tokens=60)).finished
    assert any("<|im_end|>" in dict(others) for _, others, _ in finished.alternatives)


def test_what_is_cut_off_has_no_alternatives_either(engine: Engine) -> None:
    whole = ask(engine).text
    stop = whole[len(whole) // 2 : len(whole) // 2 + 4]
    finished = ask(engine, sampling=Sampling(temperature=0.0, max_tokens=24, stop=(stop,))).finished
    check(finished)
    assert len(finished.tokens) < finished.completion_tokens


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40),
    st.integers(1, 8),
    st.integers(0, 3000),
    st.integers(0, 2**32 - 1),
)
def test_the_likeliest_are_those_that_sorting_finds(head: list[float], count: int, more: int, seed: int) -> None:
    tail = np.random.default_rng(seed).integers(-9, 9, size=more)  # whole numbers, so that many are equal
    logits = np.concatenate([np.array(head, np.float32), tail.astype(np.float32)])
    found = likeliest(logits, count)
    assert found == list(np.argsort(-logits, kind="stable")[:count])
