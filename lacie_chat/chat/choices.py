"""What the model can be changed to: what is on this machine, and what the catalogue has; and what each of them is.

Listing reads names and sizes only. What takes opening a file (is it a model that chats, has it an adapter, a
calibrator) is looked at one by one, by whoever has the time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.chat.others import others_of
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.errors import LacieError
from lacie_chat.models import default_adapter, gguf_kind, local_index, look_for_calibrator, resolve_adapter
from lacie_chat.models.catalogue import THINKS, catalogue
from lacie_chat.models.embedded import EMBEDDED_REF
from lacie_chat.models.gguf_file import read_metadata
from lacie_chat.models.needs import fits, needed, needed_of


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be chosen. `ref` is what one would type; `path` None: it would have to be fetched. `source` says
    whose it is; `facts` and `why` are the catalogue's words."""

    ref: str
    name: str
    size_bytes: int
    quantisation: str = ""
    source: str = ""
    path: Path | None = None
    repo: str | None = None
    facts: tuple[str, ...] = ()
    why: str = ""

    def matches(self, words: Iterable[str]) -> bool:
        """Does each of the words stand somewhere in it, in any letter case?"""
        text = " ".join((self.name, self.ref, self.source, self.quantisation, *self.facts, self.why)).lower()
        return all(word.lower() in text for word in words)


@dataclass(frozen=True, slots=True)
class Closer:
    """What is known of a model once its file was opened. `unusable`: why it can't answer; `adapter`: that which it is
    given, by name; `trained`: with LACIE, it or its adapter? `calibrated`: is it known how often it is right? `needs`:
    bytes of memory; 0 where that isn't known."""

    unusable: str = ""
    adapter: str | None = None
    trained: bool = False
    calibrated: bool = False
    needs: int = 0


def choices_here() -> tuple[list[Choice], tuple[str, ...]]:
    """The models on this machine, whoever fetched them, and lines about what couldn't be read."""
    index = local_index()
    found = [
        Choice(each.ref, each.name, each.size_bytes, each.quantisation, each.source, each.path, each.repo)
        for each in index.models
        if not each.is_adapter
    ]
    return found, index.notes


def choices_of_the_catalogue(here: Iterable[Choice], free: int | None) -> list[Choice]:
    """What is worth getting and isn't here; what fits the memory that is free comes first."""
    repos = {choice.repo.lower() for choice in here if choice.repo is not None}
    found = [
        Choice(
            entry.ref,
            entry.name,
            entry.download_bytes,
            entry.ref.partition(":")[2],
            facts=(entry.parameters, THINKS[entry.thinks], entry.licence),
            why=entry.why,
        )
        for entry in catalogue()
        if entry.ref.partition(":")[0].lower() not in repos
    ]
    return sorted(found, key=lambda choice: not fits(needed(choice.size_bytes), free))


def ref_of(speaker: ChatSpeaker) -> str:
    """What one would type for what answers now; empty where that isn't known."""
    origin = speaker.origin
    if origin is None:
        return ""
    usual = default_adapter(origin.model_ref)
    return origin.model_ref if origin.adapter_ref == usual else f"{origin.model_ref}+{origin.adapter_ref or 'none'}"


def adapters_for(speaker: ChatSpeaker) -> list[Choice]:
    """Other adapters for the model at hand, of what is on this machine; with the one at hand where that isn't the
    model's own."""
    found = [
        Choice(other.ref, other.name, 0, facts=(other.about,))
        for other in others_of(speaker)
        if other.ref is not None and other.about.startswith("adapter")
    ]
    now = ref_of(speaker)
    if speaker.adapter_name is not None and speaker.origin is not None and now != speaker.origin.model_ref:
        found.insert(0, Choice(now, speaker.adapter_name, 0, facts=("adapter",)))
    return found


def look_closer(choice: Choice, version: str, context: int | None = None) -> Closer:
    """Open a model's file; `version` is the assessment's that a calibrator must be for. `context`: so many tokens are
    set."""
    assert choice.path is not None
    try:
        kind = gguf_kind(choice.path)
        if not kind.chats:
            return Closer(unusable=f"{kind.name}: {kind.instead}")
        own = default_adapter(choice.ref)
        adapter = resolve_adapter(own, download=False) if own is not None else None
        paths = choice.path, adapter.path if adapter is not None else None
        calibrator, _ = look_for_calibrator(*paths, version=version)
        trained = any("lacie.method" in read_metadata(path) for path in paths if path is not None)
        named = adapter.name if adapter is not None and choice.ref == EMBEDDED_REF else None  # Ollama's names say it
        needs = needed_of(choice.path, choice.size_bytes, context=context, adapter=paths[1])
        return Closer("", named, trained, calibrator is not None, needs)
    except LacieError as error:
        return Closer(unusable=str(error))
