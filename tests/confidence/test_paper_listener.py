"""The listener that is asked as in the paper: two examples, no list of hedges, and abstentions by the extractor's NONE.

A small model is poor at it (nine examples with a list of hedges: .97); what is measured today on the
embedded model is held as a floor.
"""

import json
from pathlib import Path

import pytest
from scripted import ScriptedReader

from lacie_chat.confidence import PLACEHOLDER, PaperListener, PromptedListener, assess, assess_many, text_read
from lacie_chat.confidence.paper import (
    EXTRACTION_PREFIX,
    LISTENER_PREFIX,
    MOST_TOKENS,
    NO_ANSWER,
    extraction_suffix,
    listener_suffix,
    says_none,
)
from lacie_chat.confidence.version import PAPER, PROMPTED, version_of_paper

ROWS = [json.loads(line) for line in (Path(__file__).parent / "listener_set.jsonl").read_text("utf-8").splitlines()]
QUESTION = "What is the capital of Norway?"
DECLINES = "I don't know the answer to that."


@pytest.fixture(scope="module")
def by_paper(prompted: PromptedListener) -> PaperListener:
    """The embedded model, asked as in the paper."""
    return PaperListener(prompted.reader, version_of_paper("embedded"))


def test_two_examples_one_sure_and_one_unsure_and_no_lexicon() -> None:
    assert LISTENER_PREFIX.count("Reply:") == LISTENER_PREFIX.count(PLACEHOLDER) == 2
    assert LISTENER_PREFIX.count("Accepted: yes") == LISTENER_PREFIX.count("Accepted: no") == 1
    assert listener_suffix("Perhaps\n it's [answer].") == "Reply: Perhaps it's [answer].\nAccepted:"
    assert EXTRACTION_PREFIX.count(f"Final answer: {NO_ANSWER}\n") == 1
    assert extraction_suffix(QUESTION, "Oslo.") == f"Question: {QUESTION}\nReply: Oslo.\nFinal answer:"
    assert len(listener_suffix("word " * 300_000)) < 2000
    assert not any(f"Reply: {row['masked_response']}\n" in LISTENER_PREFIX for row in ROWS)


def test_it_tells_sure_from_unsure_as_well_as_two_examples_can(by_paper: PaperListener) -> None:
    heard = by_paper.acceptances([row["masked_response"] for row in ROWS])
    sure = [score for score, row in zip(heard, ROWS, strict=True) if row["sure"]]
    unsure = [score for score, row in zip(heard, ROWS, strict=True) if not row["sure"]]
    auroc = sum((a > b) + (a == b) / 2 for a in sure for b in unsure) / (len(sure) * len(unsure))
    print(f"AUROC {auroc:.3f}")
    assert auroc >= 0.64, "0.679 as measured"


def test_the_real_model_finds_an_answer_and_says_none_where_there_is_none(by_paper: PaperListener) -> None:
    given, none = by_paper.answers([(QUESTION, "I think it's Oslo, but I'm not sure."), (QUESTION, DECLINES)])
    assert given[0] == "answered" and given[1] is not None and given[1].text == "Oslo"
    assert none == ("abstained", None)


def test_the_one_flow_by_the_papers_listener(by_paper: PaperListener) -> None:
    responses = (
        "I am absolutely certain that the capital of Norway is Oslo.",
        "I don't really know, but it might perhaps be Oslo.",
        DECLINES,
    )
    sure, unsure, none = assess_many(
        [(QUESTION, response) for response in responses], listener=by_paper, answers=["Oslo", "Oslo", None]
    )
    assert sure.masked_response == "I am absolutely certain that the capital of Norway is [answer]."
    assert sure.acceptance is not None and unsure.acceptance is not None and none.acceptance is not None
    assert sure.acceptance > unsure.acceptance
    assert (none.state, none.answer_span, none.masked_response) == ("abstained", None, DECLINES)
    assert sure.assessment_version == by_paper.version
    assert by_paper.version.startswith(PAPER) and not by_paper.version.startswith(PROMPTED)
    assert text_read(sure) == listener_suffix(sure.masked_response)


class Told(ScriptedReader):
    """A reader whose extraction says what it is told, however it is cut, and keeps how it was asked."""

    def complete(self, prefix, suffixes, *, max_tokens, stop):  # type: ignore[no-untyped-def]
        assert (prefix, max_tokens, stop) == (EXTRACTION_PREFIX, MOST_TOKENS, ["\n"])
        self.asked += suffixes
        return [self.answer] * len(suffixes)


def test_abstentions_are_the_extractors_and_not_the_forms() -> None:
    assert says_none(' "NONE".\n') and not says_none("None of them") and not says_none("")
    answered = assess(QUESTION, DECLINES, listener=PaperListener(Told("know"), "paper-x"))
    assert (answered.state, answered.answer_span and answered.answer_span.text) == ("answered", "know")
    silent = assess(QUESTION, "It's Oslo, of course.", listener=PaperListener(Told("NONE"), "paper-x"))
    assert (silent.state, silent.answer_span) == ("abstained", None)
    invented = assess(QUESTION, "It's Oslo, of course.", listener=PaperListener(Told("Bergen"), "paper-x"))
    assert (invented.state, invented.answer_span) == ("answered", None), "it could not be hidden"
    assert invented.masked_response == invented.response


def test_what_is_known_and_what_is_empty_is_not_asked_for() -> None:
    reader = Told("NONE")
    items = [(QUESTION, "I don't know, perhaps Oslo."), (QUESTION, " \n"), (QUESTION, "Sorry, no.")]
    known, empty, asked = assess_many(items, listener=PaperListener(reader, "paper-x"), answers=["Oslo", None, "Oslo"])
    assert known.state == "answered" and known.answer_span is not None and known.answer_span.text == "Oslo"
    assert (empty.state, empty.acceptance, asked.state) == ("no_claim", None, "abstained")
    assert [text for text in reader.asked if text.endswith("Final answer:")] == [extraction_suffix(*items[2])]
    assert PaperListener(Told(), "paper-x").answers([]) == []
