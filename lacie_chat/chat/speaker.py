"""What answers in a chat, as one value: its names, how it draws, what is known of it, and how its engine is made.

A chat that goes on with another model takes another value; nothing of the old one can stay behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, WayOfDrawing
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling


@dataclass(frozen=True, slots=True)
class Origin:
    """What answers, beyond its name: kept with each answer, so that a mark on it (right, wrong) counts for these very
    files. `shipped` is the calibrator that came with them, whether it is in use or not."""

    model_ref: str
    adapter_ref: str | None
    fingerprint: str
    shipped: Calibrator | None = None

    def to_params(self) -> dict[str, str | None]:
        return {"model_ref": self.model_ref, "adapter_ref": self.adapter_ref, "fingerprint": self.fingerprint}


@dataclass(frozen=True, slots=True)
class ChatSpeaker:
    """A model, with its adapter if it has one. `calibrator` and `origin` are of both together; `baseline_calibrator`
    and `baseline_origin` of the model without the adapter. The origins say which files answer. Marks and calibrators
    hold for one `assessment_version`: that of the listener which `engine_factory`'s engines hear with."""

    engine_factory: Callable[[], EngineLike]
    model_name: str
    adapter_name: str | None = None
    calibrator: Calibrator | None = None
    baseline_calibrator: Calibrator | None = None
    calibrators_at: Callable[[WayOfDrawing], tuple[Calibrator | None, Calibrator | None]] | None = None
    """Gives both for another way of drawing: a calibrator holds for one."""
    origin: Origin | None = None
    baseline_origin: Origin | None = None
    sampling: Sampling = field(default_factory=Sampling)
    """As the model's file recommends."""
    can_think: bool = True
    engine_with: Callable[[Mapping[str, Any]], Callable[[], EngineLike]] | None = None
    """Gives an `engine_factory` for another `context`, `threads` and `gpu_layers` (the settings' names)."""
    assessment_version: str = ASSESSMENT_VERSION
    adapter_path: Path | None = None
    """Where another speaker's engine over the same weights is to answer with it."""

    @property
    def is_calibrated(self) -> bool:
        """Is there a calibrator for either of its sides?"""
        return self.calibrator is not None or self.baseline_calibrator is not None

    def shares_weights(self, other: "ChatSpeaker") -> bool:
        """Is it the same model, whatever adapter either has?"""
        ours, theirs = self.baseline_origin, other.baseline_origin
        return ours is not None and theirs is not None and ours.fingerprint == theirs.fingerprint

    def origin_of(self, baseline: bool) -> Origin | None:
        """The files that give these answers; None if that was not said."""
        return self.baseline_origin if baseline else self.origin

    def drawn_so(self, sampling: Sampling, system: str = "") -> "ChatSpeaker":
        """The same with the calibrators for answers that are drawn so by a model that is told this first."""
        if self.calibrators_at is None:
            return self
        calibrator, alone = self.calibrators_at(WayOfDrawing.of(sampling, system))
        return replace(self, calibrator=calibrator, baseline_calibrator=alone)

    def calibrator_of(self, baseline: bool) -> Calibrator | None:
        """The calibrator in use for these answers."""
        return self.baseline_calibrator if baseline and self.adapter_name is not None else self.calibrator

    def params_of(self, baseline: bool, sampling: Sampling) -> dict[str, Any]:
        """What is kept with an answer: who gives it, with the adapter or as the baseline, and how it is drawn."""
        origin = self.origin_of(baseline)
        return {
            "model": self.model_name,
            "adapter": None if baseline else self.adapter_name,
            "baseline": baseline,
            "sampling": asdict(sampling),
            **(origin.to_params() if origin else {}),
        }
