"""What is known of one answer while it grows: its two texts, its tokens, what they cost, and when it has to end.

Shared by the chat's answers (speaker.py) and answers in batches (batches.py), so that a thought is told from an answer,
counted and ended in the same way in both. Whoever draws tokens asks `forced` first: a thought that has used up its
tokens, or that somebody wants to have ended, is closed by the tokens that close it, and the answer follows.
"""

import codecs
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lacie_chat.engine.alignment import characters_of
from lacie_chat.engine.model import Model
from lacie_chat.engine.reasoning import TAGS, Habit, answer_at_once, habit_of, habit_of_tags, is_off, opening_of
from lacie_chat.engine.settings import ChatTurn, ReasoningChoice, Sampling
from lacie_chat.engine.splitting import Splitter
from lacie_chat.engine.template import LAST, ChatTemplate
from lacie_chat.engine.text_stream import TextStream

THOUGHT_ROOM = 2048
"""Room for a thought that a prompt leaves, besides that of the answer; a thought may use what is left beyond it."""
_MARKS = 32
"""Tokens for headers and the like, which are neither thought nor answer; one that writes more of them is going round in
circles."""
_ASIDE = 256
"""Tokens that are neither thought nor answer, in all: blanks, or a thought opened and closed again and again."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A prompt's template for one choice, and what every prompt of it ends with, from the assistant's turn on."""

    template: ChatTemplate
    opening: str


