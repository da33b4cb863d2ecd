"""How a model's chat template has it think: the marks round a thought, what switches it, and how one answer begins.

As far as can be, this is read off the template itself, as llama.cpp's `common/chat-diff-analyzer.cpp` does: an answer
with a thought is rendered, and the marks are what the template writes round the thought. Templates that leave out what
was thought name the marks somewhere (to cut them away, or in their system prompt). A few forms can be derived in
neither way and stand in a table. A variable is a switch if the template reads it and writes something else for it.

Nothing that was thought is ever rendered: templates differ in what they keep of it, and DESIGN.md keeps it apart.
"""

import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lacie_chat.engine import template_sandbox
from lacie_chat.engine.settings import ReasoningChoice
from lacie_chat.engine.splitting import Form, Splitter
from lacie_chat.gguf_header import read_header

_QUESTION, _THOUGHT, _ANSWER = "\ue100q\ue101", "\ue100t\ue101", "\ue100a\ue101"
_MARK = re.compile(r"<[^<>\s][^<>\n]*>|\[[^\[\]\s][^\[\]\n]*\]")
_KEYS = ("reasoning_content", "reasoning", "thinking", "thought")
"""Under one of these names a template looks for what an earlier turn thought."""

_CHANNELS = Form(
    opens=(),
    closes=("<|end|>", "<|eom|>"),
    opening="<|channel|>analysis<|message|>",
    closing="<|end|><|start|>assistant<|channel|>final<|message|>",
    wraps=("<|channel|>", "<|start|>", "to="),
    header_end="<|message|>",
)
_RECIPIENTS = Form(
    opens=(),
    closes=("<|eom|>", "<|end|>"),
    opening=" to=self<|message|>",
    closing="<|eom|><|start|>assistant to=user<|message|>",
    wraps=("to=", "<|start|>", "<|channel|>"),
    header_end="<|message|>",
)
_TABLE: tuple[tuple[tuple[str, ...], Form], ...] = (
    (("<|channel|>", "<|message|>", "analysis"), _CHANNELS),  # gpt-oss
    (("<|message|>", "<|eom|>", " to=self"), _RECIPIENTS),  # Muse Glimmer
    (
        ("<|open|>", "<|close|>", "<|end_of_msg|>"),  # Kimi K3, whose marks are made of several tokens
        Form(
            opens=("<|open|>think<|sep|>",),
            closes=("<|close|>think<|sep|>",),
            opening="<|open|>think<|sep|>",
            closing="<|close|>think<|sep|><|open|>response<|sep|>",
            wraps=("<|open|>response<|sep|>",),
            ends=("<|close|>response<|sep|>", "<|open|>tools<|sep|>", "<|close|>message<|sep|>"),
        ),
    ),
    (
        ("<|channel>", "<channel|>"),  # Gemma 4
        Form(
            opens=("<|channel>thought", "<|channel><|channel>thought"),
            closes=("<channel|>",),
            opening="<|channel>thought\n",
            closing="<channel|>",
            again=True,
        ),
    ),
    (
        ("[BEGIN FINAL RESPONSE]", "Here are my reasoning steps:"),  # Apriel 1.6: a sentence opens the thought
        Form(
            opens=("Here are my reasoning steps:",),
            closes=("[BEGIN FINAL RESPONSE]",),
            opening="Here are my reasoning steps:\n",
            closing="\n[BEGIN FINAL RESPONSE]\n",
            ends=("[END FINAL RESPONSE]",),
        ),
    ),
)
TAGS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))
"""Marks that a vocabulary has for nothing else."""
_PAIRS = (
    re.compile(r"<(?P<name>(?:\w+:)?(?:think|thinking|thought|reasoning))>"),
    re.compile(r"\[(?P<name>THINK)\]"),
    re.compile(r"<\|START_(?P<name>THINKING)\|>"),
    re.compile(r"<\|(?P<name>inner)_prefix\|>"),
)
_CLOSED_BY = ("</{name}>", "[/{name}]", "<|END_{name}|>", "<|{name}_suffix|>")
_WRAPS = (
    ("<response>", "</response>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|START_TEXT|>", "<|END_TEXT|>"),
    ("[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"),
)
_SWITCHES: tuple[tuple[str, tuple[Any, ...], tuple[Any, ...]], ...] = (
    ("enable_thinking", (True,), (False,)),
    ("thinking", (True,), (False,)),
    ("reasoning", (True,), (False,)),
    ("thinking_mode", ("enabled",), ("disabled",)),
    ("thinking_budget", (-1,), (0,)),
    ("reasoning_effort", ("high", "medium"), ("none", "no_think", "minimal")),
)
"""Variables that switch thought on and off: their name, and the values that templates know for either."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What a template says of thought: its marks, and the variables that switch it (None: nothing does)."""

    form: Form
    on: Mapping[str, Any] | None = None
    off: Mapping[str, Any] | None = None
    budget: str | None = None
    """The variable that takes a number of tokens, where there is one."""
    default: str = "left"
    """What the template does of itself: `opens` the thought, has it `closed`, or leaves it to the model (`left`)."""
    quiet: bool = False
    """Whether it says of itself what switching off says: the model then doesn't think unless it is asked to."""
    eager: bool = False
    """Whether it says of itself what switching on says."""

    def variables(self, choice: ReasoningChoice) -> dict[str, Any]:
        """What is given to the template for a choice."""
        if choice is None:
            return {}
        chosen = self.off if is_off(choice) else self.on
        if self.budget and isinstance(choice, int) and choice > 0:
            return {self.budget: choice}
        return dict(chosen or {})

    def added(self, choice: ReasoningChoice, opening: str) -> str:
        """What the prompt gets behind `opening` (what the template itself ends with), so that the choice holds where
        the template has no switch for it."""
        state = Splitter(self.form, opening).state
        if choice is None:
            return ""
        if is_off(choice):
            if self.off is not None and state != "thought":
                return ""  # the template has said so in its own way
            if self.form.header_end:
                return self.form.closing[self.form.closing.index("assistant") + len("assistant") :]
            return self.form.closing if state == "thought" else self.form.opening + self.form.closing
        return self.form.opening if self.on is None and state in ("start", "header") else ""


