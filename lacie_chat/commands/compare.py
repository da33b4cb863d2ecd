"""`lacie compare`: two sides answer one question; both answers, how sure each sounds, how likely each is right, and
what differs.

Both sides get the same seed, temperature and length; sample n of either is drawn with the seed plus n. Hedges,
boosters and the words that differ are marked on a terminal; in a pipe hedges and boosters stand in a line of their own.
`--json` prints `left` and `right` (each the object of `lacie ask --json`, of the first sample), `samples` (all of
them), `difference`, `sampling` and `listener`.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.text import Text

from lacie_chat.commands.argument_types import not_negative, positive, probability, whole_number
from lacie_chat.commands.ask import (
    UNFINISHED,
    add_cut_argument,
    add_question_argument,
    answer_object,
    assessed,
    longer_context,
    made_with,
    read_question,
    stream_answer,
    too_long,
    turns_of,
)
from lacie_chat.commands.settled import add_option
from lacie_chat.commands.sides import (
    ComparedSide,
    StartedSide,
    add_preset_arguments,
    add_side_arguments,
    find_sides,
    started,
)
from lacie_chat.comparison import Difference, SideSummary, compare_samples, differing_words, segments
from lacie_chat.confidence import ACCEPT_THRESHOLD, Assessment, Listener, Span, confidence_text, right_text
from lacie_chat.console import make_console
from lacie_chat.cut_off import stopped_words
from lacie_chat.engine import Sampling
from lacie_chat.engine.asking import Answered
from lacie_chat.loudness import shows_progress
from lacie_chat.names import pair_refs
from lacie_chat.printable import exact_json, printable
from lacie_chat.settings import BY_NAME
from lacie_chat.streams import complain, draw

WRONG_USAGE = 2
MOST_SAMPLES = 8

ONE_QUESTION = ("system_prompt", "top_p", "top_k", "min_p", "repeat_penalty")
"""Options of an answer that a file of questions doesn't have."""
_TEMPERATURE_OF_SAMPLES = 0.7  # the method's; at 0 all samples would be one
_STYLES = {"hedge": "italic underline", "booster": "bold underline", "differs": "magenta"}  # as in the chat


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of a side, and how it was drawn."""

    assessment: Assessment
    answered: Answered
    sampling: Sampling


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie compare`, for one question and for a file of them."""
    add_question_argument(parser)
    add_side_arguments(parser)
    add_preset_arguments(parser)
    parser.add_argument(
        "--samples",
        metavar="N",
        type=whole_number(1, MOST_SAMPLES),
        default=1,
        help=f"answers a side, 1 to {MOST_SAMPLES} (default 1)",
    )
    parser.add_argument(
        "--temperature",
        type=not_negative,
        help=f"of both sides, whatever their files recommend; 0 is greedy (default {Sampling().temperature}; "
        f"{_TEMPERATURE_OF_SAMPLES} for samples)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of both sides (default 0)")
    parser.add_argument("--max-tokens", type=positive, help="length of an answer at most (default 512; a file: 128)")
    for name in ONE_QUESTION:
        usual = getattr(Sampling(), name, None)
        default = "nothing" if usual is None else f"{usual:g}"
        add_option(parser, name, help=f"{BY_NAME[name].help}; of both sides (default: {default})")
    add_cut_argument(parser)
    parser.add_argument("--json", action="store_true", help="print both answers and the difference as one JSON object")
    bulk = parser.add_argument_group("a file of questions")
    bulk.add_argument("--questions", metavar="FILE", help="JSON lines with id, question, answers")
    bulk.add_argument("--out", metavar="DIR", help="folder for both sides' rows, comparison.json and the report")
    bulk.add_argument("--matcher", choices=("exact", "lenient"), help="default: as each question says")
    bulk.add_argument(
        "--threshold", type=probability, help=f"accepted from this acceptance on (default {ACCEPT_THRESHOLD})"
    )
    bulk.add_argument("--batch-size", type=positive, help="questions answered at once (default 8)")


