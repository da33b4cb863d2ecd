"""Short samples beside an answer: the same prompt, drawn aside and a little warmer, to see whether they agree with it.

Low temperatures give the same text again whatever the model knows; at 0.7 what it is unsure of comes out differently.
"""

from collections.abc import Callable, Sequence

from lacie_chat.engine.errors import EngineDied, EngineError
from lacie_chat.engine.events import Delta, Failed, Finished
from lacie_chat.engine.protocol import EngineLike
from lacie_chat.engine.settings import ChatTurn, Sampling

TEMPERATURE = 0.7
MAX_TOKENS = 64
STOP = ("\n\n",)
"""The answer stands in the first paragraph or nowhere; what follows would only take time."""


def sample_seeds(k: int) -> list[int]:
    """The seeds of k samples, ever the same: an agreement can be drawn again."""
    return list(range(1, k + 1))


def draw_sample(
    engine: EngineLike,
    turns: Sequence[ChatTurn],
    seed: int,
    *,
    baseline: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> str | None:
    """One more answer to the last user turn; None if it was stopped, or `stopped` says so. Raises EngineError."""
    sampling = Sampling(temperature=TEMPERATURE, max_tokens=MAX_TOKENS, seed=seed, stop=STOP)
    text: list[str] = []
    for event in engine.generate(turns, sampling, baseline=baseline, aside=True):
        match event:
            case Delta():
                text.append(event.text)
            case Failed():
                raise EngineDied(event.message) if event.engine_died else EngineError(event.message)
            case Finished():
                return None if event.reason == "cancelled" else "".join(text)
            case _:
                pass
        if stopped():
            engine.make_way()  # a call before this sample had begun was lost on it
    raise EngineError("The engine ended a sample without a word.")
