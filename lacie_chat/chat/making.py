"""How the next answers are made, by what is set: how drawn, told what first, with which seed; and what is kept."""

from dataclasses import replace
from typing import Any

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.engine.settings import Sampling
from lacie_chat.settings import Own, Settings

_SEEDS = 2**31


def drawn(settings: Settings, speaker: ChatSpeaker, own: Own) -> Sampling:
    """As the settings say, else as the model's file recommends; a model that knows no thought isn't told to think."""
    sampling = settings.sampling(speaker.sampling, own)
    return sampling if speaker.can_think else replace(sampling, reasoning=None)


def seed_for(settings: Settings, own: Own, earlier: int) -> int | None:
    """The seed of an answer, where one is set; None where a new one is to be made up. Of several answers to one
    question, `earlier` of which are there, each has the next: answering again gives another answer."""
    seed = settings.seeded(own)
    return None if seed is None else (seed + earlier) % _SEEDS


def kept(settings: Settings, own: Own) -> dict[str, Any]:
    """What is kept with an answer beside who gave it and how it was drawn; empty where nothing is set."""
    found = {"system_prompt": settings.system_prompt(own), "preset": settings.preset_in_use(own)}
    return {name: value for name, value in found.items() if value}
