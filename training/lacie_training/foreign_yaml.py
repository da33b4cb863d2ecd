"""YAML that anybody may have written, read with bounds: recipes, values of `--set`, the head of a model card.

PyYAML reads what then fails far from here: nesting that ends in a RecursionError after ten seconds, integers of
thousands of digits (written out, or to the base of 60), and aliases within aliases, a kilobyte of which is a billion
values for whoever walks through them. JSON has lacie_chat/foreign_json.py; YAML is no part of the application.
"""

import re
from typing import Any

import yaml

MOST_BYTES = 1 << 20
_DEEPEST, _MOST_VALUES = 50, 100_000
_LARGEST = 10**40
_BRACKETS = re.compile(rf"[\[{{](?:\s*[\[{{]){{{_DEEPEST}}}")


class NoYAML(ValueError):
    """What is wrong with it, on one line."""


def parse_yaml(text: str | bytes, *, most: int = MOST_BYTES) -> Any:
    """The value, of plain kinds alone. Raises NoYAML: no UTF-8, no YAML, too long, too deep, too much."""
    if len(text) > most:
        raise NoYAML(f"too long: over {most >> 20} MiB")
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        _check_depth(text)
        value = yaml.safe_load(text)
    except NoYAML:
        raise
    except UnicodeDecodeError as error:
        raise NoYAML(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise NoYAML("nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:  # a date that is none, too many digits
        raise NoYAML(" ".join(str(error).split())) from error
    _check_size(value)
    return value


def _check_depth(text: str) -> None:
    """Before anything is built: the parser's events come one by one. (Of brackets in a row it reads a thousand ahead,
    and each of them costs as much as there are before it.)"""
    if _BRACKETS.search(text):
        raise NoYAML("nested too deeply")
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise NoYAML("nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(value: Any) -> None:
    """Count what somebody meets who walks through it: an alias as often as it stands there, one within itself for
    ever."""
    waiting, left = [value], _MOST_VALUES
    while waiting:
        found = waiting.pop()
        left -= 1
        if left < 0:
            raise NoYAML(f"it comes to over {_MOST_VALUES:,} values")
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list | tuple | set):
            waiting += found
        elif isinstance(found, int) and abs(found) > _LARGEST:
            raise NoYAML("a number in it has too many digits")
