"""The weights and the vocabulary, loaded once; every context shares them."""

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as low

from lacie_chat.engine import native
from lacie_chat.engine.adapter_file import check_adapter
from lacie_chat.engine.devices import devices
from lacie_chat.engine.dry_run import DryRun, DryRuns, bytes_of_file
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import LoadProgress, ModelInfo
from lacie_chat.engine.fitting import ContextNeed, Fit, Fitting, refuse_weights
from lacie_chat.engine.parameters import chunk_of
from lacie_chat.engine.settings import SHORTEST_CONTEXT, EngineSettings
from lacie_chat.gguf_header import GGUFError, Header, Problem, read_header
from lacie_chat.gguf_kinds import ADAPTER, kind_of
from lacie_chat.sizes import size_text

READER_CTX = 4096
_SENTENCEPIECE = 1
_UNKNOWN, _USER_DEFINED, _LSTRIP, _RSTRIP = 1 << 0, 1 << 4, 1 << 7, 1 << 8  # enum llama_token_attr


def thread_count(asked: int | None) -> int:
    """`asked`, else LACIE_THREADS, else half the cores: at all of them, any other busy process makes OpenMP crawl."""
    return _threads(asked)[0]


def cores_of_its_own(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The cores that this process may use: those that it is bound to, and in a container as many as its quota is."""
    bound = getattr(os, "sched_getaffinity", None)
    cores = len(bound(0)) if bound is not None else os.cpu_count() or 2
    try:
        most, period = map(int, quota.read_text().split())
    except (OSError, ValueError):  # none; "max"
        return cores
    return max(1, min(cores, -(-most // period)))


def _threads(asked: int | None) -> tuple[int, str]:
    """How many, and why."""
    if asked is not None:
        return asked, "as asked"
    value = os.environ.get("LACIE_THREADS", "")
    if value:
        if not value.isdigit() or int(value) < 1:
            raise EngineError(f"LACIE_THREADS must be a whole number of at least 1, not {value!r}.")
        return int(value), "LACIE_THREADS says so"
    cores = cores_of_its_own()
    return max(1, cores // 2), f"half of {cores} cores"


_REFUSALS: dict[Problem, str] = {
    "missing": "There is no {what} file at {path}.",
    "a folder": "{path} is a folder, not a {what} file: name a .gguf file inside it.",
    "unreadable": "The {what} file {path} can't be read: {reason}.",
    "no GGUF": "{path} is not a GGUF file, so it can't be the {what}.",
    "empty": "{path} is empty, so it is not a GGUF file and can't be the {what}.",
    "endless": "{path} is damaged or incomplete (its header has no end): fetch it again.",
    "damaged": "{path} is damaged or incomplete ({reason}): fetch it again.",
}


def look_at(path: Path, what: str = "model") -> Header:
    """The keys of a file, before native code sees it. Raises EngineError: missing, unreadable, no GGUF, damaged."""
    try:
        return read_header(path, tensors=False)
    except GGUFError as error:
        line = _REFUSALS[error.problem].format(what=what, path=path, reason=error.reason)
        raise EngineError(line) from error


class Model:
    """One GGUF in memory. Raises EngineError, one line, where it can't be.

    `needs` are the contexts that may be made over it, and `beside` gives the bytes of what is loaded besides: the
    length of the context and the layers on a GPU are chosen so that all of it fits (fitting.py).
    """

    def __init__(
        self,
        settings: EngineSettings,
        on_progress: Callable[[LoadProgress], None] | None,
        *,
        needs: Sequence[ContextNeed] = (),
        beside: Callable[[DryRuns], int] | None = None,
    ) -> None:
        settings.check()
        self.machine = settings.machine
        path = self.path = settings.model_path
        header = look_at(path)
        kind = kind_of(header)
        if not kind.chats:
            raise EngineError(f"{path} {kind.line}.")
        self._size = bytes_of_file(path, header)
        self.reader_ctx = reader_length(header)
        self.threads, self._why_threads = _threads(settings.threads)
        self.reading_threads = settings.reading_threads or self.threads
        if settings.gpu_layers == 0 or not native.supports_gpu():
            refuse_weights(path, self._size)
        self.fit = self._fit(header, settings, needs, beside)
        self.n_ctx = self.fit.n_ctx
        self.on_gpu = self.fit.gpu_layers > 0
        self._alive = threading.Lock()
        """What reads the vocabulary holds it, so that `free` can't come under it."""
        self.handle = self._load(settings, on_progress)
        self.vocab = low.llama_model_get_vocab(self.handle)
        self.vocabulary = int(low.llama_vocab_n_tokens(self.vocab))
        self.recurrent = any(is_so(self.handle) for is_so in (low.llama_model_is_recurrent, low.llama_model_is_hybrid))
        """Whether its memory is, in part or in all, a state that can't be cut back."""
        self.metadata = self._metadata()
        self.bos, self.eos = int(low.llama_vocab_bos(self.vocab)), int(low.llama_vocab_eos(self.vocab))
        self.pad = int(low.llama_vocab_pad(self.vocab))
        self._adds_bos = bool(low.llama_vocab_get_add_bos(self.vocab)) and self.bos >= 0
        self.sentencepiece = int(low.llama_vocab_type(self.vocab)) == _SENTENCEPIECE
        self.adapter_path = settings.adapter_path
        self._adapters: dict[Path, Any] = {}
        if not self.tokenise("Is it so?"):  # llama.cpp loads it, and has no logits after an empty prompt
            self.free()
            raise EngineError(f"The model {path} can't be used: no text can be written in its vocabulary.")
        for path in settings.adapters:
            self.adapter_of(path)

    def _fit(
        self,
        header: Header,
        settings: EngineSettings,
        needs: Sequence[ContextNeed],
        beside: Callable[[DryRuns], int] | None,
    ) -> Fit:
        gpus = [each for each in devices() if each.offloads]
        with DryRuns(_reason) as runs:
            others = beside(runs) if beside is not None else 0

            def run(layers: int) -> DryRun:
                return runs.of(self.path, gpu_layers=layers)

            return Fitting(settings, header, needs, run, gpus=gpus, beside=others).fit()

    def _load(self, settings: EngineSettings, on_progress: Callable[[LoadProgress], None] | None) -> Any:
        shown = -1.0

        def progressed(fraction: float, _user_data: object) -> bool:
            nonlocal shown
            if on_progress is not None and (fraction >= shown + 0.01 or fraction >= 1.0):
                shown = fraction
                on_progress(LoadProgress(min(1.0, max(0.0, fraction))))
            return True

        params = native.model_params()
        params.n_gpu_layers = self.fit.gpu_layers
        params.load_mode = _LOAD_MODES[settings.mmap, settings.mlock]
        params.check_tensors = True
        callback = low.llama_progress_callback(progressed)  # llama.cpp keeps a bare pointer until the load is over
        params.progress_callback = callback
        with native.errors_of() as lines:
            handle = low.llama_model_load_from_file(os.fsencode(self.path), params)
            if not handle:
                raise EngineError(f"The model {self.path} can't be loaded: {_reason(lines())}.")
        return handle

    @property
    def adapter(self) -> Any:
        """Its own adapter; None for a model without one."""
        return self._adapters.get(self.adapter_path) if self.adapter_path else None

    def adapter_of(self, path: Path) -> Any:
        """An adapter for these weights, loaded once and freed with them. Raises EngineError: none, or of another
        model."""
        if path not in self._adapters:
            self._adapters[path] = self._load_adapter(path)
        return self._adapters[path]

    def _load_adapter(self, path: Path) -> Any:
        header = look_at(path, "adapter")
        keys, kind = header.keys, kind_of(header)
        if kind != ADAPTER:
            raise EngineError(f"{path} is not an adapter: it {kind.phrase}.")
        wanted, found = self.metadata.get("general.architecture"), keys.get("general.architecture")
        if wanted != found:
            raise EngineError(f"The adapter {path} is for the architecture {found}, the model's is {wanted}.")
        with native.errors_of() as lines:
            adapter = low.llama_adapter_lora_init(self.handle, os.fsencode(path))
            if not bool(adapter):  # a null pointer object, not None; using it would crash
                raise EngineError(f"The adapter {path} doesn't fit {self.path.name}: {_reason(lines())}.")
        check_adapter(path)
        return adapter

    def _metadata(self) -> dict[str, str]:
        def text(get: Callable[..., int], index: int) -> str:
            buffer = ctypes.create_string_buffer(256)
            length = get(self.handle, index, buffer, len(buffer))
            if length >= len(buffer):
                buffer = ctypes.create_string_buffer(length + 1)
                get(self.handle, index, buffer, len(buffer))
            return buffer.value.decode("utf-8", "replace")

        return {
            text(low.llama_model_meta_key_by_index, i): text(low.llama_model_meta_val_str_by_index, i)
            for i in range(low.llama_model_meta_count(self.handle))
        }

    def info(self, n_ctx: int, asked_as: str, *, thinks: bool) -> ModelInfo:
        """What is loaded, for the interface. `n_ctx` is the speaker's, as llama.cpp rounded it; `asked_as`: see
        template.py; `thinks`: see draft.py."""
        return ModelInfo(
            name=self.metadata.get("general.name") or self.path.stem,
            architecture=self.metadata.get("general.architecture", "unknown"),
            parameters=int(low.llama_model_n_params(self.handle)),
            size_bytes=self._size,
            n_ctx=n_ctx,
            n_ctx_train=int(low.llama_model_n_ctx_train(self.handle)),
            vocabulary=self.vocabulary,
            threads=self.threads,
            adapter=str(self.adapter_path) if self.adapter_path else None,
            metadata=self.metadata,
            asked_as=asked_as,
            machine=self._chosen(),
            thinks=thinks,
        )

    def _chosen(self) -> dict[str, str]:
        """The settings of the machine that it runs with, and why; for people."""
        machine = self.machine
        asked = "" if machine.kv_type == "f16" else ", as asked"
        batch = chunk_of(machine, on_gpu=self.on_gpu)
        why = "as asked" if machine.batch else "as a GPU likes it" if self.on_gpu else "few, so that esc stops at once"
        at_once = f", {min(machine.ubatch, batch)} computed at a time" if machine.ubatch else ""
        weights = "mapped from the file" if machine.mmap else "read into memory (--no-mmap)"
        if machine.mlock:
            weights += f", locked in memory{_lock_limit(self.fit.needed['weights'])}"
        return {
            **self.fit.why,
            "KV cache": f"{machine.kv_type}{asked}",
            "threads": f"{self.threads} to generate ({self._why_threads}), {self.reading_threads} to read",
            "batch": f"{batch} tokens at a time ({why}){at_once}",
            "weights": weights,
        }

    def tokenise(self, text: str, *, special: bool = False) -> list[int]:
        """Tokens of `text`, no BOS. `special`: markers such as <|im_end|> become their control tokens."""
        data = text.encode("utf-8", "replace")  # lone surrogates out of a broken pipe
        room = len(data) + 8
        tokens = (low.llama_token * room)()
        with self._open():
            count = low.llama_tokenize(self.vocab, data, len(data), tokens, room, False, special)
            if count < 0:
                room = -count
                tokens = (low.llama_token * room)()
                count = low.llama_tokenize(self.vocab, data, len(data), tokens, room, False, special)
        return list(tokens[: max(0, count)])

    def continuation(self, text: str) -> list[int]:
        """Tokens of `text` where it goes on after other text: a SentencePiece tokenizer would put a space before it."""
        if not self.sentencepiece:
            return self.tokenise(text)
        for lead in ("\n", "\t", "\x02"):  # one that no token joins with what follows
            head, whole = self.tokenise(lead), self.tokenise(lead + text)
            if whole[: len(head)] == head:
                return whole[len(head) :]
        return self.tokenise(text)

    def with_bos(self, tokens: list[int]) -> list[int]:
        """`tokens` with the BOS in front, where this tokenizer has one and it isn't there yet."""
        return [self.bos, *tokens] if self._adds_bos and tokens[:1] != [self.bos] else tokens

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes that `token` stands for, maybe half a character. Nothing for control tokens unless `special`."""
        buffer = ctypes.create_string_buffer(64)
        with self._open():
            length = low.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, special)
            if length < 0:
                buffer = ctypes.create_string_buffer(-length)
                length = low.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, special)
        return buffer.raw[: max(0, length)]

    def text(self, tokens: list[int]) -> str:
        """The text of `tokens` without control tokens; halves of characters at the ends are dropped."""
        return b"".join(self.piece(token) for token in tokens).decode("utf-8", "ignore")

    def marker(self, token: int) -> str:
        """The written form of a control token ("" for none)."""
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def is_control(self, token: int) -> bool:
        """Whether `token` is parsed only where markers are allowed."""
        return bool(low.llama_vocab_get_attr(self.vocab, token) & _UNKNOWN) or bool(
            low.llama_vocab_is_control(self.vocab, token)
        )

    def is_user_defined(self, token: int) -> bool:
        """Whether `token` was added to the vocabulary by hand: it is parsed in every text, markers allowed or not."""
        return bool(low.llama_vocab_get_attr(self.vocab, token) & _USER_DEFINED)

    def strips(self, token: int) -> tuple[bool, bool]:
        """Whether a control token swallows the white space (before, after) it."""
        attributes = int(low.llama_vocab_get_attr(self.vocab, token))
        return bool(attributes & _LSTRIP), bool(attributes & _RSTRIP)

    def ends_answer(self, token: int) -> bool:
        """Whether `token` is an end of generation (end of turn, end of text, …)."""
        with self._open():
            return bool(low.llama_vocab_is_eog(self.vocab, token))

    def free(self) -> None:
        """Let the weights go; every context must be gone."""
        with self._alive:
            if self.handle is not None:
                low.llama_model_free(self.handle)  # and its adapters with it
                self.handle = None
                self._adapters.clear()

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._alive:
            if self.handle is None:
                raise EngineError("The engine is closed.")
            yield


_LOAD_MODES = {  # mmap, mlock
    (True, False): low.LLAMA_LOAD_MODE_AUTO,
    (False, False): low.LLAMA_LOAD_MODE_NONE,
    (True, True): low.LLAMA_LOAD_MODE_MMAP_MLOCK,
    (False, True): low.LLAMA_LOAD_MODE_MLOCK,
}


def reader_length(header: Header) -> int:
    """Tokens of the context that hears by a prompt."""
    own = header.keys.get(f"{header.keys.get('general.architecture')}.context_length", READER_CTX)
    return max(SHORTEST_CONTEXT, min(READER_CTX, own if isinstance(own, int) and own > 0 else READER_CTX))


def _lock_limit(weights: int) -> str:
    """What is to be said where the system lets this process lock less."""
    if sys.platform == "win32":
        return ""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit == resource.RLIM_INFINITY or limit >= weights:
        return ""
    return f" as far as the system allows: {size_text(limit)} of {size_text(weights)} (raise `ulimit -l`)"


def _reason(lines: list[str]) -> str:
    """The line of llama.cpp's log that says why; those that only say that it failed are no reason."""
    told = [line for line in lines if "failed to load model" not in line] or lines
    for line in told:
        for marker in ("error loading model: ", "failed to apply lora adapter: "):
            if marker in line:
                return line.split(marker, 1)[1].removeprefix("error loading model hyperparameters: ").rstrip(". ")
    return told[0].split(": ", 1)[-1].rstrip(". ") if told else "llama.cpp gave no reason"
