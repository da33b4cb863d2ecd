"""A user can't write turns: the markers of a template are parsed in the template's own text, never in a message's.

A marker is a token that the vocabulary keeps for the frame of a conversation (`<|im_end|>`). llama.cpp can be told not
to parse control tokens, but the converter makes many a marker "user-defined" (gpt-oss's `<|start|>`, command-r's turns,
gemma-4's channels, Qwen3's `<think>`), and those it parses in every text. So the type of a token says nothing here: a
marker is a control token, a user-defined one that looks like a marker, and whatever else the template itself writes.

The way: in messages that hold a marker, its first character is replaced by a stand-in before the template sees it.
What the template then renders holds its own markers only and is cut there; between them the stand-ins become
characters again, and where such a text would still give a marker's token, it is tokenised in two parts, cut after the
marker's first character. The model reads the very characters that the user wrote, in ordinary tokens. A conversation
without markers is tokenised as a whole, as llama.cpp's own tools do it.

A long conversation is asked again with each question, nearly all of it as before: of messages that were found to hold
no marker a digest is kept (of 16,384, the oldest goes first), and they aren't searched again.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from lacie_chat.engine.model import Model
from lacie_chat.engine.settings import ChatTurn

Render = Callable[[Sequence[ChatTurn]], str]

_LOOKS_LIKE_ONE = re.compile(r"<[|｜].*>|<.*[|｜]>|\[PAD\d+\]", re.DOTALL)
"""User-defined tokens of this shape stand in no prose; `<table>` does, and is one only where the template writes it."""
_MAY_BE_WRITTEN = re.compile(r"<[^<>\s]{1,}>|\[[^\[\]\s]{1,}\]")
"""Ordinary tokens that a template writes are markers if they look like this: `<turn>`, not "user"."""
_PRIVATE = range(0xF0000, 0x10FFFE)
"""Unicode's private-use characters of the upper planes: no template's own text holds any."""
_CLEAN = 16_384
"""Messages that are known to hold no marker, at most."""


class Guard:
    """The markers of one model under one template. `source`: the template; `rendered`: what it writes for a chat."""

    def __init__(self, model: Model, source: str, rendered: str) -> None:
        self._model = model
        self._known: dict[int, bool] = {}
        self._clean: dict[bytes, None] = {}
        self._written = {
            *(token for token in model.tokenise(source, special=True) if self._is_named(token, ordinary=False)),
            *(token for token in model.tokenise(rendered, special=True) if self._is_named(token, ordinary=True)),
        }

    def is_marker(self, token: int) -> bool:
        """Whether `token` may come from the template only."""
        if token not in self._known:
            self._known[token] = (
                self._model.is_control(token)
                or token in self._written
                or (self._model.is_user_defined(token) and bool(_LOOKS_LIKE_ONE.fullmatch(self._model.marker(token))))
            )
        return self._known[token]

    def markers(self, text: str) -> list[int]:
        """Those that llama.cpp finds in `text`, where it is told to look for them, in their order."""
        return self._among(self._model.tokenise(text, special=True))

    def tokens(self, turns: Sequence[ChatTurn], render: Render) -> list[int]:
        """The conversation as tokens, by the template that `render` runs; markers in messages stay text."""
        stand_ins = _StandIns(turns)
        hidden = [replace(turn, content=self._hide(turn.content, stand_ins)) for turn in turns]
        rendered = render(hidden)
        tokens = self._model.tokenise(rendered, special=True)
        own = self.markers(render(stand_ins.blanks(turns)))
        if own != self._among(tokens):  # a marker across a message's border, or made by what the template does to it
            hidden = [replace(turn, content=stand_ins.hide_signs(turn.content)) for turn in turns]
        elif not stand_ins.used:
            return tokens
        return self._parts(render(hidden), stand_ins)

    def _is_named(self, token: int, *, ordinary: bool) -> bool:
        text = self._model.marker(token)
        if self._model.is_user_defined(token):
            return len(text) > 1 and not text.isspace() and not text.isalnum()
        return ordinary and bool(_MAY_BE_WRITTEN.fullmatch(text))

    def _among(self, tokens: Sequence[int]) -> list[int]:
        markers = {token for token in set(tokens) if self.is_marker(token)}
        return [token for token in tokens if token in markers] if markers else []

    def _hide(self, text: str, stand_ins: "_StandIns") -> str:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if digest in self._clean:
            return text
        if not (markers := self.markers(text)):
            self._clean[digest] = None
            if len(self._clean) > _CLEAN:
                del self._clean[next(iter(self._clean))]
            return text
        while markers:
            hidden = text
            for marker in {self._model.marker(token) for token in markers}:
                hidden = stand_ins.hide(hidden, marker)
            if hidden == text:  # the vocabulary writes it otherwise than the text does
                return stand_ins.hide_signs(text)
            text, markers = hidden, self.markers(hidden)
        return text

    def _parts(self, rendered: str, stand_ins: "_StandIns") -> list[int]:
        """The tokens of a text that holds the template's markers only, the stand-ins put back."""
        tokens: list[int] = []
        run = ""

        def flush(before: bool = False) -> None:
            nonlocal run
            tokens.extend(self.plain(stand_ins.put_back(run.rstrip() if before else run)))
            run = ""

        for token in self.markers(rendered):
            before, _, rendered = rendered.partition(self._model.marker(token))
            run += before
            strips_before, strips_after = self._model.strips(token)
            flush(strips_before)
            tokens.append(token)
            rendered = rendered.lstrip() if strips_after else rendered
        run += rendered
        flush()
        return tokens

    def plain(self, text: str, *, goes_on: bool = False) -> list[int]:
        """The tokens of `text` without any marker; `goes_on`: it continues a text, so no space is put before it."""
        tokens = self._model.continuation(text) if goes_on else self._model.tokenise(text)
        markers = {self._model.marker(token) for token in self._among(tokens)}
        found = "|".join(re.escape(marker) for marker in markers if len(marker) > 1)
        cuts = [match.start() + 1 for match in re.finditer(f"(?={found})", text)] if found else []
        if not cuts:
            return tokens
        parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        return [
            token
            for place, part in enumerate(parts)
            for token in self.plain(part, goes_on=goes_on or place > 0)
            if part
        ]


