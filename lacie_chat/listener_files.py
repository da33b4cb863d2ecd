"""Which files a listener is made of: a plain value between what finds them (models) and what loads them (engine)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Part = Literal["hearing", "extracting"]
"""What a listener does: judge the wording, and find the answer span."""


@dataclass(frozen=True, slots=True)
class ListenerFiles:
    """Who hears, in which `version` of the assessment.

    A tuned listener is the model under an adapter for each part; `fast_path` is where a copy of the weights is kept
    (made if need be) in a format that llama.cpp reads faster. Without adapters the model takes the part by a prompt.
    """

    model_path: Path
    version: str
    hearing: Path | None = None
    extracting: Path | None = None
    fast_path: Path | None = None

    @property
    def tuned(self) -> bool:
        return self.hearing is not None and self.extracting is not None

    @property
    def name(self) -> str:
        """For people, without any folder."""
        return self.hearing.stem if self.hearing is not None else f"{self.model_path.stem}, by a prompt"

    def to_dict(self) -> dict[str, Any]:
        """What a comparison says of who heard it."""
        return {"tuned": self.tuned, "assessment_version": self.version}
