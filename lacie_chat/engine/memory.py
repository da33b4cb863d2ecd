"""How much memory a model will need, and how much there is: a refusal with figures beats a kill by the kernel."""

import sys
from pathlib import Path

from lacie_chat.engine.errors import EngineError
from lacie_chat.gguf_header import Header

_GIB = 1 << 30
_COMPUTE_BUFFERS = 100 << 20  # two contexts with a small n_ubatch and one output row
_CGROUP = Path("/sys/fs/cgroup")


def kv_bytes(header: Header, n_ctx: int) -> int:
    """Size of one f16 KV cache of `n_ctx` tokens: layers x heads x (key + value length) x 2 bytes; 0 where unknown."""
    arch = header.keys.get("general.architecture")

    def number(name: str, default: int) -> int:
        key = f"{arch}.{name}"
        if key in header.lists:  # a number a layer
            return max(header.lists[key])
        value = header.keys.get(key, default)
        return int(value) if isinstance(value, int) else default

    layers, heads = number("block_count", 0), number("attention.head_count", 0)
    if not layers or not heads:
        return 0
    width = number("embedding_length", 0) // heads
    per_head = number("attention.key_length", width) + number("attention.value_length", width)
    return layers * n_ctx * number("attention.head_count_kv", heads) * per_head * 2


def available_bytes() -> int | None:
    """Memory that this process may still take: the system's, or less where a container has a limit. None if unknown."""
    if not sys.platform.startswith("linux"):
        return None
    found: list[int] = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    except (OSError, ValueError, IndexError):
        return None
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        if limit != "max":
            used = int((_CGROUP / "memory.current").read_text())
            stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
            found.append(int(limit) - used + int(stat.get("inactive_file", 0)))  # page cache that can be let go
    except (OSError, ValueError):
        pass
    return min(found) if found else None


def refuse_if_too_big(path: Path, header: Header, n_ctx: int, reader_ctx: int) -> None:
    """Raise EngineError when weights and caches can't fit. Call before loading; for the CPU only."""
    available = available_bytes()
    caches = kv_bytes(header, n_ctx) + kv_bytes(header, reader_ctx)
    needed = path.stat().st_size + caches + _COMPUTE_BUFFERS
    if available is None or needed <= available:
        return
    advice = "use a smaller model or quantisation"
    if caches > needed // 4:
        advice += f", or a context shorter than {n_ctx} tokens"
    raise EngineError(
        f"Not enough memory for {path}: it needs about {needed / _GIB:.1f} GiB and "
        f"{max(available, 0) / _GIB:.1f} GiB are available; {advice}."
    )
