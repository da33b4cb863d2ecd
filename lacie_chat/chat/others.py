"""What the chat's speaker can be compared with: its baseline, itself by a preset of the settings file, other adapters
of its model, and other models, of what is on this machine. Listing reads headers of files only, but may wait for
a disk.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.errors import LacieError
from lacie_chat.sizes import size_text


@dataclass(frozen=True, slots=True)
class Against:
    """What a comparison holds the chat's answers against: another speaker, or its own by a preset; else its
    baseline."""

    speaker: ChatSpeaker | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """One that can be chosen. `ref` is what finds it: MODEL, or MODEL+ADAPTER; without one it is the `preset`, else the
    baseline. `about` says what it is."""

    ref: str | None
    name: str
    about: str
    preset: str | None = None

    def matches(self, typed: str) -> bool:
        """Does each word stand somewhere in it, in any letter case?"""
        text = f"{self.name} {self.about} {self.ref or ''}".lower()
        return all(word in text for word in typed.lower().split())


def others_of(speaker: ChatSpeaker, presets: Iterable[str] = ()) -> list[Other]:
    """All of them, the nearest first: adapters are those of the model's architecture (whether one fits, loading it
    tells). What can't be read is left out."""
    from lacie_chat.models import default_adapter, gguf_kind, inspect_gguf, local_models, resolve, resolve_adapter

    found: list[Other] = []
    if speaker.adapter_name is not None:
        found.append(Other(None, f"baseline: {speaker.model_name}", "the model without its adapter"))
    found += [Other(None, f"preset {name}", "the same, as it is set there", name) for name in presets]
    origin = speaker.origin
    model_ref, adapter_ref = (origin.model_ref, origin.adapter_ref) if origin is not None else ("", None)
    models: list[Other] = []
    try:
        architecture = inspect_gguf(resolve(model_ref, download=False).path).architecture if model_ref else ""
        own = default_adapter(model_ref) if model_ref else None
        if own is not None and own != adapter_ref:
            name = resolve_adapter(own, download=False).name
            found.append(Other(f"{model_ref}+{own}", name, "adapter · the model's own"))
    except LacieError:
        architecture = ""
    try:
        here = local_models()
    except LacieError:
        return found
    for each in here:
        try:
            size = size_text(each.size_bytes)
            if each.is_adapter:
                fits = each.ref != adapter_ref and inspect_gguf(each.path).architecture == architecture
                if fits:
                    found.append(Other(f"{model_ref}+{each.ref}", each.name, f"adapter · {size} · {each.source}"))
            elif each.ref != model_ref and gguf_kind(each.path).chats:
                told = " · ".join(filter(None, ("model", each.quantisation, size, each.source)))
                models.append(Other(each.ref, each.name, told))
        except LacieError:
            continue
    return found + models
