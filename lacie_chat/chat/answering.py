"""One answer from the engine into the tree, event by event; for the conversation and for a comparison alike."""

from collections.abc import Callable

from lacie_chat.chat.events import ChatEvent, PromptRead, TextAdded, TurnChanged
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Cut, Delta, Failed, Finished, PromptProgress
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import Sampling, Side


def write_answer(
    engine: EngineLike, tree: ChatTree, turn: Turn, sampling: Sampling, side: Side, post: Callable[[ChatEvent], object]
) -> Finished | Failed:
    """Let `side` of the engine write `turn`; blocks, and reports through `post`. The caller finishes the turn."""
    turn.phase = "reading"
    post(TurnChanged(turn))
    try:
        return _generate(engine, tree, turn, sampling, side, post)
    except EngineError as error:
        return Failed(str(error), engine_died=isinstance(error, EngineDied))


def _generate(
    engine: EngineLike, tree: ChatTree, turn: Turn, sampling: Sampling, side: Side, post: Callable[[ChatEvent], object]
) -> Finished | Failed:
    for event in engine.generate(tree.prompt(turn), sampling, baseline=side == "baseline"):
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
            case Finished() | Failed():
                return event
        if turn.stop_requested:
            engine.cancel()  # again: the first call came before the engine had begun
    return Failed("The engine ended the answer without a word.")


def _cut_note(dropped: int) -> str:
    if dropped == 0:
        return "The start of the question no longer fits the model's context and was left out."
    if dropped == 1:
        return "The oldest turn no longer fits the model's context and was left out."
    return f"The oldest {dropped} turns no longer fit the model's context and were left out."
