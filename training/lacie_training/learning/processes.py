"""What the processes of one training say to one another; with one process, nothing. Needs accelerate."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list


def first_ones(value: Any) -> Any:
    """The first process's value, for all processes: what it has read of a folder, others may not see yet."""
    held = [value]
    broadcast_object_list(held, from_process=0)
    return held[0]


@contextmanager
def first_before_others() -> Iterator[None]:
    """The first process alone, then the others: what it has made, they find."""
    with PartialState().main_process_first():
        yield


def wait_for_all() -> None:
    """Until all processes are here."""
    PartialState().wait_for_everyone()
