"""The one way in which an answer is made: from the engine into the tree, event by event, to its end, and then heard.

The conversation and a comparison ask for answers alike. An engine that dies before the first word may have died
unnoticed long before (out of memory, overnight), so the question deserves a new one, once; after a word was said, or
thought, the answer keeps what it has, and is cut off.

What is thought before the answer goes beside it. An answer that ends inside its thought is none: it is never heard.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Protocol

from lacie_chat.chat.events import ChatEvent, Notice, PromptRead, TextAdded, ThoughtAdded, TurnChanged, TurnEnded
from lacie_chat.chat.fit import is_agreed, record_of, unsent, why_unfit
from lacie_chat.chat.going_on import ending_of, has_new, joined
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import ChatTree, Phase, Turn
from lacie_chat.chat.unheard import is_to_hear
from lacie_chat.conversations import Status
from lacie_chat.cut_off import left_out_words
from lacie_chat.engine.asking import Heard, answer_to
from lacie_chat.engine.errors import EngineDied, EngineError, EngineStopped
from lacie_chat.engine.events import Cut, Delta, Failed, Finished, PromptProgress, Reasoning
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Said, Sampling

_IN_HAND: tuple[Phase, ...] = ("reading", "thinking", "answering")
"""What the engine is at."""
_BEGINNING = Lock()
"""Held for an instant: whether an answer is begun or stopped is settled for all threads at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer to be made: `turn` of `tree`, whose text is still empty, or which goes on (`earlier`). `post` hears how
    it goes, on any thread.

    `decides`: where it doesn't fit the context, it waits until `decision` says whether it is sent without what doesn't
    (which may be said before); else it is, with a note. `speaker` gives it where it isn't the chat's, and with
    `adapter` the engine answers where that isn't its own.
    """

    tree: ChatTree
    turn: Turn
    sampling: Sampling
    post: Callable[[ChatEvent], object]
    speaker: ChatSpeaker | None = None
    adapter: Path | None = None
    decides: bool = False
    decision: SimpleQueue[bool] = field(default_factory=SimpleQueue)


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
    last = _ask(asked, engine)
    if isinstance(last, Failed) and last.engine_died and not _has_new_words(turn) and not turn.stop_requested:
        chat.engine_died(engine)
        if (new := find()) is not None:
            engine = new
            last = _ask(asked, engine)
    if last is None:
        return False
    if isinstance(last, Finished):
        status: Status = "cancelled" if last.reason == "cancelled" else "complete"
        if end_answer(tree, turn, status, post, last, listens=True):
            chat.listen(engine, asked)
        return False
    turn.problem = last.message
    to_hear = end_answer(tree, turn, "cut_off" if last.engine_died else "failed", post, listens=True)
    if last.engine_died:
        chat.engine_died(engine)
    if to_hear:
        chat.listen_later(tree, turn)
    return last.engine_died


def _ask(asked: Asked, engine: EngineLike) -> Finished | Failed | None:
    """None: it didn't fit, and whoever stopped it there has ended it."""
    try:
        return _write(asked, engine) if not asked.decides or _is_to_go(asked, engine) else None
    except EngineStopped:  # while it was measured
        return Finished("cancelled", 0, 0, 0, None, 0.0, 0.0)
    except EngineError as error:
        return Failed(str(error), engine_died=isinstance(error, EngineDied))


def _is_to_go(asked: Asked, engine: EngineLike) -> bool:
    """Whether it fits, or is to be sent as far as it does; waits for whoever decides that."""
    tree, turn = asked.tree, asked.turn
    size = engine.measure(tree.prompt(turn), asked.sampling, _said(turn))
    if is_agreed(size, tree.leaves_out):
        return True
    with _BEGINNING:
        if turn.stop_requested:
            return True  # it ends at once
        if waits := asked.decision.empty():
            turn.phase, turn.unfit, turn.note = "undecided", size, why_unfit(size)
    if waits:
        asked.post(TurnChanged(turn))
    asked.decision.get()
    with _BEGINNING:
        if turn.phase != "reading":  # it was stopped while it waited
            return False
    tree.leaves_out = tree.leaves_out or size.question_fits
    return True


