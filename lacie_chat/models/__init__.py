"""What can be run: the embedded model, files, the Hub; what a GGUF says of itself."""

from lacie_chat.models.embedded import embedded_model_path
from lacie_chat.models.errors import ModelError
from lacie_chat.models.refs import ResolvedModel, resolve

__all__ = ["ModelError", "ResolvedModel", "embedded_model_path", "resolve"]
