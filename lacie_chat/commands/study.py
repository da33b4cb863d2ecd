"""`lacie study run` and `lacie study report`: the paper's human evaluation, repeated with one's own people.

`run` first makes the answers of both speakers, once, and then shows them to one person; others run it on the same
folder (or a copy of it) without --questions, and need no model. The answers are made as `lacie compare` makes them: the
same seed for both speakers, the chat's own prompt, the chat's own assessment by one listener.
"""

import argparse
import getpass
import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lacie_chat.commands.argument_types import not_negative, positive
from lacie_chat.commands.ask import stream_answer
from lacie_chat.commands.sides import ComparedSide, StartedSide, add_side_arguments, find_sides, started
from lacie_chat.confidence import Listener, assess_many, with_p_right
from lacie_chat.engine import Sampling
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.matching import normalise
from lacie_chat.evaluation.questions import Question, read_question_file
from lacie_chat.printable import exact_json
from lacie_chat.progress import DownloadLine
from lacie_chat.rows import Row, RowFile, write_text
from lacie_chat.streams import take_the_terminal, terminal_name, terminal_takes_codes
from lacie_chat.study import PersonFile, Study, as_markdown, make_report, open_study, people_files, plan
from lacie_chat.study.records import SPEAKERS, SpeakerName, answer_id, begin, finish, is_complete, questions_digest

TOLD_APART_BY = (
    *("questions", "baseline_files", "lacie_files", "reasoning", "temperature", "max_tokens", "seed"),
    "assessment_version",
)
"""A study is another one if it differs in one of these. Its answers are frozen with their truth, since people judge
them: other accepted answers, another matcher (both in `questions`) or another assessment make another study. One that
was begun by an older version can be judged and reported, and not be given further answers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two actions and their options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    judging = actions.add_parser(
        "run",
        help="make both speakers' answers, once, and let a person judge them",
        description="Make both speakers' answers, once, and let a person judge them. The left side is the baseline.",
    )
    judging.add_argument("--questions", metavar="FILE", help="begins a study: JSON lines with id, question, answers")
    judging.add_argument("--out", metavar="DIR", required=True, help="the study's folder")
    add_side_arguments(judging)
    judging.add_argument("--person", metavar="NAME", help="who judges; the same name goes on (default: the login name)")
    judging.add_argument("--items", type=positive, metavar="N", help="questions for this person (default: all)")
    judging.add_argument("--answers-only", action="store_true", help="make the answers and show nothing")
    judging.add_argument("--matcher", choices=("exact", "lenient"), help="default: as each question says")
    judging.add_argument(
        "--temperature",
        type=not_negative,
        default=Sampling().temperature,
        help="of both speakers, whatever their files recommend (default %(default)s)",
    )
    judging.add_argument("--max-tokens", type=positive, default=128, help="length of an answer (default 128)")
    judging.add_argument("--seed", type=int, default=0, help="of both speakers (default 0)")
    reporting = actions.add_parser("report", help="what the judgements come to")
    reporting.add_argument("dir", metavar="DIR", help="the study's folder; its people's files are read")
    reporting.add_argument("files", metavar="FILE", nargs="*", help="people's files from elsewhere")
    reporting.add_argument("--keep-inattentive", action="store_true", help="also count who failed attention checks")
    reporting.add_argument("--bootstrap", type=positive, default=1000, help="draws for the intervals (default 1000)")
    reporting.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    reporting.add_argument("--json", action="store_true", help="print one JSON object")
    reporting.add_argument("--out", metavar="FILE", help="write what is printed to a file, too")


def run(args: argparse.Namespace) -> int:
    """Exit status 0, or LacieError."""
    return report(args) if args.action == "report" else judge(args)


def judge(args: argparse.Namespace) -> int:
    """Make the answers where that is still to do, then open the study for one person."""
    if not args.answers_only and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LacieError("the study needs a terminal; in a pipe, make the answers alone: --answers-only")
    if not args.answers_only and not terminal_takes_codes():
        raise LacieError(f"the study can't draw on {terminal_name()}; another terminal can, or --answers-only")
    folder = Path(args.out)
    if args.questions is None and (args.adapter or args.left or args.right):
        raise LacieError("the sides are given where a study begins: with --questions FILE")
    study = make_answers(args, folder) if args.questions is not None else open_study(folder)
    if args.answers_only:
        print(f"{2 * len(study.question_ids())} answers are in {folder}; lacie study run --out {folder} shows them")
        return 0
    person = (args.person if args.person is not None else _login_name()).strip()
    file = PersonFile.open(study.people_dir, study.id, person, args.items)
    shown = plan(study, person, file.items)

    from lacie_chat.tui.screens.judging import StudyApp

    take_the_terminal()
    app = StudyApp(shown, file)
    app.run()
    done = sum(each.item in file.judgements for each in shown)
    print(f"{done} of {len(shown)} judged, kept in {file.path}")
    if done < len(shown):
        print(f"to go on: lacie study run --out {folder} --person {exact_json(person)}")
    return app.return_code or 0


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise LacieError("who judges? give a name: --person NAME") from None


def report(args: argparse.Namespace) -> int:
    """Print the report, and write it if it is to be written."""
    study = open_study(Path(args.dir))
    files = people_files(study, [Path(file) for file in args.files])
    found = make_report(study, files, keep_inattentive=args.keep_inattentive, bootstrap=args.bootstrap, seed=args.seed)
    text = exact_json(found, indent=2) + "\n" if args.json else as_markdown(found)
    if args.out is not None:
        write_text(Path(args.out), text)
    print(text, end="")
    return 0


# -- the answers of both speakers ---------------------------------------------------------------------------------


def make_answers(args: argparse.Namespace, folder: Path) -> Study:
    """The study in `folder`, its answers made (or the rest of them).

    Raises LacieError: broken questions file, two sides that are the same, no adapter, another study in the folder, an
    engine that fails.
    """
    questions = _read_questions(Path(args.questions), args.matcher)
    sampling = Sampling(temperature=args.temperature, max_tokens=args.max_tokens, seed=args.seed)
    baseline, lacie = _baseline_first(find_sides(args, sampling))
    made_with = {
        "questions": questions_digest([question.to_row() for question in questions]),
        "speakers": {"baseline": baseline.to_dict(), "lacie": lacie.to_dict()},
        "baseline_files": [baseline.model_print, baseline.adapter_print],
        "lacie_files": [lacie.model_print, lacie.adapter_print],
        "assessment_version": baseline.speaker.listener.version,
        "reasoning": args.reasoning,
        "temperature": args.temperature,
        "max_tokens": args.max_tokens,
        "seed": args.seed,
    }
    rows = begin(folder, made_with, told_apart_by=TOLD_APART_BY)
    if is_complete(folder):
        return open_study(folder)
    todo = [each for each in questions if rows.missing(answer_id(each.id, name) for name in SPEAKERS)]
    if todo:
        with started(baseline, lacie) as both:
            _answer_all(rows, questions, todo, dict(zip(SPEAKERS, both, strict=True)), sampling)
    return finish(folder)


def _read_questions(path: Path, matcher: str | None) -> list[Question]:
    """The file's questions, repeated ones left out: nobody may see both answers to one question under two ids."""
    kept: dict[str, Question] = {}
    for each in read_question_file(path):
        match = each.match if matcher is None else matcher
        kept.setdefault(normalise(each.question), Question(each.id, each.question, each.answers, match))
    return list(kept.values())


