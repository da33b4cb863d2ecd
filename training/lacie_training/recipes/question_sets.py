"""The questions of a recipe: which sets there are, where each comes from, and what they may be called."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from lacie_training.recipes.section import AFTERWARDS, Section

RESERVED = ("calibration", "threshold", "truthfulqa")
"""What an evaluation keeps beside the test sets, under names of its own."""


class Screen(Section):
    """How many questions of a pool are kept that the speaker answers right greedily, and how many that it doesn't."""

    known: int = Field(ge=1)
    unknown: int = Field(ge=0)
    max_new_tokens: int = Field(default=24, ge=1)


class QuestionSet(Section):
    """Where questions come from. Sets that name one source and split are cut from it without overlap, in order."""

    source: Literal["trivia_qa", "nq_open", "truthful_qa", "file", "sample"] = "trivia_qa"
    path: Path | None = None
    split: str = "train"
    count: int | None = Field(default=None, ge=1, description="at most so many; None: all")
    matcher: Literal["exact", "lenient"] = "exact"
    screen: Screen | None = Field(default=None, description="for train and validation: `count` is then the pool")

    @model_validator(mode="after")
    def _file_has_path(self) -> "QuestionSet":
        if (self.source == "file") != (self.path is not None):
            raise ValueError("path goes with source: file, and only with it")
        return self


class TrainingSet(QuestionSet):
    """Questions to train on. `reword_wrong`: of the wrong samples so many, as a share, are heard in other words too
    (styles with `rewords`), and so can stand on a ladder's rungs; of the right ones all are. Below 1 it saves hearing
    what a pair has no use for; a lower share than another set's is for a file whose single aliases miss right answers.
    """

    reword_wrong: float = Field(default=1.0, gt=0, le=1)


class QuestionSettings(Section):
    """The uses of questions; no question of `validation`, `test` or `calibration` is ever trained on. `more`: training
    questions from other sources, in addition to those of `train`.

    `calibration` is what the calibrator is fitted on, cut from what the training leaves of its source, so that it can
    still be named when a run is done. None: those validation questions that no checkpoint was chosen by, else all.
    """

    train: TrainingSet = TrainingSet(count=10_000)
    more: list[TrainingSet] = Field(default=[])
    validation: QuestionSet = QuestionSet(count=500)
    test: dict[str, QuestionSet] = Field(
        default_factory=lambda: {"triviaqa": QuestionSet(split="validation", count=1000)}
    )
    calibration: QuestionSet | None = Field(default=None, json_schema_extra=AFTERWARDS)
    everyday: bool = Field(default=False, description="sample everyday prompts too, and prefer them unhedged")
    overlap: Literal["drop", "raise"] = "drop"

    @model_validator(mode="after")
    def _tests_are_not_screened(self) -> "QuestionSettings":
        if any(entry.screen for entry in (self.calibration, *self.more, *self.test.values()) if entry):
            raise ValueError("screen is for train and validation; any other set is what it is")
        return self

    @model_validator(mode="after")
    def _tests_name_files(self) -> "QuestionSettings":
        seen: dict[str, str] = {}
        for name in self.test:
            if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name) or name.casefold() in RESERVED:
                raise ValueError(
                    f"the test set {name!r} needs another name: letters, digits, - and _, and none of "
                    f"{', '.join(RESERVED)}"
                )
            if name.casefold() in seen:
                raise ValueError(
                    f"the test sets {seen[name.casefold()]!r} and {name!r} differ in case alone, which some file "
                    "systems don't tell apart; rename one"
                )
            seen[name.casefold()] = name
        return self
