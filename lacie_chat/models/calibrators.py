"""Which calibrator belongs to a model: what the user fitted, else what the model's maker put into the file.

A calibrator holds for the very pair that it was fitted on: a model, or a model with an adapter. It is kept under the
fingerprints of both, so that a new quantisation or a retrained adapter never inherits one. One that was fitted on what
an earlier version of the listener read is not used: the same wording may get another acceptance now.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lacie_chat import paths
from lacie_chat.models.errors import ModelError
from lacie_chat.models.gguf_file import fingerprint, read_metadata

if TYPE_CHECKING:
    from lacie_chat.confidence import Calibrator

CALIBRATOR_KEY = "lacie.calibrator"  # in the GGUF: the calibrator's JSON


def calibrator_path(model_path: Path, adapter_path: Path | None = None) -> Path:
    """Where the calibrator that the user fits for this model (and adapter) is kept, whether it is there or not."""
    names = [fingerprint(model_path), *([fingerprint(adapter_path)] if adapter_path else [])]
    return paths.calibrators_dir() / f"{'-'.join(names)}.json"


def find_calibrator(model_path: Path, adapter_path: Path | None = None) -> "Calibrator | None":
    """The calibrator of this model with this adapter for today's listener, or None. Raises ModelError for one that
    can't be read."""
    from lacie_chat.confidence import LISTENER_VERSION

    found = _stored(model_path, adapter_path) or _embedded(adapter_path or model_path)
    return found if found is not None and found.listener_version == LISTENER_VERSION else None


def _stored(model_path: Path, adapter_path: Path | None) -> "Calibrator | None":
    from lacie_chat.confidence import Calibrator

    path = calibrator_path(model_path, adapter_path)
    if not path.exists():
        return None
    try:
        return Calibrator.load(path)
    except ValueError as error:
        raise ModelError(f"{error}; delete the file or fit it again: lacie calibration fit") from error


def _embedded(source: Path) -> "Calibrator | None":
    """What the file itself says. With an adapter that is the adapter's file: the model's was fitted without it."""
    from lacie_chat.confidence import Calibrator

    embedded = read_metadata(source).get(CALIBRATOR_KEY)
    if embedded is None:
        return None
    try:
        return Calibrator.from_dict(json.loads(str(embedded)))
    except ValueError as error:
        raise ModelError(f"the calibrator inside {source} is damaged: {error}") from error
