"""Ask, answer, assess: one response a question, as evaluation, comparison, fits and the choice of checkpoints need it.

Baseline and adapter, validation and test, llama.cpp and transformers all pass through here, so that two figures that
stand side by side were made in the same way. What is stored is what was answered and heard; what is right and what a
calibrator makes of it are computed when rows are read (`judged`), so that neither comes out of a cache.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from lacie_chat.confidence import (
    Assessment,
    Calibrator,
    State,
    agreement_of,
    assess_many,
    can_agree,
    with_agreement,
    with_p_right,
)
from lacie_chat.confidence.listener import Listener
from lacie_chat.engine.asking import sample_seeds, sampling_of_samples
from lacie_chat.engine.generator import Generator, Response, seed_of
from lacie_chat.engine.settings import Sampling
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.prompts import PromptForm, prompt_text, stop_strings
from lacie_chat.evaluation.questions import Question
from lacie_chat.progress import progress
from lacie_chat.rows import Row, RowFile, read_rows, to_do


def answer_all(
    file: RowFile,
    questions: Sequence[Question],
    generator: Generator,
    listener: Listener,
    *,
    form: PromptForm,
    sampling: Sampling,
    seed: int,
    batch_size: int,
    names: dict[str, str | None],
    samples: int = 0,
    label: str = "evaluate",
) -> None:
    """Answer the questions that `file` hasn't yet, in chunks of `batch_size`.

    With `samples`, so many more of each answer are drawn, and the rows have an `agreement`.
    """
    todo = [questions[chunk] for chunk in to_do(file, [each.id for each in questions], batch_size)]
    left = sum(len(chunk) for chunk in todo)
    with progress(label, len(questions), "questions", already=len(questions) - left) as advance:
        for chunk in todo:
            rows = answer_rows(generator, listener, chunk, form=form, sampling=sampling, seed=seed)
            if samples:
                rows = add_agreement(rows, generator, listener, form=form, k=samples)
            # answers of a batch are drawn together: none has timings of its own
            file.append([{**row, **names, "timings": {}} for row in rows])
            advance(len(chunk))


def answer_rows(
    generator: Generator,
    listener: Listener,
    questions: Sequence[Question],
    *,
    form: PromptForm,
    sampling: Sampling,
    seed: int,
) -> list[Row]:
    """One row a question: `id`, the object of DESIGN.md (but for what only a caller knows), how it was drawn
    (`sampling`) and which version heard it. Whether it is right is not in it: `judged` adds that. An answer that ended
    within its thought has no text, so there is nothing of it to hear.
    """
    texts = [prompt_text(generator, form, question.question) for question in questions]
    seeds = [seed_of(seed, "answer", question.id) for question in questions]
    drawn = generator.respond(texts, sampling, [[each] for each in seeds], stop=stop_strings(form))
    items = [(question.question, response.text) for question, [response] in zip(questions, drawn, strict=True)]
    tokens = [response.probabilities for [response] in drawn]
    assessments = assess_many(items, listener=listener, tokens=tokens)
    return [
        {
            "id": question.id,
            **assessment.to_dict(),
            "reasoning": response.reasoning or None,
            "finish_reason": response.finish,
            "usage": _usage(response),
            "sampling": sampling_record(sampling) | {"seed": own_seed},
        }
        for question, [response], assessment, own_seed in zip(questions, drawn, assessments, seeds, strict=True)
    ]


def _usage(response: Response) -> dict[str, Any]:
    return {
        "completion_tokens": response.tokens,
        "reasoning_tokens": response.reasoning_tokens,
        **({"reasoning_open": True} if response.reasoning_open else {}),
    }


def sampling_record(sampling: Sampling) -> dict[str, Any]:
    """How answers are drawn, as rows and identities keep it; a row has its own `seed` beside it. `reasoning` is there
    only where something is said of it: answers of models that don't think stay what they were."""
    names = ("temperature", "top_p", "top_k", "repeat_penalty", "max_tokens", *(["min_p"] if sampling.min_p else []))
    thought = {"reasoning": sampling.reasoning} if sampling.reasoning is not None else {}
    return {**{name: getattr(sampling, name) for name in names}, **thought}