def is_off(choice: ReasoningChoice) -> bool:
    """Whether no thought is wanted: `off`, or none of its tokens."""
    return choice == "off" or (isinstance(choice, int) and choice <= 0)


def settled(choice: ReasoningChoice, habit: Habit | None) -> ReasoningChoice:
    """The choice as it is kept with answers and calibrators, so that what comes to the same is the same: None for a
    model that knows no thought, and said as what it comes to where the model does of itself what it can be told."""
    if habit is None:
        return None
    if is_off(choice) or (choice is None and habit.quiet):
        return "off"
    return "on" if choice is None and habit.eager else choice


def habit_of_file(path: Path) -> Habit | None:
    """The same for a model's file, without loading it. Raises GGUFError."""
    header = read_header(path, tensors=False)
    habit = habit_of(str(header.keys.get("tokenizer.chat_template") or ""))
    if habit is not None or "tokenizer.ggml.tokens" not in header.places:
        return habit
    start, end = header.places["tokenizer.ggml.tokens"]
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for pair in TAGS:
            written = [len(mark.encode()).to_bytes(8, "little") + mark.encode() for mark in pair]
            if all(data.find(each, start, end) >= 0 for each in written):
                return habit_of_tags(*pair)
    return None


@lru_cache(maxsize=16)
def habit_of(source: str) -> Habit | None:
    """What a template says of thought; None where it knows none. Never raises: one that is broken says nothing."""
    probe = _probe(source)
    form = _by_table(source) or _by_rendering(probe) or _by_its_words(source)
    return _habit(probe, form) if form is not None else None