class Thinker:
    """How one model thinks: its marks as tokens, and the prompts for each choice. `habit` None: it doesn't."""

    def __init__(self, model: Model, template: ChatTemplate) -> None:
        self._model, self._template = model, template
        self.habit = habit_of(template.source) or self._by_vocabulary()
        self.spoken: frozenset[int] = frozenset()
        """Control tokens that are read as the marks they are; all others are nothing."""
        self.closing: list[int] = []
        self._closers: frozenset[int] = frozenset()
        if self.habit is not None:
            form = self.habit.form
            tokens = {token for mark in form.markers for token in model.tokenise(mark, special=True)}
            self.spoken = frozenset(token for token in tokens if model.is_control(token))
            self.closing = model.tokenise(form.closing, special=True)
            found = [model.tokenise(mark, special=True) for mark in form.closes]
            self._closers = frozenset(each[0] for each in found if len(each) == 1)

    @property
    def stop(self) -> tuple[str, ...]:
        """The template's own stop strings."""
        return self._template.stop

    def _by_vocabulary(self) -> Habit | None:
        """Models whose template says nothing of thought, and whose vocabulary has its marks."""
        for pair in TAGS:
            if all(len(self._model.tokenise(mark, special=True)) == 1 for mark in pair):
                return habit_of_tags(*pair)
        return None

    def opened(self, turns: Sequence[ChatTurn], choice: ReasoningChoice) -> Opened:
        """The template as these turns are to be asked. Raises EngineError where it refuses them."""
        if self.habit is None or not turns:
            return Opened(self._template, "")
        variables, unseen = self.habit.variables(choice), [m for m in self.habit.form.markers if m[0] in "<["]
        opening = opening_of(*self._template.given(variables, unseen=unseen).opening(turns), LAST)
        added = self.habit.added(choice, opening)
        return Opened(self._template.given(variables, added, unseen), opening + added)

    def at_once(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any]) -> Opened:
        """The template with `arguments`, asking for an answer without a thought. Raises EngineError as `opened`."""
        variables, added = answer_at_once(self._template.source, arguments)
        if self.habit is None:
            return Opened(self._template.given(variables, added), "")
        unseen = [mark for mark in self.habit.form.markers if mark[0] in "<["]
        opening = opening_of(*self._template.given(variables, unseen=unseen).opening(turns), LAST)
        return Opened(self._template.given(variables, added, unseen), opening + added)

    def room(self, sampling: Sampling) -> int:
        """The tokens that a prompt is to leave: those of the answer, and some for a thought."""
        if self.habit is None or is_off(sampling.reasoning):
            return sampling.max_tokens
        most = [each for each in (sampling.reasoning, sampling.longest_thought) if isinstance(each, int)]
        return sampling.max_tokens + min([THOUGHT_ROOM, *most])

    def longest(self, sampling: Sampling, left: int) -> int:
        """The tokens that a thought may take where `left` fit behind the prompt, so that the answer keeps its room."""
        if self.habit is None or is_off(sampling.reasoning):
            return 0
        room = left - min(sampling.max_tokens, left // 2) - self.marks
        most = [each for each in (sampling.reasoning, sampling.longest_thought) if isinstance(each, int)]
        return max(0, min([room, *most]))

    @property
    def marks(self) -> int:
        """Tokens for what stands round a thought, beyond the thought itself and the answer."""
        return len(self.closing) + _MARKS if self.habit is not None else 0

    def ends(self, token: int, *, thinking: bool) -> bool:
        """Whether a token ends the generation; a thought's own end doesn't, though some vocabularies list it so."""
        return self._template.ends_answer(token) and not (thinking and token in self._closers)

    def piece(self, token: int, *, marks: bool) -> bytes:
        """The bytes of a token; with `marks` those of the thought are text."""
        return self._model.piece(token, special=marks and token in self.spoken)


@dataclass(frozen=True, slots=True)
class Written:
    """New text: of the thought, of the answer. `closed`: the thought has ended with it."""

    reasoning: str
    text: str
    closed: bool = False


class Draft:
    """One answer that grows. `opening`: what its prompt ends with; None: it is all answer, whatever is in it.
    `longest`: tokens that the thought may take. `stop` ends an answer; `turn_ends` ends it and a thought alike."""

    def __init__(
        self,
        thinker: Thinker,
        opening: str | None,
        *,
        stop: Sequence[str],
        turn_ends: Sequence[str],
        max_tokens: int,
        longest: int,
    ) -> None:
        self._thinker = thinker
        self._thinks = thinker.habit is not None and opening is not None
        self._split = Splitter(thinker.habit.form if thinker.habit and self._thinks else None, opening or "")
        self._answer, self._thought = TextStream((*stop, *turn_ends)), TextStream(turn_ends)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._max_tokens, self._longest = max_tokens, longest
        self._most = max_tokens + longest + thinker.marks
        self._forced: deque[int] = deque()
        self._hurried = False
        self._text: list[str] = []
        self._of_answer: list[bool] = []
        self._undecided = self._thought_tokens = self._aside = 0
        self._before = 0
        self.pieces: list[bytes] = []
        self.logprobs: list[float] = []
        self.finish: Literal["stop", "length"] | None = "length" if max_tokens < 1 else None

    @property
    def thinking(self) -> bool:
        """Whether it is within the thought."""
        return self._split.thinking

    @property
    def open(self) -> bool:
        """Whether it is within the thought, and nothing was answered yet."""
        return self.thinking and not self.text

    @property
    def tokens(self) -> int:
        """All of them, the thought's too; of one that goes on, those since."""
        return len(self.pieces) - self._before

    @property
    def reasoning_tokens(self) -> int:
        """Those of the thought, with its marks."""
        return self.tokens - sum(self._of_answer[self._before :])

    @property
    def new_logprobs(self) -> list[float]:
        """Of these."""
        return self.logprobs[self._before :]

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    @property
    def mean_logprob(self) -> float | None:
        """Of the answer's tokens alone, natural log; None where there is none."""
        drawn = list(zip(self.logprobs, self._of_answer, strict=True))[self._before :]
        own = [logprob for logprob, answers in drawn if answers]
        return sum(own) / len(own) if own else None

    def go_on(self) -> None:
        """What was taken so far was said before: it has as much room again, and counts no more."""
        self._before = len(self.pieces)
        self._max_tokens += sum(self._of_answer)
        self._longest += self._thought_tokens
        self._most += self._before
        self._aside, self.finish = 0, None

    def hurry(self) -> None:
        """End the thought, now or as soon as it begins."""
        self._hurried = True

    def forced(self) -> int | None:
        """The token that has to come next, whatever the model would draw; None: draw one."""
        over = self._hurried or self._thought_tokens >= self._longest
        if not self._forced and self.thinking and over and not self._decoder.getstate()[0]:
            self._forced.extend(self._thinker.closing)
            self._split.closed_for_it = True
        return self._forced.popleft() if self._forced else None

    def piece(self, token: int) -> bytes:
        """The bytes of a token as `take` wants them."""
        return self._thinker.piece(token, marks=self._thinks)

    def ends(self, token: int) -> bool:
        """Whether this token ends it; it is then no part of it."""
        if not self._thinker.ends(token, thinking=self.thinking):
            return False
        self.finish = "stop"
        return True

    def take(self, data: bytes, logprob: float) -> Written:
        """A token's bytes (see `piece`), drawn or forced; what is sure by now. Sets `finish` where it ends here."""
        before = self._split.answering, self.thinking
        self.pieces.append(data)
        self.logprobs.append(logprob)
        parts = self._split.feed(self._decoder.decode(data))
        self._count(before[0])
        written = replace(self._written(*parts), closed=before[1] and not self.thinking)
        if self._answer.stopped or self._thought.stopped or self._split.state == "over":
            self.finish = "stop"
        elif not self._forced:
            answered = sum(self._of_answer) - self._undecided  # what may still be a mark isn't counted yet
            if answered >= self._max_tokens or len(self.pieces) >= self._most or self._aside + self._undecided > _ASIDE:
                self.finish = "length"
        return written

    def end(self) -> Written:
        """What was held back, once no more comes."""
        written = self._written(*self._split.end())
        tail, thought = self._answer.end(), self._thought.end()
        self._text.append(tail)
        return Written(written.reasoning + thought, written.text + tail)

    def places(self, text: str) -> list[tuple[int, int, int]]:
        """Which tokens wrote `text` (the answer, or it stripped): index, first character, end. Of one that goes on,
        those since; the index is among these."""
        places = characters_of(self.pieces, text, self._split.stretches)
        return [(index - self._before, start, end) for index, start, end in places if index >= self._before]

    # -- inside ---------------------------------------------------------------------------------------------------

    def _count(self, answered_before: bool) -> None:
        """A token is the answer's if that has begun with or before it. Those before anything has begun count as the
        answer's until it is known."""
        begun = self._split.answering or answered_before
        self._of_answer.append(begun or self._split.state == "start")
        if begun:
            self._undecided = 0
        elif self._split.state == "start":
            self._undecided += 1
        else:
            first = len(self._of_answer) - 1 - self._undecided
            self._of_answer[first:] = [False] * (self._undecided + 1)
            self._undecided = 0
            self._thought_tokens += self.thinking
            self._aside += not self.thinking

    def _written(self, thought: str, answer: str) -> Written:
        text = self._answer.feed_text(answer) if answer else ""
        self._text.append(text)
        return Written(self._thought.feed_text(thought) if thought else "", text)
