"""`lacie listen`: how sure texts sound to the listener; for researchers, and to check the listener itself.

A text is an argument, what comes through a pipe, or each line of `--file` (JSON with `text`, optionally `question` and
`answer`). The answer is hidden from the listener: the one that is given, else the one that is found for the question;
without either, the text is heard as it stands (it may have `[answer]` in it). No model but the listener is loaded.

Lines with a `rating` (0 to 1: how likely people took the text to be true) say how well the listener hears as they do;
texts of one `group`, as several sentences with one phrase, are averaged first.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from lacie_chat.commands.speaker import add_listener_argument, say
from lacie_chat.confidence import Listener, bar, lexical_cues, mask, percent
from lacie_chat.confidence.tuned import MOST_CHARACTERS
from lacie_chat.engine.batch_process import BatchProcess
from lacie_chat.errors import LacieError
from lacie_chat.installed import install_extra
from lacie_chat.models import find_listener
from lacie_chat.models.listeners import TUNED_REF
from lacie_chat.printable import exact_json
from lacie_chat.progress import DownloadLine, progress
from lacie_chat.rows import numbered_rows, writing
from lacie_chat.statistics.judges import pearson, spearman
from lacie_chat.streams import read_input, typed_text

_AT_ONCE = 64
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be heard, with what is known of it; `place` names it in messages."""

    text: str
    question: str | None
    answer: str | None
    place: str
    rating: float | None = None
    group: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie listen`."""
    parser.add_argument("text", nargs="*", metavar="TEXT", help="the text; without it (or with -) a pipe is read")
    parser.add_argument(
        "--file",
        metavar="FILE",
        type=Path,
        help="JSON lines: `text`, optionally `question`, `answer`, `rating`, `group`",
    )
    parser.add_argument("--question", metavar="Q", help="the question that TEXT answers, so that its answer is found")
    parser.add_argument("--answer", metavar="A", help="the answer in TEXT, which is hidden from the listener")
    add_listener_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object a text and line, in order")
    parser.add_argument(
        "--picture", metavar="PNG", type=Path, help="draw acceptance against rating (needs the extra 'plots')"
    )


def run(args: argparse.Namespace) -> int:
    """Exit status 0, or LacieError, one line: nothing to hear, a broken file."""
    texts = _texts(args)
    if args.picture is not None and all(each.rating is None for each in texts):
        raise LacieError("--picture draws acceptance against rating: it needs a --file whose lines have a `rating`")
    download = DownloadLine()
    try:
        files, note = find_listener(args.listener or TUNED_REF, Path(), on_progress=download)
    finally:
        download.close()
    say(note)
    rated: list[tuple[Text, float]] = []
    with BatchProcess.load(None, listener=files) as ears:
        shown = len(texts) > _AT_ONCE and not sys.stdout.isatty()  # a bar among the lines would tear them
        with progress("listen", len(texts), "texts") if shown else nullcontext(_unseen) as advance:
            for start in range(0, len(texts), _AT_ONCE):
                part = texts[start : start + _AT_ONCE]
                for text, heard in zip(part, hear(part, ears.listener), strict=True):
                    if text.rating is not None:
                        rated.append((text, heard["acceptance"]))
                    if heard["cut"]:
                        say(f"{text.place} is long: its first and last {MOST_CHARACTERS:,} characters are heard")
                    print(exact_json(heard) if args.json else _lines(heard, alone=len(texts) == 1))
                advance(len(part))
    if rated:
        _compare(rated, args.picture)
    return 0


def _compare(rated: Sequence[tuple[Text, float]], picture: Path | None) -> None:
    """How well acceptance follows the ratings, on standard error; and the picture."""
    groups: dict[str, list[tuple[float, float]]] = {}
    for index, (text, acceptance) in enumerate(rated):
        assert text.rating is not None
        groups.setdefault(text.group or f"\0{index}", []).append((text.rating, acceptance))
    points = [(mean(r for r, _ in each), mean(a for _, a in each)) for each in groups.values()]
    ratings, heard = [rating for rating, _ in points], [acceptance for _, acceptance in points]
    off = 100 * mean(abs(rating - acceptance) for rating, acceptance in points)
    what = "groups of texts" if len(points) < len(rated) else "texts"
    say(
        f"{len(points)} rated {what}: Pearson {pearson(heard, ratings):.3f}, Spearman {spearman(heard, ratings):.3f}, "
        f"off by {off:.1f} points of 100 on average"
    )
    if picture is None:
        return
    from lacie_chat.statistics.pictures import draw_ratings

    try:
        drawn = draw_ratings(ratings, heard)
    except ImportError as error:
        raise LacieError(f"drawing needs matplotlib: {install_extra('plots')}") from error
    with writing(picture):
        picture.write_bytes(drawn)


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
        if args.text or args.question is not None or args.answer is not None:
            raise LacieError("give a TEXT (with --question and --answer) or a --file, not both")
        rows = numbered_rows(args.file)
        if not rows:
            raise LacieError(f"{args.file} holds no texts")
        return [_of_row(row, f"{args.file}, line {number}") for number, row in rows]
    if args.text in ([], ["-"]):
        if sys.stdin.isatty():
            raise LacieError("nothing to hear: give a text, a pipe or --file FILE")
        text, place = read_input(), "the text from the pipe"
    else:
        text, place = typed_text(" ".join(args.text)), "the text"
    if not text.strip():
        raise LacieError(f"{place} is empty: there is nothing to hear")
    question, answer = (typed_text(each) if each else None for each in (args.question, args.answer))
    return [Text(text.strip(), question, answer, place)]


def _of_row(row: dict[str, Any], place: str) -> Text:
    for key in ("text", "question", "answer", "group"):
        value = row.get(key)
        if value is not None and not isinstance(value, str):
            raise LacieError(f"{place}: `{key}` is a string, not {json.dumps(value)[:40]}")
    if not (row.get("text") or "").strip():
        raise LacieError(f"{place}: `text` is missing or empty")
    rating = row.get("rating")
    if rating is not None and (isinstance(rating, bool) or not isinstance(rating, int | float) or not 0 <= rating <= 1):
        raise LacieError(f"{place}: `rating` is a number from 0 to 1, not {json.dumps(rating)[:40]}")
    return Text(row["text"], row.get("question"), row.get("answer") or None, place, rating, row.get("group"))


def _unseen(done: int) -> None:
    """No bar to move."""


def _lines(heard: dict[str, Any], *, alone: bool) -> str:
    """A bar, the acceptance, and the cues of a text that stands alone, or its text among others."""
    figure = f"{bar(heard['acceptance'])} {percent(heard['acceptance'])}"
    if not alone:
        text = " ".join(heard["text"].split())
        cut = len(text) > _SHOWN and sys.stdout.isatty()
        return f"{figure}  {text[: _SHOWN - 1] + '…' if cut else text}"
    parts = [f"{figure}  how likely a reader takes its answer as true, by its wording"]
    for name in ("hedges", "boosters"):
        if heard[name]:
            parts.append(f"{name}: " + ", ".join(f"“{span['text']}” at {span['start']}" for span in heard[name]))
    if heard["answer"]:
        parts.append(f"answer: {heard['answer']}")
    return "\n".join(parts)
