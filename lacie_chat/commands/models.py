"""`lacie models list|pull|info|remove`: what is on this machine, what is worth getting, what a file says of itself."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lacie_chat.console import make_console, show
from lacie_chat.engine.recommended import in_words, stated
from lacie_chat.models import (
    catalogue,
    find_calibrator,
    inspect_gguf,
    local_models,
    readable_size,
    remove,
    resolve,
)
from lacie_chat.progress import DownloadLine


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
        action.add_argument("ref", metavar="REF", help="`embedded`, a path, or owner/repo[:QUANT]")
        if name == "info":
            action.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Do the one action that `args.action` names."""
    return {"list": _list, "pull": _pull, "info": _info, "remove": _remove}[args.action](args)


def _list(args: argparse.Namespace) -> int:
    here = local_models()
    known = {model.ref for model in here}
    if args.json:
        found = [
            {"ref": model.ref, "name": model.name, "path": str(model.path), "size_bytes": model.size_bytes}
            for model in here
        ]
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return 0
    console = make_console()
    console.print("On this machine", style="bold")
    for model in here:
        _entry(console, model.ref, readable_size(model.size_bytes) + (", an adapter" if model.is_adapter else ""))
    console.print("\nWorth getting: lacie models pull REF (none of them is LACIE-trained)", style="bold")
    for entry in catalogue():
        if entry.ref not in known:
            needs = f"{entry.download_gb:g} GB, for {entry.memory_gb} GB of memory, {entry.licence}"
            _entry(console, entry.ref, f"{needs}: {entry.why}")
    return 0


def _entry(console: Console, ref: str, about: str) -> None:
    """A REF on a line of its own, whole, so that it can be copied; what it is below."""
    console.print(Text("  " + ref), soft_wrap=True)
    console.print(Padding(Text(about, style="dim"), (0, 0, 0, 4), expand=False))


def _pull(args: argparse.Namespace) -> int:
    progress = DownloadLine()
    try:
        model = resolve(args.ref, on_progress=progress)
    finally:
        progress.close()
    print(model.path)
    print(f"{model.name} is here; chat with it: lacie chat --model {model.ref}", file=sys.stderr)
    return 0


def _info(args: argparse.Namespace) -> int:
    model = resolve(args.ref, download=False)
    info = inspect_gguf(model.path)
    calibrator = find_calibrator(model.path, None)
    facts = {
        "ref": model.ref,
        "path": str(Path(info.path)),
        "kind": info.kind,
        "name": info.name,
        "architecture": info.architecture,
        "parameters": info.parameters,
        "quantisation": info.quantisation,
        "context_length": info.context_length,
        "size_bytes": info.size_bytes,
        "licence": info.licence,
        "chat_template": info.has_chat_template,
        "recommended_sampling": stated(info.metadata),
        "calibrator": None if calibrator is None else {"signals": list(calibrator.signals), "n": calibrator.n},
        "lacie": {key: value for key, value in info.metadata.items() if key.startswith("lacie.")},
    }
    if args.json:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return 0
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if name == "size_bytes":
            name, value = "size", readable_size(info.size_bytes)
        elif name == "parameters":
            value = f"{info.parameters:,}"
        elif name == "chat_template":
            value = "its own" if value else "no chat template: asked as Question/Answer, or in ChatML if it knows that"
        elif name == "recommended_sampling" and value:
            value = in_words(stated(info.metadata))
        elif name == "calibrator" and value is None:
            value = "none: lacie calibrate finds out how often it is right"
        elif value == {} or value is None:
            continue
        table.add_row(Text(name.replace("_", " "), style="dim"), Text(str(value), overflow="fold"))
    show(table)
    return 0


def _remove(args: argparse.Namespace) -> int:
    print(f"freed {readable_size(remove(args.ref))}", file=sys.stderr)
    return 0
