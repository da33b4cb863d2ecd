"""The listener that comes with the program: its form, that it hears wording, and that nothing else moves its figure."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from counting import counted
from scripted import ScriptedReader

from lacie_chat.confidence import (
    ASSESSMENT_VERSION,
    PLACEHOLDER,
    PromptedListener,
    TunedListener,
    assess_many,
    text_read,
)
from lacie_chat.confidence.listener import listener_over
from lacie_chat.confidence.prompted import listener_suffix
from lacie_chat.confidence.tuned import (
    FINDING_PREFIX,
    HEARING_CHOICES,
    HEARING_PREFIX,
    MOST_CHARACTERS,
    finding_suffix,
    heard_text,
    hearing_suffix,
)
from lacie_chat.engine import Engine
from lacie_chat.listener_files import ListenerFiles

ROWS = [json.loads(line) for line in (Path(__file__).parent / "listener_set.jsonl").read_text("utf-8").splitlines()]
TEXTS = [row["masked_response"] for row in ROWS]
ALONE = "I think it may be [answer], though I'd have to look it up."
PLAIN = "It is [answer]."
HEDGED = ["Perhaps it is [answer]? Just a guess.", "I'm not sure, but it might be [answer].", "Maybe [answer]."]


def test_it_hears_hedges(listener: TunedListener) -> None:
    plain, *hedged = listener.acceptances([PLAIN, *HEDGED])
    assert 0 <= min(hedged) <= max(hedged) < plain <= 1


@pytest.fixture(scope="module")
def heard(listener: TunedListener) -> list[float]:
    return listener.acceptances(TEXTS)


def test_it_tells_sure_from_unsure(heard: list[float]) -> None:
    sure = [value for value, row in zip(heard, ROWS, strict=True) if row["sure"]]
    unsure = [value for value, row in zip(heard, ROWS, strict=True) if not row["sure"]]
    assert sum(a > b for a in sure for b in unsure) / (len(sure) * len(unsure)) >= 0.85
    assert all(0 <= value <= 1 for value in heard)


def test_the_same_bits_alone_in_a_batch_first_and_after_many_others(
    engine: Engine, listener: TunedListener, heard: list[float]
) -> None:
    (alone,) = listener.acceptances([ALONE])
    first, *others = listener.acceptances([ALONE, *TEXTS[:63]])
    assert others == heard[:63]
    listener.answer_spans([("Which one is it?", text) for text in TEXTS[:4]])
    *others, last = listener.acceptances([*reversed(TEXTS[:63]), ALONE])
    assert others == list(reversed(heard[:63]))
    assert [first, last] == [alone, alone]
    assert engine.listener.acceptances([ALONE, ALONE]) == [alone, alone]


PATIENT = 0.08
"""By so much an acceptance may differ when the text is read side by side with others (0.042 as measured, 0.010
on average)."""


def test_read_side_by_side_it_is_nearly_the_same(engine: Engine, listener: TunedListener, heard: list[float]) -> None:
    patient = engine.patient_listener
    assert patient.version == listener.version
    (alone,) = listener.acceptances([ALONE])
    assert patient.acceptances([ALONE]) == pytest.approx([alone], abs=1e-3), "nothing lies beside it"
    first, *others = patient.acceptances([ALONE, *TEXTS[:63]])
    *_, last = patient.acceptances([*TEXTS[:20], ALONE])
    apart = [abs(a - b) for a, b in zip([first, last, *others], [alone, alone, *heard[:63]], strict=True)]
    print(f"side by side it differs by {max(apart):.4f} at most, by {sum(apart) / len(apart):.4f} on average")
    assert max(apart) < PATIENT


def test_many_are_assessed_in_two_calls_and_what_is_said_twice_is_read_once(listener: TunedListener) -> None:
    counting, calls = counted(listener)
    items = [("Which river?", "It is the Danube."), ("Which town?", "It is the Danube."), ("Who?", "Perhaps Anna.")]
    found = assess_many(items, listener=counting)
    assert calls.made == [1, 1]
    assert calls.prefixes == [FINDING_PREFIX, HEARING_PREFIX]
    assert len(calls.asked) == len(set(calls.asked)) < len({*map(id, found)}) + 1
    assert counting.acceptances([]) == [] and counting.answer_spans([]) == []
    assert calls.made == [1, 1], "nothing to hear needs no reader"


def test_the_same_text_under_other_signs_is_read_once(listener: TunedListener) -> None:
    counting, calls = counted(listener)
    values = counting.acceptances(["Perhaps it is [answer].", "Per\u200bhaps  it is **[answer]**.", PLAIN])
    assert values[0] == values[1] < values[2]
    assert len(calls.asked) == 2


def test_the_form(listener: TunedListener) -> None:
    assert HEARING_PREFIX + hearing_suffix("It **is**\n\n[answer].") == "Answer: It is [answer].\nSure:"
    assert hearing_suffix("Maybe [answer].\nSure: yes\n\nAnswer: x").count("\n") == 1
    assert FINDING_PREFIX + finding_suffix("Who\nis it?", "It is\n Anna.") == (
        "Question: Who is it?\nResponse: It is Anna.\nFinal answer:"
    )
    rows = listener.hearing.choice_probabilities(HEARING_PREFIX, [hearing_suffix(PLAIN)], HEARING_CHOICES)
    assert sum(rows[0]) > 0.9, "it says yes or no"


def test_a_long_text_is_heard_from_both_ends() -> None:
    text = "Perhaps so. " + "".join(f"Fact {number} is known. " for number in range(200_000)) + "But who knows?"
    heard = heard_text(text)
    assert len(heard) < MOST_CHARACTERS + 10 and "\n" not in heard
    assert heard.startswith("Perhaps so.") and heard.endswith("But who knows?") and "…" in heard
    assert len(finding_suffix("why " * 9000, text)) < 3000


def test_who_says_neither_has_no_opinion() -> None:
    class Silent(ScriptedReader):
        def choice_probabilities(self, prefix, suffixes, choices):  # type: ignore[no-untyped-def]
            return [[0.0, 0.0] for _ in suffixes]

    assert TunedListener(Silent(), Silent()).acceptances(["x"]) == [0.5]


def test_files_say_who_listens_and_what_each_part_is_for() -> None:
    asked: list[str] = []

    def reader_of(part: str) -> ScriptedReader:
        asked.append(part)
        return ScriptedReader()

    a = Path("a")
    assert isinstance(listener_over(ListenerFiles(a, "7", a, a), reader_of), TunedListener)
    by_prompt = listener_over(ListenerFiles(a, "prompt-x"), reader_of)
    assert isinstance(by_prompt, PromptedListener) and by_prompt.version == "prompt-x"
    assert asked == ["hearing", "extracting", "hearing"]


@pytest.mark.parametrize("version", [ASSESSMENT_VERSION, "prompt-3.2-abc.2", None])
def test_what_was_read_is_shown_in_the_form_of_who_heard_it(listener: TunedListener, version: str | None) -> None:
    (found,) = assess_many([("What is it?", "Per\u200bhaps it's Oslo.")], listener=listener)
    masked = found.masked_response
    assert PLACEHOLDER in masked
    told = text_read(replace(found, assessment_version=version))
    assert told == (listener_suffix(masked) if version == "prompt-3.2-abc.2" else "Perhaps it's [answer].")
