"""Commands that are typed: `/copy` does what the key of the action does, so every action of the chat is one.

What begins with a slash is often no command: a path, a rate, a date. A text is one only if it is a single line whose
first word is a slash and letters, and nothing follows which that command can't take. A lone word of that kind is never
sent: one that is no command is told of, and stays where it was written.
"""

import difflib
import re
from dataclasses import dataclass

from lacie_chat.tui.actions import ACTIONS, Action

NOT_TYPED = {
    "view.back", "view.up", "view.down", "view.answer_before", "view.answer_after",
    "view.page_up", "view.page_down", "view.code_left", "view.code_right",
}  # fmt: skip
"""Steps, which nobody takes by typing a word."""

_COMMAND = re.compile(r"/([a-zA-Z-]*)(?:[ \t]+(\S.*))?")
_BEGUN = re.compile(r"/([a-zA-Z-]*)")


@dataclass(frozen=True, slots=True)
class Command:
    """An action that was typed, and what followed its word."""

    action: Action
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A lone word that is no command; `near` are those that may have been meant."""

    word: str
    near: tuple[str, ...]

    @property
    def told(self) -> str:
        """The line for the user."""
        if not self.word:
            return "Which command? The list shows those there are; // sends a slash."
        meant = " or ".join(f"/{word}" for word in self.near)
        hint = f"is it {meant}?" if meant else "/ lists those there are."
        return f"There is no command /{self.word}; {hint} //{self.word} sends it as text."


def commands() -> dict[str, Action]:
    """All of them, by the word that is typed."""
    return {action.word: action for action in ACTIONS if action.name not in NOT_TYPED}


def read(text: str) -> Command | Unknown | str:
    """A command, a word that looks like one, or the text that is to be sent. A slash more, or a space before it, sends
    what would be a command."""
    if text.startswith("//"):
        return text[1:].strip()
    found = _COMMAND.fullmatch(text.rstrip())
    if found is None:
        return text.strip()
    word, argument = found[1].lower(), (found[2] or "").strip()
    action = commands().get(word)
    if argument:
        return Command(action, argument) if action is not None and action.argument else text.strip()
    return Command(action) if action is not None else Unknown(found[1], _near(word))


def begun(text: str) -> str | None:
    """The part of a command's word that stands in `text`, where nothing else does; None where that isn't so."""
    found = _BEGUN.fullmatch(text)
    return found[1].lower() if found else None


def beginning_with(begin: str) -> list[Action]:
    """The commands whose word begins so; then those of which a later part does (`code`: `copy-code`)."""
    found = [(word, action) for word, action in commands().items() if f"-{begin}" in f"-{word}"]
    return [action for _, action in sorted(found, key=lambda each: (each[0] != begin, not each[0].startswith(begin)))]


def _near(word: str) -> tuple[str, ...]:
    words = list(commands())
    begins = [each for each in words if word and each.startswith(word)]
    return tuple(begins[:2] or difflib.get_close_matches(word, words, n=2, cutoff=0.6))
