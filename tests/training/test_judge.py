"""What judging asks of the model: a rewording has its draw's answer, a text is heard once, a poem not at all."""

from collections.abc import Sequence
from typing import Any

from lacie_training.judge import answers_of, judge_rows
from lacie_training.samples.rewording import LEFT_OUT

from lacie_chat.confidence import TunedListener, assess_many, lexical_cues


class Scripted:
    """Hears "sure" in every text without a hedge; finds the answer that it is told, and remembers what it was asked."""

    def __init__(self, answer: str = "Oslo") -> None:
        self.answer = answer
        self.heard: list[str] = []
        self.extracted: list[str] = []

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        self.heard += suffixes
        return [[0.3, 0.7] if lexical_cues(suffix)[0] else [0.8, 0.2] for suffix in suffixes]

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        self.extracted += suffixes
        return [self.answer] * len(suffixes)

    @property
    def listener(self) -> TunedListener:
        return TunedListener(self, self)


def row(style: str, response: str, draw: str = "q#plain0", **more: Any) -> dict[str, Any]:
    return {
        "id": f"q#{style}0",
        "question_id": "q",
        "question": "What is the capital of Norway?",
        "answers": ["Oslo"],
        "match": "lenient",
        "draw": draw,
        "style": style,
        "response": response,
        **more,
    }


PLAIN = row("plain", "The capital of Norway is Oslo.")
MILD = row("mild", "The capital of Norway is Oslo, I think.")


def test_a_rewording_takes_over_the_answer_of_its_draw() -> None:
    reader = Scripted()
    plain, mild = judge_rows([PLAIN, MILD], reader.listener)
    assert len(reader.extracted) == 1, "the model is asked once"
    assert plain["answer_span"] == mild["answer_span"] == "Oslo"
    assert mild["masked_response"] == "The capital of Norway is [answer], I think."
    assert plain["correct"] and mild["correct"] and plain["acceptance"] > mild["acceptance"]


def test_of_wrong_samples_a_share_is_heard_in_other_words() -> None:
    def twins(answer: str, count: int) -> list[dict[str, Any]]:
        made = []
        for number in range(count):
            plain = {
                **PLAIN,
                "id": f"q#{answer}{number}",
                "draw": f"q#{answer}{number}",
                "response": f"It is {answer}.",
            }
            made += [plain, {**plain, "id": f"{plain['id']}-mild", "response": f"It is {answer}, I think."}]
        return made

    right, reader = twins("Oslo", 5), Scripted("Oslo")
    judged = judge_rows(right, reader.listener, None, {"q": 0.01})
    assert all(row["state"] == "answered" and row["correct"] for row in judged), "right ones are never left out"

    wrong = twins("Bergen", 400)
    judged = judge_rows(wrong, Scripted("Bergen").listener, None, {"q": 0.25})
    assert [row["id"] for row in judged] == [row["id"] for row in wrong]
    assert all(row["state"] == "answered" for row in judged[::2]), "all are heard in their own words"
    heard = [row["id"] for row in judged[1::2] if row["state"] != LEFT_OUT]
    assert 70 < len(heard) < 130
    assert all(row["acceptance"] is None for row in judged if row["state"] == LEFT_OUT)

    drawn = answers_of(judged)
    again = judge_rows(wrong[401:], Scripted("Bergen").listener, drawn, {"q": 0.25})
    assert [row["state"] for row in again] == [row["state"] for row in judged[401:]], "whatever else is in the chunk"
    unnamed = judge_rows(wrong, Scripted("Bergen").listener, None, {"other": 0.1})
    assert all(row["state"] == "answered" for row in unnamed)


def test_its_draw_may_have_been_judged_in_an_earlier_chunk_or_life() -> None:
    drawn = answers_of(judge_rows([PLAIN], Scripted().listener))
    assert drawn == {"q#plain0": "Oslo"}
    reader = Scripted("Bergen")
    [mild] = judge_rows([MILD], reader.listener, drawn)
    assert (reader.extracted, mild["answer_span"]) == ([], "Oslo")


def test_an_answer_that_doesn_t_stand_in_the_response_is_asked_for() -> None:
    reader = Scripted("Bergen")
    [found] = assess_many(
        [("What is the capital of Norway?", "It might well be Bergen.")], listener=reader.listener, answers=["Oslo"]
    )
    assert len(reader.extracted) == 1
    assert found.answer_span is not None and found.answer_span.text == "Bergen"


def test_who_declines_instead_has_no_answer() -> None:
    plain, declines = judge_rows([PLAIN, row("declines", "I don't know.")], Scripted().listener)
    assert (declines["state"], declines["answer_span"], declines["correct"]) == ("abstained", None, False)
    assert plain["state"] == "answered"


def test_a_text_is_heard_once_however_often_it_stands_there() -> None:
    reader = Scripted()
    rows = [row(f"declines{number}", "I don't know.", draw=f"q#plain{number}") for number in range(3)]
    judged = judge_rows([PLAIN, *rows], reader.listener)
    assert len(reader.heard) == 2
    assert len({each["acceptance"] for each in judged[1:]}) == 1


def test_everyday_prompts_are_not_judged_and_keep_their_order() -> None:
    reader = Scripted()
    poem = row("plain", "Roses are red.", draw="e#plain0", answers=[], id="e#plain0", question="Write a line.")
    judged = judge_rows([poem, PLAIN], reader.listener)
    assert [each["id"] for each in judged] == ["e#plain0", "q#plain0"]
    assert (judged[0]["state"], judged[0]["acceptance"]) == ("no_claim", None)
    assert len(reader.heard) == len(reader.extracted) == 1


def test_what_the_speaker_knew_of_its_own_words_is_kept_with_the_draw() -> None:
    text, answer = PLAIN["response"], "Oslo"
    start = text.index(answer)
    tokens = [[0, start, -0.5], [start, start + 2, -1.0], [start + 2, start + 4, -0.25], [start + 4, len(text), -0.1]]
    plain, mild = judge_rows([{**PLAIN, "token_logprobs": tokens}, MILD], Scripted().listener)
    assert plain["signals"]["span_sum"] == -1.25 and plain["signals"]["span_lowest"] == -1.0
    assert plain["signals"]["tokens"] == 4 and "token_logprobs" not in plain
    assert mild["signals"] is None, "nobody drew those words"
