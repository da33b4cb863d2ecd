"""Accelerate's launcher, for `lacie train run`: `python -m lacie_training.launch` takes what `accelerate launch` takes,
but for `--log_dir`.

The processes that it starts are accelerate's. What is added is how they end: a SIGTERM goes on to them, and they are
waited for however long their checkpoint takes (accelerate alone would leave one process behind as an orphan, and would
kill several after 30 seconds); the error of the one that failed is said once, and its exit status is the launcher's,
however many processes ran into it, or into the end of that one.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.streams import complain, make_usable

LAUNCHED = "LACIE_LAUNCHED"
"""Set for processes of this launcher: they leave their errors to it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Launch, wait, and return the exit status."""
    make_usable()
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    options = launch_command_parser().parse_args(argv)
    options.signals_to_handle = "SIGINT,SIGHUP,SIGQUIT"  # torch's own way with SIGTERM ends in SIGKILL
    logging.disable(logging.ERROR)  # torch's launcher retells in its own words how processes end
    os.environ[LAUNCHED] = "1"
    signal.signal(signal.SIGTERM, _pass_on)
    with TemporaryDirectory(prefix="lacie-launch-") as logs:
        options.log_dir = logs
        try:
            launch_command(options)
        except ChildFailedError as error:
            return _told(Path(logs), *error.get_first_failure())
        except subprocess.CalledProcessError as error:  # one process: it has said itself what was wrong
            return _status(error.returncode)
        except SignalException as error:
            return 128 + int(error.sigval)
    return 0


def _pass_on(number: int, _frame: FrameType | None) -> None:
    """To the processes that train; before there are any, the launcher ends itself."""
    import psutil

    children = psutil.Process().children()
    if not children:
        raise SystemExit(128 + number)
    for child in children:
        child.send_signal(number)


def leave_error(error: Exception, line: str | None, status: int) -> bool:
    """Leave it to the launcher to tell of an error: by its line, or by where it happened if it has none. False where
    no launcher of ours has started this process.
    """
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if not (file and os.environ.get(LAUNCHED)):
        return False
    from torch.distributed.elastic.multiprocessing.errors import get_error_handler

    if line is None:
        get_error_handler().record_exception(error)
    else:
        told = {"message": line, "timestamp": time.time(), "exit_status": status}
        Path(file).write_text(json.dumps(told), encoding="utf-8")
    return True


def _told(logs: Path, rank: int, failure: Any) -> int:
    """Say what was wrong, in the words of the first process that knew; the exit status."""
    lines = []
    for path in logs.rglob("error.json"):
        with suppress(OSError, NoJSON):  # of one that was ended while it wrote
            lines.append(read_json(path))
    lines = [record for record in lines if isinstance(record, dict) and isinstance(record.get("message"), str)]
    if lines:
        first = min(lines, key=lambda record: float(record["timestamp"]))
        complain(first["message"])
        return int(first["exit_status"])
    if isinstance(failure.message, dict):
        print(failure.message["extraInfo"]["py_callstack"], file=sys.stderr)
    elif -failure.exitcode == signal.SIGKILL:
        complain(f"process {rank} was killed (SIGKILL): is the main memory full?")
    return _status(int(failure.exitcode))


def _status(exit_code: int) -> int:
    return 128 - exit_code if exit_code < 0 else exit_code


if __name__ == "__main__":
    raise SystemExit(main())
