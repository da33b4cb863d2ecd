"""`lacie ask`: one question, one answer, its assessment; for people in a hurry and for scripts.

The answer goes to standard output. The confidence line goes there too on a terminal, and to standard error in a
pipe, so that `lacie ask … > answer.md` holds the answer alone; so do the sentences that `--sentences` asks for, and
the line that says where an answer was cut off. Of what a model thinks first, a terminal shows one line, on standard
error. `--json` prints DESIGN.md's object instead, with `sentences` and `agreement` where they were asked for.

Standard input is read where it is asked for: by `-`, or where there is no question. What else it holds is another's,
be it the rest of a `while read` loop's input or the silent pipe of a service that never closes it.

`--min-confidence` cuts on P(right) where the answer has one, else on acceptance; where that is under the bound,
standard error says which of the two it was, and its value.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lacie_chat.chat.fit import record_of, what_goes, why_unfit
from lacie_chat.commands.argument_types import probability, whole_number
from lacie_chat.commands.settled import add_answer_options, settings_of
from lacie_chat.commands.speaker import (
    Speaker,
    add_speaker_arguments,
    find_speaker,
    say,
    speaker_options,
)
from lacie_chat.commands.thought_line import ThoughtLine
from lacie_chat.confidence import (
    MOST_SAMPLES,
    Assessment,
    Calibrator,
    Listener,
    agreement_of,
    assess,
    bar,
    can_agree,
    confidence_text,
    percent,
    unassessed,
    with_agreement,
    with_sentences,
)
from lacie_chat.cut_off import left_out_words, stopped_words
from lacie_chat.engine import ChatTurn, Cut, Delta, EngineLike, Finished, ModelInfo, Reasoning, Sampling
from lacie_chat.engine.asking import Answered, Heard, answer_to, draw_sample, sample_seeds
from lacie_chat.loudness import detail, note
from lacie_chat.printable import exact_json, printable
from lacie_chat.streams import complain, read_input, typed_text

WRONG_USAGE = 2
NOT_CONFIDENT = 3
UNFINISHED = "the model ended while it was still thinking, and gave no answer; --reasoning off has it answer at once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie ask`."""
    add_question_argument(parser)
    add_speaker_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--min-confidence",
        metavar="P",
        type=probability,
        help="exit with 3 if P(right), or where there is none (no calibrator) the acceptance, is under P (0 to 1)",
    )
    parser.add_argument("--sentences", action="store_true", help="also show how sure each sentence sounds")
    parser.add_argument(
        "--agreement",
        metavar="K",
        type=whole_number(0, MOST_SAMPLES),
        default=0,
        help=f"draw K samples (1 to {MOST_SAMPLES}): how many agree?",
    )
    add_cut_argument(parser)
    add_answer_options(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 answered, 1 it doesn't fit or ended while it thought, 2 no question, 3 abstained or (with
    --min-confidence) not sure enough."""
    question = read_question(args.question)
    if not question:
        complain("lacie ask: the question is empty; give one as an argument or through a pipe")
        return WRONG_USAGE
    speaker = find_speaker(args)
    engine = speaker.engine()
    try:
        info = engine.load()
        say(info.asked_as)
        system = settings_of(args).system_prompt()
        turns = turns_of(question, system)
        if not args.cut and (why := too_long(engine, turns, speaker.sampling, longer_context=longer_context(info))):
            complain(f"lacie ask: {why}")
            return 1
        answered = stream_answer(engine, question, speaker.sampling, system=system, show=not args.json)
        assessment = assessed(question, answered, engine.listener, speaker.calibrator)
        if args.agreement:
            assessment = sample_agreement(engine, assessment, args.agreement, speaker, system)
        if args.sentences:
            assessment = with_sentences(assessment, listener=engine.patient_listener)
    finally:
        engine.close()
    detail(timing_line(answered.finished))
    if args.json:
        found = answer_object(assessment, speaker, answered, made_with(speaker.sampling, system, args.preset))
        for name, asked in (("sentences", args.sentences), ("agreement", args.agreement)):
            if asked:
                found.setdefault(name, None)
        print(exact_json(found, indent=2))
    elif not answered.finished.reasoning_open:
        print(flush=True)
        aside = print if sys.stdout.isatty() else note
        for line in sentence_lines(assessment):
            aside(line)
        aside(confidence_text(assessment))
        if cut := cut_off_line(answered.finished, longer_context=longer_context(info)):
            aside(cut)
        if sys.stderr.isatty() and (advice := calibrate_advice(args, assessment)):
            note(advice)
    if answered.finished.reasoning_open:
        complain(f"lacie ask: {UNFINISHED}")
        return 1
    if args.min_confidence is not None and (under := under_the_bound(assessment, args.min_confidence)):
        complain(f"lacie ask: {under}")
        return NOT_CONFIDENT
    return NOT_CONFIDENT if assessment.state == "abstained" else 0


def assessed(question: str, answered: Answered, listener: Listener, calibrator: Calibrator | None = None) -> Assessment:
    """The answer's assessment; one that ended within its thought has nothing to be assessed."""
    if answered.finished.reasoning_open:
        return unassessed(question, listener.version)
    return assess(question, answered.text, listener=listener, calibrator=calibrator, tokens=answered.finished.tokens)


