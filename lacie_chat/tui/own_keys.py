"""The user's own keys: [keys] of the settings file. Earlier versions had them in the interface's own file, from which
they are moved there, once."""

from collections.abc import Mapping

from lacie_chat.settings import Settings, SettingsError, nearest
from lacie_chat.tui.actions import EVERY, GROUPS, SCREENS
from lacie_chat.tui.interface_state import InterfaceState, write_state
from lacie_chat.tui.key_names import refusal

NAMES = [action.name for action in EVERY]
_ELSEWHERE = {"app", "calibration", "help", "models", "others", "settings"}
"""Groups of screens whose few keys stand in no list; they can be remapped, too."""


def take_keys(state: InterfaceState, settings: Settings) -> str:
    """Let the file's keys be those of the interface; one line where they were moved, else empty. Where they can't be
    moved they hold all the same, and the next start tries again."""
    state.keys = {**state.unmoved, **settings.file.keys}
    if not state.unmoved:
        return ""
    from lacie_chat.settings.writing import add_keys

    try:
        settings.file = add_keys(settings.file.path, state.unmoved)
    except SettingsError:
        return ""
    state.unmoved = {}
    write_state(state)
    return f"Your keys are in the settings file now: [keys] in {settings.file.path}"


def for_textual(keymap: Mapping[str, str]) -> dict[str, str]:
    """The same for Textual, which takes a key from all actions that share it when one of them gets another: these are
    told to keep theirs."""
    found = dict(keymap)
    for actions in SCREENS:
        left = {key for action in actions if action.name in keymap for key in action.keys.split(",")}
        found |= {
            each.name: each.keys for each in actions if each.name not in keymap and left & {*each.keys.split(",")}
        }
    return found


def wrong_keys(keys: Mapping[str, str]) -> list[str]:
    """What is wrong with remapped keys, a line each: an action that there isn't, a key that writes text."""
    found = []
    for name in keys:
        group = name.partition(".")[0]
        if name not in NAMES and (group in GROUPS or group not in _ELSEWHERE):
            found.append(f"[keys]: there is no action {name!r}{nearest(name, NAMES)}")
    return [*found, *filter(None, [refusal(keys)])]
