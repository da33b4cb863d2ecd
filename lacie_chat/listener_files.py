"""Which files a listener is made of: a plain value between what finds them (models) and what loads them (engine)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Part = Literal["hearing", "extracting"]
"""What a listener does: judge the wording, and find the answer span."""


@dataclass(frozen=True, slots=True)
class ListenerFiles:
    """Who hears, in which `version` of the assessment.

    A tuned listener is the model under an adapter for each part. The copies are where the weights are kept with an
    adapter merged in (made if need be), for llama.cpp reads those faster; their format is added to the name. Without
    adapters the model takes the part by a prompt.
    """

    model_path: Path
    version: str
    hearing: Path | None = None
    extracting: Path | None = None
    hearing_copy: Path | None = None
    extracting_copy: Path | None = None

    @property
    def tuned(self) -> bool:
        return self.hearing is not None and self.extracting is not None

    @property
    def name(self) -> str:
        """For people, without any folder."""
        if self.hearing is None:
            return f"{self.model_path.stem}, by a prompt"
        return f"the tuned listener ({self.hearing.stem})"

    def to_dict(self) -> dict[str, Any]:
        """What a comparison says of who heard it."""
        return {"tuned": self.tuned, "assessment_version": self.version}
