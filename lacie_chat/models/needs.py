"""How much memory a model takes, reckoned from its file's header: before anything of it is loaded.

The engine asks llama.cpp itself when it loads (engine/fitting.py), and refuses with figures; that takes native code,
which has no place in the chat's own process. This is its sum over again from what the header says, and a test holds the
two together: the weights, a cache of keys and values for the answers (two, where there is an adapter: with it and
without), a shorter one for answers aside, the buffers to compute with, and the listener. Of a model that isn't here
only the size is known, and the cache is a share of it.
"""

from collections.abc import Mapping
from pathlib import Path

from lacie_chat.gguf_header import GGUFError, Header, Scalar, read_header
from lacie_chat.sizes import size_text

USUAL_CONTEXT = 4096
"""Tokens of a context where nobody sets them: a longer one is only taken where there is room (engine/fitting.py)."""
_ASIDE = 2048
_LISTENER = 840_000_000
"""All contexts of both parts of the listener and its own weights, as the engine counts them."""
_BESIDES = 64 << 20
_CHUNK = 32
"""Tokens that a CPU reads at a time."""
_SHARE = 0.12
"""Of a file's size, for both caches of a model whose header isn't at hand: 4096 tokens take 4 to 16 % of models of 1 to
8 billion parameters in 4 bits."""


def needed(
    size_bytes: int,
    header: Header | None = None,
    *,
    context: int | None = None,
    adapter_bytes: int | None = None,
    heard: bool = True,
) -> int:
    """Bytes of memory for a model whose file (or files) have so many, with a `context` of so many tokens (None: as is
    usual); with an adapter of `adapter_bytes`, where it has one; `heard`: and with the listener beside it."""
    fixed = size_bytes + _LISTENER * heard + _BESIDES + (adapter_bytes or 0)
    if header is None:
        return fixed + int(size_bytes * _SHARE * (1 + (adapter_bytes is not None)))
    architecture = str(header.keys.get("general.architecture", ""))
    own = _number(header.keys, f"{architecture}.context_length") or USUAL_CONTEXT
    length = min(context or USUAL_CONTEXT, own)
    one = _context(header, architecture, length) + _context(header, architecture, min(length, _ASIDE))
    return fixed + one * (1 + (adapter_bytes is not None))


def needed_of(
    path: Path, size_bytes: int, *, context: int | None = None, adapter: Path | None = None, heard: bool = True
) -> int:
    """The same of a file that is here; by its size alone where its header can't be read."""
    try:
        header = read_header(path, tensors=False)
        adapter_bytes = adapter.stat().st_size if adapter is not None else None
    except (GGUFError, OSError):  # whoever loads it says what is wrong with it
        return needed(size_bytes, context=context, heard=heard)
    return needed(size_bytes, header, context=context, adapter_bytes=adapter_bytes, heard=heard)


def fits(need: int, free: int | None) -> bool:
    """Whether what needs so much fits what is free; yes where that isn't known."""
    return free is None or need <= free


def too_big(need: int, free: int | None) -> str:
    """`about 23 GB of memory, 8.1 GB are free` for what doesn't fit; else empty."""
    if free is None or fits(need, free):
        return ""
    return f"about {size_text(need)} of memory, {size_text(free)} are free"


def _context(header: Header, architecture: str, length: int) -> int:
    """Bytes of one context: its cache, of 16 bits a number, and its buffers, of 32. Layers whose window slides are
    cached whole, as the engine has them; those without keys and values (recurrent ones) keep next to nothing."""
    keys = header.keys

    def number(name: str, otherwise: int = 0) -> int:
        return _number(keys, f"{architecture}.{name}") or otherwise

    width, layers, heads = number("embedding_length"), number("block_count"), number("attention.head_count", 1)
    a_head = number("attention.key_length", width // heads) + number("attention.value_length", width // heads)
    of_layers = header.lists.get(f"{architecture}.attention.head_count_kv")
    if of_layers is None:
        of_layers = [number("attention.head_count_kv", heads)] * layers
        if every := number("full_attention_interval"):
            of_layers = of_layers[: layers // every]
    cache = sum(of_layers) * a_head * 2 * length
    buffers = 4 * _CHUNK * (6 * number("feed_forward_length", 4 * width) + 10 * width + length) + (1 << 20)
    return cache + buffers


def _number(keys: Mapping[str, Scalar], name: str) -> int:
    value = keys.get(name)
    return value if isinstance(value, int) else 0
