"""What an adapter is for that isn't a speaker's: training writes it beside the weights, the GGUF carries it as keys."""

from dataclasses import dataclass
from pathlib import Path

from lacie_chat.foreign_json import read_json
from lacie_chat.models.peft_files import LISTENER
from lacie_export.errors import ExportError, first_line

TASKS = ("listener", "extraction")


@dataclass(frozen=True, slots=True)
class ListenerFacts:
    """`task`: what the adapter was trained for; `form`: the version of the form in which it reads."""

    task: str
    form: int


def read_listener(folder: Path) -> ListenerFacts | None:
    """What the adapter in this folder is for, None for a speaker's. Raises ExportError where its file is damaged."""
    path = folder / LISTENER
    try:
        facts = read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} can't be read: {first_line(error)}") from error
    task, form = (facts.get("task"), facts.get("form")) if isinstance(facts, dict) else (None, None)
    if task not in TASKS or isinstance(form, bool) or not isinstance(form, int) or not 0 < form < 2**32:
        raise ExportError(f"{path} is damaged: it names no task ({', '.join(TASKS)}) and the number of its form")
    return ListenerFacts(task, form)
