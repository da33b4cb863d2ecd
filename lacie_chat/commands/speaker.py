"""From `--model`, `--adapter` and `--baseline` to something that can be started; for `chat`, `ask` and `doctor`."""

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from lacie_chat import paths
from lacie_chat.commands.machine import add_machine_arguments, layers_of, machine_of
from lacie_chat.commands.settled import (
    add_option,
    fills_from_file,
    habit_at,
    named_again,
    no_adapter,
    sampling_of,
    settings_of,
    usual_adapter,
)
from lacie_chat.confidence import Calibrator, WayOfDrawing
from lacie_chat.engine import EngineProcess, EngineSettings, Machine, ReasoningChoice, Sampling
from lacie_chat.engine.settings import USUAL
from lacie_chat.listener_files import ListenerFiles
from lacie_chat.loudness import note
from lacie_chat.models import (
    ModelError,
    ResolvedModel,
    default_adapter,
    find_listener,
    look_for_calibrator,
    pair_fingerprint,
    resolve,
    resolve_adapter,
)
from lacie_chat.models.hub import OnProgress
from lacie_chat.names import pair_name
from lacie_chat.progress import DownloadLine
from lacie_chat.settings import BY_NAME, Settings

_TEMPERATURE = BY_NAME["temperature"]
TEMPERATURE_HELP = f"{_TEMPERATURE.help} (default: as the settings file says, else {_TEMPERATURE.default_text})"
ADAPTER_HELP = "a LoRA adapter GGUF (path or owner/repo) over the model; the embedded model has its own (`embedded`)"


@dataclass(frozen=True, slots=True)
class Pair:
    """Files that answer: a model, perhaps with an adapter."""

    model: ResolvedModel
    adapter: ResolvedModel | None

    @property
    def paths(self) -> tuple[Path, Path | None]:
        return self.model.path, self.adapter.path if self.adapter else None

    @property
    def fingerprint(self) -> str:
        return pair_fingerprint(*self.paths)

    @property
    def name(self) -> str:
        return pair_name(self.model.name, self.adapter.name if self.adapter else None)


@dataclass(frozen=True, slots=True)
class Speaker:
    """What answers: a model, perhaps an adapter, and the calibrators fitted for the two, and for the model alone."""

    model: ResolvedModel
    adapter: ResolvedModel | None
    calibrator: Calibrator | None
    baseline_calibrator: Calibrator | None
    listener: ListenerFiles
    sampling: Sampling = field(default_factory=Sampling)
    """As the settings say, else as the model's file recommends."""
    machine: Machine = USUAL
    recommended: Sampling = field(default_factory=Sampling)
    """As the model's file recommends."""
    can_think: bool = True

    @property
    def name(self) -> str:
        return Pair(self.model, self.adapter).name

    @property
    def adapter_path(self) -> Path | None:
        return self.adapter.path if self.adapter else None

    def calibrators_at(self, way: WayOfDrawing) -> tuple[Calibrator | None, Calibrator | None]:
        """The calibrators for another way of drawing; none where they can't be read."""
        try:
            return calibrators_of(Pair(self.model, self.adapter), way, self.listener, tell=lambda _: None)
        except ModelError:
            return None, None

    def engine_with(self, held: Mapping[str, Any]) -> Callable[[], EngineProcess]:
        """What makes engines for another context, threads and GPU layers, by the names of the settings."""
        how = replace(
            self.machine, n_ctx=held["context"], threads=held["threads"], gpu_layers=layers_of(held["gpu_layers"])
        )
        return replace(self, machine=how).engine

    def engine(self, *, further_adapters: tuple[Path, ...] = ()) -> EngineProcess:
        """A new engine in a process of its own (also after one has died); with room for answers with further adapters
        over the same weights."""
        settings = EngineSettings(
            self.model.path,
            self.adapter_path,
            listener=self.listener,
            further_adapters=further_adapters,
            **dataclasses.asdict(self.machine),
        )
        return EngineProcess(settings, log_path=paths.log_dir() / "engine.log")


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """`--model`, for all commands that answer; llama.cpp's names for it are taken too."""
    add_option(
        parser,
        "model",
        *("--model", "-m", "-hf"),
        help=f"{BY_NAME['model'].help}; `lacie models list` says what is here (default: the settings file's, else "
        "`embedded`)",
    )
    fills_from_file(parser)


def add_listener_argument(parser: argparse.ArgumentParser) -> None:
    """`--listener`, for all commands that hear."""
    parser.add_argument(
        "--listener",
        metavar="REF",
        help="who judges how sure an answer sounds: `tuned` (default; the one that comes with lacie, tuned on people's "
        "ratings), a listener's adapter of your own, or any model as --model takes it, which is asked by a prompt",
    )


def add_reasoning_argument(parser: argparse._ActionsContainer) -> None:
    """`--reasoning`, for all commands that answer."""
    add_option(parser, "reasoning")


