"""The one way in which an answer is made: from the engine into the tree, event by event, to its end, and then heard.

The conversation and a comparison ask for answers alike. An engine that dies before the first word may have died
unnoticed long before (out of memory, overnight), so the question deserves a new one, once; after a word was said, or
thought, the answer keeps what it has, and is cut off.

What is thought before the answer goes beside it. An answer that ends inside its thought is none: it is never heard.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from lacie_chat.chat.events import ChatEvent, PromptRead, TextAdded, ThoughtAdded, TurnChanged, TurnEnded
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import ChatTree, Phase, Turn
from lacie_chat.chat.unheard import has_ended_with_words
from lacie_chat.conversations import Status
from lacie_chat.engine.asking import Heard, answer_to
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Cut, Delta, Failed, Finished, PromptProgress, Reasoning
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling

_IN_HAND: tuple[Phase, ...] = ("reading", "thinking", "answering")
"""What the engine is at."""
_BEGINNING = Lock()
"""Held for an instant: whether an answer is begun or stopped is settled for all threads at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer to be made: `turn` of `tree`, whose text is still empty. `post` hears how it goes, on any thread.

    `speaker` gives it where it isn't the chat's, and with `adapter` the engine answers where that isn't its own.
    """

    tree: ChatTree
    turn: Turn
    sampling: Sampling
    post: Callable[[ChatEvent], object]
    speaker: ChatSpeaker | None = None
    adapter: Path | None = None


class Engines(Protocol):
    """What an answer needs of the chat (ChatSession): news of its engine go there, and its text, to be heard."""

    @property
    def load_error(self) -> str: ...

    def engine_died(self, engine: EngineLike) -> None: ...

    def listen(self, engine: EngineLike, asked: Asked) -> None: ...

    def listen_later(self, tree: ChatTree, turn: Turn) -> None: ...


def make_answer(asked: Asked, chat: Engines, find: Callable[[], EngineLike | None]) -> bool:
    """Write the answer, unless it was stopped before; blocks. `find` gives a loaded engine, a new one after a death, or
    None, and `chat.load_error` says why. Returns whether an engine died of it."""
    try:
        return _make(asked, chat, find)
    except Exception as error:  # whoever runs this reports it; here the turn must not stay open
        if asked.turn.phase in ("waiting", *_IN_HAND):
            asked.turn.problem = f"internal error: {error}"
            end_answer(asked.tree, asked.turn, "failed", asked.post)
        raise


def _make(asked: Asked, chat: Engines, find: Callable[[], EngineLike | None]) -> bool:
    tree, turn, post = asked.tree, asked.turn, asked.post
    engine = None if turn.stop_requested else find()
    if not _begin(turn):
        if turn.status == "streaming":
            end_answer(tree, turn, "cancelled", post)
        return False
    if engine is None:
        turn.problem = chat.load_error or "there is no engine"
        end_answer(tree, turn, "failed", post)
        return False
    last = _write(asked, engine)
    if isinstance(last, Failed) and last.engine_died and not _has_words(turn) and not turn.stop_requested:
        chat.engine_died(engine)
        if (new := find()) is not None:
            engine = new
            last = _write(asked, engine)
    if isinstance(last, Finished):
        end_answer(tree, turn, "cancelled" if last.reason == "cancelled" else "complete", post, last)
        if has_ended_with_words(turn):
            chat.listen(engine, asked)
        return False
    turn.problem = last.message
    end_answer(tree, turn, "cut_off" if last.engine_died else "failed", post)
    if last.engine_died:
        chat.engine_died(engine)
    if has_ended_with_words(turn):
        chat.listen_later(tree, turn)
    return last.engine_died


def _write(asked: Asked, engine: EngineLike) -> Finished | Failed:
    tree, turn, post = asked.tree, asked.turn, asked.post
    turn.phase = "reading"
    post(TurnChanged(turn))

    def enter(phase: Phase) -> None:
        if turn.phase != phase:
            turn.phase = phase
            post(TurnChanged(turn))

    def hear(event: Heard) -> None:
        match event:
            case Delta(text):
                _end_thought(turn)
                tree.append(turn, text)
                enter("answering")
                post(TextAdded(turn, text))
            case Reasoning(text):
                turn.thinks_since = time.monotonic() if turn.thinks_since is None else turn.thinks_since
                turn.thought_until = None
                tree.think(turn, text)
                enter("thinking")
                post(ThoughtAdded(turn, text))
            case PromptProgress(done, total):
                post(PromptRead(turn, done, total))
            case Cut(dropped_turns=dropped):
                turn.note = _cut_note(dropped)
                post(TurnChanged(turn))
        if turn.stop_requested:
            engine.cancel()  # again: the first call came before the engine had begun

    try:
        return answer_to(
            engine, tree.prompt(turn), asked.sampling, baseline=turn.baseline, adapter=asked.adapter, hear=hear
        ).finished
    except EngineError as error:
        return Failed(str(error), engine_died=isinstance(error, EngineDied))


def _has_words(turn: Turn) -> bool:
    return bool(turn.text or turn.reasoning)


def _end_thought(turn: Turn) -> None:
    if turn.thinks_since is not None and turn.thought_until is None:
        turn.thought_until = time.monotonic()


def _begin(turn: Turn) -> bool:
    with _BEGINNING:
        if turn.stop_requested or turn.status != "streaming":
            return False
        turn.phase = "reading"
        return True


def stop_answers(turns: Sequence[Turn]) -> list[Turn]:
    """Ask for the end of these. Those that nobody has begun are returned and never will be: whoever asks ends them;
    the others end with the engine's next word, or at once where it is told to `cancel`."""
    with _BEGINNING:
        for turn in turns:
            turn.stop_requested = True
        return [turn for turn in turns if turn.phase == "waiting"]