def _write(asked: Asked, engine: EngineLike) -> Finished | Failed:
    tree, turn, post = asked.tree, asked.turn, asked.post
    turn.phase, turn.read, turn.drawn, turn.drawn_since = "reading", 0, 0, None
    post(TurnChanged(turn))

    def enter(phase: Phase) -> None:
        if turn.phase != phase:
            turn.phase = phase
            post(TurnChanged(turn))

    def hear(event: Heard) -> None:
        match event:
            case Delta(text, drawn):
                turn.draw(drawn)
                _end_thought(turn)
                tree.append(turn, text)
                enter("answering")
                post(TextAdded(turn, text))
            case Reasoning(text, drawn):
                turn.draw(drawn)
                turn.thinks_since = time.monotonic() if turn.thinks_since is None else turn.thinks_since
                turn.thought_until = None
                tree.think(turn, text)
                enter("thinking")
                post(ThoughtAdded(turn, text))
            case PromptProgress(done, total):
                turn.read = total
                post(PromptRead(turn, done, total))
            case Cut():
                turn.left_out = record_of(event, turn.question)
                turn.note = left_out_words(turn.left_out)
                post(TurnChanged(turn))
        if turn.stop_requested:
            engine.cancel()  # again: the first call came before the engine had begun

    return answer_to(
        engine,
        tree.prompt(turn),
        asked.sampling,
        baseline=turn.baseline,
        adapter=asked.adapter,
        going_on=_said(turn),
        hear=hear,
    ).finished


def _said(turn: Turn) -> Said | None:
    """What an answer that goes on has said before."""
    return Said(turn.text, turn.reasoning) if turn.earlier is not None else None


def _has_new_words(turn: Turn) -> bool:
    return bool(turn.text or turn.reasoning) if turn.earlier is None else has_new(turn, turn.earlier)


def _end_thought(turn: Turn) -> None:
    if turn.thinks_since is not None and turn.thought_until is None:
        turn.thought_until = time.monotonic()


def _begin(turn: Turn) -> bool:
    with _BEGINNING:
        if turn.stop_requested or turn.status != "streaming":
            return False
        turn.phase = "reading"
        return True


def send_cut(asked: Asked) -> None:
    """Let it be sent without what doesn't fit, now or when it comes to that."""
    turn = asked.turn
    with _BEGINNING:
        if turn.phase == "undecided" and not turn.stop_requested:
            turn.phase, turn.unfit, turn.note = "reading", None, ""
    asked.decision.put(True)


def stop_answers(turns: Sequence[Turn]) -> list[Turn]:
    """Ask for the end of these. Those that nobody has begun are returned and never will be: whoever asks ends them;
    the others end with the engine's next word, or at once where it is told to `cancel`."""
    with _BEGINNING:
        for turn in turns:
            turn.stop_requested = True
        return [turn for turn in turns if turn.phase in ("waiting", "undecided")]


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
    *,
    listens: bool = False,
) -> bool:
    """The last word on `turn`, with the engine's figures if it had its own. Returns whether it is to be heard; with
    `listens` its phase says so from the first moment, so that it never passes for done before it is heard."""
    _end_thought(turn)
    ending = ending_of(status, _usage(turn, finished) if finished else unsent(turn), finished)
    earlier, turn.earlier = turn.earlier, None
    if earlier is not None:
        if turn.problem and not has_new(turn, earlier):
            post(Notice(f"Not gone on: {turn.problem}", serious=True))
            turn.problem = ""
        ending = joined(turn, earlier, ending)
        if turn.unfit is not None:  # it stays as it was
            turn.unfit, turn.note = None, left_out_words((ending.usage or {}).get("cut"))
    tree.finish(
        turn,
        ending.status,
        usage=ending.usage,
        timings=ending.timings,
        tokens=ending.tokens,
        alternatives=ending.alternatives,
    )
    to_hear = is_to_hear(turn)
    turn.phase = "listening" if listens and to_hear else "done"
    post(TurnEnded(turn))
    return to_hear


def _usage(turn: Turn, finished: Finished) -> dict[str, object]:
    """As it is kept: with why the answer ended, and what its prompt lacked."""
    return {
        **finished.usage(),
        "finish_reason": finished.reason,
        **({"cut": turn.left_out} if turn.left_out else {}),
    }
