"""What can be run: the embedded model, files, the Hub; what a GGUF says of itself, and which calibrator it has."""

from lacie_chat.models.calibrators import (
    calibrator_path,
    find_calibrator,
    keep_calibrator,
    look_for_calibrator,
    own_calibrator,
    own_calibrator_of,
    pair_fingerprint,
    shipped_calibrator,
    take_back_calibrator,
)
from lacie_chat.models.catalogue import CatalogueEntry, catalogue
from lacie_chat.models.embedded import embedded_adapter_path, embedded_model_path
from lacie_chat.models.errors import ModelError
from lacie_chat.models.gguf_file import GGUFInfo, fingerprint, gguf_kind, inspect_gguf
from lacie_chat.models.listeners import find_listener, prompted_listener, tuned_listener
from lacie_chat.models.local import LocalIndex, LocalModel, local_index, local_models, remove
from lacie_chat.models.refs import (
    Offer,
    ResolvedModel,
    default_adapter,
    look_up,
    resolve,
    resolve_adapter,
    resolve_any,
)

__all__ = [
    "CatalogueEntry",
    "GGUFInfo",
    "LocalIndex",
    "LocalModel",
    "ModelError",
    "Offer",
    "ResolvedModel",
    "calibrator_path",
    "catalogue",
    "default_adapter",
    "embedded_adapter_path",
    "embedded_model_path",
    "find_calibrator",
    "find_listener",
    "fingerprint",
    "gguf_kind",
    "inspect_gguf",
    "keep_calibrator",
    "local_index",
    "local_models",
    "look_for_calibrator",
    "look_up",
    "own_calibrator",
    "own_calibrator_of",
    "pair_fingerprint",
    "prompted_listener",
    "remove",
    "resolve",
    "resolve_adapter",
    "resolve_any",
    "shipped_calibrator",
    "take_back_calibrator",
    "tuned_listener",
]
