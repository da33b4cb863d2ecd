"""How a model is run on this machine: the options of every command that answers, and what they say."""

import argparse
from typing import get_args

from lacie_chat.commands.argument_types import positive
from lacie_chat.commands.settled import add_option
from lacie_chat.engine import Machine
from lacie_chat.engine.settings import AUTOMATIC, USUAL, FlashAttention, KVType


def add_machine_arguments(parser: argparse.ArgumentParser, *, context: bool = True) -> None:
    """The options; `context`: with the length of the context."""
    group = parser.add_argument_group("how the model is run", "what is left out is chosen; `lacie doctor` says why")
    if context:
        add_option(group, "context")
    add_option(group, "threads")
    group.add_argument("--reading-threads", metavar="N", type=positive, help="to read prompts (default: as many)")
    add_option(group, "gpu_layers")
    group.add_argument(
        "--flash-attention",
        choices=get_args(FlashAttention),
        default=USUAL.flash_attention,
        help="default %(default)s: on where the model allows it",
    )
    group.add_argument(
        "--kv-type",
        choices=get_args(KVType),
        metavar="TYPE",
        default=USUAL.kv_type,
        help=f"what the cache of the conversation is kept in: {', '.join(get_args(KVType))} (default %(default)s; q8_0 "
        "takes about half)",
    )
    group.add_argument(
        "--batch", metavar="N", type=positive, help="tokens of a prompt read at a time (default 64, on a GPU 512)"
    )
    group.add_argument("--ubatch", metavar="N", type=positive, help="of them, computed at a time (default: all)")
    group.add_argument(
        "--no-mmap", action="store_true", help="read the weights into memory instead of mapping the file"
    )
    group.add_argument("--mlock", action="store_true", help="keep the weights from being swapped out")


def machine_of(args: argparse.Namespace) -> Machine:
    """What the options say. Raises EngineError, one line, for options that don't go together."""
    machine = Machine(
        n_ctx=getattr(args, "context", None),
        threads=args.threads,
        reading_threads=args.reading_threads,
        gpu_layers=layers_of(args.gpu_layers),
        flash_attention=args.flash_attention,
        kv_type=args.kv_type,
        batch=args.batch,
        ubatch=args.ubatch,
        mmap=not args.no_mmap,
        mlock=args.mlock,
    )
    machine.check()
    return machine


def layers_of(value: int | str | None) -> int:
    """The number of layers on the GPU that a flag or the settings ask for."""
    return value if isinstance(value, int) else AUTOMATIC
