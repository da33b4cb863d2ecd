"""The one kind of error that a user is meant to read.

Everything that can go wrong through no fault of the code (a missing file, a full disk, a broken model) is raised as a
`LacieError` whose message is one clear line: what is wrong, and what to do. The command prints it and exits with 1; the
interface shows it in place. Whatever is not a `LacieError` is a bug.
"""

from lacie_chat.installed import install_extra

LONGEST = 2000
"""Characters of a line: what a file holds may be quoted in it, and that may be megabytes."""


class LacieError(Exception):
    """One line for the user: what is wrong and what to do. A command that ends with it has the exit `status`. One that
    grew too long loses its middle: where it is wrong stands first, what to do last."""

    status = 1

    def __str__(self) -> str:
        line = super().__str__()
        return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"


def missing_extra(extra: str, package: str) -> str:
    """The line for a package that is missing because its extra isn't installed."""
    return f"this needs the extra '{extra}' ({package} is missing): {install_extra(extra)}"
