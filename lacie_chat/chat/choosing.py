"""Choosing another model: what there is, what would have to be fetched, and a speaker of the one that was chosen.

All of it may wait for the disk or for the Hub, so it has threads of its own and reports through `post`; no method here
blocks. One choice is under way at a time; one that was stopped is heard of no more, and what it has fetched is kept.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread

from lacie_chat.chat.choices import (
    Choice,
    Closer,
    adapters_for,
    choices_here,
    choices_of_the_catalogue,
    look_closer,
)
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.engine.memory import available_bytes
from lacie_chat.errors import LacieError
from lacie_chat.models import Offer, look_up
from lacie_chat.models.hub import OnProgress
from lacie_chat.models.pair_refs import model_and_adapter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A model that can answer, by its REF, and lines that are to be said about it."""

    speaker: ChatSpeaker
    told: tuple[str, ...] = ()


Find = Callable[[str, OnProgress], Found]
"""From a model's REF to a speaker, fetched if need be. Raises LacieError, one line."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What there is: on this machine, adapters for the model at hand, and in the catalogue. `free`: bytes of memory
    that a model may take."""

    here: tuple[Choice, ...]
    adapters: tuple[Choice, ...]
    catalogue: tuple[Choice, ...]
    free: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A model on this machine was looked at closely."""

    ref: str
    closer: Closer


@dataclass(frozen=True, slots=True)
class Offered:
    """What was chosen is on the Hub; `fetch` gets it, by `ref`."""

    offer: Offer
    ref: str


@dataclass(frozen=True, slots=True)
class Fetching:
    """It is being fetched; `fraction` 0 to 1."""

    fraction: float
    text: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """It is here and can answer."""

    found: Found


@dataclass(frozen=True, slots=True)
class Refused:
    """It can't be had; one line for the user."""

    message: str


ChoosingEvent = Listed | LookedAt | Offered | Fetching | Chosen | Refused


class _Stopped(Exception):
    """The user doesn't want it any more."""


class Choosing:
    """See the module. Whoever shows what is found out sets `post`; what is being fetched goes on without a list."""

    def __init__(self, find: Find, post: Callable[[ChoosingEvent], object]) -> None:
        self.post = post
        self.fetching: Fetching | None = None
        """How far it is."""
        self._find = find
        self._job: object = None
        self._looks: object = None

    @property
    def busy(self) -> bool:
        """Is a choice under way?"""
        return self._job is not None

    def look(self, speaker: ChatSpeaker, *, taken: int = 0, context: int | None = None) -> None:
        """Find out what there is to take the speaker's place, and then what each of it is. `taken`: the size of its
        file, whose memory will be free again. `context`: so many tokens are set."""
        look = self._looks = object()
        Thread(target=self._look, args=(look, speaker, taken, context), name="models", daemon=True).start()

    def look_away(self) -> None:
        """Nobody looks at the list any more."""
        self._looks = None

    def choose(self, ref: str) -> None:
        """Take this one if it is here; if not, say what would have to be fetched."""
        self._begin(lambda on_progress: self._offer(ref) or Chosen(self._find(ref, on_progress)))

    def fetch(self, ref: str) -> None:
        """Take this one, fetched if need be."""
        self._begin(lambda on_progress: Chosen(self._find(ref, on_progress)))

    def stop(self) -> bool:
        """Forget the choice under way; False if there is none."""
        stopped, self._job, self.fetching = self._job is not None, None, None
        return stopped

    def _look(self, look: object, speaker: ChatSpeaker, taken: int, context: int | None) -> None:
        free = available_bytes() + taken  # and its caches, but how much of those it has made nobody knows here
        try:
            here, notes = choices_here()
        except LacieError as error:
            here, notes = [], (str(error),)
        adapters, there = adapters_for(speaker), choices_of_the_catalogue(here, free)
        if self._looks is look:
            self.post(Listed(tuple(here), tuple(adapters), tuple(there), free, notes))
        for choice in here:
            closer = look_closer(choice, speaker.assessment_version, context)
            if self._looks is not look:
                return
            self.post(LookedAt(choice.ref, closer))

    def _offer(self, ref: str) -> Offered | None:
        model, adapter = model_and_adapter(ref)
        offer = look_up(model)
        over = "" if model == ref else f"+{adapter or 'none'}"
        return Offered(offer, offer.ref + over) if offer is not None else None

    def _begin(self, work: Callable[[OnProgress], ChoosingEvent]) -> None:
        job = self._job = object()

        def on_progress(fraction: float, text: str) -> None:
            if self._job is not job:
                raise _Stopped
            self.fetching = Fetching(fraction, text)
            self.post(self.fetching)

        def run() -> None:
            try:
                end = work(on_progress)
            except _Stopped:
                return
            except LacieError as error:
                end = Refused(str(error))
            except Exception as error:
                log.exception("A model could not be chosen")
                end = Refused(f"internal error ({type(error).__name__}: {error}); please report it")
            if self._job is job:
                self._job = self.fetching = None
                self.post(end)

        Thread(target=run, name="choosing a model", daemon=True).start()
