"""The listener in this process: its weights, an adapter and a context for each of its parts.

A tuned listener reads a copy of the embedded weights as Q8_0: the file's own Q4_1 has no fast kernels in llama.cpp, the
copy reads prompts 1.8 times as fast, and making it takes a second. It is made once and kept; where it can't be (a full
disk), the weights are read as they are, only slower. A prompted listener that is the speaker shares its weights.
"""

import contextlib
import ctypes
import os
import tempfile
from pathlib import Path
from typing import Self

from llama_cpp import llama_cpp as low

from lacie_chat.confidence.listener import Listener, listener_over
from lacie_chat.engine import native
from lacie_chat.engine.context import Context
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.listening import KVReader
from lacie_chat.engine.model import Model
from lacie_chat.engine.native import Gate, StopFlag
from lacie_chat.engine.parallel import ParallelReader
from lacie_chat.engine.settings import EngineSettings
from lacie_chat.listener_files import ListenerFiles, Part

_Q8_0 = 7  # enum llama_ftype
_EXTRACTING_CTX = 2048


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
        threads: int | None = None,
        gpu_layers: int = -1,
    ) -> None:
        self.settings = settings
        self._gate = gate or Gate()
        self._readers: dict[Part, KVReader] = {}
        self._patient: dict[Part, ParallelReader] = {}
        self._contexts: list[Context] = []
        self._closed = False
        self._shares = speaker is not None and not settings.tuned and speaker.path == settings.model_path
        if self._shares:
            assert speaker is not None
            self._model = speaker
            return
        native.start(None)
        self._model = _load(settings, threads, gpu_layers)
        self._adapters = {}
        try:
            for part, path in (("hearing", settings.hearing), ("extracting", settings.extracting)):
                if path is not None:
                    self._adapters[part] = self._model.load_adapter(path)
        except EngineError:
            self._model.free()
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
            adapter = None if self._shares else self._adapters.get(part)
            length = self._model.reader_ctx if part == "hearing" else min(_EXTRACTING_CTX, self._model.reader_ctx)
            context = Context(self._model, length, self._gate, adapter=adapter)
            self._contexts.append(context)
            self._readers[part] = KVReader(self._model, context)
        return self._readers[part]

    def patient_reader(self, part: Part) -> ParallelReader:
        """The Reader of a part that reads side by side."""
        if not self.settings.tuned:
            part = "hearing"
        if part not in self._patient:
            adapter = None if self._shares else self._adapters.get(part)
            self._patient[part] = ParallelReader(self._model, self._gate, self.reader(part), adapter=adapter)
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
        if not self._shares:
            self._model.free()

    def close(self) -> None:
        """Free everything; calls in progress end."""
        self.stop_all()
        with self._gate.passed(StopFlag()):
            self.free()


def _load(settings: ListenerFiles, threads: int | None, gpu_layers: int) -> Model:
    """The weights: the fast copy, made anew once if it can't be read, else the file itself."""
    fast = settings.fast_path
    if settings.tuned and fast is not None:
        for _ in range(2):
            try:
                make_fast_copy(settings.model_path, fast)
                return Model(EngineSettings(fast, threads=threads, gpu_layers=gpu_layers), None)
            except (EngineError, OSError):
                with contextlib.suppress(OSError):
                    fast.unlink()  # damaged, or half a copy of an earlier version
    return Model(EngineSettings(settings.model_path, threads=threads, gpu_layers=gpu_layers), None)


def make_fast_copy(model: Path, copy: Path) -> None:
    """Re-quantise `model` as Q8_0 to `copy`, unless that is there. Raises OSError, or EngineError by llama.cpp."""
    if copy.is_file():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent, prefix=".making-") as folder:
        made = Path(folder) / copy.name
        params = low.llama_model_quantize_default_params()
        params.ftype, params.allow_requantize, params.nthread = _Q8_0, True, 1
        with native.errors_of() as lines:
            code = low.llama_model_quantize(os.fsencode(model), os.fsencode(made), ctypes.byref(params))
            if code != 0 or not made.is_file():
                raise EngineError(f"{model.name} can't be written as Q8_0: {'; '.join(lines()) or f'code {code}'}.")
        made.replace(copy)