Tell = Callable[[str], object]
"""Takes one line for the user, which may be empty."""


def say(text: str) -> None:
    """One line on standard error, where there is something to say; a note, which `--quiet` leaves out."""
    if text:
        note(f"lacie: {text}")


def reasoning_of(args: argparse.Namespace, model: ResolvedModel, tell: Tell = say) -> ReasoningChoice:
    """What `--reasoning` comes to for this model, with a line where it can't think."""
    from lacie_chat.engine.reasoning import settled

    asked = cast(ReasoningChoice, settings_of(args).said().get("reasoning"))
    habit = habit_at(model.path)
    if asked not in (None, "off", 0) and habit is None:
        tell(f"{model.name} knows no thinking: it answers at once, whatever --reasoning says")
    return settled(asked, habit)


def listener_of(
    args: argparse.Namespace,
    speaker: ResolvedModel | None = None,
    *,
    on_progress: OnProgress | None = None,
    tell: Tell = say,
) -> ListenerFiles:
    """What `--listener` names, with a line where there is something to say. Raises ModelError."""
    with download_shown(on_progress) as progress:
        listener, told = find_listener(
            getattr(args, "listener", None), speaker.path if speaker else None, on_progress=progress
        )
    tell(told)
    return listener


def add_speaker_arguments(parser: argparse.ArgumentParser, *, context: bool = True, machine: bool = True) -> None:
    """The options that say which model answers; `machine`: and how it is run, `context`: with how much room."""
    add_model_argument(parser)
    adapters = parser.add_mutually_exclusive_group()
    adapters.add_argument("--adapter", metavar="REF", help=ADAPTER_HELP)
    adapters.add_argument("--baseline", action="store_true", help="the model alone, without any adapter")
    add_listener_argument(parser)
    if machine:
        add_machine_arguments(parser, context=context)


def adapter_ref(args: argparse.Namespace) -> str | None:
    """The adapter that the options ask for: the one named, none with `--baseline`, else the one that the model has."""
    if args.adapter or no_adapter(args):
        return args.adapter or None
    return usual_adapter(args) or default_adapter(args.model)


def speaker_options(args: argparse.Namespace) -> str:
    """The options that name the same speaker again, as one types them; empty for the one that a bare `lacie` has."""
    words = ["--model", args.model] if named_again(args) else []
    words += ["--adapter", args.adapter] if args.adapter else ["--baseline"] if args.baseline else []
    return shlex.join(words)


@contextmanager
def download_shown(on_progress: OnProgress | None) -> Iterator[OnProgress]:
    """Who hears of a download: the one that is given, else a line on standard error."""
    if on_progress is not None:
        yield on_progress
        return
    line = DownloadLine()
    try:
        yield line
    finally:
        line.close()


def find_pair(args: argparse.Namespace, *, download: bool, on_progress: OnProgress | None = None) -> Pair:
    """What `--model` and `--adapter` name. Raises ModelError, one line."""
    with download_shown(on_progress) as progress:
        model = resolve(args.model, download=download, on_progress=progress)
        wanted = adapter_ref(args)
        adapter = resolve_adapter(wanted, download=download, on_progress=progress) if wanted else None
    return Pair(model, adapter)


def find_speaker(args: argparse.Namespace, *, on_progress: OnProgress | None = None, tell: Tell = say) -> Speaker:
    """Resolve the options; downloads from the Hub if need be, with progress on standard error unless somebody else
    hears of it. Lines about what was found go to `tell`.

    A calibrator that was fitted for another way of drawing than this speaker's is not used, and a line says so.
    """
    machine, settings = machine_of(args), settings_of(args)
    pair = find_pair(args, download=True, on_progress=on_progress)
    reasoning_of(args, pair.model, tell)
    sampling, own = sampling_of(settings, pair.model.path), sampling_of(Settings(), pair.model.path)
    listener = listener_of(args, pair.model, on_progress=on_progress, tell=tell)
    calibrators = calibrators_of(pair, WayOfDrawing.of(sampling, settings.system_prompt()), listener, tell)
    can_think = habit_at(pair.model.path) is not None
    return Speaker(pair.model, pair.adapter, *calibrators, listener, sampling, machine, own, can_think)


def calibrators_of(
    pair: Pair, way: WayOfDrawing, listener: ListenerFiles, tell: Tell = say
) -> tuple[Calibrator | None, Calibrator | None]:
    """Those that were fitted for this way of drawing and these ears: the pair's, and the model's alone. Where the
    pair's was fitted for others, a line says so."""
    calibrator, unused = look_for_calibrator(*pair.paths, way, listener.version)
    tell(unused)
    alone = look_for_calibrator(pair.model.path, None, way, listener.version)[0]
    return calibrator, alone if pair.adapter else calibrator
