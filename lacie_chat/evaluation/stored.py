"""A model's answers to the user's own questions file, for `lacie calibration fit --questions`.

Asked as `lacie evaluate` asks, on one GGUF and without torch. The rows are kept in the data folder under what they hang
on (files, questions, settings, listener), so that a fit that was interrupted goes on, and a second one with other
settings of the fit alone costs nothing.
"""

import hashlib
import json
from pathlib import Path

from lacie_training.errors import TrainingError
from lacie_training.evaluate import answer_all, questions_digest, rows_of
from lacie_training.generators import load_generator
from lacie_training.questions.splits import Question, read_question_file
from lacie_training.recipes.errors import first_problem
from lacie_training.recipes.schema import EvaluateSettings, SpeakerSettings
from lacie_training.run_folder import Row, RowFile, locked
from pydantic import ValidationError

from lacie_chat import paths
from lacie_chat.confidence import LISTENER_VERSION
from lacie_chat.models import ResolvedModel, pair_fingerprint


def answers_to(
    file: Path,
    model: ResolvedModel,
    adapter: ResolvedModel | None,
    *,
    matcher: str | None,
    temperature: float,
    max_tokens: int,
    batch_size: int,
    seed: int,
    samples: int = 0,
) -> list[Row]:
    """One row a question, assessed and compared (`matcher` None: as each question says), with the agreement of so many
    `samples`. Raises LacieError: a broken line (named), settings out of range, a folder that another process works on.
    """
    if samples > batch_size:
        raise TrainingError(f"--agreement {samples} needs a --batch-size of at least {samples}, not {batch_size}")
    asked = [Question(each.id, each.question, each.answers, matcher or each.match) for each in read_question_file(file)]
    try:
        speaker = SpeakerSettings(
            model=str(model.path), generator="llama_cpp", format="chat", batch_size=batch_size, context=2048
        )
        draw = EvaluateSettings(temperature=temperature, top_p=0.95, top_k=40, max_new_tokens=max_tokens)
    except ValidationError as error:
        raise TrainingError(first_problem(error, EvaluateSettings)) from error
    adapter_path = adapter.path if adapter else None
    pair = pair_fingerprint(model.path, adapter_path)
    how = [questions_digest(asked), LISTENER_VERSION, seed, batch_size, temperature, max_tokens, samples]
    digest = hashlib.sha256(json.dumps(how).encode()).hexdigest()[:12]
    folder = paths.calibrators_dir() / "answers" / f"{pair}-{digest}"
    with locked(folder, "answers"):
        rows = RowFile(folder / "rows.jsonl")
        if rows.missing(question.id for question in asked):
            generator = load_generator(speaker, adapter=adapter_path)
            try:
                answer_all(
                    rows,
                    asked,
                    generator,
                    generator.reader,
                    speaker=speaker,
                    draw=draw,
                    seed=seed,
                    names={"model": model.ref, "adapter": adapter.ref if adapter else None},
                    samples=samples,
                    label="answer",
                )
            finally:
                generator.close()
        return rows_of(rows, asked)
