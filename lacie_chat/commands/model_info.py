"""`lacie models info REF`: what a GGUF says of itself, and what belongs to it here: its adapter, and calibrators."""

import argparse
from typing import Any

from rich.table import Table
from rich.text import Text

from lacie_chat.confidence import MEANINGS, Calibrator
from lacie_chat.console import show
from lacie_chat.engine.recommended import in_words, stated
from lacie_chat.models import (
    ResolvedModel,
    default_adapter,
    find_calibrator,
    inspect_gguf,
    resolve_adapter,
    resolve_any,
)
from lacie_chat.models.gguf_file import GGUFInfo
from lacie_chat.printable import exact_json, printable
from lacie_chat.sizes import size_text

_UNMEASURED = "none: lacie calibrate finds out how often it is right"
_FIGURES = {"accuracy": "accuracy", "auroc": "AUROC", "ece": "ECE", "abstention_rate": "abstentions"}
_NO_TEMPLATE = "no chat template: asked as Question/Answer, or in ChatML if it knows that"


def run(args: argparse.Namespace) -> int:
    """Print it, as `--json` asks. Raises LacieError, one line."""
    model = resolve_any(args.ref, download=False, adapters=True)
    info = inspect_gguf(model.path)
    own = default_adapter(model.ref) if info.kind == "model" else None
    adapter = resolve_adapter(own, download=False) if own else None
    facts = _facts(model, info, adapter)
    if args.json:
        print(exact_json(facts, indent=2))
        return 0
    table = Table.grid(padding=(0, 2))
    for name, value in _in_words(facts, model, info, adapter).items():
        if value:
            table.add_row(Text(name, style="dim"), Text(printable(value), overflow="fold"))
    show(table)
    return 0


def _facts(model: ResolvedModel, info: GGUFInfo, adapter: ResolvedModel | None) -> dict[str, Any]:
    """As JSON prints it. `calibrator` is that of the file alone, that of the pair stands under `adapter`."""
    return {
        "ref": model.ref,
        "path": str(info.path),
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
        "calibrator": _calibrator(find_calibrator(model.path, None)),
        "adapter": {
            "ref": adapter.ref,
            "name": adapter.name,
            "path": str(adapter.path),
            "calibrator": _calibrator(find_calibrator(model.path, adapter.path)),
        }
        if adapter
        else None,
        "lacie": {key: value for key, value in info.metadata.items() if key.startswith("lacie.")},
    }


def _calibrator(calibrator: Calibrator | None) -> dict[str, Any] | None:
    return None if calibrator is None else {"signals": list(calibrator.signals), "n": calibrator.n}


def _in_words(
    facts: dict[str, Any], model: ResolvedModel, info: GGUFInfo, adapter: ResolvedModel | None
) -> dict[str, str]:
    """By the name of the line; what is empty is not shown."""
    own_name = info.name if info.name and info.name != model.name else ""
    speaks = info.kind == "model"
    sampling = stated(info.metadata)
    lines = {
        "ref": model.ref,
        "path": str(info.path),
        "kind": info.kind,
        "name": model.name + (f" (in its file: {own_name})" if own_name else ""),
        "architecture": info.architecture,
        "parameters": f"{info.parameters:,}" if info.parameters else "",
        "quantisation": info.quantisation,
        "context length": f"{info.context_length:,} tokens" if info.context_length else "",
        "size": size_text(info.size_bytes),
        "licence": info.licence,
        "chat template": ("its own" if info.has_chat_template else _NO_TEMPLATE) if speaks else "",
        "recommended sampling": in_words(sampling) if sampling else "",
        "calibrator": _fitted(facts["calibrator"]) if speaks or info.kind == "adapter" else "",
        **_training(info),
    }
    if adapter:
        lines["calibrator"] = f"without its adapter: {lines['calibrator']}"
        lines["adapter"] = f"{adapter.name}, which answers with it unless --baseline is given"
        lines["its calibrator"] = f"with its adapter: {_fitted(facts['adapter']['calibrator'])}"
    return {name: value or "" for name, value in lines.items()}


def _training(info: GGUFInfo) -> dict[str, str]:
    """What our export wrote of how it was made; empty for others' files."""
    told = info.lacie
    if not told:
        return {}
    paper = f" ({told['paper']})" if told.get("paper") else ""
    figures = [
        f"{title} {value:.2f}"
        for name, title in _FIGURES.items()
        if isinstance(value := told.get(f"evaluation.{name}"), float)
    ]
    n = told.get("evaluation.n")
    return {
        "trained with": f"{told.get('method', 'LACIE')}{paper}",
        "recipe": str(told.get("recipe", "")),
        "evaluation": f"{', '.join(figures)} on {n} questions" if figures and n else "",
    }


def _fitted(calibrator: dict[str, Any] | None) -> str:
    if calibrator is None:
        return _UNMEASURED
    by = "; ".join(MEANINGS.get(name, name) for name in calibrator["signals"])
    return f"fitted on {calibrator['n']} answers" + (f"; it goes by: {by}" if by else "")