class _StandIns:
    """Private-use characters in the place of others, none of which is in the conversation."""

    def __init__(self, turns: Sequence[ChatTurn]) -> None:
        there = set().union(*(turn.content for turn in turns))
        self._free = (chr(code) for code in _PRIVATE if chr(code) not in there)
        self._blank = next(self._free)
        self._of: dict[str, str] = {}

    @property
    def used(self) -> bool:
        """Whether any was needed."""
        return bool(self._of)

    def hide(self, text: str, marker: str) -> str:
        """`text` with a stand-in for the first character wherever `marker` stands."""
        return text.replace(marker, self._stand_in(marker[0]) + marker[1:]) if marker and marker in text else text

    def hide_signs(self, text: str) -> str:
        """`text` with a stand-in for everything that is neither letter, digit nor white space."""
        return "".join(char if char.isalnum() or char.isspace() else self._stand_in(char) for char in text)

    def put_back(self, text: str) -> str:
        """`text` as it was."""
        return text.translate({ord(stand_in): char for char, stand_in in self._of.items()})

    def blanks(self, turns: Sequence[ChatTurn]) -> list[ChatTurn]:
        """The conversation without its texts; those that are empty stay so, since templates look at that."""
        return [turn if not turn.content.strip() else replace(turn, content=self._blank) for turn in turns]

    def _stand_in(self, char: str) -> str:
        if char in self._of.values():
            return char
        if char not in self._of:
            self._of[char] = next(self._free)
        return self._of[char]
