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
_OPEN, _CLOSE = "\ue000", "\ue001"  # private-use characters, so that no template's own text looks like a place-holder


class _Generation(jinja2.ext.Extension):
    """transformers' `{% generation %}` marks what to train on; for rendering it is just its body."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node | list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


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
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise EngineError(f"The chat template of {model.path.name} is broken: {_line(error)}.") from error
        self._folds_system: bool | None = None

    def text(self, turns: Sequence[ChatTurn], **variables: object) -> str:
        """The prompt as text, up to where the answer begins. `variables` are the template's own, e.g. its switches."""
        return self._render(self._shaped(turns), **variables)

    def tokens(self, turns: Sequence[ChatTurn], **variables: object) -> list[int]:
        """The prompt as tokens; markers inside messages stay text. Raises EngineError where the template fails."""
        shaped = self._shaped(turns)
        rendered = self._render(shaped, **variables)
        tokens = self._model.tokenise(rendered, special=True)
        if any(self._controls(turn.content) for turn in shaped) or self._controls("".join(t.content for t in shaped)):
            tokens = self._guarded(shaped, rendered, variables)
        else:
            own = [control for piece, _ in self._pieces(shaped, variables) for control in self._controls(piece)]
            if own != [token for token in tokens if self._model.is_control(token)]:  # a marker across a border
                tokens = self._guarded(shaped, rendered, variables)
        return self._model.with_bos(tokens)

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

    def _render(self, turns: Sequence[ChatTurn], **variables: object) -> str:
        try:
            return self._template.render(
                messages=[{"role": turn.role, "content": turn.content} for turn in turns],
                bos_token=self._model.marker(self._model.bos),
                eos_token=self._model.marker(self._model.eos),
                add_generation_prompt=True,
                **{"tools": None, "documents": None, **variables},
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError) as error:
            name = self._model.path.name
            raise EngineError(f"The chat template of {name} refuses this conversation: {_line(error)}.") from error

    def _controls(self, text: str) -> list[int]:
        return [token for token in self._model.tokenise(text, special=True) if self._model.is_control(token)]

    def _pieces(self, turns: Sequence[ChatTurn], variables: Mapping[str, object]) -> list[tuple[str, int | None]]:
        """The template's own text in order, each piece with the number of the message after it (None: the end)."""
        blanks = [ChatTurn(turn.role, f"{_OPEN}{i}{_CLOSE}") for i, turn in enumerate(turns)]
        pieces: list[tuple[str, int | None]] = []
        for part in self._render(blanks, **variables).split(_OPEN):
            number, closed, after = part.partition(_CLOSE)
            if closed and pieces:
                pieces[-1] = (pieces[-1][0], int(number))
                pieces.append((after, None))
            else:
                pieces.append((part, None))
        return pieces

    def _guarded(self, turns: list[ChatTurn], rendered: str, variables: Mapping[str, object]) -> list[int]:
        pieces = self._pieces(turns, variables)
        forms: tuple[Callable[[str], str], ...] = (str, str.strip, str.rstrip, str.lstrip)
        for form in forms:
            contents = [form(turn.content) for turn in turns]
            if rendered == "".join(text + (contents[at] if at is not None else "") for text, at in pieces):
                return self._join([(text, contents[at] if at is not None else "") for text, at in pieces])
        broken = [ChatTurn(turn.role, self._broken(turn.content)) for turn in turns]
        return self._model.tokenise(self._render(broken, **variables), special=True)

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
