"""About how much memory a model takes, by the size of its file: a first estimate, made before anything is opened.

The engine counts what it really needs when it loads (engine/fitting.py), and refuses with figures.
"""

from lacie_chat.sizes import size_text

_OVERHEAD = 600_000_000
"""Beside the weights: a context of some thousand tokens and what is computed in."""


def roughly_needed(size_bytes: int) -> int:
    """Bytes of memory for a model whose file (or files) have so many."""
    return size_bytes + _OVERHEAD


def fits(size_bytes: int, free: int | None) -> bool:
    """Whether such a model fits what is free; yes where that isn't known."""
    return free is None or roughly_needed(size_bytes) <= free


def too_big(size_bytes: int, free: int | None) -> str:
    """`about 23 GB of memory, 8.1 GB are free` for a model that doesn't fit; else empty."""
    if free is None or fits(size_bytes, free):
        return ""
    return f"about {size_text(roughly_needed(size_bytes))} of memory, {size_text(free)} are free"
