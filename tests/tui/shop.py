"""What finds a speaker for a REF, without a disk or a Hub: the chat's `find`, scripted."""

from pathlib import Path

from scripted import ScriptedEngine

from lacie_chat.chat.choosing import Found, OnProgress
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.models import ModelError


class Shop:
    """Finds a scripted speaker for every REF: of the chat's own weights where an adapter is named. `engines` are
    theirs, in order."""

    def __init__(self, *engines: ScriptedEngine, error: str = "") -> None:
        self.engines, self.error = list(engines), error
        self.asked: list[str] = []

    def __call__(self, ref: str, on_progress: OnProgress) -> Found:
        self.asked.append(ref)
        if self.error:
            raise ModelError(self.error)
        model, _, adapter = ref.removesuffix("+none").partition("+")
        name, weights = Path(model).stem, "model" if model == "embedded" else model
        speaker = ChatSpeaker(
            lambda: self.engines.pop(0),
            name,
            Path(adapter).stem if adapter else None,
            origin=Origin(model, adapter or None, f"{weights}-{adapter}" if adapter else weights),
            baseline_origin=Origin(model, None, weights),
            adapter_path=Path(adapter) if adapter else None,
        )
        return Found(speaker, ("A line about it.",))
