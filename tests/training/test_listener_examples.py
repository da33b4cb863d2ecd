"""The tokens of either task, which of them a loss is about, and how they are put into steps."""

import math
from collections.abc import Sequence
from functools import cache

import pytest
import torch
from lacie_training.generators.loading import load_tokenizer
from lacie_training.listening.examples import (
    FORMS,
    Example,
    batches,
    digest,
    finding_examples,
    hearing_examples,
    schedule,
    target_of,
)
from lacie_training.listening.losses import FindingLoss, HearingLoss
from lacie_training.listening.rated import Rated
from lacie_training.listening.spans import Answered
from lacie_training.recipes.listening import LossSettings

from lacie_chat.confidence.tuned import FINDING_PREFIX, HEARING_PREFIX, finding_suffix, hearing_suffix
from lacie_chat.confidence.version import EXTRACTION_VERSION, LISTENER_VERSION

PLAIN = LossSettings(square=0, mass=0, rest=0.5, smoothing=0)


tokenizer = cache(lambda: load_tokenizer("embedded"))


def encode(texts: Sequence[str]) -> list[list[int]]:
    """By the embedded model's tokenizer."""
    return [list(ids) for ids in tokenizer()(list(texts), add_special_tokens=False).input_ids]


def decode(ids: Sequence[int]) -> str:
    """The text of some tokens."""
    text: str = tokenizer().decode(list(ids))
    return text


def test_a_text_is_read_in_the_form_in_which_the_chat_reads() -> None:
    text = "**I think** it's [answer].\n\nSure: yes"
    (example,) = hearing_examples([Rated(text, 0.5, 2.0, "answers")], encode, longest=700)
    assert decode(example.ids) == HEARING_PREFIX + hearing_suffix(text)
    assert (example.prompt, example.rating, example.weight, example.source) == (len(example.ids), 0.5, 2.0, "answers")


def test_texts_that_are_seen_alike_are_one_and_unseen_ones_none() -> None:
    texts = ["It is [answer].", "It is  **[answer]**.", "<!-- -->", "\u200b"]
    rows = [Rated(text, index / 10, 1.0, "own") for index, text in enumerate(texts)]
    examples = hearing_examples(rows, encode, longest=700)
    assert [example.rating for example in examples] == [0.1]


def test_of_a_text_that_is_too_long_the_middle_goes() -> None:
    text = " ".join(f"Word {n}." for n in range(200))
    (whole,) = hearing_examples([Rated(text, 0.5, 1.0, "own")], encode, longest=10_000)
    (cut,) = hearing_examples([Rated(text, 0.5, 1.0, "own")], encode, longest=101)
    assert cut.ids == (*whole.ids[:50], *whole.ids[-51:])
    assert cut.prompt == 101


def test_a_span_is_the_target_after_the_form() -> None:
    rows = [
        Answered("Who wrote it?", "It was\nJane  Austen, I think.", "Jane Austen"),
        Answered("Who wrote it?", "I don't know.", None),
    ]
    found = finding_examples(rows, encode, encode, longest=1024)
    assert [decode(example.ids[example.prompt :]) for example in found] == [" Jane Austen\n", " none\n"]
    assert [decode(example.ids[: example.prompt]) for example in found] == [
        FINDING_PREFIX + finding_suffix(row.question, row.response) for row in rows
    ]
    assert target_of("Jane\n Austen") == " Jane Austen\n"


def test_the_loss_of_a_span_is_about_its_target_and_nothing_else() -> None:
    (example,) = finding_examples([Answered("Who?", "It was Jane Austen.", "Jane Austen")], encode, encode, longest=99)
    places = FindingLoss(PLAIN).positions(example)
    assert [example.ids[place + 1] for place in places] == list(example.ids[example.prompt :])
    assert (places.start, places.stop) == (example.prompt - 1, len(example.ids) - 1)


def test_what_is_too_long_or_not_shown_is_left_out() -> None:
    filler = "It went on like that for years. " * 40
    rows = [
        Answered("Who?", f"{filler} Jane Austen. {filler}", "Jane Austen"),
        Answered("Who?", filler * 2, None),
        Answered("Who?", "Jane Austen.", "Jane Austen"),
    ]
    assert len(finding_examples(rows, encode, encode, longest=1024)) == 2
    assert len(finding_examples(rows, encode, encode, longest=100)) == 1


