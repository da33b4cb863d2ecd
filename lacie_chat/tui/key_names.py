"""How a key is written where one reads it (help, footer, palette, hints), and which keys write text.

Textual names a key by its character's Unicode name (`equals_sign`); on a keyboard stands `=`.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import REPLACED_KEYS, format_key, key_to_character

from lacie_chat.tui.actions import EVERY, Action
from lacie_chat.tui.typed_text import is_text

SAME_KEYS = {"ctrl+@": "ctrl+space"}
"""Keys that a terminal may report by another name."""
WITH_KEYS_OF_THEIR_OWN = {"compare", "tokens", "help", "calibration"}
"""Groups of screens on which nothing is written, so that a letter may be a command there."""


def key_name(key: str, *, short: bool = False) -> str:
    """`ctrl+n`, `?`, `pageup`; `short`, as in the footer: `^n`, `?`, `pgup`."""
    key = SAME_KEYS.get(key.strip(), key.strip())
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    if short:
        name = format_key(name)
        return "".join("^" if modifier == "ctrl" else f"{modifier}+" for modifier in modifiers) + name
    character = _character(name)
    return "+".join([*modifiers, name if character is None or character == " " else character])


def _character(name: str) -> str | None:
    """What a key without modifiers writes, if anything."""
    character = key_to_character(REPLACED_KEYS.get(name, name))
    return character if is_text(character) else None


def names_of(action: Action, keymap: Mapping[str, str]) -> list[str]:
    """The keys of an action as one reads them, remapped ones included, each once."""
    keys = keymap.get(action.name, action.keys).split(",")
    return list(dict.fromkeys(key_name(key) for key in keys))


def keys_of(action: Action, keymap: Mapping[str, str]) -> str:
    """All of them, in a line."""
    return "  ".join(names_of(action, keymap))


def keys_now(node: DOMNode, name: str, usual: str) -> list[str]:
    """The keys that do this now, as Textual names them: the user's own, else the `usual` ones. `name` is the id of an
    action, or of a binding that a screen has for itself."""
    return [key.strip() for key in node.app._keymap.get(name, usual).split(",")]


def key_of(node: DOMNode, name: str) -> str:
    """The key that is named where something that one can do is spoken of, as one reads it. All texts have it from
    here, so none names a key that was given to something else. `name` as above."""
    actions = (action.keys for action in EVERY if action.name == name)
    own = (binding.key for binding in node.screen.BINDINGS if isinstance(binding, Binding) and binding.id == name)
    return key_name(keys_now(node, name, next(chain(actions, own)))[0])


def writes_text(key: str) -> bool:
    """Does this key put a character into a text? Such a key can't be a command where one writes."""
    *modifiers, name = key.strip().split("+") if len(key.strip()) > 1 else [key]
    return set(modifiers) <= {"shift"} and _character(name) is not None


def usable(keymap: Mapping[str, str]) -> dict[str, str]:
    """The user's own keys, without those that write text on a screen where one writes: what is typed is never a
    command. An action that is left with none has its usual keys."""
    kept: dict[str, str] = {}
    for name, keys in keymap.items():
        refused = set(_refused(name, keys))
        if rest := [key for key in keys.split(",") if key.strip() and key not in refused]:
            kept[name] = ",".join(rest)
    return kept


def refusal(keymap: Mapping[str, str]) -> str:
    """One line about the keys that `usable` leaves out; empty where there are none."""
    refused = [f"{key_name(key)} for {name}" for name, keys in keymap.items() for key in _refused(name, keys)]
    if not refused:
        return ""
    return f"Ignored, for what writes text is no command: {', '.join(refused)}. Give it ctrl, alt or a function key."


def _refused(name: str, keys: str) -> Iterator[str]:
    if name.partition(".")[0] not in WITH_KEYS_OF_THEIR_OWN:
        yield from (key for key in keys.split(",") if writes_text(key))
