"""What the engine's tests share: ask, and collect what comes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lacie_chat.engine import (
    ChatTurn,
    Cut,
    Delta,
    EngineLike,
    Failed,
    Finished,
    GenerationEvent,
    PromptProgress,
    Sampling,
)

QUESTION = "Tell me about the sea."
GREEDY = Sampling(temperature=0.0, max_tokens=24)


@dataclass
class Collected:
    text: str = ""
    deltas: list[str] = field(default_factory=list)
    progress: list[PromptProgress] = field(default_factory=list)
    cut: Cut | None = None
    end: Finished | Failed | None = None

    @property
    def finished(self) -> Finished:
        assert isinstance(self.end, Finished), self.end
        return self.end


def collect(events: Iterable[GenerationEvent]) -> Collected:
    result = Collected()
    for event in events:
        assert result.end is None, f"{event} came after the last event"
        match event:
            case Delta(text):
                assert text
                result.deltas.append(text)
                result.text += text
            case PromptProgress():
                result.progress.append(event)
            case Cut():
                result.cut = event
            case Finished() | Failed():
                result.end = event
    assert result.end is not None
    return result


def ask(engine: EngineLike, question: str = QUESTION, sampling: Sampling = GREEDY, baseline: bool = False) -> Collected:
    return collect(engine.generate([ChatTurn("user", question)], sampling, baseline=baseline))
