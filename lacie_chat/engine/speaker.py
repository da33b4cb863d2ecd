"""One answer: read the prompt, draw tokens until it ends, tell what happens."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence

from lacie_chat.engine.alignment import characters_of, written
from lacie_chat.engine.context import Context, ContextFull
from lacie_chat.engine.decoding import sampler_of
from lacie_chat.engine.events import (
    Alternatives,
    Delta,
    Failed,
    Finished,
    FinishReason,
    GenerationEvent,
    PromptProgress,
)
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import StopFlag, Stopped
from lacie_chat.engine.prompt import fit
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.engine.template import ChatTemplate
from lacie_chat.engine.text_stream import TextStream
from lacie_chat.errors import LacieError


class Answer:
    """An answer being made; an iterator of events, the last one Finished or Failed. Closing it early cancels it."""

    def __init__(
        self,
        prepare: Callable[[], tuple[Context, Model, ChatTemplate]],
        turns: Sequence[ChatTurn],
        sampling: Sampling,
    ) -> None:
        self._prepare = prepare
        self._turns, self._sampling = list(turns), sampling
        self._started = time.perf_counter()
        self._prompt_read: float | None = None
        self._first_text: float | None = None
        self._prompt = self._cached = self._drawn = 0
        self._pieces: list[bytes] = []
        self._logprobs: list[float] = []
        self._alternatives: list[Alternatives] = []
        self._text: list[str] = []
        self._flag = StopFlag()
        self._events = self._run()
        self.aside = False

    def __iter__(self) -> Iterator[GenerationEvent]:
        return self

    def __next__(self) -> GenerationEvent:
        return next(self._events)

    def cancel(self) -> None:
        """Stop, from any thread; the iterator then ends with Finished("cancelled")."""
        self._flag.set()

    def close(self) -> None:
        """Stop and let the context go; only from the thread that iterates."""
        self._flag.set()
        self._events.close()

    def _run(self) -> Generator[GenerationEvent, None, None]:
        try:
            context, model, template = self._prepare()
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
            yield from self._answer(context, model, template)
        except LacieError as error:
            yield Failed(str(error))
        finally:
            turn.release()

    def _answer(self, context: Context, model: Model, template: ChatTemplate) -> Generator[GenerationEvent, None, None]:
        sampling = self._sampling
        if self._flag.is_set():
            yield self._finished("cancelled")
            return
        tokens, cut = fit(self._turns, model, template, n_ctx=context.n_ctx, max_tokens=sampling.max_tokens)
        if cut is not None:
            yield cut
        self._prompt = len(tokens)
        stream = TextStream((*sampling.stop, *template.stop))
        reason: FinishReason
        try:
            self._cached = context.reuse(tokens)
            yield PromptProgress(self._cached, self._prompt)
            for done in context.read(tokens[self._cached :], self._flag):
                yield PromptProgress(self._cached + done, self._prompt)
            self._prompt_read = time.perf_counter()
            reason = yield from self._draw(stream, context, model, template)
        except Stopped:
            reason = "cancelled"
        if text := stream.end():
            yield self._delta(text)
        yield self._finished(reason)

    def _draw(
        self, stream: TextStream, context: Context, model: Model, template: ChatTemplate
    ) -> Generator[GenerationEvent, None, FinishReason]:
        with sampler_of(self._sampling, model) as sampler:
            while self._drawn < self._sampling.max_tokens:
                token, logprob, others = context.sample(sampler, self._flag)
                if template.ends_answer(token):
                    return "stop"
                data = self._piece(model, token)
                self._alternatives.append(self._alternatives_to(token, data, others, model))
                self._drawn += 1
                self._pieces.append(data)
                self._logprobs.append(logprob)
                if text := stream.feed(data):
                    yield self._delta(text)
                if stream.stopped:
                    return "stop"
                if self._drawn == self._sampling.max_tokens:
                    break
                try:
                    context.step(token, self._flag)
                except ContextFull:
                    return "context"
        return "length"

    def _piece(self, model: Model, token: int) -> bytes:
        data = model.piece(token)
        if self._drawn == 0 and model.sentencepiece:
            data = data.removeprefix(b" ")  # such a tokenizer writes a space before every first word
        return data

    def _alternatives_to(
        self, token: int, data: bytes, others: Sequence[tuple[int, float]], model: Model
    ) -> Alternatives:
        texts = [(written(self._piece(model, other)) or model.marker(other), logprob) for other, logprob in others]
        place = next((place for place, (other, _) in enumerate(others) if other == token), None)
        return Alternatives(written(data), tuple(texts), place)

    def _delta(self, text: str) -> Delta:
        if self._first_text is None:
            self._first_text = time.perf_counter()
        self._text.append(text)
        return Delta(text)

    def _finished(self, reason: FinishReason) -> Finished:
        now = time.perf_counter()
        read = self._prompt_read
        places = characters_of(self._pieces, "".join(self._text))
        return Finished(
            reason=reason,
            prompt_tokens=self._prompt,
            cached_tokens=self._cached,
            completion_tokens=self._drawn,
            time_to_first_token=None if self._first_text is None else self._first_text - self._started,
            prompt_seconds=(read if read is not None else now) - self._started,
            generation_seconds=0.0 if read is None else now - read,
            mean_logprob=sum(self._logprobs) / self._drawn if self._drawn else None,
            tokens=tuple((start, end, self._logprobs[index]) for index, start, end in places),
            alternatives=tuple(self._alternatives[index] for index, _, _ in places),
        )
