"""What a person can type: every character that is no control.

Textual takes a key for text only where Python calls its character printable. That leaves out what writing needs: the
joiner and the non-joiner (U+200D, U+200C) of Persian, Hindi and of emoji made of several, marks of direction, every
space but the plain one (the wide one of Japanese, the one that keeps a unit at its number), and whatever is younger
than Python's list of characters, such as new emoji. Such a key is made printable here, once, before anything sees it,
so that it reaches every place where one writes. A letter with alt, which Textual takes for the letter, is no text.

On a screen where one writes, text goes to the place for it whatever has the focus, and takes the focus along: no key
that writes is ever a command there.
"""

import unicodedata
from contextlib import suppress

from textual.app import App
from textual.css.query import NoMatches
from textual.events import Event, Key, Paste
from textual.widget import Widget

from lacie_chat.tui.screens.base import SizedScreen

_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Controls, halves of characters, and separators of lines and paragraphs."""


class TypedKey(Key):
    """A key whose character is text."""

    @property
    def is_printable(self) -> bool:
        return True


TypedKey.handler_name = Key.handler_name


def is_text(character: str | None) -> bool:
    """Is this one character that stands in a text?"""
    return character is not None and len(character) == 1 and unicodedata.category(character) not in _NO_TEXT


class TakesAllText(App[None]):
    """An application in which all of it can be typed."""

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            if type(event) is Key:
                event = as_typed(event)
            if (isinstance(event, Paste) or event.is_printable) and (place := self._writing_place()) is not None:
                self.app_focus = True
                self.screen.set_focus(place)
                place._forward_event(event)
                return
        await super().on_event(event)

    def _writing_place(self) -> Widget | None:
        with suppress(NoMatches):  # a screen that isn't built yet
            return self.screen.writing_place if isinstance(self.screen, SizedScreen) else None
        return None


def as_typed(key: Key) -> Key:
    """The key as it is meant: text that Textual takes for none, or none that it takes for text; and enter with a
    modifier as tmux and xterm tell it."""
    if key.character == "\r" and key.key != "enter":
        return Key("shift+enter", None)
    if not is_text(key.character):
        return key
    if any(f"{modifier}+" in key.key for modifier in ("alt", "ctrl", "super", "hyper", "meta")):
        return Key(key.key, None)
    return key if key.is_printable else TypedKey(key.key, key.character)
