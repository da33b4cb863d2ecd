"""The listener in this process: its weights, an adapter and a context for each of its parts.

A tuned listener reads copies of the embedded weights with its adapters merged in (merging.py); where they can't be
made (a full disk), the weights are read as they are with the adapters over them, only slower. A prompted listener that
is the speaker shares its weights.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from lacie_chat.confidence.listener import Listener, listener_over
from lacie_chat.engine import native
from lacie_chat.engine.context import Context
from lacie_chat.engine.dry_run import DryRuns, bytes_of_file
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.fitting import ContextNeed
from lacie_chat.engine.listening import KVReader
from lacie_chat.engine.merging import copy_of, merged_copy
from lacie_chat.engine.model import Model, look_at, reader_length
from lacie_chat.engine.native import Gate, StopFlag
from lacie_chat.engine.parallel import MOST_CTX, SEQUENCES, ParallelReader
from lacie_chat.engine.settings import USUAL, EngineSettings, Machine
from lacie_chat.gguf_header import GGUFError
from lacie_chat.listener_files import ListenerFiles, Part

_EXTRACTING_CTX = 2048
_CHUNK = 256
"""Tokens read at once on a CPU: more than of a speaker, for a model so small is stopped soon enough all the same."""
_KEPT_SHARE = 8
"""Copies of the prompts' caches are kept beside (listening.py): about 500 tokens of 4096."""


