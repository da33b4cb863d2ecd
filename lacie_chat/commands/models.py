"""`lacie models list|pull|info|remove`: what is on this machine, what is worth getting, what a file says of itself."""

import argparse
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from lacie_chat.commands import model_info
from lacie_chat.commands.speaker import say
from lacie_chat.console import make_console
from lacie_chat.engine.memory import available_bytes
from lacie_chat.gguf_kinds import ADAPTER
from lacie_chat.loudness import note
from lacie_chat.models import (
    CatalogueEntry,
    LocalModel,
    ModelError,
    catalogue,
    gguf_kind,
    local_index,
    remove,
    resolve_any,
)
from lacie_chat.models.catalogue import THINKS
from lacie_chat.models.needs import fits, needed, needed_of, too_big
from lacie_chat.printable import exact_json, printable
from lacie_chat.progress import DownloadLine
from lacie_chat.sizes import size_text
from lacie_chat.streams import print_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listing = actions.add_parser("list", help="what is on this machine, and better models to get")
    listing.add_argument("--json", action="store_true", help="print a JSON list")
    for name, text in (
        ("pull", "download a model from the Hub"),
        ("info", "what a GGUF says of itself"),
        ("remove", "delete a downloaded model from the cache"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("ref", metavar="REF", help="`embedded`, a path, owner/repo[:QUANT], or ollama:NAME")
        if name == "info":
            action.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Do the one action that `args.action` names."""
    return {"list": _list, "pull": _pull, "info": model_info.run, "remove": _remove}[args.action](args)


def _list(args: argparse.Namespace) -> int:
    index, free = local_index(), available_bytes()
    if args.json:
        found = [
            {
                "ref": model.ref,
                "name": model.name,
                "path": str(model.path),
                "size_bytes": model.size_bytes,
                "quantisation": model.quantisation or None,
                "source": model.source,
                "adapter": model.is_adapter,
                "fits": None if free is None else fits(needed_of(model.path, model.size_bytes), free),
            }
            for model in index.models
        ]
        print(exact_json(found, indent=2))  # a file's name need not be text: JSON's own escapes carry it
    else:
        _show(make_console(), index.models, free)
    for line in index.notes:
        say(" ".join(printable(line).split()))
    return 0


def _show(console: Console, here: Sequence[LocalModel], free: int | None) -> None:
    console.print("On this machine", style="bold")
    for model in here:
        facts = [model.source, *([model.quantisation] if model.quantisation else []), size_text(model.size_bytes)]
        facts.append(_no_model(model) or _fit(needed_of(model.path, model.size_bytes), free))
        named = [] if model.repo is not None or model.name in model.ref else [model.name]
        _entry(console, model.ref, ", ".join(fact for fact in [*named, *facts] if fact))
    memory = 0
    for entry in catalogue():
        if entry.memory_gb != memory:
            memory = entry.memory_gb
            console.print(f"\nWorth getting for {memory} GB of memory: lacie models pull REF", style="bold")
        _entry(console, entry.ref, f"{_about(entry, here, free)}: {entry.why}")
    console.print("\nNone of them is LACIE-trained: they sound as their makers trained them.", style="dim")


def _about(entry: CatalogueEntry, here: Sequence[LocalModel], free: int | None) -> str:
    repo = entry.ref.partition(":")[0].lower()
    there = next((model.ref for model in here if model.repo is not None and model.repo.lower() == repo), None)
    facts = [
        size_text(entry.download_bytes),
        f"context {entry.context:,}",
        THINKS[entry.thinks],
        entry.licence,
        f"here as {there}" if there and there != entry.ref else "is here" if there else "",
        _fit(needed(entry.download_bytes), free),
    ]
    return ", ".join(fact for fact in facts if fact)


def _fit(need: int, free: int | None) -> str:
    """Whether a model that needs so much fits what is free now; nothing where that isn't known."""
    if free is None:
        return ""
    told = too_big(need, free)
    return f"too big for now: {told}" if told else "fits this machine"


def _no_model(model: LocalModel) -> str:
    """What a listed file is instead of a model, and that it can't be asked; nothing for a model."""
    try:
        kind = gguf_kind(model.path)
    except ModelError as error:
        return f"can't be used: {error}"
    if model.is_adapter or kind.chats:
        return "an adapter" if model.is_adapter else ""
    return f"{kind.name}: {kind.instead}"


def _entry(console: Console, ref: str, about: str) -> None:
    """A REF on a line of its own, whole, so that it can be copied; what it is below."""
    console.print(Text("  " + printable(ref)), soft_wrap=True)
    console.print(Padding(Text(printable(about), style="dim"), (0, 0, 0, 4), expand=False))


def _pull(args: argparse.Namespace) -> int:
    progress = DownloadLine()
    try:
        model = resolve_any(args.ref, on_progress=progress, adapters=True)
    finally:
        progress.close()
    print_path(model.path)
    kind = gguf_kind(model.path)
    if kind.chats:
        follows = f"chat with it: lacie chat --model {model.ref}"
    elif kind == ADAPTER:
        follows = f"chat with it over its model: lacie chat --model REF --adapter {model.ref}"
    else:
        follows = f"it {kind.phrase}: {kind.instead}"
    note(f"{model.name} is here; {follows}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    note(f"freed {size_text(remove(args.ref))}")
    return 0
