"""What is wrong with the settings: always the user's own words, hence wrong usage."""

from lacie_chat.errors import LacieError


class SettingsError(LacieError):
    """One line: the file, the option, and what is allowed."""

    status = 2