def _baseline_first(sides: tuple[ComparedSide, ComparedSide]) -> tuple[ComparedSide, ComparedSide]:
    """The left side is the baseline, unless it alone has an adapter."""
    left, right = sides
    return (right, left) if left.adapter_print and not right.adapter_print else (left, right)


def _answer_all(
    file: RowFile,
    questions: Sequence[Question],
    todo: Sequence[Question],
    speakers: dict[SpeakerName, StartedSide],
    base: Sampling,
) -> None:
    """Both answers of a question are drawn and heard together, and on the disk before the next one is asked."""
    line = DownloadLine()
    listener = speakers["baseline"].engine.listener
    began = time.monotonic()
    before = len(questions) - len(todo)
    try:
        for done, question in enumerate(todo):
            left = f", {_duration((time.monotonic() - began) / done * (len(todo) - done))} left" if done else ""
            line((before + done) / len(questions), f"answering, question {before + done + 1} of {len(questions)}{left}")
            file.append(_answers(question, speakers, _seeded(base, question), listener))
        line(1.0, f"answering, question {len(questions)} of {len(questions)}")
    finally:
        line.close()


def _answers(
    question: Question, speakers: dict[SpeakerName, StartedSide], sampling: Sampling, listener: Listener
) -> list[Row]:
    drawn = {
        name: stream_answer(
            each.engine,
            question.question,
            replace(sampling, reasoning=each.compared.speaker.sampling.reasoning),
            baseline=each.baseline,
            adapter=each.adapter,
        )
        for name, each in speakers.items()
    }
    # one that ended within its thought has no text, and so nothing to hear
    heard = assess_many(
        [(question.question, answered.text) for answered in drawn.values()],
        listener=listener,
        tokens=[answered.finished.tokens for answered in drawn.values()],
    )
    rows: list[Row] = []
    for (name, answered), assessment in zip(drawn.items(), heard, strict=True):
        speaker, finished = speakers[name].compared.speaker, answered.finished
        more: dict[str, Any] = {
            "answers": list(question.answers),
            "match": question.match,
            "correct": question.is_right(assessment.answer_span.text if assessment.answer_span else None),
            "finish": finished.reason,
            "reasoning": answered.reasoning or None,
            "seed": sampling.seed,
            "model": speaker.model.ref,
            "adapter": speaker.adapter.ref if speaker.adapter else None,
            "usage": finished.usage(),
        }
        key = {"id": answer_id(question.id, name), "question_id": question.id, "speaker": name}
        rows.append({**key, **with_p_right(assessment, speaker.calibrator).to_dict(), **more})
    return rows


def _seeded(base: Sampling, question: Question) -> Sampling:
    """The same seed for both speakers; it hangs on the question, so that going on gives what would have come."""
    number = int.from_bytes(hashlib.sha256(f"{base.seed}\x1f{question.id}".encode()).digest()[:4], "big") >> 1
    return Sampling(temperature=base.temperature, max_tokens=base.max_tokens, seed=number)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" if minutes > 1 else f"{60 * minutes + rest} s"
