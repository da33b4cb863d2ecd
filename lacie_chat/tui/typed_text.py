"""What a person can type: every character that is no control.

Textual takes a key for text only where Python calls its character printable. That leaves out what writing needs: the
joiner and the non-joiner (U+200D, U+200C) of Persian, Hindi and of emoji made of several, marks of direction, every
space but the plain one (the wide one of Japanese, the one that keeps a unit at its number), and whatever is younger
than Python's list of characters, such as new emoji. Such a key is made printable here, once, before anything sees it,
so that it reaches every place where one writes.
"""

import unicodedata

from textual.app import App
from textual.events import Event, Key

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
        if type(event) is Key and not event.is_printable and is_text(event.character):
            event = TypedKey(event.key, event.character)
        await super().on_event(event)
