"""How a model is run on this machine: the options of every command that answers, and what they say."""

import argparse
from typing import get_args

from lacie_chat.commands.argument_types import at_least, positive
from lacie_chat.engine import Machine
from lacie_chat.engine.settings import AUTOMATIC, SHORTEST_CONTEXT, USUAL, FlashAttention, KVType

_CONTEXT = (
    "length of the context (default: the model's own, or less where it would take more than half of the free memory; "
    "`lacie doctor` says what was chosen)"
)


def add_machine_arguments(parser: argparse.ArgumentParser, *, context: bool = True) -> None:
    """The options; `context`: with the length of the context."""
    group = parser.add_argument_group("how the model is run", "what is left out is chosen; `lacie doctor` says why")
    if context:
        group.add_argument("--context", metavar="TOKENS", type=at_least(SHORTEST_CONTEXT), help=_CONTEXT)
    group.add_argument(
        "--threads", metavar="N", type=positive, help="to generate (default: LACIE_THREADS, else half of the cores)"
    )
    group.add_argument("--reading-threads", metavar="N", type=positive, help="to read prompts (default: as many)")
    group.add_argument(
        "--gpu-layers",
        metavar="N",
        type=_layers,
        default=AUTOMATIC,
        help="layers on the GPU: a number, 0 for none, or `auto` (default: all that fit)",
    )
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
        gpu_layers=args.gpu_layers,
        flash_attention=args.flash_attention,
        kv_type=args.kv_type,
        batch=args.batch,
        ubatch=args.ubatch,
        mmap=not args.no_mmap,
        mlock=args.mlock,
    )
    machine.check()
    return machine


def _layers(text: str) -> int:
    if text == "auto":
        return AUTOMATIC
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is neither a whole number of 0 or more nor `auto`")
    return int(text)
