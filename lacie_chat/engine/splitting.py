"""Which part of what a model writes is thought, and which is the answer; character by character, as it comes.

A model marks its thought with what its template taught it (`Form`): a pair of tags, or headers that name a channel.
Markers may come split over tokens, so a stretch that could still become one is held back. Only what stands before the
answer is a thought: once the answer has begun, tags in it are text that somebody asked for (two forms go on thinking
after it, and say so). White space round a thought belongs to the marks, not to either text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lacie_chat.engine.text_stream import overlap

State = Literal["start", "thought", "between", "answer", "header", "aside", "over"]
_LONGEST_HEADER = 200


@dataclass(frozen=True, slots=True)
class Form:
    """How a model marks its thought.

    `opens` begin a thought and `closes` end it; `wraps` stand before the answer and `ends` behind it, and belong to
    neither. `again`: a thought may also come after the answer. With `header_end` every part begins with a header,
    which starts with one of `wraps` and says what the part is (gpt-oss: `<|channel|>analysis<|message|>`), and ends
    with one of `closes`. `opening` and `closing` are what is written to begin a thought and to go on to the answer.
    """

    opens: tuple[str, ...]
    closes: tuple[str, ...]
    opening: str
    closing: str
    wraps: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    again: bool = False
    header_end: str = ""

    @property
    def markers(self) -> tuple[str, ...]:
        """All that is looked for."""
        return (*self.opens, *self.closes, *self.wraps, *self.ends, *filter(None, (self.header_end,)))


class Splitter:
    """Feed text, get (thought, answer): what of each is sure by now. `form` None: all of it is the answer.

    `opening`: what the prompt itself ends with, from the assistant's turn on; it may have begun the thought, or ended
    it. Any cutting of one text into pieces gives the same two texts.
    """

    def __init__(self, form: Form | None, opening: str = "") -> None:
        self._form = form
        self.state: State = "answer" if form is None else "start"
        self._held = ""
        self._at = 0
        self._thought_before = self._wrote_thought = False
        self._last = True
        self.closed_for_it = False
        """Whether the thought was ended for the model, which may yet write its own end of it: that is no answer."""
        self.stretches: list[tuple[int, int]] = []
        """Where the answer stands in all that was fed: (first character, length)."""
        if form is not None:
            self._begin(form, opening)

    @property
    def thinking(self) -> bool:
        """Whether what comes next is thought."""
        return self.state == "thought"

    @property
    def answering(self) -> bool:
        """Whether the answer has begun."""
        return self.state in ("answer", "over")

    def feed(self, text: str) -> tuple[str, str]:
        """What is sure after these characters, too."""
        self._held += text
        return self._release(final=False)

    def end(self) -> tuple[str, str]:
        """What was held back, once no more comes."""
        return self._release(final=True)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _begin(self, form: Form, opening: str) -> None:
        found = [at for at in (opening.find(each) for each in form.markers) if at >= 0]
        if not found:
            return
        self._held = opening[min(found) :]
        self._release(final=False)
        self._at = -len(self._held)
        self._wrote_thought = self._thought_before = False
        self.stretches = []

    def _release(self, final: bool) -> tuple[str, str]:
        thought, answer = [], []
        while True:
            before = self.state, len(self._held)
            kind, text = self._next(final)
            if kind == "thought" and text:
                if self._thought_before and not self._wrote_thought:
                    thought.append("\n\n")  # a second thought
                self._wrote_thought = True
                thought.append(text)
            elif kind == "answer" and text:
                answer.append(text)
            if (self.state, len(self._held)) == before:
                return "".join(thought), "".join(answer)

    def _next(self, final: bool) -> tuple[State, str]:
        """One move: text that is sure now, and what it is."""
        if self._form is None or not self._held:
            return self._answer(len(self._held)) if self._form is None else (self.state, "")
        match self.state:
            case "start" | "between":
                return self._before_answer(self._form, final)
            case "thought":
                return self._in_thought(self._form, final)
            case "answer":
                return self._in_answer(self._form, final)
            case "header":
                return self._in_header(self._form, final)
            case "aside":
                return self._in_aside(self._form, final)
        self._take(len(self._held))  # over: nothing more is wanted
        return self.state, ""

    def _before_answer(self, form: Form, final: bool) -> tuple[State, str]:
        body = self._held.lstrip()
        blank = len(self._held) - len(body)
        if not body:
            if final:
                self._take(blank)
            return self.state, ""
        choices = (*form.opens, *form.closes, *form.wraps)
        if not final and any(each != body and each.startswith(body) for each in choices):
            return self.state, ""
        marker = max((each for each in choices if body.startswith(each)), key=len, default=None)
        if marker is None:
            if self.state == "between":
                self._take(blank)
            self.state = "answer"
            return "answer", ""
        if form.header_end:
            if marker in form.closes:
                self._take(blank + len(marker))
                self.state = "between"
            else:
                self._take(blank)
                self.state = "header"
            return "header", ""
        self._take(blank + len(marker))
        if marker in form.opens:
            self._open()
        else:
            self.state = "between"
        return "between", ""

    def _open(self) -> None:
        self._thought_before = self._thought_before or self._wrote_thought
        self._wrote_thought = False
        self.state = "thought"

    def _in_thought(self, form: Form, final: bool) -> tuple[State, str]:
        if not self._wrote_thought:
            self._take(len(self._held) - len(self._held.lstrip()))
        # the answer may begin without the thought's end; not by the last part of a wrap, which stands elsewhere too
        whole = () if form.header_end else form.wraps[:1]
        at, marker = _first(self._held, (*form.closes, *whole))
        if marker is not None:
            text = self._take(at).rstrip()
            self._take(len(marker))
            self.state = "between"
            return "thought", text
        sure = self._held if final else self._held[: len(self._held) - self._open_end((*form.closes, *whole))]
        text = sure.rstrip()
        self._take(len(self._held) if final else len(text))
        return "thought", text

    def _in_answer(self, form: Form, final: bool) -> tuple[State, str]:
        ends = form.closes if form.header_end else (*form.ends, *(form.closes if form.again else ()))
        again = form.opens if form.again else ()
        late = form.closes if self.closed_for_it else ()
        at, marker = _first(self._held, (*ends, *again, *late))
        if marker is None:
            keep = 0 if final else self._open_end((*ends, *again, *late))
            return self._answer(len(self._held) - keep)
        kind, text = self._answer(at)
        self._take(len(marker))
        if marker in again:
            self._open()
        elif marker in late and marker not in ends:
            self.closed_for_it = False
        else:
            self.state = "between" if form.header_end and not self._last else "over"
        return kind, text

    def _in_header(self, form: Form, final: bool) -> tuple[State, str]:
        at = self._held.find(form.header_end, 0, _LONGEST_HEADER)
        if at < 0:
            own = self._held[max(0, -self._at) :].lstrip()  # without the prompt's part of it
            goes_on = (
                self._at >= 0
                or not own
                or any(own.startswith(each) or each.startswith(own) for each in (*form.wraps, form.header_end))
            )
            if len(self._held) >= _LONGEST_HEADER or not goes_on:
                self._take(max(0, -self._at))
                self.state = "answer"  # no header after all
            elif final:
                self._take(len(self._held))
            return "header", ""
        header = self._take(at)
        self._take(len(form.header_end))
        kind = _part(header)
        # in a commentary gpt-oss may say a word before its answer
        self._last = not header.rpartition("<|channel|>")[2].startswith("commentary")
        if kind == "thought":
            self._open()
        else:
            self.state = kind
        return "header", ""

    def _in_aside(self, form: Form, final: bool) -> tuple[State, str]:
        """A part that is meant for a tool: there are none here, so nobody is to read it."""
        at, marker = _first(self._held, form.closes)
        if marker is None:
            self._take(len(self._held) - (0 if final else self._open_end(form.closes)))
        else:
            self._take(at + len(marker))
            self.state = "between"
        return "aside", ""

    def _answer(self, length: int) -> tuple[State, str]:
        if length:
            self.stretches.append((self._at, length))
        return "answer", self._take(length)

    def _take(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        self._at += length
        return text

    def _open_end(self, markers: Iterable[str]) -> int:
        return max((overlap(self._held, each) for each in markers), default=0)


def _first(text: str, markers: Iterable[str]) -> tuple[int, str | None]:
    """The first marker in a text and its place, the longest of those that begin there."""
    found = [(at, -len(each), each) for each in markers if (at := text.find(each)) >= 0]
    return (min(found)[0], min(found)[2]) if found else (-1, None)


def _part(header: str) -> Literal["thought", "answer", "aside"]:
    """What a header announces: the last channel that it names counts, and whom the part is for."""
    recipient = re.search(r"\bto=([^\s<]+)", header)
    channels = re.findall(r"<\|channel\|>\s*(\w+)", header)
    if recipient and recipient[1] not in ("assistant", "user", "self"):
        return "aside"
    thinks = channels[-1] == "analysis" if channels else bool(recipient and recipient[1] == "self")
    return "thought" if thinks else "answer"
