"""A model's answers to a questions file, kept where the next start finds them: for `evaluate`, `compare`, `calibrate`.

A folder has `answers.jsonl`, to which rows are appended as they are made, and `evaluation.json`, which says what they
hang on: files, questions, settings, the version that heard them. Not the matcher and not the accepted answers: truth is
computed on reading. `rows.jsonl` is the product, the judged rows, written whole at the end.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lacie_chat import paths
from lacie_chat.confidence import MOST_SAMPLES, Calibrator
from lacie_chat.engine.batch_process import BatchProcess
from lacie_chat.engine.settings import USUAL, Machine, ReasoningChoice, Sampling
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.answering import answer_all, rows_of, sampling_record
from lacie_chat.evaluation.prompts import PromptForm
from lacie_chat.evaluation.questions import Question
from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.listener_files import ListenerFiles
from lacie_chat.models import ResolvedModel, pair_fingerprint
from lacie_chat.private import private_folder
from lacie_chat.rows import Row, RowFile, locked, write_json, writing

ANSWERS, ROWS = "answers.jsonl", "rows.jsonl"
_CONTEXT = 2048  # tokens of a question, its answer and the thought between them together


@dataclass(frozen=True, slots=True)
class Asking:
    """How questions are asked: the chat's sampling, `batch_size` at once, with so many `samples` for the agreement.
    `machine` is no part of how an answer is made: a folder may be gone on with on another.

    Raises LacieError, one line, for values out of range.
    """

    sampling: Sampling
    seed: int = 0
    batch_size: int = 8
    samples: int = 0
    machine: Machine = USUAL

    def __post_init__(self) -> None:
        if not 0 <= self.sampling.temperature < float("inf"):
            raise LacieError(f"--temperature is a number of 0 or more, not {self.sampling.temperature:g}")
        for option, value in (("--max-tokens", self.sampling.max_tokens), ("--batch-size", self.batch_size)):
            if value < 1:
                raise LacieError(f"{option} is a whole number of 1 or more, not {value}")
        if not 0 <= self.samples <= min(MOST_SAMPLES, self.batch_size):
            raise LacieError(
                f"--agreement takes 0 to {MOST_SAMPLES} samples, and at most --batch-size ({self.batch_size}), "
                f"not {self.samples}"
            )

    def thinking(self, reasoning: ReasoningChoice) -> "Asking":
        """The same, thought about so."""
        return replace(self, sampling=replace(self.sampling, reasoning=reasoning))

    def identity(self, questions: Sequence[Question], listener: ListenerFiles) -> dict[str, Any]:
        """What stored answers hang on, besides the files that gave them."""
        return {"questions": questions_digest(questions), **self.way(listener)}

    def way(self, listener: ListenerFiles) -> dict[str, Any]:
        """How an answer is made, whatever else is asked."""
        return {
            "seed": self.seed,
            "batch_size": self.batch_size,
            "agreement": self.samples or None,
            "sampling": sampling_record(self.sampling),
            "assessment_version": listener.version,
        }


def questions_digest(questions: Sequence[Question]) -> str:
    """A short identity of what is asked; not of the accepted answers, on which only the truth hangs."""
    asked = [(question.id, question.question) for question in questions]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def same_evaluation(out: Path, identity: dict[str, Any]) -> None:
    """Refuse to go on with answers that were made in another way; write down how they are made where there are none."""
    path = out / "evaluation.json"
    if path.is_file():
        try:
            before = read_json(path)
        except (OSError, NoJSON) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise LacieError(f"{path} can't be read ({why}); give another --out folder") from error
        if not isinstance(before, dict):
            raise LacieError(f"{path} is damaged: it is no JSON object; give another --out folder")
        heard, own = before.get("assessment_version") or "an older one", identity["assessment_version"]
        if heard != own:
            raise LacieError(
                f"{out} holds answers that another version of the assessment heard ({heard}, this one is {own}); "
                "give another --out folder"
            )
        differing = [key for key in identity if before.get(key) != identity[key]]
        if differing:
            raise LacieError(
                f"{out} holds another evaluation (it differs in {', '.join(differing)}); give another --out folder"
            )
    write_json(path, identity)


def answers_in(
    folder: Path,
    questions: Sequence[Question],
    asking: Asking,
    model: ResolvedModel,
    adapter: ResolvedModel | None,
    listener: ListenerFiles,
    *,
    calibrator: Calibrator | None = None,
    label: str = "evaluate",
) -> list[Row]:
    """The judged rows of a folder, in the questions' order, those that it hasn't yet made first.

    The models are loaded only if a question is still to be answered. Raises LacieError.
    """
    file = RowFile(folder / ANSWERS)
    if file.missing(question.id for question in questions):
        with _loaded(asking, model.path, adapter.path if adapter else None, listener) as engine:
            answer_all(
                file,
                questions,
                engine,
                engine.listener,
                form=PromptForm(),
                sampling=asking.sampling,
                seed=asking.seed,
                batch_size=asking.batch_size,
                names={"model": model.ref, "adapter": adapter.ref if adapter else None},
                samples=asking.samples,
                label=label,
            )
    return rows_of(file, questions, listener.version, calibrator)


def _loaded(asking: Asking, model: Path, adapter: Path | None, listener: ListenerFiles) -> BatchProcess:
    reasoning = asking.sampling.reasoning
    thought = reasoning if isinstance(reasoning, int) else 0  # one that was asked for by its length has it besides
    return BatchProcess.load(
        model,
        adapter=adapter,
        batch_size=asking.batch_size,
        context=_CONTEXT + thought,
        reasoning=reasoning,
        machine=asking.machine,
        listener=listener,
    )


def answers_to(
    questions: Sequence[Question],
    model: ResolvedModel,
    adapter: ResolvedModel | None,
    listener: ListenerFiles,
    asking: Asking,
) -> list[Row]:
    """The judged rows of these questions, in their order, for `lacie calibrate` and `calibration fit --questions`.

    They are kept in the data folder, one folder for each way of answering, whatever is asked: each by its question's id
    and text. So one that was interrupted goes on, more questions go on from those before, and another matcher or other
    settings of the fit alone answer nothing anew. Raises LacieError: a folder that another process works on.
    """
    pair = pair_fingerprint(model.path, adapter.path if adapter else None)
    digest = hashlib.sha256(json.dumps(asking.way(listener), sort_keys=True).encode()).hexdigest()[:12]
    folder = paths.calibrators_dir() / "answers" / f"{pair}-{digest}"
    kept = [replace(question, id=_kept_as(question)) for question in questions]
    with writing(folder):
        for each in (paths.data_dir(), paths.calibrators_dir(), folder.parent, folder):
            private_folder(each)
    with locked(folder, "answers"):
        rows = answers_in(folder, kept, asking, model, adapter, listener, label="calibrate")
    return [{**row, "id": question.id} for row, question in zip(rows, questions, strict=True)]


def _kept_as(question: Question) -> str:
    return f"{question.id}-{hashlib.sha256(question.question.encode()).hexdigest()[:12]}"
