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
    """From `least` to `most`."""
    return _number(int, lambda value: least <= value <= most, f"a whole number from {least} to {most}")


probability = _number(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")
not_negative = _number(float, lambda value: 0 <= value < float("inf"), "a number of 0 or more")
positive = _number(int, lambda value: value >= 1, "a whole number of 1 or more")
