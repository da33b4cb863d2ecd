"""The engine as a Reader (confidence/reader.py): probabilities of choices, and short greedy continuations.

A prompt is always tokenised as a whole, so its result can't hang on where prefix and suffix meet. The prefix is
read first and kept: the cache of each of the last few prefixes is copied aside (2 ms to put back, where reading 700
tokens takes seconds) and the suffix is read after it. Prompts are read one at a time, each in the same chunks and into
the same cells, so a value is the same, bit by bit, with a fresh engine and after a thousand other calls. With several
sequences in one cache it isn't: holes left by earlier prompts moved logits by up to 1 (measured on the embedded model).

A recurrent or hybrid model can't go back within what it has read (context.py). So for it what is kept ends where prefix
and suffix really meet (the first token of a suffix may have merged with the prefix's last), it is put back before every
suffix, and a reading starts from nothing else.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache

from lacie_chat.engine.context import Context, Snapshot, common_prefix
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import StopFlag
from lacie_chat.engine.text_stream import TextStream

_KEPT_PREFIXES = 5
_LEAST_ROOM = 64


class KVReader:
    """A Reader over a context of its own, without adapter. Calls from several threads take turns."""

    def __init__(self, model: Model, context: Context) -> None:
        self._model, self._context = model, context
        self._kept: OrderedDict[tuple[int, ...], Snapshot] = OrderedDict()
        self._flag = StopFlag()
        self._busy = threading.Lock()
        self._first_token = lru_cache(maxsize=4096)(self._find_first_token)

    def close(self) -> None:
        """Stop a call in progress."""
        self._flag.set()

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """See Reader. Raises EngineError where a choice has no token of its own or the prefix is too long."""
        rows = []
        for suffix in suffixes:
            columns = self.choice_tokens(prefix + suffix, choices)
            with self._busy:
                self._read(prefix, suffix, self._flag, room=1)
                probabilities = self._context.probabilities(self._flag)
            rows.append([float(sum(probabilities[token] for token in sorted(tokens))) for tokens in columns])
        return rows

    def complete(
        self,
        prefix: str,
        suffixes: Sequence[str],
        *,
        max_tokens: int,
        stop: Sequence[str],
        flag: StopFlag | None = None,
    ) -> list[str]:
        """See Reader. Raises Stopped when `flag` is set meanwhile."""
        return [self._complete(prefix, suffix, max_tokens, stop, flag or self._flag) for suffix in suffixes]

    def _complete(self, prefix: str, suffix: str, max_tokens: int, stop: Sequence[str], flag: StopFlag) -> str:
        stream = TextStream(stop)
        parts: list[str] = []
        with self._busy:
            self._read(prefix, suffix, flag, room=max_tokens)
            for drawn in range(max_tokens):
                token = self._context.likeliest(flag)
                if self._model.ends_answer(token):
                    break
                parts.append(stream.feed(self._model.piece(token)))
                if stream.stopped or drawn == max_tokens - 1:
                    break
                self._context.step(token, flag)
        return "".join([*parts, stream.end()])

    def choice_tokens(self, prompt: str, choices: Sequence[Sequence[str]]) -> list[set[int]]:
        """The tokens that stand for each choice after `prompt`; one that two choices share stands for neither."""
        # Only the last line decides: no tokenizer merges across a line's end and what follows it.
        tail = prompt[max(0, prompt.rfind("\n")) :]
        found = [{self._first_token(tail, spelling) for spelling in choice if spelling} for choice in choices]
        columns = []
        for i, tokens in enumerate(found):
            own = tokens.difference(*(other for j, other in enumerate(found) if j != i))
            if not own:
                spellings = ", ".join(repr(spelling) for spelling in choices[i])
                raise EngineError(f"This model's tokenizer can't tell the choice {spellings} from the others.")
            columns.append(own)
        return columns

    def _find_first_token(self, tail: str, spelling: str) -> int:
        before, whole = self._model.tokenise(tail), self._model.tokenise(tail + spelling)
        if whole[: len(before)] == before and len(whole) > len(before):
            return whole[len(before)]
        # The spelling would merge with the prompt's last token, which is already read: what the model can still write
        # is the spelling as it stands at the start of a line.
        line, whole = self._model.tokenise("\n"), self._model.tokenise("\n" + spelling)
        return whole[common_prefix(line, whole)]

    def _read(self, prefix: str, suffix: str, flag: StopFlag, *, room: int) -> None:
        model, context = self._model, self._context
        head = model.with_bos(model.tokenise(prefix))
        whole = model.with_bos(model.tokenise(prefix + suffix))
        if not whole:
            raise EngineError("There is nothing to read: the prompt is empty.")
        if len(head) > context.n_ctx - room - _LEAST_ROOM:
            raise EngineError(
                f"A prompt of {len(head)} tokens doesn't fit the context of {model.path.name} ({context.n_ctx} tokens)."
            )
        same = min(common_prefix(head, whole), len(whole) - 1)
        rest = cut_middle(whole[same:], context.n_ctx - same - room)
        if not self.cuts:
            head = head[:same]
        if context.tokens[: len(head)] != head or not context.cut_back(len(head)):
            self._enter(head, flag)
        if not context.cut_back(same):
            self._enter(head[:same], flag)
        for _ in context.read(rest, flag):
            pass

    @property
    def cuts(self) -> bool:
        """Whether what was read can be cut back to any place."""
        return self._context.cuts

    def snapshot(self, head: list[int], flag: StopFlag) -> Snapshot:
        """The cache of just `head` (tokens, not none), read if need be. Raises Stopped when `flag` is set meanwhile."""
        with self._busy:
            if tuple(head) not in self._kept:
                self._enter(head, flag)
            return self._kept[tuple(head)]

    def _enter(self, head: list[int], flag: StopFlag) -> None:
        """Have just `head` in the cache: put back, or read and kept."""
        key = tuple(head)
        if key in self._kept:
            self._kept.move_to_end(key)
            self._context.restore(self._kept[key])
            return
        self._context.cut_back(0)
        for _ in self._context.read(head, flag):
            pass
        if head:
            self._kept[key] = self._context.save()
            if len(self._kept) > _KEPT_PREFIXES:
                self._kept.popitem(last=False)


def cut_middle(tokens: list[int], room: int) -> list[int]:
    """At most `room` tokens: the start and the end of `tokens`."""
    if len(tokens) <= room:
        return tokens
    return tokens[: room // 2] + tokens[len(tokens) - (room - room // 2) :]
