"""The settings file as `lacie settings init` writes it: every option, explained, and none set."""

import textwrap

from lacie_chat.settings.kinds import Value
from lacie_chat.settings.options import OPTIONS, SCOPES, Option

WIDTH = 100
_HEAD = """\
Settings of lacie-chat. What begins with # is a comment: take it away to set an option. The same names are flags of the
command (temperature here, --temperature there), and a flag goes before this file. `lacie settings show` says what
holds, and why; `/settings` in the chat changes it there.
"""
_PRESETS = """\
Presets: named sets of the options of an answer. Choose one with --preset NAME or in the chat's settings (/settings).
"""
_KEYS = """\
Keys of the chat: the id of an action (/help in the chat lists them), and the keys that it has instead of its own.
"""
_EXAMPLES = (
    (_PRESETS, '[presets.precise]\ntemperature = 0.0\nmax_tokens = 256\nsystem_prompt = "Answer in one sentence."'),
    (_PRESETS and "", "[presets.free]\ntemperature = 0.9\ntop_p = 0.98"),
    (_KEYS, '[keys]\n"chat.new" = "f2"\n"view.help" = "f1,ctrl+k"'),
)


def template() -> str:
    """Valid TOML that sets nothing."""
    parts = [_comment(_HEAD)]
    for scope, title in SCOPES.items():
        parts.append(f"# -- {title} --")
        parts += [_documented(option) for option in OPTIONS if option.scope == scope]
    for text, example in _EXAMPLES:
        lines = "\n".join(f"# {line}" for line in example.splitlines())
        parts.append(f"{_comment(text)}\n{lines}" if text else lines)
    return "\n\n".join(parts) + "\n"


def as_toml(value: Value) -> str:
    """A value as it is written."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else str(value)


def _documented(option: Option) -> str:
    text = f"{option.help[0].upper()}{option.help[1:]}. Allowed: {option.kind.wanted}. Default: {option.default_text}."
    value = option.default if option.default is not None else option.sample
    return f"{_comment(text)}\n# {option.name} = {as_toml(value)}"


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in textwrap.wrap(" ".join(text.split()), WIDTH - 2))
