"""What can be set: one table of options, one file, and what holds where several say something. No screen here.

Writing the file is `lacie_chat.settings.writing`, which brings TOML Kit.
"""

from lacie_chat.settings.errors import SettingsError
from lacie_chat.settings.file import SettingsFile, nearest, parse_settings, read_settings
from lacie_chat.settings.kinds import Kind, Value
from lacie_chat.settings.layers import PRESET, Held, Own, Settings
from lacie_chat.settings.options import AUTO, BY_NAME, NO_ADAPTER, OF_ANSWER, OPTIONS, SCOPES, Option
from lacie_chat.settings.template import as_toml, template

__all__ = [
    "AUTO",
    "BY_NAME",
    "NO_ADAPTER",
    "OF_ANSWER",
    "OPTIONS",
    "PRESET",
    "SCOPES",
    "Held",
    "Kind",
    "Option",
    "Own",
    "Settings",
    "SettingsError",
    "SettingsFile",
    "Value",
    "as_toml",
    "nearest",
    "parse_settings",
    "read_settings",
    "template",
]
