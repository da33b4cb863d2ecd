"""How the chat and its engine's process talk: one JSON object a line, each with the `id` of the request it belongs to.

Requests: `load`, `generate`, `measure`, `choices`, `complete`, `open`, `render` and `respond` (answers in batches,
batch_process.py; `choices` and `complete` are theirs then), `cancel` (of one request, or of all generations and what
is read in parallel), `make_way` (only of what can wait), `answer_now` (end the thoughts in progress), `ping`. Replies:
the events of events.py by their class names; `Value` ends a reader's call and a measuring, `Stopped` a call that was
cancelled; `Error` ends any call, with one line for users; `Pong` says that it is there.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lacie_chat.engine.events import (
    Alternatives,
    Cut,
    Delta,
    Failed,
    Finished,
    LoadProgress,
    ModelInfo,
    PromptProgress,
    PromptSize,
    Reasoning,
)
from lacie_chat.engine.settings import ChatTurn, EngineSettings, Said, Sampling
from lacie_chat.listener_files import ListenerFiles

Event = Cut | Delta | Failed | Finished | LoadProgress | ModelInfo | PromptProgress | Reasoning
_EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (Cut, Delta, Failed, Finished, LoadProgress, ModelInfo, PromptProgress, Reasoning)
}


def line(message: dict[str, Any]) -> bytes:
    """One message as it goes through the pipe. ASCII, so that lone surrogates out of broken input survive."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def event_message(request: int, event: Event) -> dict[str, Any]:
    """An event as a reply to `request`."""
    return {
        "id": request,
        "type": type(event).__name__,
        "data": {name: getattr(event, name) for name in event.__slots__},
    }


def read_event(message: dict[str, Any]) -> Event:
    """The event of a reply."""
    data = message["data"]
    if message["type"] == "Finished":  # JSON knows no tuples
        tokens = tuple((start, end, logprob) for start, end, logprob in data["tokens"])
        data = {**data, "tokens": tokens, "alternatives": read_alternatives(data["alternatives"])}
    if message["type"] == "Cut":
        return _cut(data)
    return _EVENTS[message["type"]](**data)


def _cut(data: dict[str, Any]) -> Cut:
    return Cut(**{**data, "question": tuple(data["question"]) if data["question"] is not None else None})


def size_data(size: PromptSize) -> dict[str, Any]:
    """A measure as JSON."""
    return asdict(size)


def read_size(data: dict[str, Any]) -> PromptSize:
    """A measure as it was before it went through JSON."""
    return PromptSize(**{**data, "cut": _cut(data["cut"]) if data["cut"] is not None else None})


def read_alternatives(data: Iterable[Any]) -> tuple[Alternatives, ...]:
    """Alternatives as they were before they went through JSON."""
    return tuple(
        Alternatives(text, tuple((other, logprob) for other, logprob in likeliest), drawn)
        for text, likeliest, drawn in data
    )


def settings_data(settings: EngineSettings | ListenerFiles) -> dict[str, Any]:
    """Settings as JSON; paths made absolute, for the child may start elsewhere."""
    return {
        key: settings_data(value) if isinstance(value, ListenerFiles) else _absolute(value)
        for key in settings.__dataclass_fields__
        for value in (getattr(settings, key),)
    }


def _absolute(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_absolute(each) for each in value]
    return str(value.absolute()) if isinstance(value, Path) else value


def read_settings(data: dict[str, Any]) -> EngineSettings:
    """The settings of a `load` request."""
    listener = read_listener(data["listener"]) if data["listener"] is not None else None
    further = tuple(map(Path, data["further_adapters"]))
    return EngineSettings(**{**_paths(data), "listener": listener, "further_adapters": further})


def read_listener(data: dict[str, Any]) -> ListenerFiles:
    """The files of a listener, as `settings_data` wrote them."""
    return ListenerFiles(**_paths(data))


def _paths(data: dict[str, Any]) -> dict[str, Any]:
    paths = ("model_path", "adapter_path", "hearing", "extracting", "hearing_copy", "extracting_copy")
    return {key: Path(value) if key in paths and value is not None else value for key, value in data.items()}


def read_sampling(data: dict[str, Any]) -> Sampling:
    """The sampling of a `generate` request; JSON knows no tuples."""
    return Sampling(**{**data, "stop": tuple(data["stop"])})


def read_said(data: dict[str, str] | None) -> Said | None:
    """What an answer has said that is to go on."""
    return Said(**data) if data else None


def read_turns(data: list[dict[str, Any]]) -> list[ChatTurn]:
    """The turns of a `generate` request."""
    return [ChatTurn(**turn) for turn in data]
