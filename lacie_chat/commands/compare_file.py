"""`lacie compare --questions FILE --out DIR`: both sides answer every question; paired figures, and a report to read.

`DIR/left` and `DIR/right` hold the answers and rows, made by the functions of `lacie evaluate` (so a side's rows are
what that command writes), and a start that was interrupted goes on where it stopped. Then come `comparison.json`,
`shift.png` (where matplotlib is there), `report.md` and `report.html`, the last one whole in itself. The sides run one
after the other, so that only one is in memory; both are heard by one listener (commands/sides.py says why).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lacie_chat.commands.machine import machine_of
from lacie_chat.commands.sides import ComparedSide, find_sides
from lacie_chat.comparison.figures import measure_pairs, pairs_of
from lacie_chat.comparison.report import headline, write_reports
from lacie_chat.confidence import ACCEPT_THRESHOLD
from lacie_chat.engine.settings import Sampling
from lacie_chat.evaluation.answering import matched
from lacie_chat.evaluation.questions import Question, read_question_file
from lacie_chat.evaluation.stored import ROWS, Asking, answers_in, same_evaluation
from lacie_chat.installed import install_extra
from lacie_chat.loudness import note
from lacie_chat.printable import exact_json
from lacie_chat.rows import Row, locked, write_json, write_rows, writing

KEYS = ("left", "right")


def run(args: argparse.Namespace) -> int:
    """The command, with the options of `lacie compare`. Raises LacieError, one line."""
    questions = matched(read_question_file(Path(args.questions)), args.matcher)
    temperature = Sampling().temperature if args.temperature is None else args.temperature
    sampling = Sampling(temperature=temperature, max_tokens=args.max_tokens or 128)
    asking = Asking(sampling, args.seed, args.batch_size or 8, machine=machine_of(args))
    sides = find_sides(args, sampling)
    threshold = ACCEPT_THRESHOLD if args.threshold is None else args.threshold
    out = Path(args.out)
    listener = sides[0].speaker.listener
    made = asking.identity(questions, listener)
    with locked(out, "compare"):
        for key, side in zip(KEYS, sides, strict=True):  # both, before the first question is answered
            thought = asking.thinking(side.speaker.sampling.reasoning).identity(questions, listener)
            same_evaluation(out / key, {**side.to_dict(), **_prints(side), **thought})
        rows = [_answer_side(out / key, side, questions, asking) for key, side in zip(KEYS, sides, strict=True)]
        pairs = pairs_of(*rows)
        matcher = args.matcher or " and ".join(sorted({question.match for question in questions}))
        result = {
            **{key: side.to_dict() for key, side in zip(KEYS, sides, strict=True)},
            "listener": listener.to_dict(),
            "settings": {**made, "matcher": matcher, "questions_file": Path(args.questions).name},
            **measure_pairs(pairs, threshold=threshold, seed=args.seed),
        }
        write_json(out / "comparison.json", result)
        write_reports(out, result, pairs, _picture(out / "shift.png", rows, sides, threshold))
    if args.json:
        print(exact_json(result, indent=2))
    else:
        for line in headline(result):
            print(line)
        print(f"see {out / 'report.html'}")
    return 0


def _answer_side(folder: Path, side: ComparedSide, questions: Sequence[Question], asking: Asking) -> list[Row]:
    """All rows of one side, also written out."""
    rows = answers_in(
        folder,
        questions,
        asking.thinking(side.speaker.sampling.reasoning),
        side.speaker.model,
        side.speaker.adapter,
        side.speaker.listener,
        calibrator=side.speaker.calibrator,
        label=f"compare, {side.name}",
    )
    write_rows(folder / ROWS, rows)
    return rows


def _prints(side: ComparedSide) -> dict[str, Any]:
    """What tells a retrained adapter or another quantisation under the same name."""
    return {"model_fingerprint": side.model_print, "adapter_fingerprint": side.adapter_print}


def _picture(
    path: Path, rows: Sequence[list[Row]], sides: tuple[ComparedSide, ComparedSide], threshold: float
) -> bytes | None:
    from lacie_chat.statistics.pictures import draw_shift

    try:
        picture = draw_shift(rows[0], rows[1], (sides[0].name, sides[1].name), threshold=threshold)
    except ImportError:
        line = f"left out, since drawing needs matplotlib: {install_extra('plots')}"
        note(f"compare: {path.name} is {line}")
        return None
    with writing(path):
        path.write_bytes(picture)
    return picture
