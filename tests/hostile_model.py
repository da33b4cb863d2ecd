"""A real model that says what a terminal would obey: the embedded one, with another text behind some of its tokens."""

from pathlib import Path
from typing import Any

from gguf_copies import copy_into
from hostile import HOSTILE

QUESTION = "What is the capital of France?"
_ANSWERS = ("ĠParis", "Paris")
"""Tokens that its answer holds and the question does not; byte-level BPE writes a space as Ġ."""


def hostile_copy(source: Path, target: Path, text: str = HOSTILE) -> Path:
    """The embedded model with the answer to QUESTION followed by `text`, a hostile name, licence and author."""
    from gguf import GGUFWriter

    def change(key: str, value: Any) -> Any:
        if key == "tokenizer.ggml.tokens":
            assert set(_ANSWERS) <= set(value)
            return [token + _as_token(text) if token in _ANSWERS else token for token in value]
        return f"{text} {value}" if key in ("general.name", "general.license", "general.organization") else value

    copy_into(GGUFWriter(target, "llama"), source, change)
    return target


def _as_token(text: str) -> str:
    """Its bytes as GPT-2's vocabulary writes them: what is printable as itself, all else from U+0100 on."""
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = {byte: 0x100 + at for at, byte in enumerate(byte for byte in range(256) if byte not in own)}
    return "".join(chr(others.get(byte, byte)) for byte in text.encode())