class Ears:
    """What hears, loaded. Raises EngineError, one line: weights or an adapter that can't be loaded.

    `gate` is that of the speaker's contexts, for two decodes at once would fight over the same threads; `speaker` the
    model that is loaded already. Each part's context is made when it is first used.
    """

    def __init__(
        self,
        settings: ListenerFiles,
        *,
        gate: Gate | None = None,
        speaker: Model | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.settings = settings
        self._gate = gate or Gate()
        self._readers: dict[Part, KVReader] = {}
        self._patient: dict[Part, ParallelReader] = {}
        self._contexts: list[Context] = []
        self._closed = False
        self._own: list[Model] = []
        self._machine = (machine or Machine()).of_listener()
        self._parts: dict[Part, tuple[Model, Any]] = {}
        """What reads for a part: a model, and an adapter over it or None."""
        if speaker is None:  # else llama.cpp is ready, and its log goes where the engine wants it
            native.start(None)
        try:
            if settings.tuned:
                self._load_tuned()
            elif speaker is not None and speaker.path == settings.model_path:
                self._parts["hearing"] = (speaker, None)
            else:
                self._parts["hearing"] = (self._load(settings.model_path), None)
        except EngineError:
            self._free_models()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def listener(self) -> Listener:
        """Reads text by text: the same text gets the same acceptance, bit by bit, whatever was read before."""
        return listener_over(self.settings, self.reader)

    @property
    def patient_listener(self) -> Listener:
        """Reads many texts side by side, and `stop` ends it: for what can wait."""
        return listener_over(self.settings, self.patient_reader)

    def reader(self, part: Part) -> KVReader:
        """The Reader of a part. Raises EngineError after `close`."""
        if self._closed:
            raise EngineError("The engine is closed.")
        if not self.settings.tuned:
            part = "hearing"  # one prompt or the other, the weights are the same
        if part not in self._readers:
            model, adapter = self._parts[part]
            length = model.reader_ctx if part == "hearing" else min(_EXTRACTING_CTX, model.reader_ctx)
            chunk = _CHUNK if self.settings.tuned and not model.on_gpu else None
            context = Context(model, length, self._gate, adapter=adapter, chunk=chunk, speaks=False)
            self._contexts.append(context)
            self._readers[part] = KVReader(model, context)
        return self._readers[part]

    def patient_reader(self, part: Part) -> ParallelReader:
        """The Reader of a part that reads side by side."""
        if not self.settings.tuned:
            part = "hearing"
        if part not in self._patient:
            model, adapter = self._parts[part]
            self._patient[part] = ParallelReader(model, self._gate, self.reader(part), adapter=adapter)
        return self._patient[part]

    def stop(self) -> None:
        """End what the patient listener reads with EngineStopped; no-op when idle."""
        for reader in list(self._patient.values()):
            reader.stop()

    def stop_all(self) -> None:
        """End every call in progress."""
        self.stop()
        for reader in list(self._readers.values()):
            reader.close()

    def free(self) -> None:
        """Let the contexts go, and the weights unless they are the speaker's. The caller holds the gate."""
        self._closed = True
        for reader in self._patient.values():
            reader.free()
        for context in self._contexts:
            context.free()
        self._readers, self._patient, self._contexts = {}, {}, []
        self._free_models()

    def close(self) -> None:
        """Free everything; calls in progress end."""
        self.stop_all()
        with self._gate.passed(StopFlag()):
            self.free()

    def _free_models(self) -> None:
        for model in self._own:
            model.free()
        self._own = []

    def _load(self, path: Path) -> Model:
        model = Model(EngineSettings(path, **asdict(self._machine)), None)
        self._own.append(model)
        return model

    def _load_tuned(self) -> None:
        """Each part with its merged copy; those that have none share the weights as they are."""
        settings = self.settings
        assert settings.hearing is not None and settings.extracting is not None
        bare: Model | None = None
        wanted: tuple[tuple[Part, Path, Path | None], ...] = (
            ("hearing", settings.hearing, settings.hearing_copy),
            ("extracting", settings.extracting, settings.extracting_copy),
        )
        for part, adapter, copy in wanted:
            merged = self._load_merged(adapter, copy)
            if merged is None:
                bare = bare or self._load(settings.model_path)
                self._parts[part] = (bare, bare.adapter_of(adapter))
            else:
                self._parts[part] = (merged, None)

    def _load_merged(self, adapter: Path, copy: Path | None) -> Model | None:
        """The merged copy, made anew once if it can't be read; None where it can't be had. That an adapter is of
        another model is said where it is laid over the weights.
        """
        for _ in range(2 if copy is not None else 0):
            assert copy is not None
            made: Path | None = None
            try:
                made = merged_copy(self.settings.model_path, adapter, copy)
                return self._load(made)
            except (EngineError, GGUFError, OSError):
                if made is None:
                    return None
                with contextlib.suppress(OSError):
                    made.unlink()  # damaged
        return None


def needs_over_speaker(settings: EngineSettings) -> list[ContextNeed]:
    """The contexts of a listener that shares the speaker's weights; none where it has its own."""
    ears = settings.ears
    if ears.tuned or ears.model_path != settings.model_path:
        return []
    return list(_needs(reader_length(look_at(ears.model_path)), None))


def bytes_beside(settings: EngineSettings, runs: DryRuns) -> int:
    """What a listener with weights of its own will take: these, and each part's contexts. Raises EngineError."""
    ears = settings.ears
    if not ears.tuned and ears.model_path == settings.model_path:
        return 0
    header = look_at(ears.model_path)
    whole = reader_length(header)
    run = runs.of(ears.model_path)
    taken = 0
    for part, copy in (("hearing", ears.hearing_copy), ("extracting", ears.extracting_copy)):
        if part == "extracting" and not ears.tuned:
            continue
        made = copy_of(copy) if copy is not None else None
        if made is not None and made.is_file():
            taken += made.stat().st_size
        else:
            taken += 2 * run.parameters if copy is not None else bytes_of_file(ears.model_path, header)
        length = whole if part == "hearing" else min(_EXTRACTING_CTX, whole)
        for need in _needs(length, _CHUNK if ears.tuned else None):
            size = run.size(need.form(length, USUAL, on_gpu=False))
            taken += size.total + size.cache // _KEPT_SHARE
    return taken


def _needs(length: int, chunk: int | None) -> Iterator[ContextNeed]:
    """The two contexts of a part that reads up to `length` tokens: text by text, and side by side."""
    yield ContextNeed("listener", length, chunk, speaks=False)
    yield ContextNeed("listener", min(MOST_CTX, length), None, SEQUENCES + 1, SEQUENCES + 1, speaks=False)
