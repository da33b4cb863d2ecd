"""The real reader, with its calls counted."""

from collections.abc import Sequence

from lacie_chat.confidence import Reader


class CountingReader:
    """`calls`: of choices, of completions."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.calls = reader, [0, 0]

    def choice_probabilities(
        self, prefix: str, suffixes: Sequence[str], choices: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        self.calls[0] += 1
        return self.reader.choice_probabilities(prefix, suffixes, choices)

    def complete(self, prefix: str, suffixes: Sequence[str], *, max_tokens: int, stop: Sequence[str]) -> list[str]:
        self.calls[1] += 1
        return self.reader.complete(prefix, suffixes, max_tokens=max_tokens, stop=stop)
