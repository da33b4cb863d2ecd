"""From `--model`, `--adapter` and `--baseline` to something that can be started; for `chat`, `ask` and `doctor`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from lacie_chat import paths
from lacie_chat.confidence import Calibrator
from lacie_chat.engine import EngineProcess, EngineSettings
from lacie_chat.models import ResolvedModel, default_adapter, find_calibrator, resolve, resolve_adapter
from lacie_chat.progress import DownloadLine

SHORTEST_CONTEXT = 256
ADAPTER_HELP = "a LoRA adapter GGUF (path or owner/repo) over the model; the embedded model has its own (`embedded`)"


@dataclass(frozen=True, slots=True)
class Speaker:
    """What answers: a model, perhaps an adapter, and the calibrators fitted for the two, and for the model alone."""

    model: ResolvedModel
    adapter: ResolvedModel | None
    calibrator: Calibrator | None
    baseline_calibrator: Calibrator | None
    n_ctx: int | None = None

    @property
    def adapter_path(self) -> Path | None:
        return self.adapter.path if self.adapter else None

    def engine(self) -> EngineProcess:
        """A new engine in a process of its own (also after one has died)."""
        settings = EngineSettings(self.model.path, self.adapter_path, n_ctx=self.n_ctx)
        return EngineProcess(settings, log_path=paths.log_dir() / "engine.log")


def add_speaker_arguments(parser: argparse.ArgumentParser, *, context: bool = True) -> None:
    """The options that say which model answers; `context`: and with how much room."""
    parser.add_argument(
        "--model",
        metavar="REF",
        default="embedded",
        help="`embedded` (default), a path to a GGUF, or owner/repo[:QUANT] on the Hub",
    )
    side = parser.add_mutually_exclusive_group()
    side.add_argument("--adapter", metavar="REF", help=ADAPTER_HELP)
    side.add_argument("--baseline", action="store_true", help="the model alone, without any adapter")
    if context:
        parser.add_argument(
            "--context",
            metavar="TOKENS",
            type=_context_length,
            help="length of the context (default: the model's own, at most 8192); less needs less memory",
        )


def _context_length(text: str) -> int:
    if not text.isdecimal() or int(text) < SHORTEST_CONTEXT:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of tokens, {SHORTEST_CONTEXT} or more")
    return int(text)


def adapter_ref(args: argparse.Namespace) -> str | None:
    """The adapter that the options ask for: the one named, none with `--baseline`, else the one that the model has."""
    if args.adapter or getattr(args, "baseline", False):
        return args.adapter or None
    return default_adapter(args.model)


def find_speaker(args: argparse.Namespace) -> Speaker:
    """Resolve the options; downloads from the Hub if need be, with progress on standard error."""
    progress = DownloadLine()
    wanted = adapter_ref(args)
    try:
        model = resolve(args.model, on_progress=progress)
        adapter = resolve_adapter(wanted, on_progress=progress) if wanted else None
    finally:
        progress.close()
    baseline = find_calibrator(model.path, None)
    calibrator = find_calibrator(model.path, adapter.path) if adapter else baseline
    return Speaker(model, adapter, calibrator, baseline, args.context)
