"""A chat template as a program: compiled and run as transformers does it, so that a model reads what it was trained on.

The template is a Jinja program out of somebody's file, hence the sandbox: it reaches nothing but its conversation. What
that can't hold is how long it runs and how much it takes (`9**(9**9)`, loops in loops, `'a' * 10**10`), and while such
a thing is computed nothing in the same interpreter can stop it. So it runs in a process of its own, within limits that
the kernel keeps: `python -m lacie_chat.engine.template_process`, started by template_sandbox.py and never by hand.
A request is one line of JSON on standard input, as is the reply on standard output. The process ends with its input,
and where a template is in hand then, with its limit of processor time.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import jinja2.exceptions
import jinja2.ext
import jinja2.meta
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox
import jinja2.utils

BYTES = 512 << 20
"""Of memory beyond what this process takes of itself."""
CHARACTERS = 1 << 20
"""Of what a template writes, beside those that messages account for, each counted TIMES over (as JSON, and twice)."""
TIMES = 16
REASON_CHARACTERS = 200

TOO_MUCH = f"it takes more than {BYTES >> 20} MiB of memory"
_TOO_LARGE = "it writes far more than it was given"


class _TooLarge(Exception):
    """What was written is beyond its limit."""


def environment() -> jinja2.Environment:
    """Where templates are compiled and run: a sandbox, with what transformers gives them."""
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = _to_json
    made.globals["raise_exception"] = _raise
    made.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    made.globals["namespace"] = _Namespace
    return made


class _Generation(jinja2.ext.Extension):
    """transformers' `{% generation %}` marks what to train on; for rendering it is just its body."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node | list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(jinja2.utils.Namespace):
    """Jinja's own lets a template write `__class__` and the like; transformers closed that door, so do we."""

    def __init__(*args: Any, **values: Any) -> None:  # a template may well name a value `self`
        own, *rest = args
        found = dict(*rest, **values)
        for name in found:
            _check_name(name)
        jinja2.utils.Namespace.__init__(own, found)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"it writes the hidden name {name}")


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


@lru_cache(maxsize=8)
def _compiled(source: str) -> jinja2.Template:
    return environment().from_string(source)


def _names(source: str) -> list[str]:
    return sorted(jinja2.meta.find_undeclared_variables(environment().parse(source)))


def _render(source: str, messages: Sequence[Mapping[str, str]], variables: Mapping[str, Any]) -> str:
    given = sum(len(text) for message in messages for text in message.values())
    most = CHARACTERS + len(source) + TIMES * given
    pieces: list[str] = []
    length = 0
    for piece in _compiled(source).generate(messages=messages, **variables):
        pieces.append(piece)
        length += len(piece)
        if length > most:
            raise _TooLarge
    return "".join(pieces)


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """`value`, or `reason` in one line; with `beyond` where a limit was reached."""
    try:
        if request["op"] == "names":
            return {"value": _names(request["source"])}
        if request["op"] == "compile":
            _compiled(request["source"])
            return {"value": None}
        return {"value": _render(request["source"], request["messages"], request["variables"])}
    except MemoryError:
        return {"reason": TOO_MUCH, "beyond": True}
    except _TooLarge:
        return {"reason": _TOO_LARGE, "beyond": True}
    except Exception as error:  # noqa: BLE001 - somebody's program: whatever it ends with, it can't be used
        reason = " ".join(str(error)[: 4 * REASON_CHARACTERS].split()).rstrip(".") or type(error).__name__
        return {"reason": reason if len(reason) <= REASON_CHARACTERS else f"{reason[:REASON_CHARACTERS]}…"}


def _limit(which: int, to: int) -> None:
    """The soft limit, as far as the hard one allows."""
    import resource

    _, hard = resource.getrlimit(which)
    with suppress(OSError, ValueError):
        resource.setrlimit(which, (to if hard == resource.RLIM_INFINITY else min(to, hard), hard))


def _limit_memory() -> None:
    if sys.platform != "linux":  # elsewhere the limit isn't kept; template_sandbox.py looks on
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + BYTES)
    _limit(resource.RLIMIT_CORE, 0)


def _limit_time(seconds: int) -> None:
    """To so much processor time from now on."""
    if sys.platform == "win32":
        return
    import resource

    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _limit(resource.RLIMIT_CPU, int(used) + 1 + seconds)


def main() -> None:
    """Serve until standard input ends, or a template has reached a limit."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for whoever started us
    _limit_memory()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _limit_time(request["seconds"])
        reply = answer(request)
        data = memoryview(json.dumps(reply).encode("ascii") + b"\n")
        while data:
            data = data[os.write(1, data) :]
        if reply.get("beyond"):
            return  # what it took is best given back so


if __name__ == "__main__":
    main()
