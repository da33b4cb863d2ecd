"""Asking an engine: the one loop over an answer's events, and short samples beside an answer.

Whoever asks, the chat or a command, gets the text and how it ended, or one error; what comes meanwhile is told to
`hear`. A sample is the same prompt again, drawn aside and a little warmer, to see whether it agrees with the answer:
low temperatures give the same text again whatever the model knows; at 0.7 what it is unsure of comes out differently.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Cut, Delta, Failed, Finished, PromptProgress, Reasoning
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import ChatTurn, ReasoningChoice, Said, Sampling

Heard = Cut | Delta | PromptProgress | Reasoning
TEMPERATURE = 0.7
MAX_TOKENS = 64
LONGEST_THOUGHT = 256
"""Tokens that a sample thinks at most. Samples think as the answer did, for what an answer says after a thought is not
what it says without one; but five of them shall not cost five times a whole thought, which takes minutes on a CPU. So a
sample's thought is ended early, and it says what it has come to."""
STOP = ("\n\n",)
"""The answer stands in the first paragraph or nowhere; what follows would only take time."""


def sample_seeds(k: int) -> list[int]:
    """The seeds of k samples, ever the same: an agreement can be drawn again."""
    return list(range(1, k + 1))


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer, how it ended, and what was thought before it (empty where nothing was)."""

    text: str
    finished: Finished
    reasoning: str = ""


def answer_to(
    engine: EngineLike,
    turns: Sequence[ChatTurn],
    sampling: Sampling,
    *,
    baseline: bool = False,
    adapter: Path | None = None,
    aside: bool = False,
    going_on: Said | None = None,
    hear: Callable[[Heard], object] = lambda event: None,
) -> Answered:
    """The answer to the last user turn, whole (of one that is `going_on`, what is new); `hear` is told of each event
    before the last as it comes.

    Raises EngineError with the engine's line where it fails, EngineDied where it is gone.
    """
    text: list[str] = []
    thought: list[str] = []
    last: Finished | Failed | None = None
    # to its very end, not only to its last event: an answer lets its context go when it is over
    for event in engine.generate(turns, sampling, baseline=baseline, adapter=adapter, aside=aside, going_on=going_on):
        match event:
            case Failed() | Finished():
                last = event
                continue
            case Delta():
                text.append(event.text)
            case Reasoning():
                thought.append(event.text)
        hear(event)
    match last:
        case Finished():
            return Answered("".join(text), last, "".join(thought))
        case Failed():
            raise EngineDied(last.message) if last.engine_died else EngineError(last.message)
    raise EngineError("The engine ended the answer without a word.")


def sampling_of_samples(reasoning: ReasoningChoice = None, seed: int = 0) -> Sampling:
    """How samples are drawn."""
    return Sampling(
        temperature=TEMPERATURE,
        max_tokens=MAX_TOKENS,
        seed=seed,
        stop=STOP,
        reasoning=reasoning,
        longest_thought=LONGEST_THOUGHT,
    )


def draw_sample(
    engine: EngineLike,
    turns: Sequence[ChatTurn],
    seed: int,
    *,
    baseline: bool = False,
    reasoning: ReasoningChoice = None,
    stopped: Callable[[], bool] = lambda: False,
) -> str | None:
    """One more answer to the last user turn, thought about as `reasoning` says; empty where it ended inside its
    thought, None if it was stopped, or `stopped` says so. Raises EngineError."""

    def hear(_event: Heard) -> None:
        if stopped():
            engine.make_way()  # a call before this sample had begun was lost on it

    drawn = answer_to(engine, turns, sampling_of_samples(reasoning, seed), baseline=baseline, aside=True, hear=hear)
    if drawn.finished.reason == "cancelled":
        return None
    return "" if drawn.finished.reasoning_open else drawn.text
