"""The one way in which an answer is made: from the engine into the tree, event by event, to its end, and then heard.

The conversation and a comparison ask for answers alike. An engine that dies before the first word may have died
unnoticed long before (out of memory, overnight), so the question deserves a new one, once; after a word was said, the
answer keeps what it has, and is cut off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from lacie_chat.chat.events import ChatEvent, PromptRead, TextAdded, TurnChanged, TurnEnded
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.conversations import Status
from lacie_chat.engine.asking import Heard, answer_to
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Cut, Delta, Failed, Finished, PromptProgress
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling

_BEGINNING = Lock()
"""Held for an instant: whether an answer is begun or stopped is settled for all threads at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer to be made: `turn` of `tree`, whose text is still empty. `post` hears how it goes, on any thread."""

    tree: ChatTree
    turn: Turn
    sampling: Sampling
    post: Callable[[ChatEvent], object]


class Engines(Protocol):
    """What an answer needs of the chat (ChatSession): news of its engine go there, and its text, to be heard."""

    load_error: str

    def engine_died(self, engine: EngineLike) -> None: ...

    def listen(self, engine: EngineLike, asked: Asked) -> None: ...


def make_answer(asked: Asked, chat: Engines, find: Callable[[], EngineLike | None]) -> bool:
    """Write the answer, unless it was stopped before; blocks. `find` gives a loaded engine, a new one after a death, or
    None, and `chat.load_error` says why. Returns whether an engine died of it."""
    try:
        return _make(asked, chat, find)
    except Exception as error:  # whoever runs this reports it; here the turn must not stay open
        if asked.turn.phase in ("waiting", "reading", "answering"):
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
    if isinstance(last, Failed) and last.engine_died and not turn.text and not turn.stop_requested:
        chat.engine_died(engine)
        if (new := find()) is not None:
            engine = new
            last = _write(asked, engine)
    if isinstance(last, Finished):
        end_answer(tree, turn, "cancelled" if last.reason == "cancelled" else "complete", post, last)
        if turn.text.strip():
            chat.listen(engine, asked)
        return False
    turn.problem = last.message
    end_answer(tree, turn, "cut_off" if last.engine_died else "failed", post)
    if last.engine_died:
        chat.engine_died(engine)
    return last.engine_died


def _write(asked: Asked, engine: EngineLike) -> Finished | Failed:
    tree, turn, post = asked.tree, asked.turn, asked.post
    turn.phase = "reading"
    post(TurnChanged(turn))

    def hear(event: Heard) -> None:
        match event:
            case Delta(text):
                tree.append(turn, text)
                if turn.phase != "answering":
                    turn.phase = "answering"
                    post(TurnChanged(turn))
                post(TextAdded(turn, text))
            case PromptProgress(done, total):
                post(PromptRead(turn, done, total))
            case Cut(dropped_turns=dropped):
                turn.note = _cut_note(dropped)
                post(TurnChanged(turn))
        if turn.stop_requested:
            engine.cancel()  # again: the first call came before the engine had begun

    try:
        return answer_to(engine, tree.prompt(turn), asked.sampling, baseline=turn.baseline, hear=hear).finished
    except EngineError as error:
        return Failed(str(error), engine_died=isinstance(error, EngineDied))


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


def withdraw_answers(turns: Sequence[Turn]) -> bool:
    """Never begin those that wait; False, and all stays as it is, if one of them is being written."""
    with _BEGINNING:
        # The status counts too: an answer that is complete is still being saved before its phase says so.
        if any(turn.status == "streaming" and turn.phase in ("reading", "answering") for turn in turns):
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
    tree.finish(
        turn,
        status,
        usage={**finished.usage(), "finish_reason": finished.reason} if finished else None,
        timings=dict(finished.timings()) if finished else None,
        tokens=finished.tokens if finished else (),
        alternatives=finished.alternatives if finished else (),
    )
    turn.phase = "done"
    post(TurnEnded(turn))


def _cut_note(dropped: int) -> str:
    if dropped == 0:
        return "The start of the question no longer fits the model's context and was left out."
    if dropped == 1:
        return "The oldest turn no longer fits the model's context and was left out."
    return f"The oldest {dropped} turns no longer fit the model's context and were left out."
