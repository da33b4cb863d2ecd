"""From turns to tokens: the model's own chat template, and no way for a user to write its markers.

The template is a Jinja program out of the GGUF, rendered in a sandbox as transformers does it. Its markers
(`<|im_end|>`) become control tokens; the same characters in a message must stay characters. Where no message holds any,
the rendered text is tokenised as a whole, exactly as llama.cpp's own tools do. Where one does, the template is rendered
again with place-holders, so that the template's text and the messages' are known apart; markers are then parsed only in
the former. A template that rewrites its messages defeats that: the markers in the messages are then broken with a
zero-width space.

A model without a template gets ChatML if its vocabulary has the markers, else the plain form "Question: … Answer:",
which base models continue best; `stop` then holds what ends an answer.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox

from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.model import Model
from lacie_chat.engine.settings import ChatTurn

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PLAIN = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'Question: ' + message['content'] + '\n' }}"
    "{% else %}{{ 'Answer: ' + message['content'] + '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Answer:{% endif %}"
)
ERRORS = (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError)
"""What a template may raise."""
LAST = "\ue002"
_OPEN, _CLOSE = "\ue000", "\ue001"  # private-use characters, so that no template's own text looks like a place-holder


class _Generation(jinja2.ext.Extension):
    """transformers' `{% generation %}` marks what to train on; for rendering it is just its body."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node | list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def environment() -> jinja2.Environment:
    """Where templates are compiled and rendered: a sandbox, with what transformers gives them."""
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = _to_json
    made.globals["raise_exception"] = _raise
    made.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return made