def thinking_of(turns: Sequence[Turn]) -> list[Turn]:
    """Those that are thinking, and were not asked to answer now."""
    return [turn for turn in turns if turn.phase == "thinking" and not turn.answer_requested]


def hurry_answers(turns: Sequence[Turn], post: Callable[[ChatEvent], object]) -> bool:
    """Note of those that are thinking that they shall answer now; False if there is none that wasn't asked before."""
    thinking = thinking_of(turns)
    for turn in thinking:
        turn.answer_requested = True
        post(TurnChanged(turn))
    return bool(thinking)


def withdraw_answers(turns: Sequence[Turn]) -> bool:
    """Never begin those that wait; False, and all stays as it is, if one of them is being written."""
    with _BEGINNING:
        # The status counts too: an answer that is complete is still being saved before its phase says so.
        if any(turn.status == "streaming" and turn.phase in _IN_HAND for turn in turns):
            return False
        for turn in turns:
            turn.stop_requested = True
        return True


def end_answer(
    tree: ChatTree,
    turn: Turn,
    status: Status,
    post: Callable[[ChatEvent], object],
    finished: Finished | None = None,
) -> None:
    """The last word on `turn`, with the engine's figures if it had its own."""
    _end_thought(turn)
    tree.finish(
        turn,
        status,
        usage=_usage(finished) if finished else None,
        timings=dict(finished.timings()) if finished else None,
        tokens=finished.tokens if finished else (),
        alternatives=finished.alternatives if finished else (),
    )
    turn.phase = "done"
    post(TurnEnded(turn))


def _usage(finished: Finished) -> dict[str, object]:
    """As it is kept: with why the answer ended."""
    return {
        **finished.usage(),
        "finish_reason": finished.reason,
        **({"reasoning_open": True} if finished.reasoning_open else {}),
    }


def _cut_note(dropped: int) -> str:
    if dropped == 0:
        return "The start of the question no longer fits the model's context and was left out."
    if dropped == 1:
        return "The oldest turn no longer fits the model's context and was left out."
    return f"The oldest {dropped} turns no longer fit the model's context and were left out."
