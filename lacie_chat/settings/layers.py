"""What holds, and why. Of two that say something of an option, the earlier of these goes first:

1. a flag of the command (or what was set in the chat since);
2. the preset named by `--preset`;
3. the conversation's own setting, then the preset that the conversation has;
4. the settings file;
5. what the model's file recommends;
6. the default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from lacie_chat.engine.settings import Sampling
from lacie_chat.settings.file import SettingsFile, checked_values
from lacie_chat.settings.kinds import Value
from lacie_chat.settings.options import BY_NAME, OF_ANSWER, OPTIONS

PRESET = "preset"
"""The name under which a conversation keeps which preset it has."""
_OF_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "reasoning")
Own = Mapping[str, Any]
"""What a conversation keeps: options of an answer, and `preset`."""


@dataclass(frozen=True, slots=True)
class Held:
    """An option's value and who says so: "flag", "preset NAME", "conversation", "file", "model" or "default". None:
    something is chosen."""

    value: Value | None
    source: str


class Settings:
    """The file (None: one that says nothing), the flags and the preset that a program was started with; the
    conversation's own settings come with each call. TOML Kit is loaded when something is written, not before.

    `flags` are those that were given. Raises SettingsError, one line, for a preset that there isn't.
    """

    def __init__(
        self, file: SettingsFile | None = None, flags: Mapping[str, Value] | None = None, preset: str | None = None
    ) -> None:
        self.file = file or SettingsFile()
        self.flags = dict(flags or {})
        self.preset = preset
        self._of_preset = dict(self.file.preset(preset)) if preset is not None else {}

    def held(self, name: str, own: Own | None = None, recommended: Mapping[str, Value] | None = None) -> Held:
        """What holds of one option."""
        of_conversation = checked_values(own or {})
        chosen = (own or {}).get(PRESET)
        layers: list[tuple[Mapping[str, Value], str]] = [
            (self.flags, "flag"),
            (self._of_preset, f"preset {self.preset}"),
            (of_conversation, "conversation"),
            (self.file.presets.get(chosen, {}) if isinstance(chosen, str) else {}, f"preset {chosen}"),
            (self.file.values, "file"),
            (recommended or {}, "model"),
        ]
        for layer, source in layers:
            if name in layer:
                return Held(layer[name], source)
        return Held(BY_NAME[name].default, "default")

    def all_held(self, own: Own | None = None, recommended: Mapping[str, Value] | None = None) -> dict[str, Held]:
        """The same of every option, in the table's order."""
        return {option.name: self.held(option.name, own, recommended) for option in OPTIONS}

    def said(self, own: Own | None = None) -> dict[str, Value]:
        """The options of an answer that somebody sets, and to what."""
        found = ((option.name, self.held(option.name, own)) for option in OF_ANSWER)
        return {name: held.value for name, held in found if held.value is not None and held.source != "default"}

    def sampling(self, base: Sampling, own: Own | None = None) -> Sampling:
        """How an answer is drawn: `base` (as the model's file recommends) with what is set. A seed that is set is in it
        (`seeded` says whether there is one)."""
        said = self.said(own)
        given = {name: said[name] for name in (*_OF_SAMPLING, "seed") if name in said}
        if given.get("reasoning") == 0:
            given["reasoning"] = "off"
        return replace(base, **cast(dict[str, Any], given))

    def seeded(self, own: Own | None = None) -> int | None:
        """The seed that is set, if one is."""
        return cast(int | None, self.said(own).get("seed"))

    def system_prompt(self, own: Own | None = None) -> str:
        """What the model is told first; empty for nothing."""
        return str(self.said(own).get("system_prompt", "")).strip()

    def preset_in_use(self, own: Own | None = None) -> str | None:
        """The preset that counts: the command's, else the conversation's if there is one of its name."""
        chosen = self.preset or (own or {}).get(PRESET)
        return chosen if isinstance(chosen, str) and (chosen in self.file.presets or chosen == self.preset) else None

    # What is set while a program runs

    def forget(self, name: str) -> None:
        """No flag and no `--preset` says anything of this option any more: it was set otherwise since."""
        self.flags.pop(name, None)
        self._of_preset.pop(name, None)

    def take_preset(self) -> None:
        """The conversation takes a preset: what flags and `--preset` say of an answer counts no more."""
        for option in OF_ANSWER:
            self.forget(option.name)
        self.preset = None

    def write(self, values: Mapping[str, Value | None]) -> None:
        """Set options in the file; None takes one out. Raises SettingsError, one line."""
        from lacie_chat.settings.writing import set_values

        self.file = set_values(self.file.path, values)
        for name in values:
            self.forget(name)

    def write_preset(self, name: str, values: Mapping[str, Value]) -> None:
        """Make a preset of these. Raises SettingsError, one line."""
        from lacie_chat.settings.writing import save_preset

        self.file = save_preset(self.file.path, name, values)
