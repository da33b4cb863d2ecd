"""JSON that anybody may have written, read with bounds: one place for files, lines of files, and texts inside others.

Python's own reader takes what no file of ours holds and what then fails far from here: NaN and numbers beyond a float,
integers of thousands of digits (a ValueError of another kind), nesting that ends in a RecursionError, and any length
(50 MB of brackets become 2.7 GB of lists). What isn't taken is a NoJSON, which says in a few words what is wrong.
"""

import json
import math
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES = 16 << 20
"""Of a document: calibrators, settings of adapters and studies are a thousand times smaller."""
LONGEST_LINE = 8 << 20
"""Bytes of a row: an answer with all its tokens takes some hundred thousand."""
_MOST_DIGITS = 40


class NoJSON(ValueError):
    """What is wrong with it, in a few words."""


def parse_json(text: str | bytes, *, most: int = MOST_BYTES) -> Any:
    """The value. Raises NoJSON: no UTF-8, no JSON, too long, too deep, a number that is none."""
    if len(text) > most:
        raise NoJSON(f"too long: over {most >> 20} MiB")
    try:
        return json.loads(text, parse_constant=_no_number, parse_int=_integer, parse_float=_real)
    except NoJSON:
        raise
    except RecursionError:
        raise NoJSON("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise NoJSON(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise NoJSON(f"not valid JSON ({error.msg})") from None


def read_json(path: Path, *, most: int = MOST_BYTES) -> Any:
    """The value in a file. Raises NoJSON, and OSError where it can't be read."""
    return parse_json(beginning(path, most + 1), most=most)


def beginning(path: Path, most: int) -> bytes:
    """The first bytes of a file, at most so many: what is longer than it can be isn't read to see that. Raises
    OSError."""
    with path.open("rb") as file:
        return file.read(most)


def _no_number(name: str) -> NoReturn:
    raise NoJSON(f"not valid JSON ({name} is no number)")


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise NoJSON(f"it holds a number of {len(digits):,} digits")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _no_number(digits[:_MOST_DIGITS])
