"""How the next answers are made, by what is set: how drawn, told what first, with which seed; and what is kept.

A conversation has settings of its own, which stand in the store with it. They are written when they change, and with
the first question of a conversation that isn't there before; where the store can't be written they hold all the same.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store, StoreError
from lacie_chat.engine.settings import ReasoningChoice, Sampling
from lacie_chat.settings import BY_NAME, PRESET, Held, Settings, Value

_SEEDS = 2**31
_RECOMMENDED = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")


class Making:
    """The settings of a chat, and those of the conversation at hand. `changed` is told after each change."""

    def __init__(self, settings: Settings, store: Store, changed: Callable[[], object]) -> None:
        self.settings = settings
        self.own: dict[str, Any] = {}
        """Of the conversation."""
        self._store, self._changed = store, changed
        self._unsaved = False
        self._thinking: tuple[ReasoningChoice] | None = None
        """What `think` was told, if it was."""

    # Which conversation

    def leave(self) -> None:
        """A new conversation, which has none of its own."""
        self.own, self._unsaved = {}, False
        self._changed()

    def enter(self, conversation_id: str) -> None:
        """Another conversation, with what was set there."""
        self.own, self._unsaved = {}, False
        with suppress(StoreError):  # who opens it says so
            self.own = dict(self._store.own_settings(conversation_id))
        self._changed()

    def keep(self, conversation_id: str | None) -> None:
        """Write what isn't written yet; without a place for it, later."""
        if self._unsaved and conversation_id is not None:
            with suppress(StoreError):  # the tree says that nothing can be saved; here it is tried again
                self._store.keep_own_settings(conversation_id, self.own)
                self._unsaved = False

    def keep_anew(self, conversation_id: str | None) -> None:
        """Write all of it again, for the conversation is kept as a new one."""
        self._unsaved = bool(self.own)
        self.keep(conversation_id)

    # What holds

    def sampling(self, speaker: ChatSpeaker) -> Sampling:
        """As the settings say, else as the model's file recommends, and as `think` had it."""
        usual = self.usual_sampling(speaker)
        return replace(usual, reasoning=self._thinking[0]) if self._thinking is not None else usual

    def usual_sampling(self, speaker: ChatSpeaker) -> Sampling:
        """The same but for `think`; a model that knows no thought isn't told to think."""
        return self._sampling(speaker, self.own)

    def seed(self, earlier: int) -> int | None:
        """The seed of an answer, where one is set; None where a new one is to be made up. Of several answers to one
        question, `earlier` of which are there, each has the next: answering again gives another answer."""
        seed = self.settings.seeded(self.own)
        return None if seed is None else (seed + earlier) % _SEEDS

    def by_preset(self, preset: str, speaker: ChatSpeaker) -> tuple[Sampling, dict[str, Any]]:
        """How an answer is drawn by this preset, whatever is set in the conversation, and what is kept with it."""
        own = {PRESET: preset}
        return self._sampling(speaker, own), self._kept(own, preset)

    def kept(self) -> dict[str, Any]:
        """What is kept with an answer beside who gave it and how it was drawn; empty where nothing is set."""
        return self._kept(self.own, self.settings.preset_in_use(self.own))

    def told(self) -> str:
        """What the model is told first; empty for nothing."""
        return self.settings.system_prompt(self.own)

    def held(self, name: str, speaker: ChatSpeaker) -> Held:
        """An option's value and who says so."""
        if name == "reasoning" and self._thinking is not None:
            return Held(self._thinking[0], "key")
        usual = Sampling()
        recommended = {
            each: getattr(speaker.sampling, each)
            for each in _RECOMMENDED
            if getattr(speaker.sampling, each) != getattr(usual, each)
        }
        return self.settings.held(name, self.own, recommended)

    def run_otherwise(self, speaker: ChatSpeaker) -> ChatSpeaker:
        """The same speaker, run with the context, threads and GPU layers that are set now."""
        held = {name: self.held(name, speaker).value for name in ("context", "threads", "gpu_layers")}
        return replace(speaker, engine_factory=speaker.engine_with(held)) if speaker.engine_with else speaker

    # What is set

    def think(self, choice: ReasoningChoice, speaker: ChatSpeaker) -> None:
        """Whether the answers of this chat are thought about from now on, in whichever conversation."""
        self._thinking = None if choice == self.usual_sampling(speaker).reasoning else (choice,)
        self._changed()

    def set_here(self, name: str, value: Value | None, conversation_id: str | None) -> None:
        """Set an option of an answer for this conversation; None: it has none of its own."""
        self.settings.forget(name)
        self._forget_key(name)
        self.own.pop(name, None)
        if value is not None:
            self.own[name] = BY_NAME[name].kind.check(value)
        self._unsaved = True
        self.keep(conversation_id)
        self._changed()

    def set_for_all(self, name: str, value: Value | None, conversation_id: str | None) -> None:
        """Set an option in the file, also for this conversation; None: the file says nothing. Raises SettingsError,
        one line, and nothing is changed."""
        self.settings.write({name: value})
        self._forget_key(name)
        if self.own.pop(name, None) is not None:
            self._unsaved = True
            self.keep(conversation_id)
        self._changed()

    def take_preset(self, name: str | None, conversation_id: str | None) -> None:
        """Let the conversation have this preset, instead of what was set for it; None: neither."""
        self.settings.take_preset()
        self._forget_key("reasoning")
        self.own = {PRESET: name} if name is not None else {}
        self._unsaved = True
        self.keep(conversation_id)
        self._changed()

    def save_preset(self, name: str, conversation_id: str | None) -> Mapping[str, Value]:
        """Make a preset of all that is set of an answer now, by whomever, and take it; what it holds. Raises
        SettingsError, one line."""
        values = self.settings.said(self.own)
        self.settings.write_preset(name, values)
        self.take_preset(name, conversation_id)
        return values

    def _sampling(self, speaker: ChatSpeaker, own: Mapping[str, Any]) -> Sampling:
        sampling = self.settings.sampling(speaker.sampling, own)
        return sampling if speaker.can_think else replace(sampling, reasoning=None)

    def _kept(self, own: Mapping[str, Any], preset: str | None) -> dict[str, Any]:
        found = {"system_prompt": self.settings.system_prompt(own), "preset": preset}
        return {name: value for name, value in found.items() if value}

    def _forget_key(self, name: str) -> None:
        if name == "reasoning":
            self._thinking = None