def usage_problem(args: argparse.Namespace) -> str | None:
    """What is wrong with the options taken together; None if nothing is."""
    if args.questions is None:
        only_bulk = [name for name in ("out", "matcher", "threshold", "batch_size") if getattr(args, name) is not None]
        if only_bulk:
            return f"--{only_bulk[0].replace('_', '-')} goes with --questions"
        if args.samples > 1 and args.temperature == 0:
            return "--samples needs a --temperature over 0: at 0 all samples are the same"
        return None
    if args.question:
        return "give a QUESTION or --questions FILE, not both"
    if args.context is not None and "context" in args.given:
        return "--context is for one QUESTION; a question of a file has 2048 tokens"
    if args.out is None:
        return "--questions needs a folder to write into: --out DIR"
    if args.left_preset or args.right_preset:
        return "presets are for one QUESTION"
    only_one = [BY_NAME[name].flag for name in ONE_QUESTION if getattr(args, name) is not None]
    only_one += ["--cut"] if args.cut else []
    if only_one:
        return f"{only_one[0]} is for one QUESTION"
    if args.samples > 1:
        return "--samples is for one QUESTION; --questions draws one answer a side"
    return None


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 compared, 1 the question doesn't fit, 2 no question or options that don't go together."""
    problem = usage_problem(args)
    if problem:
        complain(f"lacie compare: {problem}")
        return WRONG_USAGE
    if args.questions is None:
        return _compare_question(args)
    from lacie_chat.commands import compare_file

    args.context = None  # which the settings file may say, for chats
    return compare_file.run(args)


def _compare_question(args: argparse.Namespace) -> int:
    question = read_question(args.question)
    if not question:
        complain("lacie compare: the question is empty; give one as an argument or through a pipe")
        return WRONG_USAGE
    sampling = sampling_of(args)
    sides = find_sides(args, sampling)
    with started(*sides) as (left, right):
        for side in () if args.cut else (left, right):
            if why := _too_long(side, question):
                complain(f"lacie compare: {side.compared.name}: {why}")
                return 1
        listener = left.engine.listener
        samples = [_samples(side, question, sampling, args.samples, listener) for side in (left, right)]
    difference = compare_samples(*[[sample.assessment for sample in each] for each in samples])
    if args.json:
        print(exact_json(comparison_object(sides, samples, difference, sampling), indent=2))
    else:
        _show(sides, samples, difference, sampling)
    return 0


def sampling_of(args: argparse.Namespace) -> Sampling:
    """The sampling of both sides' first sample."""
    temperature = args.temperature
    if temperature is None:
        temperature = _TEMPERATURE_OF_SAMPLES if args.samples > 1 else Sampling().temperature
    more = {name: value for name in ONE_QUESTION[1:] if (value := getattr(args, name)) is not None}
    return replace(Sampling(temperature=temperature, max_tokens=args.max_tokens or 512, seed=args.seed), **more)


def _too_long(side: StartedSide, question: str) -> str | None:
    compared, info = side.compared, side.engine.load()
    turns = turns_of(question, compared.system)
    return too_long(side.engine, turns, compared.speaker.sampling, longer_context=longer_context(info))


def _samples(side: StartedSide, question: str, sampling: Sampling, count: int, listener: Listener) -> list[Sample]:
    calibrator = side.compared.speaker.calibrator
    found = []
    for number in range(count):
        _working(f"{side.compared.name}: " + (f"sample {number + 1} of {count}" if count > 1 else "answering"))
        drawn = replace(side.compared.speaker.sampling, seed=sampling.seed + number)
        answered = stream_answer(
            side.engine,
            question,
            drawn,
            system=side.compared.system,
            baseline=side.baseline,
            adapter=side.adapter,
        )
        found.append(Sample(assessed(question, answered, listener, calibrator), answered, drawn))
    _working("")
    return found


def _working(text: str) -> None:
    """One line on a terminal that says what is going on, and is gone afterwards."""
    if shows_progress():
        draw(f"\r\x1b[K{printable(text)}", sys.stderr)


def comparison_object(
    sides: tuple[ComparedSide, ComparedSide],
    samples: Sequence[Sequence[Sample]],
    difference: Difference,
    used: Sampling,
) -> dict[str, Any]:
    """What `--json` prints."""
    lists = {
        key: [
            answer_object(
                sample.assessment,
                side.speaker,
                sample.answered,
                made_with(sample.sampling, side.system, side.preset),
            )
            for sample in each
        ]
        for key, side, each in zip(("left", "right"), sides, samples, strict=True)
    }
    return {
        "left": lists["left"][0],
        "right": lists["right"][0],
        "difference": {
            **difference.to_dict(),
            "summary": difference.summary(sides[0].name, sides[1].name),
        },
        "samples": lists,
        "sampling": {
            "samples": len(lists["left"]),
            "temperature": used.temperature,
            "seed": used.seed,
            "max_tokens": used.max_tokens,
            **_by_presets(sides),
        },
        "listener": sides[0].speaker.listener.to_dict(),
    }


def _by_presets(sides: tuple[ComparedSide, ComparedSide]) -> dict[str, Any]:
    """How each side is drawn and told, where presets make them differ."""
    if not any(side.preset for side in sides):
        return {}
    return {
        key: {
            "preset": side.preset,
            "temperature": side.speaker.sampling.temperature,
            "max_tokens": side.speaker.sampling.max_tokens,
            "system_prompt": side.system or None,
        }
        for key, side in zip(("left", "right"), sides, strict=True)
    }


