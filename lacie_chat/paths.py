"""Where lacie-chat keeps what is the user's: one folder for data, one for logs.

`LACIE_DATA_DIR` moves all of it (tests and portable installs use that). Nothing is created on import; whoever writes
creates the folder.
"""

import os
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """The folder of the user's conversations, calibrators and settings."""
    override = os.environ.get("LACIE_DATA_DIR")
    return Path(override) if override else Path(platformdirs.user_data_dir("lacie-chat", appauthor=False))


def log_dir() -> Path:
    """The folder of the native logs; inside the data folder when that one is moved."""
    override = os.environ.get("LACIE_DATA_DIR")
    return Path(override) / "logs" if override else Path(platformdirs.user_log_dir("lacie-chat", appauthor=False))


def cache_dir() -> Path:
    """The folder of what can be made again; `LACIE_CACHE_DIR` moves it alone."""
    own, override = os.environ.get("LACIE_CACHE_DIR"), os.environ.get("LACIE_DATA_DIR")
    if own:
        return Path(own)
    return Path(override) / "cache" if override else Path(platformdirs.user_cache_dir("lacie-chat", appauthor=False))


def database_path() -> Path:
    """The SQLite file that holds all conversations."""
    return data_dir() / "conversations.db"


def calibrators_dir() -> Path:
    """The folder of fitted calibrators, one JSON file a model (named by its fingerprint)."""
    return data_dir() / "calibrators"
