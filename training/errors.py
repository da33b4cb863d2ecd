"""Errors of training that the user can mend: one line, what is wrong and what to do."""

from lacie_chat.errors import LacieError


class TrainingError(LacieError):
    """A recipe, a questions file, a run folder or a machine that a stage can't work with."""

    exit_status = 1


class Stopped(TrainingError):
    """The stage was asked to stop (SIGTERM) and has saved its state; not a failure, but not done either."""

    exit_status = 143