def sample_agreement(
    engine: EngineLike, assessment: Assessment, k: int, speaker: Speaker, system: str = ""
) -> Assessment:
    """The assessment with the agreement of `k` samples, if it has an answer to agree on. Raises LacieError."""
    if not can_agree(assessment) or assessment.answer_span is None:
        return assessment
    turns = turns_of(assessment.question, system)
    samples = [draw_sample(engine, turns, seed, reasoning=speaker.sampling.reasoning) or "" for seed in sample_seeds(k)]
    agreement = agreement_of(assessment.question, assessment.answer_span.text, samples, listener=engine.listener)
    return with_agreement(assessment, agreement, speaker.calibrator)


def sentence_lines(assessment: Assessment) -> list[str]:
    """A line a sentence: bar, acceptance, text; those beyond the cap are named as not read."""
    lines = []
    for sentence in assessment.sentences or ():
        text = printable(" ".join(sentence.text.split()))
        if sentence.acceptance is None:
            lines.append(f"{'not read':<12} {text}")
        else:
            lines.append(f"{bar(sentence.acceptance, 5)} {percent(sentence.acceptance)}  {text}")
    return lines


def add_question_argument(parser: argparse.ArgumentParser) -> None:
    """QUESTION, as `read_question` takes it."""
    parser.add_argument(
        "question",
        nargs="*",
        metavar="QUESTION",
        help="the question; a `-` before or after it stands for standard input, which is read too where there is none",
    )


def add_cut_argument(parser: argparse.ArgumentParser) -> None:
    """`--cut`, without which a question that doesn't fit is not asked."""
    parser.add_argument(
        "--cut", action="store_true", help="ask a question that is longer than the context without its middle"
    )


def read_question(words: Sequence[str]) -> str:
    """The words of the question; what standard input holds stands where a `-` does, first or last, in a paragraph of
    its own, or alone where there are no words. Raises LacieError for input that is no UTF-8."""
    parts = [list(words)]
    if not words and not sys.stdin.isatty():
        parts = [["-"]]
    elif words and words[0] == "-":
        parts = [["-"], list(words[1:])]
    elif words and words[-1] == "-":
        parts = [list(words[:-1]), ["-"]]
    texts = [read_input() if part == ["-"] else typed_text(" ".join(part)) for part in parts]
    return "\n\n".join(text.strip() for text in texts if text.strip())


def turns_of(question: str, system: str = "") -> list[ChatTurn]:
    """What the model reads: the question, after what it is told first, if anything."""
    return [*([ChatTurn("system", system)] if system else []), ChatTurn("user", question)]


