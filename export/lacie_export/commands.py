"""`lacie export …`: its options, and the way to each stage. Imports neither torch nor the stages until one runs.

Each stage is also `python -m lacie_export.STAGE`, of `gguf` and `adapter` model_gguf and adapter_gguf.
"""

import argparse
import logging
import os
import signal
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from lacie_chat.errors import LacieError
from lacie_chat.installed import install_extra
from lacie_chat.streams import complain, make_usable
from lacie_export.errors import ExportError

STAGES = (
    ("merge", "adapter into base: safetensors with tokenizer and chat template", "lacie_export.stages"),
    ("gguf", "the merged model as GGUF files, verified", "lacie_export.stages"),
    ("adapter", "the LoRA alone as GGUF, to be laid over an unchanged base, verified", "lacie_export.stages"),
    ("verify", "are exported files the model that was trained?", "lacie_export.stages"),
    ("run", "all of these, and a model card; --push uploads", "lacie_export.run"),
)
"""Name, help, module: its `NAME_stage(args)` does the work and returns the exit status."""
LAUNCHED = {"gguf": "model_gguf", "adapter": "adapter_gguf"}
"""The modules of `python -m lacie_export.…` that have another name than their stage."""
_NEEDED = ("torch", "transformers", "peft", "safetensors", "sentencepiece", "google.protobuf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stages to `parser`, as subcommands of `lacie export`."""
    stages = parser.add_subparsers(metavar="STAGE", required=True, dest="stage")
    for name, text, _ in STAGES:
        _add_options(stages.add_parser(name, help=text, description=text[0].upper() + text[1:] + "."), name)


def run(args: argparse.Namespace) -> int:
    """Run the stage that `add_arguments` parsed; returns the exit status."""
    _need_extra()
    _quieten()
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        module = next(module for name, _, module in STAGES if name == args.stage)
        return int(getattr(import_module(module), f"{args.stage}_stage")(args))
    finally:
        signal.signal(signal.SIGTERM, before)


def stage_main(name: str) -> int:
    """`python -m lacie_export.STAGE`: parse, run, print a user's error as one line. Returns the exit status."""
    make_usable()
    text = next(text for stage, text, _ in STAGES if stage == name)
    parser = argparse.ArgumentParser(prog=f"python -m lacie_export.{LAUNCHED.get(name, name)}", description=text)
    _add_options(parser, name)
    parser.set_defaults(stage=name)
    try:
        return run(parser.parse_args())
    except LacieError as error:
        complain(f"lacie: {error}")
        return 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130


def _add_options(parser: argparse.ArgumentParser, name: str) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--run", dest="run_dir", type=Path, metavar="DIR", help="the folder of a training run")
    source.add_argument("--adapter", type=Path, metavar="DIR", help="a PEFT adapter")
    parser.add_argument(
        "--base", metavar="REF", help="`embedded`, a GGUF, a folder or owner/repo (default: what run or adapter name)"
    )
    parser.add_argument("--same-base", action="store_true", help="--base is the adapter's base under another name")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--name", help="name of the base in file names and metadata (default: its own)")
    parser.add_argument("--calibrator", type=Path, metavar="FILE", help="calibrator (JSON) to put into the files")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    if name in ("gguf", "run"):
        parser.add_argument(
            "--quant", default="q4_k_m", metavar="LIST", help="f16,bf16,q8_0,q6_k,q5_k_m,q4_k_m (default: q4_k_m)"
        )
    if name in ("gguf", "adapter", "run"):
        parser.add_argument("--no-verify", action="store_true", help="don't hold the files against the trained model")
    if name in ("adapter", "run"):
        parser.add_argument(
            "--lora-type", choices=("f32", "f16"), default="f32", help="weights of the adapter's GGUF (default: f32)"
        )
        parser.add_argument("--with-base", action="store_true", help="write the unchanged base as a 16-bit GGUF, too")
    if name == "verify":
        parser.add_argument("--file", type=Path, metavar="GGUF", help="verify this one (default: all in --out)")
    if name == "run":
        parser.add_argument("--push", metavar="OWNER/REPO", help="upload everything to the Hub")
    parser.set_defaults(no_verify=False, lora_type="f32")


def _stop(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM as an exception, so that temporary files are swept away as on Ctrl-C."""
    raise SystemExit(143)


def _need_extra() -> None:
    missing = [name for name in _NEEDED if not _installed(name)]
    if missing:
        raise ExportError(f"exporting needs {', '.join(missing)}; install it with: {install_extra('export')}")


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the parent of a dotted name
        return False


def _quieten() -> None:
    """No bars and warnings of the libraries between our own lines."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    theirs = import_module("transformers.utils.logging")
    theirs.set_verbosity_error()
    theirs.disable_progress_bar()
