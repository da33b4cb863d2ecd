"""Where lacie-chat keeps what is the user's: one folder for data, one for logs, one for the settings file.

`LACIE_DATA_DIR` moves all of it (tests and portable installs use that). Nothing is created on import; whoever writes
creates the folder. All paths are absolute; each function raises LacieError, one line, where a variable names no folder.
"""

import os
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

import platformdirs

from lacie_chat.errors import LacieError
from lacie_chat.private import private_file, private_folder

_OURS = ("conversations.db*", "interface.json", "prompts.jsonl", ".prompts.jsonl.lock")
_MOST_FILES = 10_000
_DATA, _CACHE, _CONFIG = "LACIE_DATA_DIR", "LACIE_CACHE_DIR", "LACIE_CONFIG_DIR"


def data_dir() -> Path:
    """The folder of the user's conversations and calibrators."""
    return _named(_DATA) or _usual(platformdirs.user_data_dir("lacie-chat", appauthor=False))


def log_dir() -> Path:
    """The folder of the native logs; inside the data folder when that one is moved."""
    named = _named(_DATA)
    return named / "logs" if named else _usual(platformdirs.user_log_dir("lacie-chat", appauthor=False))


def cache_dir() -> Path:
    """The folder of what can be made again; `LACIE_CACHE_DIR` moves it alone."""
    own, named = _named(_CACHE), _named(_DATA)
    if own:
        return own
    return named / "cache" if named else _usual(platformdirs.user_cache_dir("lacie-chat", appauthor=False))


def settings_path() -> Path:
    """The settings file, which the user writes; `LACIE_CONFIG_DIR` moves its folder alone."""
    own = _named(_CONFIG) or _named(_DATA)
    return (own or _usual(platformdirs.user_config_dir("lacie-chat", appauthor=False))) / "config.toml"


def database_path() -> Path:
    """The SQLite file that holds all conversations."""
    return data_dir() / "conversations.db"


def calibrators_dir() -> Path:
    """The folder of fitted calibrators, one JSON file a model (named by its fingerprint)."""
    return data_dir() / "calibrators"


def keep_private() -> None:
    """Close what is there of ours and open to others: an earlier version left it so, or somebody who made the folder.
    By name, for the folder may be one that holds other things, too; what can't be closed stays as it is.
    """
    with suppress(OSError, LacieError):
        data, logs, settings = data_dir(), log_dir(), settings_path()
        folders = [data, logs, data / "calibrators"]
        if not os.environ.get(_CONFIG):  # a folder that is named may be one for several users
            folders.append(settings.parent)
            private_file(settings)
        for folder in filter(Path.is_dir, folders):
            private_folder(folder)
        files = chain(*(data.glob(name) for name in _OURS), logs.glob("engine.log*"))
        for path in files:
            private_file(path)
        for path in islice((data / "calibrators").rglob("*"), _MOST_FILES):
            if path.is_dir():
                private_folder(path)
            else:
                private_file(path)


def expanded(path: str | Path) -> Path:
    """A path that somebody wrote, with `~` as a shell would read it. Raises LacieError where that names no home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise LacieError(f"{path}: there is no such home folder; give the whole path") from None


def home() -> Path | None:
    """The user's home folder; None where the system knows of none (a service, a container)."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def _named(variable: str) -> Path | None:
    """The folder that a variable names, with `~` as a shell would read it (in quotes and in unit files none does)."""
    value = os.environ.get(variable)
    if not value:
        return None
    try:
        folder = Path(value).expanduser().absolute()
    except RuntimeError:
        raise LacieError(f"{variable} is {value}, and there is no such home folder; give the whole path") from None
    with suppress(OSError):  # a folder that may not be looked into; whoever opens it says so
        if folder.is_file():
            raise LacieError(f"{variable} is {value}, which is a file; give a folder")
    return folder


def _usual(folder: str) -> Path:
    path = Path(folder)
    if not path.is_absolute():  # `~` was left as it is: neither HOME nor the system's list of users knows a home
        raise LacieError(f"there is no home folder to keep things in; set {_DATA} to a folder")
    return path
