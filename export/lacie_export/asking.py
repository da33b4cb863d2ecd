"""How the chat is to ask an exported model: as it was trained and measured. Keys of the GGUF, made of the run's recipe.

A chat template is a program in the file, so the recipe's prompt becomes one. A model asked in plain text gets a
template of its own: the instruction with the question in it, the examples at its head once, further turns behind it as
further examples, and the end at a line's end, which no template can say (`lacie.stop`). A model asked through its own
template keeps that, and before it stands what the recipe adds: template arguments as defaults, which a chat can still
set otherwise (among them the switch of thought, which the training has off), and the instruction round each question.
How answers were drawn for the calibrator goes into `general.sampling.*`: the chat draws so by itself, and its P(right)
holds. What the template does of thought by itself is part of that way, as the chat says it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from lacie_chat.engine.reasoning import answer_at_once, habit_of, settled
from lacie_chat.evaluation.prompts import PLAIN_STOP
from lacie_chat.models.calibrators import CALIBRATOR_KEY
from lacie_export.gguf_layout import Value
from lacie_export.run_facts import RunFacts

if TYPE_CHECKING:
    from lacie_chat.confidence import WayOfDrawing
    from lacie_chat.engine.settings import ReasoningChoice

TEMPLATE = "tokenizer.chat_template"
STOP = "lacie.stop"
_QUESTION = "{question}"
_PLAIN = (
    "{%%- set system, turns = %(system)s, messages -%%}"
    "{%%- if messages[0]['role'] == 'system' -%%}"
    "{%%- set system, turns = messages[0]['content'], messages[1:] -%%}"
    "{%%- endif -%%}"
    "{%%- if system -%%}{{ system.strip() + '\\n\\n' }}{%%- endif -%%}"
    "{{ %(head)s }}"
    "{%%- for message in turns -%%}"
    "{%%- if message['role'] == 'user' -%%}"
    "{{ ('' if loop.first else '\\n\\n') + (%(block)s | replace('{question}', message['content'])).rstrip() }}"
    "{%%- else -%%}{{ ' ' + message['content'] }}{%%- endif -%%}"
    "{%%- endfor -%%}"
)
_ARGUMENT = "{%%- if %(name)s is not defined -%%}{%%- set %(name)s = %(value)s -%%}{%%- endif -%%}"
_BEHIND = "{%% if add_generation_prompt %%}{{ %(added)s }}{%% endif %%}"
_TURNS = (
    "{%%- set lacie = namespace(turns=[]) -%%}"
    "{%%- if %(system)s and messages[0]['role'] != 'system' -%%}"
    "{%%- set lacie.turns = [{'role': 'system', 'content': %(system)s}] -%%}"
    "{%%- endif -%%}"
    "{%%- for message in messages -%%}"
    "{%%- if message['role'] == 'user' -%%}"
    "{%%- set content = %(instruction)s | replace('{question}', message['content']) -%%}"
    "{%%- set lacie.turns = lacie.turns + [{'role': 'user', 'content': content}] -%%}"
    "{%%- else -%%}{%%- set lacie.turns = lacie.turns + [message] -%%}{%%- endif -%%}"
    "{%%- endfor -%%}"
    "{%%- set messages = lacie.turns -%%}"
)

_NOTHING = "{{ '' }}"
"""Behind a block Jinja would leave out a line's end with which the next template begins; behind this it doesn't."""


def asking_keys(facts: RunFacts, own_template: str | None) -> dict[str, Value]:
    """The keys that make a chat ask the model as its run did; none for an adapter without a run.

    `own_template` is that of the model's file, None where it has none.
    """
    keys: dict[str, Value] = {}
    speaker: Mapping[str, Any] = facts.recipe.get("speaker", {})
    if speaker.get("format") == "plain":
        keys |= {TEMPLATE: plain_template(speaker), STOP: json.dumps([PLAIN_STOP])}
    elif speaker.get("format") == "chat" and own_template:
        keys[TEMPLATE] = chat_template(speaker, own_template)
    if facts.calibrator is not None:
        template = keys.get(TEMPLATE, own_template)
        way = facts.calibrator.sampling
        choice = cast("ReasoningChoice", way.reasoning)  # `from_dict` has checked it
        way = replace(way, reasoning=settled(choice, habit_of(str(template)) if template else None))
        keys[CALIBRATOR_KEY] = json.dumps(replace(facts.calibrator, sampling=way).to_dict())
        keys |= _sampling_keys(way)
    return keys


def plain_template(speaker: Mapping[str, Any]) -> str:
    """The chat template that asks in plain text, as `lacie_chat.evaluation.prompts.plain` does."""
    instruction = str(speaker.get("instruction", _QUESTION))
    cut = instruction.rfind("\n\n", 0, instruction.find(_QUESTION)) + 2
    head, block = (instruction[:cut], instruction[cut:]) if cut > 1 else ("", instruction)
    return _PLAIN % {"system": _literal(speaker.get("system") or ""), "head": _literal(head), "block": _literal(block)}


def chat_template(speaker: Mapping[str, Any], own: str) -> str:
    """The model's `own` template, asking as the training did; unchanged where the chat asks so anyway."""
    arguments, added = answer_at_once(own, speaker.get("template_arguments") or {})
    text = "".join(_ARGUMENT % {"name": name, "value": _literal(value)} for name, value in arguments.items())
    system, instruction = speaker.get("system") or "", str(speaker.get("instruction", _QUESTION))
    if system or instruction != _QUESTION:
        text += _TURNS % {"system": _literal(system), "instruction": _literal(instruction)}
    if added:  # behind a line's end that Jinja leaves out at the end of a template, and not before another block
        own = own.removesuffix("\n") + _BEHIND % {"added": _literal(added)}
    return f"{text}{_NOTHING}{own}" if text else own


def _literal(value: Any) -> str:
    """A plain value as Jinja writes it: JSON, whose escapes Jinja reads, with Jinja's word for null."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(str(key))}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _sampling_keys(way: "WayOfDrawing") -> dict[str, Value]:
    return {
        "general.sampling.temp": way.temperature,
        "general.sampling.top_p": way.top_p,
        "general.sampling.top_k": way.top_k,
        "general.sampling.min_p": way.min_p,
        "general.sampling.penalty_repeat": way.repeat_penalty,
    }