def stream_answer(
    engine: EngineLike,
    question: str,
    sampling: Sampling,
    *,
    system: str = "",
    baseline: bool = False,
    adapter: Path | None = None,
    show: bool = False,
) -> Answered:
    """Stream one answer; on standard output if it is to be shown, with a line on what is thought before it. `system`:
    what the model is told first. Raises LacieError if the engine fails."""
    line = ThoughtLine(show)

    def hear(event: Heard) -> None:
        match event:
            case Reasoning():
                line.add(event.text)
            case Delta() if show:
                line.fold()
                print(event.text, end="", flush=True)
            case Cut():
                complain(f"lacie: {left_out_words(record_of(event, question))}")

    try:
        turns = turns_of(question, system)
        return answer_to(engine, turns, sampling, baseline=baseline, adapter=adapter, hear=hear)
    finally:
        line.fold()


def longer_context(info: ModelInfo) -> bool:
    """Could the context be longer than it is?"""
    return info.n_ctx < info.n_ctx_train


def too_long(engine: EngineLike, turns: list[ChatTurn], sampling: Sampling, *, longer_context: bool) -> str | None:
    """Why the question can't be asked whole and what to do, in one line; None where it can. Raises LacieError."""
    size = engine.measure(turns, sampling)
    if size.cut is None:
        return None
    ways = f"--cut asks it without {what_goes(size)}" + (", --context N makes the context longer" * longer_context)
    return f"{why_unfit(size).rstrip('.')}; {ways}"


def made_with(sampling: Sampling, system: str, preset: str | None) -> dict[str, Any]:
    """How an answer was drawn and what was said first, by the names under which a chat keeps it."""
    return {"sampling": asdict(sampling), "system_prompt": system or None, "preset": preset}


def answer_object(
    assessment: Assessment, speaker: Speaker, answered: Answered, made: Mapping[str, Any]
) -> dict[str, Any]:
    """The object of DESIGN.md: the assessment, what was thought before, what answered, how it was `made_with`, and what
    it took."""
    finished = answered.finished
    return {
        **assessment.to_dict(),
        "reasoning": answered.reasoning or None,
        "model": speaker.model.ref,
        "adapter": speaker.adapter.ref if speaker.adapter else None,
        **made,
        "finish_reason": finished.reason,
        "usage": finished.usage(),
        "timings": finished.timings(),
    }


def cut_off_line(finished: Finished, *, longer_context: bool) -> str | None:
    """Where the answer was cut off and what lets it go on, in one line; None for one that is whole."""
    words = stopped_words(finished.reason, finished.answer_tokens)
    if words is None or finished.reason == "length":
        return words and f"{words}; --max-tokens N lets it go on"
    return f"{words}; " + ("--context N makes it longer" if longer_context else "a shorter question leaves more room")


def timing_line(finished: Finished) -> str:
    """How fast an answer was read for and written, for `--verbose`."""
    read = finished.prompt_tokens - finished.cached_tokens
    reading = f"{read} tokens read in {finished.prompt_seconds:.2f} s"
    speed = f" ({finished.tokens_per_second:.0f} a second)" if finished.tokens_per_second else ""
    return f"{reading}, {finished.completion_tokens} written in {finished.generation_seconds:.2f} s{speed}"


def under_the_bound(assessment: Assessment, bound: float) -> str | None:
    """Why an answer is under `--min-confidence`, in one line; None for one that isn't."""
    asked = f"--min-confidence {bound:g}"
    confidence = assessment.confidence
    if assessment.state == "abstained":
        return f"the model declines to answer: nothing to hold against {asked}"
    if confidence is None:
        return f"the answer claims nothing: nothing to hold against {asked}"
    if confidence.value >= bound:
        return None
    if confidence.kind == "calibrated":
        return f"P(right) is {confidence.value:.3f}, under {asked}"
    return f"acceptance is {confidence.value:.3f}, under {asked} (this answer has no P(right))"


def calibrate_advice(args: argparse.Namespace, assessment: Assessment) -> str | None:
    """The command that gives this speaker a calibrator, where the confidence line, which can't know what was asked for,
    isn't enough to go by; None where it is, or where none is missing."""
    named = speaker_options(args)
    if not named or assessment.p_right is not None or assessment.answer_span is None:
        return None
    return f"lacie: for this speaker: lacie calibrate {named}"
