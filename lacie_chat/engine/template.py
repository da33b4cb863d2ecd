"""From turns to tokens: the model's own chat template, what it has no place for, and where an answer ends.

Templates are tried when the model is loaded, not in mid-conversation: with a question, with a conversation, with a
system turn and with the odd shapes that a chat comes to (an answer stopped before its first word, a question asked
twice). What one refuses is brought into the nearest shape that it takes: the system turn goes into the first question,
turns of one side are joined, empty answers are left out. One that takes no plain conversation at all isn't used.

A model without a usable template gets ChatML if its vocabulary has the markers, else the plain form "Question: …
Answer:", which base models continue best; `asked_as` says so.

An answer ends at the vocabulary's own ends, of which there may be several, and at what the template writes after an
answer (GigaChat's `<|message_sep|>`, GLM's `<|user|>`), where the file doesn't count that among its ends; and at the
texts that an export names in the file (`lacie.stop`).
"""

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace

from lacie_chat.engine.guard import Guard
from lacie_chat.engine.model import Model
from lacie_chat.engine.rendering import Refusal, Rendering
from lacie_chat.engine.settings import ChatTurn
from lacie_chat.foreign_json import NoJSON, parse_json

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
_SPELT_OUT = (("laguna_glm_thinking", "</assistant>"), ("<role>ASSISTANT</role>", "<|role_end|>"))
"""What is in a template, and the end of a turn that its models at times write letter by letter (llama.cpp's list)."""
_PROBE = (
    ChatTurn("system", "\ue000"),
    ChatTurn("user", "\ue001"),
    ChatTurn("assistant", "\ue002"),
    ChatTurn("assistant", "\ue003"),
    ChatTurn("user", "\ue004"),
)
"""Texts that no template writes itself."""
LAST = "\ue005"
"""What marks the end of the last message."""
_UNSEEN = 0xE010
"""The first of the characters that stand for marks which the template isn't to see."""
_LENGTHS = 64
"""Conversations whose lengths are kept, at most."""
_TAG = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\])")


