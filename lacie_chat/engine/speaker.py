"""One answer: read the prompt, draw tokens until it ends, tell what happens."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from lacie_chat.engine.alignment import written
from lacie_chat.engine.context import Context, ContextFull
from lacie_chat.engine.decoding import accept, reset_sampler, sampler_of
from lacie_chat.engine.draft import Draft, Thinker, Written
from lacie_chat.engine.events import (
    Alternatives,
    Delta,
    Failed,
    Finished,
    FinishReason,
    GenerationEvent,
    PromptProgress,
    Reasoning,
)
from lacie_chat.engine.going_on import LastAnswer, fit_behind, tokens_of
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import StopFlag, Stopped
from lacie_chat.engine.prompt import fit
from lacie_chat.engine.settings import ChatTurn, Said, Sampling
from lacie_chat.errors import LacieError


class Answer:
    """An answer being made; an iterator of events, the last one Finished or Failed. Closing it early cancels it."""

    def __init__(
        self,
        prepare: Callable[[], tuple[Context, Model, Thinker]],
        turns: Sequence[ChatTurn],
        sampling: Sampling,
        going_on: Said | None = None,
    ) -> None:
        self._prepare = prepare
        self._turns, self._sampling, self._going_on = list(turns), sampling, going_on
        self._drawn: list[int] = []
        self._said = ([going_on.text], [going_on.reasoning]) if going_on else ([""], [""])
        self._told_before = Said("")
        self._started = time.perf_counter()
        self._prompt_read: float | None = None
        self._first_text: float | None = None
        self._thought_until: float | None = None
        self._prompt = self._cached = 0
        self._draft: Draft | None = None
        self._alternatives: list[Alternatives] = []
        self._flag = StopFlag()
        self._hurried = False
        self._events = self._run()
        self.aside = False

    def __iter__(self) -> Iterator[GenerationEvent]:
        return self

    def __next__(self) -> GenerationEvent:
        return next(self._events)

    def cancel(self) -> None:
        """Stop, from any thread; the iterator then ends with Finished("cancelled")."""
        self._flag.set()

    def answer_now(self) -> None:
        """End the thought and go to the answer, from any thread; also before it has begun. No-op after it."""
        self._hurried = True

    def close(self) -> None:
        """Stop and let the context go; only from the thread that iterates."""
        self._flag.set()
        self._events.close()

    def _run(self) -> Generator[GenerationEvent, None, None]:
        try:
            context, model, thinker = self._prepare()
        except LacieError as error:
            yield Failed(str(error))
            return
        turn = context.turn
        if turn.held_by_this_thread():
            yield Failed("The engine is still busy with another answer of the same thread: end that one first.")
            return
        try:
            turn.acquire(self._flag)
        except Stopped:
            yield self._finished("cancelled")
            return
        try:
            yield from self._answer(context, model, thinker)
        except LacieError as error:
            yield Failed(str(error))
        finally:
            turn.release()

    def _answer(self, context: Context, model: Model, thinker: Thinker) -> Generator[GenerationEvent, None, None]:
        sampling = self._sampling
        if self._flag.is_set():
            yield self._finished("cancelled")
            return
        opened = thinker.opened(self._turns, sampling.reasoning)
        room, going_on = thinker.room(sampling), self._going_on
        before: list[int] = []
        if going_on is None:
            tokens, cut = fit(self._turns, model, opened.template, n_ctx=context.n_ctx, max_tokens=room)
        else:
            before = tokens_of(going_on, thinker, model, opened.opening)
            tokens, cut = fit_behind(
                self._turns, model, opened.template, n_ctx=context.n_ctx, said=len(before), max_tokens=room
            )
            if (last := context.last) is not None and (last.prompt, last.said) == (tokens, going_on):
                before = last.tokens
        if cut is not None:
            yield cut
        prompt = [*tokens, *before]
        self._prompt = len(prompt)
        draft = self._draft = Draft(
            thinker,
            opened.opening,
            stop=sampling.stop,
            turn_ends=thinker.stop,
            max_tokens=sampling.max_tokens,
            longest=thinker.longest(sampling, context.n_ctx - len(prompt)),
        )
        reason: FinishReason
        try:
            self._cached = context.reuse(prompt)
            yield PromptProgress(self._cached, self._prompt)
            for done in context.read(prompt[self._cached :], self._flag):
                yield PromptProgress(self._cached + done, self._prompt)
            self._prompt_read = time.perf_counter()
            reason = yield from self._draw(draft, context, model, before)
        except Stopped:
            reason = "cancelled"
        yield from self._told(draft.end())
        said = Said("".join(self._said[0]), "".join(self._said[1]))
        context.last = LastAnswer(tokens, [*before, *self._drawn], said)
        yield self._finished(reason)

    def _say_again(self, before: Sequence[int], draft: Draft, sampler: Any, model: Model) -> None:
        """Bring the draft and the sampler to where they were when it stopped."""
        text, thought = "", ""
        for token in before:
            accept(sampler, token)
            new = draft.take(self._piece(draft, model, token), 0.0)
            if new.closed:
                reset_sampler(sampler)
            text, thought = text + new.text, thought + new.reasoning
        draft.go_on()
        assert self._going_on is not None
        # what was held back then, as it might have become a mark, was told when it stopped
        self._told_before = Said(self._going_on.text[len(text) :], self._going_on.reasoning[len(thought) :])

    def _draw(
        self, draft: Draft, context: Context, model: Model, before: Sequence[int]
    ) -> Generator[GenerationEvent, None, FinishReason]:
        with sampler_of(self._sampling, model) as sampler:
            if self._going_on is not None:
                self._say_again(before, draft, sampler, model)
            while draft.finish is None:
                if self._hurried:
                    draft.hurry()
                token = draft.forced()
                logprob = 0.0
                others: list[tuple[int, float]] = []
                if token is None:
                    token, logprob, others = context.sample(sampler, self._flag)
                    if draft.ends(token):
                        break
                data = self._piece(draft, model, token)
                self._drawn.append(token)
                self._alternatives.append(self._alternatives_to(token, data, others, draft, model))
                new = draft.take(data, logprob)
                if new.closed:
                    self._thought_until = time.perf_counter()
                    reset_sampler(sampler)  # the answer may say the thought's words again without a penalty
                yield from self._told(new)
                if draft.finish is None:
                    try:
                        context.step(token, self._flag)
                    except ContextFull:
                        return "context"
        return draft.finish or "stop"

    def _told(self, new: Written) -> Iterator[GenerationEvent]:
        text, reasoning = new.text, new.reasoning
        if self._told_before != Said(""):
            held = self._told_before
            told_text, told_thought = _common(held.text, text), _common(held.reasoning, reasoning)
            text, reasoning = text[told_text:], reasoning[told_thought:]
            self._told_before = Said(held.text[told_text:], held.reasoning[told_thought:])
        if reasoning:
            self._said[1].append(reasoning)
            yield Reasoning(reasoning, self._draft.tokens if self._draft else 0)
        if text:
            self._said[0].append(text)
            if self._first_text is None:
                self._first_text = time.perf_counter()
            yield Delta(text, self._draft.tokens if self._draft else 0)

    def _piece(self, draft: Draft, model: Model, token: int) -> bytes:
        data = draft.piece(token)
        if not draft.pieces and model.sentencepiece:
            data = data.removeprefix(b" ")  # such a tokenizer writes a space before every first word
        return data

    def _alternatives_to(
        self,
        token: int,
        data: bytes,
        others: Sequence[tuple[int, float]],
        draft: Draft,
        model: Model,
    ) -> Alternatives:
        pieces = [(self._piece(draft, model, other), other, logprob) for other, logprob in others]
        texts = [(written(piece) or model.marker(other), logprob) for piece, other, logprob in pieces]
        place = next((place for place, (other, _) in enumerate(others) if other == token), None)
        return Alternatives(written(data), tuple(texts), place)

    def _finished(self, reason: FinishReason) -> Finished:
        now = time.perf_counter()
        read, draft = self._prompt_read, self._draft
        places = draft.places(draft.text) if draft is not None else []
        logprobs = draft.new_logprobs if draft is not None else []
        thought = draft.reasoning_tokens if draft is not None else 0
        until = now if draft is not None and draft.thinking else self._thought_until or read
        return Finished(
            reason=reason,
            prompt_tokens=self._prompt,
            cached_tokens=self._cached,
            completion_tokens=draft.tokens if draft is not None else 0,
            time_to_first_token=None if self._first_text is None else self._first_text - self._started,
            prompt_seconds=(read if read is not None else now) - self._started,
            generation_seconds=0.0 if read is None else now - read,
            mean_logprob=draft.mean_logprob if draft is not None else None,
            tokens=tuple((start, end, logprobs[index]) for index, start, end in places),
            alternatives=tuple(self._alternatives[index] for index, _, _ in places),
            reasoning_tokens=thought,
            reasoning_seconds=until - read if thought and until is not None and read is not None else 0.0,
            reasoning_open=draft is not None and draft.open,
        )


def _common(held: str, new: str) -> int:
    """How many characters of what is new were held back, and told before."""
    length = min(len(held), len(new))
    return length if held[:length] == new[:length] else 0
