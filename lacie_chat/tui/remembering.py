"""What is changed by a key and remembered: theme, samples, folding.

It is kept beside the conversations, and the next start has it. Where the settings file names it, that goes first at the
start, so the file is changed.
"""

from lacie_chat.settings import Settings, SettingsError, Value
from lacie_chat.tui.interface_state import InterfaceState, write_state


def remember(state: InterfaceState, settings: Settings, name: str, value: Value) -> str:
    """Keep it; one line if the settings file can't be changed, else empty."""
    setattr(state, name, value)
    write_state(state)
    if settings.file.values.get(name, value) == value:
        settings.forget(name)
        return ""
    try:
        settings.write({name: value})
    except SettingsError as error:
        return str(error)
    return ""
