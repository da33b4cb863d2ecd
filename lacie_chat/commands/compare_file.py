"""`lacie compare --questions FILE --out DIR`: both sides answer every question; paired figures, and a report to read.

`DIR/left` and `DIR/right` hold the rows, made by the functions of `lacie evaluate` (so a side's rows are what that
command writes), and a start that was interrupted goes on where it stopped. Then come `comparison.json`, `shift.png`,
`report.md` and `report.html`, the last one whole in itself. The sides run one after the other, so that only one is in
memory; both are heard by the left side's model (commands/sides.py says why).
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lacie_training.errors import TrainingError
from lacie_training.evaluate import answer_all, same_evaluation
from lacie_training.generators import Generator, load_generator
from lacie_training.questions.splits import Question, read_question_file
from lacie_training.recipes.schema import Draw, SpeakerSettings
from lacie_training.run_folder import locked

from lacie_chat.commands.sides import ComparedSide, find_sides
from lacie_chat.comparison.figures import measure_pairs, pairs_of
from lacie_chat.comparison.report import headline, write_reports
from lacie_chat.confidence import LISTENER_VERSION
from lacie_chat.confidence.reader import Reader
from lacie_chat.rows import Row, RowFile, read_rows, write_json, writing

KEYS = ("left", "right")


def run(args: argparse.Namespace) -> int:
    """The command, with the options of `lacie compare`. Raises LacieError, one line."""
    matcher = args.matcher or "exact"
    questions = [
        Question(each.id, each.question, each.answers, matcher) for each in read_question_file(Path(args.questions))
    ]
    sides = find_sides(args)
    temperature = 0.2 if args.temperature is None else args.temperature
    draw = Draw(temperature=temperature, top_p=0.95, top_k=40, max_new_tokens=args.max_tokens or 128)
    threshold = 0.66 if args.threshold is None else args.threshold
    out = Path(args.out)
    batch_size = args.batch_size or 8
    made = {
        "questions": _digest(questions),
        "matcher": matcher,
        "seed": args.seed,
        "batch_size": batch_size,
        "listener": sides[0].model_print,
        "listener_version": LISTENER_VERSION,
        **draw.model_dump(),
    }
    with locked(out, "compare"):
        for key, side in zip(KEYS, sides, strict=True):  # both, before the first question is answered
            same_evaluation(out / key, {**side.to_dict(), **_prints(side), **made})
        rows = [
            _answer_side(RowFile(out / key / "rows.jsonl"), side, sides[0], questions, draw, args.seed, batch_size)
            for key, side in zip(KEYS, sides, strict=True)
        ]
        pairs = pairs_of(*rows)
        result = {
            **{key: side.to_dict() for key, side in zip(KEYS, sides, strict=True)},
            "listener": sides[0].speaker.model.ref,
            "settings": {**made, "questions_file": Path(args.questions).name},
            **measure_pairs(pairs, threshold=threshold, seed=args.seed),
        }
        write_json(out / "comparison.json", result)
        write_reports(out, result, pairs, _picture(out / "shift.png", rows, sides, threshold))
    if args.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        for line in headline(result):
            print(line)
        print(f"see {out / 'report.html'}")
    return 0


def _answer_side(
    file: RowFile,
    side: ComparedSide,
    hearing: ComparedSide,
    questions: Sequence[Question],
    draw: Draw,
    seed: int,
    batch_size: int,
) -> list[Row]:
    """All rows of one side. The model is only loaded if a question is still to be answered."""
    speaker = _speaker_settings(side, batch_size)
    names = {"model": side.speaker.model.ref, "adapter": side.speaker.adapter.ref if side.speaker.adapter else None}
    if not file.missing(question.id for question in questions):
        return _in_order(file, questions)
    with _loaded(side, batch_size) as generator, _listener(generator, side, hearing, batch_size) as reader:
        answer_all(
            file,
            questions,
            generator,
            reader,
            speaker=speaker,
            draw=draw,
            seed=seed,
            names=names,
            calibrator=side.speaker.calibrator,
            label=f"compare, {side.name}",
        )
    return _in_order(file, questions)


def _in_order(file: RowFile, questions: Sequence[Question]) -> list[Row]:
    rows = {row["id"]: row for row in read_rows(file.path)}
    return [rows[question.id] for question in questions]


def _speaker_settings(side: ComparedSide, batch_size: int) -> SpeakerSettings:
    return SpeakerSettings(
        model=str(side.speaker.model.path), generator="llama_cpp", format="chat", batch_size=batch_size, context=2048
    )


@contextmanager
def _loaded(side: ComparedSide, batch_size: int) -> Iterator[Generator]:
    generator = load_generator(_speaker_settings(side, batch_size), adapter=side.speaker.adapter_path)
    try:
        yield generator
    finally:
        generator.close()


@contextmanager
def _listener(generator: Generator, side: ComparedSide, hearing: ComparedSide, batch_size: int) -> Iterator[Reader]:
    """The left side's model as listener: this very one, or loaded beside it."""
    if side.model_print == hearing.model_print:
        yield generator.reader
        return
    listener = load_generator(_speaker_settings(hearing, batch_size))
    try:
        yield listener.reader
    finally:
        listener.close()


def _prints(side: ComparedSide) -> dict[str, Any]:
    """What tells a retrained adapter or another quantisation under the same name."""
    return {"model_fingerprint": side.model_print, "adapter_fingerprint": side.adapter_print}


def _digest(questions: Sequence[Question]) -> str:
    rows = [question.to_row() for question in questions]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]


def _picture(
    path: Path, rows: Sequence[list[Row]], sides: tuple[ComparedSide, ComparedSide], threshold: float
) -> bytes:
    from lacie_chat.statistics.pictures import draw_shift

    try:
        picture = draw_shift(rows[0], rows[1], (sides[0].name, sides[1].name), threshold=threshold)
    except ImportError as error:
        raise TrainingError("drawing needs matplotlib; install the extra `train`") from error
    with writing(path):
        path.write_bytes(picture)
    return picture
