"""`lacie listen`: how sure texts sound to the listener; for researchers, and to check the listener itself.

A text is an argument, what comes through a pipe, or each line of `--file` (JSON with `text`, optionally `question` and
`answer`). The answer is hidden from the listener: the one that is given, else the one that is found for the question;
without either, the text is heard as it stands (it may have `[answer]` in it). No model but the listener is loaded.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_chat.commands.speaker import add_listener_argument, say
from lacie_chat.confidence import Listener, bar, lexical_cues, mask, percent
from lacie_chat.confidence.tuned import MOST_CHARACTERS
from lacie_chat.engine.ears import Ears
from lacie_chat.errors import LacieError
from lacie_chat.models import find_listener
from lacie_chat.models.listeners import TUNED_REF
from lacie_chat.progress import DownloadLine, progress
from lacie_chat.rows import numbered_rows

_AT_ONCE = 64
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be heard, with what is known of it; `place` names it in messages."""

    text: str
    question: str | None
    answer: str | None
    place: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie listen`."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the text; without it (or with -) a pipe is read")
    parser.add_argument(
        "--file", metavar="FILE", type=Path, help="JSON lines with `text`, optionally `question` and `answer`"
    )
    parser.add_argument("--question", metavar="Q", help="the question that TEXT answers, so that its answer is found")
    parser.add_argument("--answer", metavar="A", help="the answer in TEXT, which is hidden from the listener")
    add_listener_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object a text and line, in order")


def run(args: argparse.Namespace) -> int:
    """Exit status 0, or LacieError, one line: nothing to hear, a broken file."""
    texts = _texts(args)
    download = DownloadLine()
    try:
        files, note = find_listener(args.listener or TUNED_REF, Path(), on_progress=download)
    finally:
        download.close()
    say(note)
    with Ears(files) as ears:
        shown = len(texts) > _AT_ONCE and not sys.stdout.isatty()  # a bar among the lines would tear them
        with progress("listen", len(texts), "texts") if shown else nullcontext(_unseen) as advance:
            for start in range(0, len(texts), _AT_ONCE):
                part = texts[start : start + _AT_ONCE]
                for text, heard in zip(part, hear(part, ears.listener), strict=True):
                    if heard["cut"]:
                        say(f"{text.place} is long: its first and last {MOST_CHARACTERS:,} characters are heard")
                    print(json.dumps(heard, ensure_ascii=False) if args.json else _lines(heard, alone=len(texts) == 1))
                advance(len(part))
    return 0


def hear(texts: Sequence[Text], listener: Listener) -> list[dict[str, Any]]:
    """For each text: `text`, `acceptance` (0 to 1), the `answer` that was hidden (None: none), `hedges` and `boosters`
    with their offsets in the text, whether it was `cut`, and the `assessment_version` that heard it.
    """
    asked = [index for index, each in enumerate(texts) if each.answer is None and each.question is not None]
    spans = dict(
        zip(asked, listener.answer_spans([(texts[i].question or "", texts[i].text) for i in asked]), strict=True)
    )
    answers = []
    for index, each in enumerate(texts):
        span = spans.get(index)
        answers.append(each.answer if each.answer is not None else span.text if span else None)
    masked = [mask(each.text, answer) if answer else each.text for each, answer in zip(texts, answers, strict=True)]
    found = []
    for each, answer, text, acceptance in zip(texts, answers, masked, listener.acceptances(masked), strict=True):
        hedges, boosters = lexical_cues(each.text)
        found.append(
            {
                "text": each.text,
                "acceptance": acceptance,
                "answer": answer,
                "hedges": [span.to_dict() for span in hedges],
                "boosters": [span.to_dict() for span in boosters],
                "cut": len(text) > MOST_CHARACTERS,
                "assessment_version": listener.version,
            }
        )
    return found


def _texts(args: argparse.Namespace) -> list[Text]:
    if args.file is not None:
        if args.text is not None or args.question is not None or args.answer is not None:
            raise LacieError("give a TEXT (with --question and --answer) or a --file, not both")
        rows = numbered_rows(args.file)
        if not rows:
            raise LacieError(f"{args.file} holds no texts")
        return [_of_row(row, f"{args.file}, line {number}") for number, row in rows]
    if args.text in (None, "-"):
        if sys.stdin.isatty():
            raise LacieError("nothing to hear: give a text, a pipe or --file FILE")
        text, place = _piped(), "the text from the pipe"
    else:
        text, place = args.text, "the text"
    if not text.strip():
        raise LacieError(f"{place} is empty: there is nothing to hear")
    return [Text(text.strip(), args.question, args.answer or None, place)]


def _of_row(row: dict[str, Any], place: str) -> Text:
    for key in ("text", "question", "answer"):
        value = row.get(key)
        if value is not None and not isinstance(value, str):
            raise LacieError(f"{place}: `{key}` is a string, not {json.dumps(value)[:40]}")
    if not (row.get("text") or "").strip():
        raise LacieError(f"{place}: `text` is missing or empty")
    return Text(row["text"], row.get("question"), row.get("answer") or None, place)


def _unseen(done: int) -> None:
    """No bar to move."""


def _piped() -> str:
    data = sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start} is 0x{error.object[error.start]:02x}"
        raise LacieError(f"standard input is not UTF-8 text ({byte}); convert it first, e.g. with iconv") from None
    if "\0" in text:
        raise LacieError("standard input is binary, not text (it has zero bytes)")
    return text


def _lines(heard: dict[str, Any], *, alone: bool) -> str:
    """A bar, the acceptance, and the cues of a text that stands alone, or the beginning of one among others."""
    figure = f"{bar(heard['acceptance'])} {percent(heard['acceptance'])}"
    if not alone:
        text = " ".join(heard["text"].split())
        return f"{figure}  {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}"
    parts = [f"{figure}  how likely a reader takes its answer as true, by its wording"]
    for name in ("hedges", "boosters"):
        if heard[name]:
            parts.append(f"{name}: " + ", ".join(f"“{span['text']}” at {span['start']}" for span in heard[name]))
    if heard["answer"]:
        parts.append(f"answer: {heard['answer']}")
    return "\n".join(parts)