def answer_at_once(source: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What the template is given, and what the prompt gets behind it, so that the model answers without a thought:
    `arguments` and its own switch, and where it opens a thought for all that, what closes one.

    A template that leaves it to the model is taken at its word: its model seldom thinks unless asked to.
    """
    habit = habit_of(source)
    if habit is None:
        return dict(arguments), ""
    variables = {**(habit.off or {}), **arguments}
    opening = _probe(source).opening(**variables) or ""
    if Splitter(habit.form, opening).state == "thought" or habit.form.header_end:
        return variables, habit.added("off", opening)
    return variables, ""


def variables_of(source: str) -> frozenset[str]:
    """The names that a template reads without giving them a value itself."""
    return _probe(source).names


def habit_of_tags(opening: str, closing: str) -> Habit:
    """That of a model whose vocabulary has these marks while its template says nothing of them."""
    return Habit(Form((opening,), (closing,), f"{opening}\n", f"\n{closing}\n\n"))


@lru_cache(maxsize=4)
def _probe(source: str) -> "_Probe":
    """Compiled once: ten thousand prompts by one template cost more in its compiler than their answers in the model."""
    return _Probe(source)


class _Probe:
    """The template, rendered for what it does; a rendering that fails is None. One that goes beyond what a template may
    take isn't tried again."""

    def __init__(self, source: str) -> None:
        self._source: str | None = source
        self.names: frozenset[str] = frozenset()
        try:
            self.names = template_sandbox.names_in(source)
        except template_sandbox.TemplateFailed:
            self._source = None

    def render(self, *messages: dict[str, str], asks: bool = False, **variables: Any) -> str | None:
        if self._source is None:
            return None
        given = {"bos_token": "", "eos_token": "", "tools": None, "documents": None, **variables}
        try:
            return template_sandbox.render(self._source, messages, {**given, "add_generation_prompt": asks})
        except template_sandbox.TemplateFailed as error:
            if error.beyond:
                self._source = None
            return None

    def opening(self, **variables: Any) -> str | None:
        """What stands behind a question, up to where the answer begins."""
        question = {"role": "user", "content": _QUESTION}
        asked = self.render(question, asks=True, **variables)
        return opening_of(asked, self.render(question, **variables), _QUESTION) if asked is not None else None


def opening_of(asked: str, unasked: str | None, last: str) -> str:
    """What a template adds behind the message `last` to have it answered; `unasked` is the same without an answer
    wanted."""
    after = asked.rpartition(last)[2]
    before = unasked.rpartition(last)[2] if unasked is not None else after
    if before == after:  # some add it in any case
        return after
    same = next((at for at, pair in enumerate(zip(after, before, strict=False)) if pair[0] != pair[1]), None)
    return after[min(len(after), len(before)) if same is None else same :]


def _by_table(source: str) -> Form | None:
    return next((form for words, form in _TABLE if all(word in source for word in words)), None)


def _by_rendering(probe: _Probe) -> Form | None:
    """The marks that the template writes round a thought, where it writes one."""
    question = {"role": "user", "content": _QUESTION}
    plain = {"role": "assistant", "content": _ANSWER}
    for given in ({}, {"enable_thinking": True}):
        with_thought = probe.render(question, plain | dict.fromkeys(_KEYS, _THOUGHT), **given)
        without = probe.render(question, plain, **given) or ""
        if with_thought is None:
            continue
        before, found, rest = with_thought.partition(_THOUGHT)
        between, answered, after = rest.partition(_ANSWER)
        closes = _MARK.match(between.lstrip())
        opens = [*_MARK.finditer(before.rstrip())]
        if not found or not answered or not closes or not opens or opens[-1].end() != len(before.rstrip()):
            continue
        if without.startswith(before) and without[len(before) :].lstrip().startswith(_ANSWER):
            continue  # what stands before the thought stands before any answer
        opening, wrap = opens[-1][0], between.lstrip()[closes.end() :].strip()
        marks = _MARK.findall(wrap)
        end = _MARK.match(after.lstrip())
        return Form(
            opens=(opening,),
            closes=(closes[0],),
            opening=before[opens[-1].start() :],
            closing=between,
            wraps=(wrap, *marks[-1:]) if marks and wrap != marks[-1] else (wrap,) if marks else (),
            ends=(end[0],) if marks and end else (),
        )
    return None


def _by_its_words(source: str) -> Form | None:
    """The marks that a template names, though it writes no thought."""
    for opens, closed_by in zip(_PAIRS, _CLOSED_BY, strict=True):
        for found in opens.finditer(source):
            closing = closed_by.format(name=found["name"])
            if closing in source:
                return _pair(found[0], closing, source)
    if "split('</think>')" in source or 'split("</think>")' in source:  # it only cuts thoughts away
        return _pair("<think>", "</think>", source)
    return None


def _pair(opening: str, closing: str, source: str) -> Form:
    lines = [re.findall(re.escape(mark) + r"((?:\\n)*)", source) for mark in (opening, closing)]
    begun, ended = ("\n" * (max(map(len, found), default=0) // 2) for found in lines)
    begun = begun[:1]  # an empty thought has two
    wraps = [pair for pair in _WRAPS if all(mark in source for mark in pair)]
    return Form(
        opens=(opening,),
        closes=(closing,),
        opening=opening + begun,
        closing=begun + closing + ended,
        wraps=tuple(pair[0] for pair in wraps),
        ends=tuple(pair[1] for pair in wraps),
    )


def _habit(probe: _Probe, form: Form) -> Habit:
    default = probe.opening()
    for name, on_values, off_values in _SWITCHES:
        if name not in probe.names:
            continue
        for off in off_values:
            for on in on_values:
                switch = _switch(probe, form, {name: on}, {name: off}, by_its_end=name == "reasoning_effort")
                if switch:
                    return Habit(
                        form,
                        {name: on},
                        {name: off},
                        budget=name if name == "thinking_budget" else None,
                        default=_state(form, default),
                        quiet=_says_the_same(probe, {name: off}),
                        eager=_says_the_same(probe, {name: on}),
                    )
    state = _state(form, default)
    return Habit(form, default=state, quiet=state == "closed", eager=state == "opens")


def _switch(probe: _Probe, form: Form, on: dict[str, Any], off: dict[str, Any], *, by_its_end: bool) -> bool:
    """Whether the variable makes a difference; an effort has to make one where the answer begins, for any word of it
    is written into the prompt, also one that the model has never seen."""
    question = {"role": "user", "content": _QUESTION}
    with_it, without = (probe.render(question, asks=True, **each) for each in (on, off))
    if with_it is None or without is None or with_it == without:
        return False
    states = [_state(form, probe.opening(**each)) for each in (on, off)]
    return states[1] != "opens" and (not by_its_end or states[0] != states[1])


def _says_the_same(probe: _Probe, variables: dict[str, Any]) -> bool:
    """Whether the template does of itself what these variables have it do."""
    question = {"role": "user", "content": _QUESTION}
    return probe.render(question, asks=True) == probe.render(question, asks=True, **variables)


def _state(form: Form, opening: str | None) -> str:
    split = Splitter(form, opening or "")
    return "opens" if split.thinking else "closed" if split.answering or split.state == "between" else "left"
