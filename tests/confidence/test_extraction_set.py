"""The extractor on 400 answers that were not written to suit it: 150 each of the embedded model and of Gemma 3 270M, as
they came, and 100 in the manner of larger chat models (several paragraphs, Markdown, lists, code). `spans` are the
spellings that count as the answer, by a person's reading; none: the response gives no single answer.

What is measured today is held as a floor; the aim is .95 of both. It is measured on every second row; the others are
for proving, and nobody who changes the extractor looks at them. There 140 of 144 spans were right (.97), and 50 of 56
responses without an answer had none (.89), measured once.
"""

import json
from pathlib import Path

from lacie_chat.confidence import Listener, state_by_form
from lacie_chat.confidence.folding import words

RIGHT, NONE = 134, 47
"""Of 146 responses with an answer and 54 without: 137 and 49 as measured, less what another processor rounds."""

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "extraction.jsonl").read_text(encoding="utf-8").splitlines()
]


def key(text: str) -> str:
    """Without case, punctuation and articles."""
    return " ".join(word.text for word in words(text) if word.text not in ("a", "an", "the"))


def test_spans_are_found_as_often_as_was_measured(listener: Listener) -> None:
    rows = ROWS[::2]
    states = [state_by_form(row["question"], row["response"]) for row in rows]
    asked = [(row, state) for row, state in zip(rows, states, strict=True) if state is None]
    found = iter(listener.answer_spans([(row["question"], row["response"]) for row, _ in asked]))
    spans = [next(found) if state is None else None for state in states]
    given = [(row, span) for row, span in zip(rows, spans, strict=True) if row["spans"]]
    none = [span for row, span in zip(rows, spans, strict=True) if not row["spans"]]
    right = sum(span is not None and key(span.text) in map(key, row["spans"]) for row, span in given)
    print(f"spans {right} of {len(given)}; none where there is none {none.count(None)} of {len(none)}")
    assert right >= RIGHT
    assert none.count(None) >= NONE
