"""A model's chat template, given what transformers gives it, and run where it can do no harm (template_sandbox.py).

A chat without tools has `tools` and `documents` None. A few templates go over them without asking; those get empty
ones, and FireFunction the names that its own server fills in. Of the 70 templates that llama.cpp carries these four are
the ones that transformers itself can't render without tools; the other 66 are rendered alike to the byte.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from lacie_chat.engine import template_sandbox
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.settings import ChatTurn


class Refusal(EngineError):
    """A template that doesn't take a conversation, in one line; `reason` is what it said. `beyond`: it took more time
    or memory, or wrote more, than a template may."""

    def __init__(self, name: str, reason: str, *, beyond: bool = False) -> None:
        super().__init__(f"The chat template of {name} refuses this conversation: {reason}.")
        self.reason, self.beyond = reason, beyond


class Rendering:
    """The template `source` of the model called `name`. Raises Refusal where it is no template."""

    def __init__(self, source: str, name: str, tokens: Mapping[str, str]) -> None:
        """`tokens`: the names under which templates know the written forms of special tokens, such as `bos_token`."""
        self._source, self._name, self._tokens = source, name, dict(tokens)
        with self._refusing():
            template_sandbox.check(source)
        self._given: dict[str, object] = {"tools": None, "documents": None}

    def settle(self) -> None:
        """Find what the template must be given to render a single question. Raises Refusal with the first reason."""
        refusal: Refusal | None = None
        empty: dict[str, object] = {"tools": [], "documents": []}
        for given in (self._given, empty, {**empty, **_of_its_server()}):
            self._given = given
            try:
                self.render([ChatTurn("user", "?")])
            except Refusal as error:
                if error.beyond:
                    raise
                refusal = refusal or error
            else:
                return
        assert refusal is not None
        raise refusal

    def render(
        self, turns: Sequence[ChatTurn], variables: Mapping[str, object] | None = None, *, thought: str = ""
    ) -> str:
        """The prompt up to where the answer begins; `thought`: what came before each answer. Raises Refusal."""
        thoughts = dict.fromkeys(("reasoning_content", "thinking", "reasoning"), thought) if thought else {}
        messages = [
            {"role": turn.role, "content": turn.content, **(thoughts if turn.role == "assistant" else {})}
            for turn in turns
        ]
        given = {"add_generation_prompt": True, **self._tokens, **self._given, **(variables or {})}
        with self._refusing():
            return template_sandbox.render(self._source, messages, given)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except template_sandbox.TemplateFailed as error:
            raise Refusal(self._name, error.reason, beyond=error.beyond) from error


def _of_its_server() -> dict[str, object]:
    """FireFunction's: the functions as JSON, and the day."""
    return {"functions": "[]", "datetime": datetime.now().strftime("%b %d %Y")}
