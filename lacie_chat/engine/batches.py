"""Text from llama.cpp, several sequences at once over one KV cache; reading as the chat's engine does it.

All samples of a question share the cells of its prompt: it is read once and `seq_cp` hands it to the others. One
decode then brings every sequence a token further. A sequence's logits depend a little on what lies beside it in the
cache, so the cache is emptied before every batch, and batches are cut from the chunk that a stage hands over: the
same chunk gives the same texts in every run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as low

from lacie_chat.confidence.reader import Reader
from lacie_chat.engine import native, template_sandbox
from lacie_chat.engine.context import Context
from lacie_chat.engine.decoding import (
    NO_SLOT,
    Batch,
    draw_token,
    free_sampler,
    log_probability,
    make_context,
    make_sampler,
    reset_sampler,
    row_of_logits,
)
from lacie_chat.engine.draft import Draft, Thinker
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.fitting import ContextNeed
from lacie_chat.engine.generator import Response
from lacie_chat.engine.listening import KVReader
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import Gate
from lacie_chat.engine.settings import SHORTEST_CONTEXT, ChatTurn, EngineSettings, Machine, ReasoningChoice, Sampling
from lacie_chat.engine.template import ChatTemplate

_READ_AT_ONCE = 512


@dataclass(slots=True)
class _Sequence:
    """One text that grows: its place in the cache, its sampler, what it has so far."""

    number: int
    sampler: Any
    draft: Draft
    position: int
    reasoning: list[str] = field(default_factory=list)
    last: int = -1


class LlamaCppGenerator:
    """A GGUF, perhaps with an adapter GGUF over it (only for speaking).

    `reasoning`: how its chat prompts have it think; a plain prompt, which no template rendered, is answered as it is.
    """

    def __init__(self, model: Model, *, batch_size: int, context: int, reasoning: ReasoningChoice = None) -> None:
        self.model = model
        self.batch_size = batch_size
        self.context = min(context, model.n_ctx)
        self._thinker = Thinker(model, ChatTemplate(model))
        self._reasoning = reasoning
        self._openings: dict[str, str] = {}
        """What the prompts that were rendered here end with, by their text."""
        self._cells = batch_size * self.context
        self._handle: Any = None
        self._reader: KVReader | None = None
        self._reader_context: Context | None = None
        self._gate = Gate()

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        adapter: Path | None = None,
        batch_size: int,
        context: int,
        reasoning: ReasoningChoice = None,
        machine: Machine | None = None,
    ) -> "LlamaCppGenerator":
        """Load a GGUF, perhaps with an adapter's GGUF, to be run as `machine` says, less its context.

        At most `batch_size` sequences are drawn at once, each of `context` tokens with its prompt. Raises EngineError.
        """
        native.start(None)
        template_sandbox.begin()
        machine = replace(machine or Machine(), n_ctx=max(SHORTEST_CONTEXT, context))
        read = max(_READ_AT_ONCE, batch_size)
        needs = ContextNeed("answers side by side", batch_size * context, read, batch_size, batch_size)
        model = Model(EngineSettings(path, adapter, **asdict(machine)), None, needs=[needs])
        return cls(model, batch_size=batch_size, context=context, reasoning=reasoning)

    @property
    def reader(self) -> Reader:
        """The chat's own reader over these weights, without the adapter."""
        if self._reader is None:
            self._reader_context = Context(self.model, self.model.reader_ctx, self._gate, speaks=False)
            self._reader = KVReader(self.model, self._reader_context)
        return self._reader

    def close(self) -> None:
        """Free the caches and the weights."""
        if self._handle is not None:
            low.llama_free(self._handle)
            self._handle = None
        if self._reader_context is not None:
            self._reader_context.free()
            self._reader_context = self._reader = None
        self.model.free()

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        """See `Generator`."""
        if arguments is None:
            opened = self._thinker.opened(turns, self._reasoning)
        else:
            opened = self._thinker.at_once(turns, arguments)
        text = opened.template.text(turns).removeprefix(self.model.marker(self.model.bos) if self._adds_bos else "")
        self._openings[text] = opened.opening
        return text

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """See `Generator`."""
        stop = (*sampling.stop, *stop)
        if sampling.reasoning is None:
            sampling = replace(sampling, reasoning=self._reasoning)
        results: list[list[Response]] = []
        openings = [self._openings.get(prompt) for prompt in prompts]
        encoded = [self._encode(prompt, sampling) for prompt in prompts]
        for batch in self._batches([len(tokens) for tokens in encoded], [len(each) for each in seeds], sampling):
            asked = [(encoded[i], openings[i]) for i in batch]
            results += self._respond(asked, sampling, [seeds[i] for i in batch], stop)
        return results

    # -- inside ---------------------------------------------------------------------------------------------------

    @property
    def _adds_bos(self) -> bool:
        return self.model.with_bos([-1])[0] != -1

    def _encode(self, prompt: str, sampling: Sampling) -> list[int]:
        tokens = self.model.with_bos(self.model.tokenise(prompt, special=True))
        room = min(self._thinker.room(sampling), max(sampling.max_tokens, self.context // 2))
        return tokens[-max(1, self.context - room) :]

    def _longest(self, sampling: Sampling, prompt: int) -> int:
        return self._thinker.longest(sampling, self.context - prompt)

    def _room(self, sampling: Sampling, prompt: int) -> int:
        """The tokens that an answer may have, so that it and its thought fit their share of the cache."""
        left = self.context - prompt - self._longest(sampling, prompt) - self._thinker.marks
        return max(1, min(sampling.max_tokens, left))

    def _batches(self, lengths: Sequence[int], counts: Sequence[int], sampling: Sampling) -> Iterator[list[int]]:
        """Consecutive prompts whose sequences fit the context: in number, and in cells."""
        batch: list[int] = []
        sequences = cells = 0
        for index, (length, count) in enumerate(zip(lengths, counts, strict=True)):
            if count > self.batch_size:
                raise EngineError(
                    f"{count} samples of one question at once need batch_size={count} (it is {self.batch_size})"
                )
            each = sampling.max_tokens + self._longest(sampling, length) + self._thinker.marks
            need = length + count * each
            if batch and (sequences + count > self.batch_size or cells + need > self._cells):
                yield batch
                batch, sequences, cells = [], 0, 0
            batch.append(index)
            sequences, cells = sequences + count, cells + need
        if batch:
            yield batch

    def _respond(
        self,
        prompts: Sequence[tuple[list[int], str | None]],
        sampling: Sampling,
        seeds: Sequence[Sequence[int]],
        stop: Sequence[str],
    ) -> list[list[Response]]:
        handle = self._speaking()
        memory = low.llama_get_memory(handle)
        low.llama_memory_clear(memory, True)
        groups: list[list[_Sequence]] = []
        batch = Batch(max(_READ_AT_ONCE, self.batch_size))
        try:
            number = 0
            for (tokens, opening), each in zip(prompts, seeds, strict=True):
                self._read(batch, tokens, number)
                longest = self._longest(sampling, len(tokens))
                group = [
                    _Sequence(
                        number + i,
                        make_sampler(sampling, self.model, seed),
                        Draft(
                            self._thinker,
                            opening,
                            stop=stop,
                            turn_ends=self._thinker.stop,
                            max_tokens=self._room(sampling, len(tokens)),
                            longest=longest,
                        ),
                        len(tokens),
                    )
                    for i, seed in enumerate(each)
                ]
                for sequence in group:
                    if sequence.number != number:
                        low.llama_memory_seq_cp(memory, number, sequence.number, -1, -1)
                    self._draw(sequence, row=-1)  # from the prompt's last row, before it is overwritten
                groups.append(group)
                number += len(group)
            everyone = [sequence for group in groups for sequence in group]
            while alive := [sequence for sequence in everyone if sequence.draft.finish is None]:
                self._step(batch, alive)
                for row, sequence in enumerate(alive):
                    self._draw(sequence, row=row)
        finally:
            batch.free()
            for sequence in (sequence for group in groups for sequence in group):
                free_sampler(sequence.sampler)
        return [[self._response(sequence) for sequence in group] for group in groups]

    def _response(self, sequence: _Sequence) -> Response:
        draft = sequence.draft
        sequence.reasoning.append(draft.end().reasoning)
        text = draft.text.strip()
        return Response(
            text,
            draft.finish or "length",
            draft.tokens,
            tuple((start, end, draft.logprobs[index]) for index, start, end in draft.places(text)),
            "".join(sequence.reasoning),
            draft.reasoning_tokens,
            draft.open,
        )

    def _draw(self, sequence: _Sequence, *, row: int) -> None:
        """Sample one token of a sequence from a row of logits, and see whether the text ends."""
        draft = sequence.draft
        token, logprob = draft.forced(), 0.0
        if token is None:
            logits = row_of_logits(self._handle, row, self.model)
            token = draw_token(sequence.sampler, self._handle, row)
            if draft.ends(token):
                return
            logprob = log_probability(logits, token)
        sequence.last = token
        data = draft.piece(token)
        if draft.tokens == 0 and not data.strip():  # a base model's first line break is no end of the answer
            data = b""
        new = draft.take(data, logprob)
        sequence.reasoning.append(new.reasoning)
        if new.closed:
            reset_sampler(sequence.sampler)

    def _read(self, batch: Batch, tokens: list[int], number: int) -> None:
        rows = [(token, place, number, place + 1 == len(tokens)) for place, token in enumerate(tokens)]
        for start in range(0, len(rows), _READ_AT_ONCE):
            self._decode(batch, rows[start : start + _READ_AT_ONCE])

    def _step(self, batch: Batch, alive: list[_Sequence]) -> None:
        self._decode(batch, [(each.last, each.position, each.number, True) for each in alive])
        for each in alive:
            each.position += 1

    def _decode(self, batch: Batch, rows: Sequence[tuple[int, int, int, bool]]) -> None:
        code = batch.decode(self._handle, rows)
        if code == NO_SLOT:
            raise EngineError("the KV cache is too small for this batch; set a larger context")
        if code != 0:
            raise EngineError(f"llama.cpp could not go on with {self.model.path.name} (code {code})")

    def _speaking(self) -> Any:
        """The context of the speaker, made when it is first needed."""
        if self._handle is not None:
            return self._handle
        handle = make_context(
            self.model,
            self._cells,
            batch=max(_READ_AT_ONCE, self.batch_size),
            sequences=self.batch_size,
            outputs=self.batch_size,
            adapter=self.model.adapter,
            refusal=f"there is no memory for {self._cells} tokens of context; lower batch_size or context",
        )
        self._handle = handle
        return handle
