"""A chat template as a program: compiled and run as transformers does it, so that a model reads what it was trained on.

The template is a Jinja program out of somebody's file, hence the sandbox. What it is given is what transformers gives
it: a chat without tools has `tools` and `documents` None. A few templates go over them without asking; those get empty
ones, and FireFunction the names that its own server fills in. Of the 70 templates that llama.cpp carries these four are
the ones that transformers itself can't render without tools; the other 66 are rendered alike to the byte.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import jinja2
import jinja2.exceptions
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox
import jinja2.utils

from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.settings import ChatTurn


class Refusal(EngineError):
    """A template that doesn't take a conversation, in one line; `reason` is what it said."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The chat template of {name} refuses this conversation: {reason}.")
        self.reason = reason


def environment() -> jinja2.Environment:
    """Where templates are compiled and run: a sandbox, with what transformers gives them."""
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = _to_json
    made.globals["raise_exception"] = _raise
    made.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    made.globals["namespace"] = _Namespace
    return made


class Rendering:
    """The template `source` of the model called `name`. Raises jinja2.TemplateError where it is no template."""

    def __init__(self, source: str, name: str, tokens: Mapping[str, str]) -> None:
        """`tokens`: the names under which templates know the written forms of special tokens, such as `bos_token`."""
        self._template = environment().from_string(source)
        self._name, self._tokens = name, dict(tokens)
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
        try:
            return self._template.render(
                messages=[
                    {"role": turn.role, "content": turn.content, **(thoughts if turn.role == "assistant" else {})}
                    for turn in turns
                ],
                **{"add_generation_prompt": True, **self._tokens, **self._given, **(variables or {})},
            )
        except Exception as error:  # somebody's program: whatever it ends with, it didn't take the conversation
            raise Refusal(self._name, line_of(error)) from error


def line_of(error: Exception) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


class _Generation(jinja2.ext.Extension):
    """transformers' `{% generation %}` marks what to train on; for rendering it is just its body."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node | list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(jinja2.utils.Namespace):
    """Jinja's own lets a template write `__class__` and the like; transformers closed that door, so do we."""

    def __init__(*args: Any, **values: Any) -> None:  # a template may well name a value `self`
        own, *rest = args
        found = dict(*rest, **values)
        for name in found:
            _check_name(name)
        jinja2.utils.Namespace.__init__(own, found)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"it writes the hidden name {name}")


def _of_its_server() -> dict[str, object]:
    """FireFunction's: the functions as JSON, and the day."""
    return {"functions": "[]", "datetime": datetime.now().strftime("%b %d %Y")}


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)
