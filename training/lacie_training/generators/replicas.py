"""Data parallel: several copies of one generator, each in a process of its own that sees only its share of the GPUs,
or, where there is none, of the cores.

A chunk is cut into consecutive shares, one a copy, so what is read together hangs on the chunk and the number of
copies alone. The copies know nothing of each other: dense models need no more than that.
"""

import atexit
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lacie_chat.engine.generator import Generator, Response
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.errors import LacieError
from lacie_training.errors import TrainingError
from lacie_training.recipes.models import ModelSettings

_DEVICES = "CUDA_VISIBLE_DEVICES"


_View = tuple[ModelSettings, Path | None]
"""Over the same weights: other settings, and the adapter that speaks (see `SharedGenerator`)."""


class Replicas:
    """See `Generator`; every call is shared out over the copies."""

    def __init__(self, copies: list[tuple[Any, Connection]], view: _View | None) -> None:
        self._workers, self._view = copies, view

    @classmethod
    def load(
        cls, load: Callable[..., Generator], settings: ModelSettings, *arguments: Any, **options: Any
    ) -> "Replicas":
        """Start `settings.data_parallel` copies of `load(settings, *arguments, **options)`. Raises TrainingError."""
        context = multiprocessing.get_context("spawn")  # a forked process can't use CUDA
        alone = settings.model_copy(update={"data_parallel": 1})
        workers: list[tuple[Any, Connection]] = []
        replicas = cls(workers, None)
        for devices in shares_of_devices(settings.data_parallel, settings.tensor_parallel):
            ours, theirs = context.Pipe()
            # no daemon: a daemon may have no children, and vLLM has
            threads = max(1, (os.cpu_count() or 1) // settings.data_parallel)
            target = (theirs, load, (alone, *arguments), options, devices, threads)
            process = context.Process(target=_serve, args=target)
            process.start()
            theirs.close()
            workers.append((process, ours))
        atexit.register(replicas.close)  # before multiprocessing's own, which would wait for copies that wait for us
        try:
            for _, connection in workers:
                replicas._receive(connection)
        except BaseException:
            replicas.close()
            raise
        return replicas

    def sharing(self, settings: ModelSettings, *, adapter: Path | None = None) -> "Replicas":
        """See `SharedGenerator`; on every copy."""
        return Replicas(self._workers, (settings.model_copy(update={"data_parallel": 1}), adapter))

    @property
    def reader(self) -> "Replicas":
        """Itself: the copies' readers."""
        return self

    def render(self, turns: Sequence[ChatTurn], arguments: Mapping[str, Any] | None = None) -> str:
        """See `Generator`."""
        _, connection = self._workers[0]
        connection.send((self._view, "render", (turns, arguments), {}))
        text: str = self._receive(connection)
        return text

    def respond(
        self, prompts: Sequence[str], sampling: Sampling, seeds: Sequence[Sequence[int]], *, stop: Sequence[str] = ()
    ) -> list[list[Response]]:
        """See `Generator`."""
        parts = self._parts(len(prompts))
        return self._all("respond", [((prompts[part], sampling, seeds[part]), {"stop": stop}) for part in parts])

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """See `Reader`."""
        parts = self._parts(len(suffixes))
        return self._all("choice_probabilities", [((prefix, suffixes[part], choices), {}) for part in parts])

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        """See `Reader`."""
        options = {"max_tokens": max_tokens, "stop": stop}
        return self._all("complete", [((prefix, suffixes[part]), options) for part in self._parts(len(suffixes))])

    def close(self) -> None:
        """End the copies; what shares them has none then, either."""
        if self._view is not None:
            return
        atexit.unregister(self.close)
        for process, connection in self._workers:
            connection.close()
            process.join(timeout=20)
            if process.is_alive():
                process.kill()
        self._workers.clear()

    def _parts(self, count: int) -> list[slice]:
        size = -(-count // len(self._workers))
        return [slice(start, start + size) for start in range(0, count, size)] if count else []

    def _all(self, method: str, calls: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
        used = self._workers[: len(calls)]
        for (_, connection), (arguments, options) in zip(used, calls, strict=True):
            connection.send((self._view, method, arguments, options))
        return [item for _, connection in used for item in self._receive(connection)]

    def _receive(self, connection: Connection) -> Any:
        try:
            failed, value = connection.recv()
        except EOFError:
            raise TrainingError("a generator's process ended; lower batch_size or context if memory ran out") from None
        if failed:
            raise TrainingError(value)
        return value


def shares_of_devices(copies: int, each: int) -> list[str | None]:
    """CUDA_VISIBLE_DEVICES of each copy, out of this process's; None where there is none to share."""
    visible = os.environ.get(_DEVICES)
    if visible is None:
        import torch

        visible = ",".join(str(number) for number in range(torch.cuda.device_count()))
    names = [name for name in visible.split(",") if name]
    if not names:
        return [None] * copies
    if len(names) < copies * each:
        raise TrainingError(
            f"{copies} copies on {each} GPU{'s' if each > 1 else ''} each need {copies * each} GPUs, there are "
            f"{len(names)}; lower data_parallel"
        )
    return [",".join(names[start * each : (start + 1) * each]) for start in range(copies)]


def _serve(
    connection: Connection,
    load: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    devices: str | None,
    threads: int,
) -> None:
    """A copy's process: load, then answer calls until the pipe closes."""
    if devices is None:  # copies that each take all cores wait for one another, and do nothing else
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    else:
        os.environ[_DEVICES] = devices
    from lacie_training.stage import quiet_libraries

    quiet_libraries()
    try:
        loaded = load(*arguments, **options)
        connection.send((False, None))
        while True:
            view, method, given, how = connection.recv()
            generator = loaded if view is None else loaded.sharing(view[0], adapter=view[1])
            owner: Any = generator if method in ("render", "respond") else generator.reader
            connection.send((False, getattr(owner, method)(*given, **how)))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except LacieError as error:
        connection.send((True, str(error)))