def test_the_loss_of_spans_by_hand() -> None:
    examples = [Example((0, 0, 1, 2), 2, "spans"), Example((0, 3), 1, "spans")]
    logits = torch.tensor([[0.0, 5, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]])
    loss, errors = FindingLoss(PLAIN)(logits, examples)
    each = [math.log(math.exp(5) + 3) - 5, math.log(4), math.log(math.exp(2) + 3)]
    assert loss.item() == pytest.approx((each[0] + 0.5 * each[1] + each[2]) / 2.5)
    assert errors == [0.0, 1.0]


def test_the_loss_of_ratings_by_hand_and_its_least_is_at_the_rating() -> None:
    examples = [Example((0,), 1, "own", 0.8, 1.0), Example((0,), 1, "own", 0.1, 3.0)]

    def at(first: float, second: float, settings: LossSettings = PLAIN) -> tuple[float, list[float]]:
        heard = torch.tensor([first, second])
        logits = torch.stack([torch.zeros(2), heard.log(), (1 - heard).log()], dim=1)
        loss, errors = HearingLoss([{1}, {2}], settings)(logits, examples)
        return loss.item(), errors

    loss, errors = at(0.6, 0.1)
    by_hand = [-(0.8 * math.log(0.6) + 0.2 * math.log(0.4)), -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))]
    assert loss == pytest.approx((by_hand[0] + 3 * by_hand[1]) / 2, abs=1e-5)
    assert errors == pytest.approx([0.2, 0.0], abs=1e-6)
    assert min((at(p / 20, 0.1)[0], p / 20) for p in range(1, 20))[1] == 0.8
    with_square = at(0.6, 0.1, LossSettings(square=1, mass=0))[0]
    assert with_square - loss == pytest.approx(4 * 0.2**2 / 2, abs=1e-5)
    with_mass = at(0.6, 0.1, LossSettings(square=0, mass=0.1))[0]
    assert with_mass - loss == pytest.approx(-0.1 * math.log(1 / 2) * (1 + 3) / 2, abs=1e-5)  # a half is for neither


def test_a_listener_is_asked_at_the_end_of_its_prompt() -> None:
    assert list(HearingLoss([{1}, {2}], PLAIN).positions(Example((5, 6, 7), 3, "own"))) == [2]


def test_steps_hold_every_example_once_an_epoch_and_no_more_tokens_than_allowed() -> None:
    lengths = [5 + (7 * n) % 40 for n in range(200)]
    steps = schedule(lengths, epochs=1, tokens=128, most=6, seed=3)
    assert sorted(place for step in steps for place in step) == list(range(200))
    assert all(len(step) <= 6 and len(step) * max(lengths[i] for i in step) <= 128 for step in steps)
    assert steps == schedule(lengths, epochs=1, tokens=128, most=6, seed=3)
    assert steps != schedule(lengths, epochs=1, tokens=128, most=6, seed=4)
    assert len(schedule(lengths, epochs=2.5, tokens=128, most=6, seed=3)) == round(2.5 * len(steps))
    assert len(schedule(lengths, epochs=0.0001, tokens=128, most=6, seed=3)) == 1


def test_a_text_longer_than_a_step_stands_alone() -> None:
    assert batches([3, 500, 3], 100, 40) == [[1], [0, 2]]


def test_the_digest_is_of_all_that_is_trained_on() -> None:
    one = Example((1, 2), 2, "own", 0.5, 1.0)
    others = [Example((1, 3), 2, "own", 0.5, 1.0), Example((1, 2), 2, "own", 0.6), Example((1, 2), 1, "own", 0.5)]
    assert len({digest([each]) for each in (one, *others)}) == 4
    assert digest([one]) == digest([Example((1, 2), 2, "own", 0.5, 1.0)])


def test_the_forms_are_those_of_the_assessment() -> None:
    assert {"listener": int(LISTENER_VERSION), "extraction": int(EXTRACTION_VERSION)} == FORMS
