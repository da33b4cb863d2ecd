"""What argparse checks of numbers on the command line, for all commands; its error line says what is wanted."""

import argparse
from collections.abc import Callable


def _number(kind: Callable[[str], float], accepts: Callable[[float], bool], wanted: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
        return value

    return parse


def whole_number(least: int, most: int) -> Callable[[str], float]:
    """Both bounds are in."""
    return _number(int, lambda value: least <= value <= most, f"a whole number from {least} to {most}")


def at_least(least: int) -> Callable[[str], float]:
    """A whole number with a lower bound only."""
    return _number(int, lambda value: value >= least, f"a whole number of {least} or more")


probability = _number(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")
not_negative = _number(float, lambda value: 0 <= value < float("inf"), "a number of 0 or more")
positive = at_least(1)
