"""Errors of finding, reading and fetching models, each one line for the user."""

from lacie_chat.errors import LacieError


class ModelError(LacieError):
    """The model can't be found, read or downloaded."""


class NoSuchRepositoryError(ModelError):
    """The Hub has no repository of that name, or hides it."""


class NotHereError(ModelError):
    """A model of the Hub isn't on this machine, and it was not to be fetched."""