def add_agreement(
    rows: Sequence[Row], generator: Generator, listener: Listener, *, form: PromptForm, k: int
) -> list[Row]:
    """The rows with `agreement` (`value` and `k`; None without an answer span): how many of k samples agree.

    Drawn as the chat draws them (temperature, length, seeds: engine/asking.py), by the generator that answered.
    """
    assessments = [Assessment.from_dict(row) for row in rows]
    asked = [index for index, assessment in enumerate(assessments) if can_agree(assessment)]
    texts = [prompt_text(generator, form, assessments[index].question) for index in asked]
    drawn = generator.respond(texts, sampling_of_samples(), [sample_seeds(k)] * len(texts)) if texts else []
    found: list[Row] = [{**row, "agreement": None} for row in rows]
    for index, samples in zip(asked, drawn, strict=True):
        assessment = assessments[index]
        assert assessment.answer_span is not None
        responses = [sample.text for sample in samples]
        agreement = agreement_of(assessment.question, assessment.answer_span.text, responses, listener=listener)
        found[index]["agreement"] = with_agreement(assessment, agreement, None).to_dict()["agreement"]
    return found


def judged(rows: Sequence[Row], questions: Sequence[Question], calibrator: Calibrator | None = None) -> list[Row]:
    """The rows with what hangs on the questions and on a calibrator.

    `answers`, `match`, `correct`; and anew, with this calibrator or none, `p_right`, `verdict`, `confidence`.
    """
    found = []
    for row, question in zip(rows, questions, strict=True):
        truth = {"answers": list(question.answers), "match": question.match}
        found.append({**row, **truth, "correct": question.is_right(row["answer_span"])})
    return calibrated(found, calibrator)


def calibrated(rows: Sequence[Row], calibrator: Calibrator | None) -> list[Row]:
    """The rows with what this calibrator makes of their signals, or with none: `p_right`, `verdict`, `confidence`."""
    assessments = [with_p_right(Assessment.from_dict(row), calibrator).to_dict() for row in rows]
    names = ("p_right", "verdict", "confidence")
    return [{**row, **{name: each[name] for name in names}} for row, each in zip(rows, assessments, strict=True)]


def rows_of(
    file: RowFile, questions: Sequence[Question], version: str, calibrator: Calibrator | None = None
) -> list[Row]:
    """The judged rows of these questions, in their order, out of a file that has them all.

    Raises LacieError, one line, where another `version` of the assessment heard them.
    """
    rows = {str(row.get("id")): row for row in read_rows(file.path)}
    found = [rows[question.id] for question in questions]
    for row in found:
        if (other := row.get("assessment_version") or "unknown") != version:  # its rows may have had other fields
            raise LacieError(
                f"{file.path} was heard by version {str(other)[:60]} of the assessment, and this one is {version}; "
                "delete the file or give another folder, and answer anew"
            )
        _check_row(row, file.path)
    return judged(found, questions, calibrator)


def _check_row(row: Row, path: Path) -> None:
    """Raise LacieError for a row that can't be measured: it is not as it was written."""
    try:
        heard = Assessment.from_dict(row)
        whole = (
            all(isinstance(text, str) for text in (heard.question, heard.response, heard.masked_response))
            and heard.state in get_args(State)
            and isinstance(row["answer_span"], str | None)
            and (heard.acceptance is None or 0 <= heard.acceptance <= 1)
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        whole = False
    if not whole:
        raise LacieError(
            f"{path}: the row {str(row.get('id'))[:60]!r} is damaged; take its line out, and the same command answers "
            "it anew"
        )


def matched(questions: Sequence[Question], matcher: str | None) -> list[Question]:
    """The questions as they are compared: each by its own `match`, unless a matcher is named for all."""
    return [replace(each, match=matcher) if matcher else each for each in questions]
