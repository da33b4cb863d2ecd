"""Stage `evaluate`: how well acceptance and P(right) tell right answers from wrong ones, with the adapter and without.

Baseline and adapter are measured on every test set of the recipe, under the same conditions, into
`evaluation/SET/SPEAKER/`, and summed up in `metrics.json`, plots and `report.md`, by the functions of `lacie evaluate`.
It goes on where it stopped; what is right is computed on reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.evaluation.answering import answer_all, rows_of
from lacie_chat.evaluation.stored import ANSWERS, ROWS
from lacie_training.errors import TrainingError
from lacie_training.evaluation import truthfulqa
from lacie_training.evaluation.calibrator import calibration_questions, fit, keep
from lacie_training.evaluation.other_listeners import other_listeners
from lacie_training.evaluation.summary import summarise
from lacie_training.generators import listener_version
from lacie_training.generators.sharing import Models
from lacie_training.questions.splits import Question, load_questions
from lacie_training.run_folder import Row, RowFile, RunFolder, write_rows
from lacie_training.stage import stage_main

SPEAKERS = ("baseline", "adapter")


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions that both speakers answer, and where their answers are kept: `FOLDER/SPEAKER/answers.jsonl`."""

    name: str
    questions: list[Question]
    folder: Path
    version: str
    """Of the assessment that hears them."""

    def file(self, speaker: str) -> RowFile:
        return RowFile(self.folder / speaker / ANSWERS)

    def rows(self, speaker: str) -> list[Row]:
        """The judged rows, still without P(right), also written out as `FOLDER/SPEAKER/rows.jsonl`."""
        rows = rows_of(self.file(speaker), self.questions, self.version)
        write_rows(self.folder / speaker / ROWS, rows)
        return rows


def run(folder: RunFolder) -> None:
    """The stage: both speakers on every test set, TruthfulQA where the recipe asks for it, calibrator, report, plots.

    Models are loaded only where something is still to be answered, so that a finished run can be looked at anew
    (another listener, another calibration set) at the cost of that alone.
    """
    recipe = folder.recipe
    adapter = folder.path / "adapter"
    if not (adapter / "adapter_config.json").is_file():
        raise TrainingError(f"{adapter} is not there yet; run the stage 'dpo' first")
    listeners = other_listeners(recipe)
    tests, version = load_questions(folder.path, recipe).test, listener_version(recipe)
    asked = [Asked(name, questions, folder.path / "evaluation" / name, version) for name, questions in tests.items()]
    name, questions = calibration_questions(folder)
    calibration = Asked("calibration", questions, folder.path / "calibration" / name, version)
    truthful: Asked | None = None
    if recipe.evaluate.truthfulqa.judges != "none":
        truthful = Asked("truthfulqa", truthfulqa.questions(recipe), folder.path / "evaluation" / "truthfulqa", version)
    everything = [*asked, calibration, *([truthful] if truthful else [])]
    _answer_with_both(folder, everything, adapter)
    rows = {each.name: {speaker: each.rows(speaker) for speaker in SPEAKERS} for each in everything}
    fitted = {speaker: fit(folder, speaker, rows["calibration"][speaker]) for speaker in SPEAKERS}
    print(f"evaluate: {keep(folder, fitted['adapter'])}")
    judged = truthfulqa.judge(folder, rows["truthfulqa"]) if truthful else {}
    summarise(folder, {each.name: rows[each.name] for each in asked}, judged, fitted, listeners)


def _answer_with_both(folder: RunFolder, asked: Sequence[Asked], adapter: Path) -> None:
    """Baseline and adapter under the same conditions; speaker and listener are loaded once for both (`Models`)."""
    recipe = folder.recipe.measured()
    settings = recipe.speaker.with_adapter()
    with Models(recipe, [adapter]) as models:
        for speaker in SPEAKERS:
            for each in asked:
                if not each.file(speaker).missing(question.id for question in each.questions):
                    continue
                answer_all(
                    each.file(speaker),
                    each.questions,
                    models.speaker(adapter if speaker == "adapter" else None),
                    models.listener,
                    form=settings.form(),
                    sampling=recipe.evaluate.sampling(),
                    seed=recipe.seed,
                    batch_size=settings.together,
                    names={"model": settings.model, "adapter": "adapter" if speaker == "adapter" else None},
                    label=f"evaluate {each.name}, {speaker}",
                )


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m lacie_training.evaluate --recipe R --run DIR`"""
    return stage_main("evaluate", run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