class ChatTemplate:
    """The template of one model; `source` takes another's instead."""

    def __init__(self, model: Model, source: str | None = None) -> None:
        self._model = model
        own = source or model.metadata.get("tokenizer.chat_template")
        self._variables: Mapping[str, object] = {}
        self._lengths: dict[bytes, int] = {}
        self._added = ""
        self._unseen: Mapping[str, str] = {}
        self.asked_as = ""
        """How the model is asked, in a few words, where it isn't by a template of its own."""
        why = "no chat template" if not own else ""
        if own:
            try:
                self._use(own)
            except Refusal as error:
                why = f"its chat template can't be used ({error.reason})"
        if why:
            has_markers = len(model.tokenise("<|im_start|><|im_end|>", special=True)) == 2
            self._use(CHATML if has_markers else PLAIN)
            self.asked_as = f"{why}: asked {'in ChatML' if has_markers else 'as Question/Answer'}"

    def _use(self, source: str) -> None:
        """Take this template, and learn what it takes. Raises Refusal."""
        model = self._model
        named = {"bos_token": model.bos, "eos_token": model.eos, "pad_token": model.pad}
        tokens = {name: model.marker(token) for name, token in named.items() if token >= 0 or name != "pad_token"}
        self.source = source
        self._rendering = Rendering(source, model.path.name, tokens)
        self._rendering.settle()
        system, user, answer, more, last = _PROBE
        chat = [user, answer, last]
        rendered = self._rendering.render(chat)
        if last.content not in rendered:
            raise Refusal(model.path.name, "it leaves the question out")
        self.folds_system = not (self._takes([system, user]) and self._takes([system, *chat]))
        self.joins = not (self._takes([user, last]) and self._takes([user, answer, more, last]))
        self.drops_empty = not self._takes([user, ChatTurn("assistant", ""), last])
        with_system = rendered if self.folds_system else self._rendering.render([system, *chat])
        self._guard = Guard(model, source, rendered + with_system)
        _, _, after = rendered.partition(answer.content)
        between, found, _ = after.partition(last.content)
        self.stop, self._ends = self._ends_of(source, between if found else "")
        if source == model.metadata.get("tokenizer.chat_template"):
            self.stop = tuple(dict.fromkeys((*_stated_ends(model), *self.stop)))

    def _takes(self, turns: Sequence[ChatTurn]) -> bool:
        """Whether all of `turns` come out."""
        try:
            rendered = self._rendering.render(turns)
        except Refusal as error:
            if error.beyond:  # and would be with each shape that is tried
                raise
            return False
        return all(turn.content in rendered for turn in turns)

    def _ends_of(self, source: str, between: str) -> tuple[tuple[str, ...], frozenset[int]]:
        """What ends an answer beside the vocabulary's own ends: texts, and tokens. `between`: an answer and the next
        question."""
        model = self._model
        stop = tuple(end for sign, end in _SPELT_OUT if sign in source)
        if "<|return|>" in source:  # gpt-oss's end, known; what it writes after old answers ends its thoughts as well
            return stop, frozenset()
        for token in self._guard.markers(between):
            if model.ends_answer(token):
                break
            if self._closes_a_thought(model.marker(token)):
                continue
            return stop, frozenset({token})
        else:
            tag = _TAG.match(between)
            text = tag[1] if tag else between.rstrip()
            if text and not self._guard.markers(between) and not self._closes_a_thought(text):
                stop = tuple(dict.fromkeys((*stop, text)))
        return stop, frozenset()

    def _closes_a_thought(self, marker: str) -> bool:
        """Whether the template writes this marker also between a thought and its answer."""
        _, user, answer, thought, last = _PROBE
        for turns in ([user, answer, last], [user, answer]):  # some write the thoughts since the last question only
            try:
                rendered = self._rendering.render(turns, thought=thought.content)
            except Refusal as error:
                if error.beyond:
                    raise
                continue
            between, answered, _ = rendered.partition(thought.content)[2].partition(answer.content)
            if answered and marker in between:
                return True
        return False

    def ends_answer(self, token: int) -> bool:
        """Whether an answer ends with `token`."""
        return token in self._ends or self._model.ends_answer(token)

    def given(self, variables: Mapping[str, object], added: str = "", unseen: Sequence[str] = ()) -> "ChatTemplate":
        """The same template, rendered with these variables besides, and with `added` at the end of every prompt. It
        doesn't see the marks `unseen` in messages: it would cut a message there, or refuse it."""
        other = copy(self)
        other._variables, other._added = dict(variables), added
        other._unseen = dict(
            zip(sorted(unseen, key=len, reverse=True), map(chr, itertools.count(_UNSEEN)), strict=False)
        )
        return other

    def text(self, turns: Sequence[ChatTurn], **variables: object) -> str:
        """The prompt as text, up to where the answer begins. `variables` are the template's own, e.g. its switches."""
        return self._render(self._shaped(turns), {**self._variables, **variables}) + self._added

    def tokens(self, turns: Sequence[ChatTurn], **variables: object) -> list[int]:
        """The prompt as tokens; markers inside messages stay text. Raises EngineError where the template fails."""
        given = {**self._variables, **variables}
        tokens = self._guard.tokens(self._shaped(turns), lambda shown: self._render(shown, given))
        added = self._model.tokenise(self._added, special=True) if self._added else []
        tokens = [*self._model.with_bos(tokens), *added]
        self._lengths[self._key(turns, given)] = len(tokens)
        if len(self._lengths) > _LENGTHS:
            del self._lengths[next(iter(self._lengths))]
        return tokens

    def known_length(self, turns: Sequence[ChatTurn], **variables: object) -> int | None:
        """How many tokens `tokens` gave for these turns, if it was asked for them lately."""
        return self._lengths.get(self._key(turns, {**self._variables, **variables}))

    def _key(self, turns: Sequence[ChatTurn], variables: Mapping[str, object]) -> bytes:
        digest = hashlib.sha256(repr((sorted(variables.items()), self._added, self._unseen)).encode())
        for turn in turns:
            digest.update(f"{turn.role} {len(turn.content)} {turn.content}".encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _render(self, turns: Sequence[ChatTurn], variables: Mapping[str, object]) -> str:
        there = {mark: sign for mark, sign in self._unseen.items() if any(mark in turn.content for turn in turns)}
        shown = list(turns)
        for mark, sign in there.items():
            shown = [replace(turn, content=turn.content.replace(mark, sign)) for turn in shown]
        rendered = self._rendering.render(shown, variables)
        for mark, sign in there.items():
            rendered = rendered.replace(sign, mark)
        return rendered

    def opening(self, turns: Sequence[ChatTurn]) -> tuple[str, str | None]:
        """The prompt up to where the answer begins, and (None where it can't be) the same without an answer wanted;
        behind the last message both have LAST."""
        shaped = self._shaped(turns)
        marked = [*shaped[:-1], ChatTurn(shaped[-1].role, shaped[-1].content + LAST)]
        asked = self._render(marked, self._variables)
        try:
            return asked, self._render(marked, {**self._variables, "add_generation_prompt": False})
        except Refusal as error:
            if error.beyond:
                raise
            return asked, None

    def _shaped(self, turns: Sequence[ChatTurn]) -> list[ChatTurn]:
        """`turns` in the nearest shape that the template takes."""
        shaped = list(turns)
        if self.drops_empty:
            shaped = [turn for turn in shaped if turn.role != "assistant" or turn.content]
        if self.folds_system and len(shaped) > 1 and shaped[0].role == "system":
            system, first, *rest = shaped
            shaped = [ChatTurn(first.role, _joined(system.content, first.content)), *rest]
        if self.joins:
            shaped = _alternating(shaped)
        return shaped


def _stated_ends(model: Model) -> list[str]:
    """Texts at which the file itself says that an answer ends, as an export writes them for a base model; what is no
    list of texts says nothing."""
    try:
        found = parse_json(model.metadata.get("lacie.stop", "[]"))
    except NoJSON:
        return []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _alternating(turns: Sequence[ChatTurn]) -> list[ChatTurn]:
    """Neighbours of one role joined."""
    joined: list[ChatTurn] = []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            joined[-1] = ChatTurn(turn.role, _joined(joined[-1].content, turn.content))
        else:
            joined.append(turn)
    return joined


def _joined(first: str, second: str) -> str:
    return f"{first}\n\n{second}" if first else second