# -- for people ---------------------------------------------------------------------------------------------------


def _show(
    sides: tuple[ComparedSide, ComparedSide],
    samples: Sequence[Sequence[Sample]],
    difference: Difference,
    used: Sampling,
) -> None:
    console = make_console()
    first = [each[0].assessment for each in samples]
    differing = differing_words(first[0].response, first[1].response)
    for side, each, words, summary in zip(sides, samples, differing, (difference.left, difference.right), strict=True):
        console.print(_heading(side))
        if each[0].answered.finished.reasoning_open:
            console.print(Text(UNFINISHED, "dim"))
        else:
            console.print(
                highlighted(each[0].assessment, words) if each[0].assessment.response else Text("(nothing)", "dim")
            )
            console.print(Text(confidence_text(each[0].assessment), "bold"))
            if cut := _cut_words(each[0]):
                console.print(Text(cut, "dim"))
        cues = _cue_line(each[0].assessment)
        if cues:
            console.print(Text(cues, "dim"))
        if len(each) > 1:
            console.print(_sample_lines(each, summary))
        console.print()
    console.print(Text("difference  ", "bold"), Text(difference.summary(sides[0].name, sides[1].name)), sep="")
    count = len(samples[0])
    seeds = f"seed {used.seed}" if count == 1 else f"seeds {used.seed} to {used.seed + count - 1}"
    alike = not any(side.preset for side in sides)
    line = "; ".join(
        f"{'both sides' if alike else side.name}: temperature {side.speaker.sampling.temperature:g}, {seeds}, at most "
        f"{side.speaker.sampling.max_tokens} tokens{_set_otherwise(side)}"
        for side in sides[: 1 if alike else 2]
    )
    console.print(Text(printable(f"{line}; heard by {sides[0].speaker.listener.name}"), "dim"))


def _set_otherwise(side: ComparedSide) -> str:
    """What else of its sampling is not as usual, and what it is told first."""
    drawn, usual = side.speaker.sampling, Sampling()
    values = {name: getattr(drawn, name) for name in ONE_QUESTION[1:]}
    said = [f", {BY_NAME[name].flag[2:]} {value:g}" for name, value in values.items() if value != getattr(usual, name)]
    return "".join(said) + (f", told first: {' '.join(side.system.split())}" if side.system else "")


def _heading(side: ComparedSide) -> Text:
    model, adapter = side.speaker.model, side.speaker.adapter
    files = pair_refs(model.ref, adapter.ref, adapter.name) if adapter else model.ref
    return Text.assemble((side.name, "bold reverse"), ("" if files == side.name else f"  {files}", "dim"))


def highlighted(assessment: Assessment, differing: Sequence[Span]) -> Text:
    """The response with its hedges, boosters and differing words styled; its characters are only ever text."""
    highlights = {"hedge": assessment.hedges, "booster": assessment.boosters, "differs": tuple(differing)}
    text = Text()
    for segment in segments(assessment.response, highlights):
        style = " ".join(_STYLES[kind] for kind in _STYLES if kind in segment.kinds)
        text.append(printable(segment.text), style or None)
    return text


def _cut_words(sample: Sample) -> str | None:
    finished = sample.answered.finished
    return stopped_words(finished.reason, finished.answer_tokens)


def _cue_line(assessment: Assessment) -> str:
    lists = (("hedges", assessment.hedges), ("boosters", assessment.boosters))
    return " · ".join(f"{name}: {', '.join(span.text for span in spans)}" for name, spans in lists if spans)


def _sample_lines(samples: Sequence[Sample], summary: SideSummary) -> Text:
    lines = []
    for number, sample in enumerate(samples, start=1):
        span = sample.assessment.answer_span
        answer = " ".join(span.text.split()) if span else "no answer span"
        cut = f" · {words}" if (words := _cut_words(sample)) else ""
        lines.append(f"  {number}  {confidence_text(sample.assessment)} · {printable(answer)}{cut}")
    stable = [f"{summary.tone}: {round(summary.tone_agreement * summary.n)} of {summary.n}"]
    if summary.answer is not None:
        answer = printable(" ".join(summary.answer.split()))
        stable.insert(0, f"{answer}: {summary.answer_count} of {summary.n}")
    if summary.low is not None and summary.high is not None:
        stable.append(f"acceptance {summary.low:.0%} to {summary.high:.0%}".replace("%", "\u00a0%"))
    if summary.p_right is not None:
        stable.append(f"{right_text(summary.p_right)} on average")
    return Text("\n".join([*lines, "  stability  " + " · ".join(stable)]))
