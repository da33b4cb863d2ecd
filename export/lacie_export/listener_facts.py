"""What an adapter is for that isn't a speaker's: training writes it beside the weights, the GGUF carries it as keys."""

import json
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.models.peft_files import LISTENER
from lacie_export.errors import ExportError, first_line

TASKS = ("listener", "extraction")


@dataclass(frozen=True, slots=True)
class ListenerFacts:
    """`task`: what the adapter was trained for; `form`: the version of the form in which it reads; `layers`: how many
    of the model's layers it was trained under, None: all."""

    task: str
    form: int
    layers: int | None = None


def read_listener(folder: Path) -> ListenerFacts | None:
    """What the adapter in this folder is for, None for a speaker's. Raises ExportError where its file is damaged."""
    path = folder / LISTENER
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} can't be read: {first_line(error)}") from error
    found = facts if isinstance(facts, dict) else {}
    task, form, layers = found.get("task"), found.get("form"), found.get("layers")
    if task not in TASKS or not _is_count(form):
        raise ExportError(f"{path} is damaged: it names no task ({', '.join(TASKS)}) and the number of its form")
    if layers is not None and not _is_count(layers):
        raise ExportError(f"{path} is damaged: its number of layers is {layers!r}")
    return ListenerFacts(task, form, layers)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**32
