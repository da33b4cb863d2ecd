"""An answer that stopped goes on where it did: the same message grows, its tokens and what it took are joined, and the
whole is assessed anew.

Nothing of it is ever taken back: what comes is appended, and where nothing comes (the context is full, the engine is
gone, it was stopped at once) the answer is again what it was.
"""

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.chat.turn import Earlier
from lacie_chat.chat.unheard import is_made_by
from lacie_chat.conversations import Status, StoreError
from lacie_chat.cut_off import answer_tokens, is_cut_off
from lacie_chat.engine.events import Finished
from lacie_chat.engine.settings import Sampling

if TYPE_CHECKING:
    from lacie_chat.chat.session import ChatSession

_SUMMED = ("completion_tokens", "reasoning_tokens")
_OF_THE_FIRST = ("prompt_tokens", "cached_tokens", "cut")
_TIMES = ("prompt_seconds", "generation_seconds", "reasoning_seconds")


def stopped_early(turn: Turn) -> bool:
    """Is it an answer that has ended before its end, with nothing said after it?"""
    if turn.role != "assistant" or turn.phase != "done" or turn.children or turn.elsewhere:
        return False
    if not (turn.text.strip() or turn.reasoning.strip()):
        return False
    return turn.status in ("cancelled", "cut_off", "failed") or is_cut_off(turn.usage, turn.params)


def why_it_stays(session: "ChatSession", turn: Turn) -> str:
    """Why an answer that stopped early can't go on here, in one line; empty if it can."""
    if is_made_by(session.speaker, turn):
        return ""
    return f"{turn.params.get('model', 'Another model')} gave this answer, not the model at hand."


def begin_again(tree: ChatTree, turn: Turn) -> Sampling:
    """Make it a streaming message once more; returns how it is drawn from here on: as before, and as long again."""
    with suppress(StoreError):  # then what comes has tokens, and what was said has none
        tree.read_tokens(turn)
    drawn = dict(turn.params.get("sampling") or {})
    known = {each.name for each in fields(Sampling)} & drawn.keys()
    given: dict[str, Any] = {name: drawn[name] for name in known}
    if "stop" in given:
        given["stop"] = tuple(given["stop"])
    sampling = Sampling(**given)
    length = max(sampling.max_tokens, answer_tokens(turn.usage))
    tree.go_on(turn)
    return replace(sampling, max_tokens=length)


@dataclass(frozen=True, slots=True)
class Ending:
    """What is kept of an answer at its end."""

    status: Status
    usage: dict[str, Any] | None
    timings: dict[str, Any] | None
    tokens: tuple[Any, ...] = ()
    alternatives: tuple[Any, ...] = ()


def ending_of(status: Status, usage: dict[str, Any] | None, finished: Finished | None) -> Ending:
    """That of one that was made in one go."""
    if finished is None:
        return Ending(status, usage, None)
    return Ending(status, usage, dict(finished.timings()), finished.tokens, finished.alternatives)


def has_new(turn: Turn, earlier: Earlier) -> bool:
    """Has anything come since it stopped?"""
    return len(turn.text) > len(earlier.text) or len(turn.reasoning) > len(earlier.reasoning)


def joined(turn: Turn, earlier: Earlier, ending: Ending) -> Ending:
    """The end of both parts together; where nothing came, that of the first."""
    if not has_new(turn, earlier) and ending.status != "complete":
        ending = Ending(earlier.status, earlier.usage, earlier.timings)
        return replace(ending, tokens=tuple(earlier.tokens), alternatives=tuple(earlier.alternatives))
    usage = _usage(earlier.usage or {}, ending.usage)
    whole = bool(earlier.tokens) or not earlier.text  # else what was said first has no tokens
    return Ending(
        ending.status,
        usage,
        _timings(earlier.timings or {}, ending.timings, usage),
        (*earlier.tokens, *ending.tokens) if whole else (),
        (*earlier.alternatives, *ending.alternatives) if whole else (),
    )


def _usage(before: dict[str, Any], since: dict[str, Any] | None) -> dict[str, Any]:
    if since is None:
        return {name: value for name, value in before.items() if name != "finish_reason"}
    sums = {name: (before.get(name) or 0) + (since.get(name) or 0) for name in _SUMMED}
    first = {name: before[name] for name in _OF_THE_FIRST if name in before}
    return {**since, **first, **sums}


def _timings(before: dict[str, Any], since: dict[str, Any] | None, usage: dict[str, Any]) -> dict[str, Any]:
    if since is None:
        return before
    times = {name: (before.get(name) or 0.0) + (since.get(name) or 0.0) for name in _TIMES}
    first, seconds = before.get("time_to_first_token"), times["generation_seconds"]
    speed = usage["completion_tokens"] / seconds if usage["completion_tokens"] > 1 and seconds > 0 else None
    return {
        **since,
        **times,
        "time_to_first_token": since.get("time_to_first_token") if first is None else first,
        "tokens_per_second": speed,
    }
