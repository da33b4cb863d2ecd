"""What a check has found: one line a subject, all of them, however many failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from lacie_chat.errors import LacieError

State = Literal["ok", "note", "failed"]
"""`note`: what can't be known here, or would not stop the run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it stands, and what to do where it failed."""

    state: State
    subject: str
    said: str

    def __str__(self) -> str:
        return f"{self.state:7}{self.subject}: {self.said}"


class Findings:
    """Findings in the order in which they are made; each is shown as soon as it is known."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.all: list[Finding] = []
        self._show = show

    def ok(self, subject: str, said: str) -> None:
        """Something that will hold."""
        self._add(Finding("ok", subject, said))

    def note(self, subject: str, said: str) -> None:
        """Something to know, which stops nothing."""
        self._add(Finding("note", subject, said))

    def failed(self, subject: str, said: str) -> None:
        """Something that would end the run later."""
        self._add(Finding("failed", subject, said))

    @contextmanager
    def attempt(self, subject: str) -> Iterator[None]:
        """An error of the user's in it is a failed line, and the next subject is looked at all the same."""
        try:
            yield
        except LacieError as error:
            self.failed(subject, str(error))

    @property
    def failures(self) -> list[Finding]:
        """Those that failed."""
        return [finding for finding in self.all if finding.state == "failed"]

    def _add(self, finding: Finding) -> None:
        self.all.append(finding)
        self._show(str(finding))