class ChatTemplate:
    """The template of one model; `source` takes another's instead."""

    def __init__(self, model: Model, source: str | None = None) -> None:
        self._model = model
        self.stop: tuple[str, ...] = ()
        source = source or model.metadata.get("tokenizer.chat_template")
        if not source:
            has_markers = len(model.tokenise("<|im_start|><|im_end|>", special=True)) == 2
            source = CHATML if has_markers else PLAIN
            self.stop = () if has_markers else ("\nQuestion:",)
        self.source = source
        self._variables: Mapping[str, Any] = {}
        self._added = ""
        try:
            self._template = environment().from_string(source)
        except jinja2.TemplateError as error:
            raise EngineError(f"The chat template of {model.path.name} is broken: {_line(error)}.") from error
        self._folds_system: bool | None = None

    def given(self, variables: Mapping[str, Any], added: str = "") -> "ChatTemplate":
        """The same template, rendered with these variables besides, and with `added` at the end of every prompt."""
        other = copy(self)
        other._variables, other._added = variables, added
        other._folds_system = None
        return other

    def text(self, turns: Sequence[ChatTurn]) -> str:
        """The prompt as text, up to where the answer begins."""
        return self._render(self._shaped(turns)) + self._added

    def opening(self, turns: Sequence[ChatTurn]) -> tuple[str, str | None]:
        """The prompt up to where the answer begins, and (None where it can't be) the same without an answer wanted;
        behind the last message both have LAST."""
        shaped = self._shaped(turns)
        marked = [*shaped[:-1], ChatTurn(shaped[-1].role, shaped[-1].content + LAST)]
        asked = self._render(marked)
        try:
            return asked, self._render(marked, asks=False)
        except EngineError:
            return asked, None

    def tokens(self, turns: Sequence[ChatTurn]) -> list[int]:
        """The prompt as tokens; markers inside messages stay text. Raises EngineError where the template fails."""
        shaped = self._shaped(turns)
        rendered = self._render(shaped)
        tokens = self._model.tokenise(rendered, special=True)
        if any(self._controls(turn.content) for turn in shaped) or self._controls("".join(t.content for t in shaped)):
            tokens = self._guarded(shaped, rendered)
        else:
            own = [control for piece, _ in self._pieces(shaped) for control in self._controls(piece)]
            if own != [token for token in tokens if self._model.is_control(token)]:  # a marker across a border
                tokens = self._guarded(shaped, rendered)
        added = self._model.tokenise(self._added, special=True) if self._added else []
        return [*self._model.with_bos(tokens), *added]

    def _shaped(self, turns: Sequence[ChatTurn]) -> list[ChatTurn]:
        """`turns`, the system turn folded into the first user turn where the template has no place for one."""
        shaped = list(turns)
        if len(shaped) < 2 or shaped[0].role != "system":
            return shaped
        if self._folds_system is None:
            probe = [ChatTurn("system", f"{_OPEN}s{_CLOSE}"), ChatTurn("user", f"{_OPEN}u{_CLOSE}")]
            try:
                self._folds_system = probe[0].content not in self._render(probe)
            except EngineError:
                self._folds_system = True
        if not self._folds_system:
            return shaped
        first = ChatTurn(shaped[1].role, f"{shaped[0].content}\n\n{shaped[1].content}")
        return [first, *shaped[2:]]

    def _render(self, turns: Sequence[ChatTurn], asks: bool = True) -> str:
        try:
            return self._template.render(
                messages=[{"role": turn.role, "content": turn.content} for turn in turns],
                bos_token=self._model.marker(self._model.bos),
                eos_token=self._model.marker(self._model.eos),
                add_generation_prompt=asks,
                tools=None,
                documents=None,
                **self._variables,
            )
        except ERRORS as error:
            name = self._model.path.name
            raise EngineError(f"The chat template of {name} refuses this conversation: {_line(error)}.") from error

    def _controls(self, text: str) -> list[int]:
        return [token for token in self._model.tokenise(text, special=True) if self._model.is_control(token)]

    def _pieces(self, turns: Sequence[ChatTurn]) -> list[tuple[str, int | None]]:
        """The template's own text in order, each piece with the number of the message after it (None: the end)."""
        blanks = [ChatTurn(turn.role, f"{_OPEN}{i}{_CLOSE}") for i, turn in enumerate(turns)]
        pieces: list[tuple[str, int | None]] = []
        for part in self._render(blanks).split(_OPEN):
            number, closed, after = part.partition(_CLOSE)
            if closed and pieces:
                pieces[-1] = (pieces[-1][0], int(number))
                pieces.append((after, None))
            else:
                pieces.append((part, None))
        return pieces

    def _guarded(self, turns: list[ChatTurn], rendered: str) -> list[int]:
        pieces = self._pieces(turns)
        forms: tuple[Callable[[str], str], ...] = (str, str.strip, str.rstrip, str.lstrip)
        for form in forms:
            contents = [form(turn.content) for turn in turns]
            if rendered == "".join(text + (contents[at] if at is not None else "") for text, at in pieces):
                return self._join([(text, contents[at] if at is not None else "") for text, at in pieces])
        broken = [ChatTurn(turn.role, self._broken(turn.content)) for turn in turns]
        return self._model.tokenise(self._render(broken), special=True)

    def _join(self, pieces: list[tuple[str, str]]) -> list[int]:
        """Tokenise (template's text, message) pairs: markers count in the former only; text between two is one run."""
        tokens: list[int] = []
        run = ""

        def flush(before: bool = False) -> None:
            nonlocal run
            tokens.extend(self._model.tokenise(run.rstrip() if before else run))
            run = ""

        for text, message in pieces:
            for control in self._controls(text):
                before, _, text = text.partition(self._model.marker(control))
                run += before
                strips_before, strips_after = self._model.strips(control)
                flush(strips_before)
                tokens.append(control)
                text = text.lstrip() if strips_after else text
            run += text + message
        flush()
        return tokens

    def _broken(self, text: str) -> str:
        for _ in range(100):
            controls = self._controls(text)
            if not controls:
                return text
            for marker in {self._model.marker(control) for control in controls}:
                text = text.replace(marker, f"{marker[:1]}\u200b{marker[1:]}")
        return ""


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
