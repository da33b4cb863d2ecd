"""`lacie evaluate`: how well acceptance and P(right) tell right answers from wrong ones, for a GGUF on one file.

It draws as the chat does and needs neither torch nor the extra `train`; without matplotlib the picture is left out.
`DIR/answers.jsonl` keeps what was answered, so that a start that was interrupted goes on and another `--matcher`
answers nothing anew; `rows.jsonl`, `metrics.json` and `reliability.png` are made of it.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from lacie_chat.commands.machine import machine_of
from lacie_chat.commands.settled import sampling_of, settings_of
from lacie_chat.commands.speaker import (
    TEMPERATURE_HELP,
    add_reasoning_argument,
    add_speaker_arguments,
    find_pair,
    listener_of,
    reasoning_of,
    say,
)
from lacie_chat.confidence import ACCEPT_THRESHOLD, WayOfDrawing
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.answering import matched
from lacie_chat.evaluation.measuring import BINS, BOOTSTRAP, measure, one_line
from lacie_chat.evaluation.questions import read_question_file
from lacie_chat.evaluation.stored import ROWS, Asking, answers_in, same_evaluation
from lacie_chat.installed import install_extra
from lacie_chat.loudness import note
from lacie_chat.models import look_for_calibrator, pair_fingerprint
from lacie_chat.rows import Row, locked, write_json, write_rows, writing
from lacie_chat.statistics.metrics import agreement_metrics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie evaluate`."""
    add_speaker_arguments(parser, context=False)
    parser.add_argument("--questions", type=Path, required=True, help="JSON lines with id, question, answers")
    parser.add_argument("--out", type=Path, required=True, help="folder for rows.jsonl, metrics.json, reliability.png")
    parser.add_argument("--with-baseline", action="store_true", help="measure the model without its adapter as well")
    parser.add_argument(
        "--matcher", choices=("exact", "lenient"), help="how answers are compared (default: as each question says)"
    )
    parser.add_argument("--temperature", type=float, help=TEMPERATURE_HELP)
    parser.add_argument("--max-tokens", type=int, default=128, help="length of an answer at most (default 128)")
    parser.add_argument(
        "--threshold",
        type=float,
        default=ACCEPT_THRESHOLD,
        help="accepted from so much on (default %(default)s)",
    )
    parser.add_argument("--batch-size", type=int, default=8, help="questions answered at once (default 8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--agreement", metavar="K", type=int, default=0, help="draw K samples of each answer: how many agree with it?"
    )
    add_reasoning_argument(parser)
    parser.add_argument("--json", action="store_true", help="print metrics.json")


def run(args: argparse.Namespace) -> int:
    """Exit status 0, or LacieError, one line."""
    if not 0 <= args.threshold <= 1:
        raise LacieError(f"--threshold is a number from 0 to 1, not {args.threshold:g}")
    questions = matched(read_question_file(args.questions), args.matcher)
    pair = find_pair(args, download=True)
    sampling = replace(sampling_of(settings_of(args), pair.model.path), reasoning=reasoning_of(args, pair.model))
    asking = Asking(sampling, args.seed, args.batch_size, args.agreement, machine_of(args))
    listener = listener_of(args, pair.model)
    if args.with_baseline and pair.adapter is None:
        raise LacieError("--with-baseline goes with an adapter: without one, the model is the baseline")
    speakers = [("adapter" if pair.adapter else "baseline", pair.adapter, args.out)]
    if args.with_baseline:
        speakers.append(("baseline", None, args.out / "baseline"))
    measured: dict[str, dict[str, Any]] = {}
    rows: dict[str, list[Row]] = {}
    with locked(args.out, "evaluate"):
        for speaker, adapter, out in speakers:
            files = pair.model.path, adapter.path if adapter else None
            names = {"model": pair.model.ref, "adapter": adapter.ref if adapter else None}
            same_evaluation(
                out, {**names, "fingerprint": pair_fingerprint(*files), **asking.identity(questions, listener)}
            )
            calibrator, unused = look_for_calibrator(*files, WayOfDrawing.of(asking.sampling), listener.version)
            say(unused)
            rows[speaker] = answers_in(
                out,
                questions,
                asking,
                pair.model,
                adapter,
                listener,
                calibrator=calibrator,
                label=f"evaluate, {speaker}",
            )
            write_rows(out / ROWS, rows[speaker])
            measured[speaker] = measure(rows[speaker], threshold=args.threshold, seed=args.seed)
            if args.agreement:
                agreed = agreement_metrics(rows[speaker], bootstrap=BOOTSTRAP, seed=args.seed)
                measured[speaker]["agreement"] = agreed
            write_json(out / "metrics.json", measured[speaker])
        _draw(rows, args.out / "reliability.png")
    if args.json:
        print(json.dumps(measured[speakers[0][0]] if len(speakers) == 1 else measured, indent=2))
    else:
        for speaker, figures in measured.items():
            print(f"{speaker}: {one_line(figures)}")
        print(f"see {args.out}")
    return 0


def _draw(rows: dict[str, list[Row]], path: Path) -> None:
    from lacie_chat.statistics.pictures import draw_reliability

    try:
        picture = draw_reliability(rows, bins=BINS)
    except ImportError:
        line = f"left out, since drawing needs matplotlib: {install_extra('plots')}"
        note(f"evaluate: {path.name} is {line}")
        return
    with writing(path):
        path.write_bytes(picture)
