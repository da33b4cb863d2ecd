"""The real listener, with the calls of its readers counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lacie_chat.confidence import Reader, TunedListener


@dataclass
class Calls:
    """`made`: of choices, of completions. `asked`: the suffixes of the last choices; `prefixes`: of all calls."""

    made: list[int] = field(default_factory=lambda: [0, 0])
    asked: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)


@dataclass
class CountingReader:
    """Reads as `reader` does, and keeps what it was asked."""

    reader: Reader
    calls: Calls

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        self.calls.made[0] += 1
        self.calls.asked = list(suffixes)
        self.calls.prefixes.append(prefix)
        return self.reader.choice_probabilities(prefix, suffixes, choices)

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        self.calls.made[1] += 1
        self.calls.prefixes.append(prefix)
        return self.reader.complete(prefix, suffixes, max_tokens=max_tokens, stop=stop)


def counted(listener: TunedListener) -> tuple[TunedListener, Calls]:
    """The listener over counting readers, and where they count."""
    calls = Calls()
    hearing, extracting = CountingReader(listener.hearing, calls), CountingReader(listener.extracting, calls)
    return replace(listener, hearing=hearing, extracting=extracting), calls
