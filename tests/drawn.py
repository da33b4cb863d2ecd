"""Answers whose tokens are made up: for the screen that shows them."""

from collections.abc import Sequence
from math import log

from scripted import Answer

from lacie_chat.engine.alignment import characters_of, written
from lacie_chat.engine.events import Alternatives

Drawn = tuple[str | bytes, float, Sequence[tuple[str, float]]]
"""A token, its probability, and the others there with theirs."""


def answer_of(*drawn: Drawn, hold_after: int | None = None) -> Answer:
    """The answer that these tokens write."""
    pieces = [piece.encode() if isinstance(piece, str) else piece for piece, _, _ in drawn]
    text = b"".join(pieces).decode()
    places = characters_of(pieces, text)
    tokens = tuple((start, end, log(drawn[index][1])) for index, start, end in places)
    return Answer(
        [text], hold_after=hold_after, tokens=tokens, alternatives=tuple(_alternatives(*drawn[i]) for i, *_ in places)
    )


def _alternatives(piece: str | bytes, probability: float, others: Sequence[tuple[str, float]]) -> Alternatives:
    text = written(piece.encode() if isinstance(piece, str) else piece)
    every = sorted([(text, probability), *others], key=lambda each: -each[1])[:5]
    place = next((place for place, each in enumerate(every) if each[0] == text), None)
    return Alternatives(text, tuple((other, log(share)) for other, share in every), place)


VIENNA = (
    ("The", 0.62, [("It", 0.2), ("I", 0.06), ("That", 0.04), ("Well", 0.01)]),
    (" river", 0.97, [(" Danube", 0.02), (" water", 0.004), ("\n", 0.001), (" r", 0.001)]),
    (" is", 0.93, [(" that", 0.03), (",", 0.02), (" in", 0.01), (" you", 0.001)]),
    (" the", 0.995, [(" The", 0.002), (" called", 0.001), (" a", 0.001), (" Danube", 0.0005)]),
    (" Rhine", 0.12, [(" Danube", 0.61), (" Inn", 0.1), (" Elbe", 0.05), (" Wien", 0.02)]),
    (",", 0.7, [(".", 0.2), (" (", 0.05), ("\n", 0.01), (" in", 0.01)]),
    (" or", 0.04, [(" which", 0.8), (" a", 0.05), (" and", 0.04), (" the", 0.03)]),
    (" ", 0.3, [(" in", 0.4), (" the", 0.1), (" ライン", 0.05), (' "', 0.04)]),
    (b"\xe5\xa4", 0.02, [("ラ", 0.5), ("多", 0.1), ("‹0xE8›", 0.08), ("<|im_end|>", 0.07), ("[bold]", 0.06)]),
    (b"\x9a", 0.55, [("‹0xA7›", 0.2), ("‹0xAA›", 0.1), ("‹0xA9›", 0.04), ("‹0xB1›", 0.01)]),
    ("瑙河", 0.9, [("く", 0.02), ("[/]", 0.01), ("い", 0.01), ("\t", 0.01)]),
    (" 🎉", 0.003, [(".", 0.8), ("!", 0.1), ("\n\n", 0.05), (" in", 0.01), (" and", 0.01)]),
    (".", 0.98, [("!", 0.01), ("\n", 0.004), ("..", 0.001), (" .", 0.001)]),
    ("\n\n", 0.4, [("<|im_end|>", 0.5), (" It", 0.05), ("\n", 0.02), (" The", 0.01)]),
    ("It", 0.5, [("The", 0.3), ("I", 0.1), ("This", 0.02), ("In", 0.02)]),
    (" flows", 0.44, [(" is", 0.5), (" rises", 0.02), (" runs", 0.01), (" was", 0.01)]),
    (" through", 0.9, [(" from", 0.05), (" into", 0.02), (" past", 0.01), (" by", 0.01)]),
    (" Vienna", 0.96, [(" the", 0.02), (" Austria", 0.01), (" many", 0.001), (" Ulm", 0.001)]),
    (".", 0.91, [(",", 0.05), (" and", 0.02), ("\n", 0.01), (" in", 0.001)]),
)
"""What is there to be seen of an answer: each level, bytes, wide characters, white space, markers, markup."""
