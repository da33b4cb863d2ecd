"""How much memory there is: the system's, or less where a container or a limit of the process allows less."""

import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

MIB, GIB = 1 << 20, 1 << 30
_CGROUP = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def available_bytes() -> int:
    """Memory that this process may still take. What the system only caches counts as free, here as there."""
    free = int(psutil.virtual_memory().available)
    return max(0, min(free, *_left_in_groups(_OWN_GROUPS, _CGROUP), *_left_of_address_space()))


def _left_in_groups(groups: Path, mounted: Path) -> Iterator[int]:
    """What is left under each limit of a control group, of this process and of those above it; versions 2 and 1."""
    try:
        lines = groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = mounted, ("memory.max", "memory.current", "inactive_file", "active_file")
        elif "memory" in controllers.split(","):
            root, names = (
                mounted / "memory",
                (
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                    "total_inactive_file",
                    "total_active_file",
                ),
            )
        else:
            continue
        inside = PurePosixPath(path.lstrip("/"))
        # in a namespace of its own a container sees its group as the root
        for folder in {root / inside, *(root / above for above in inside.parents), root}:
            if (left := _left_in(folder, *names)) is not None:
                yield left


def _left_in(folder: Path, limit: str, usage: str, *cached: str) -> int | None:
    """None where there is no limit."""
    try:
        most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no such file; "max"
        return None
    return most - used + sum(int(stat.get(name, 0)) for name in cached)  # a file's pages in memory can be let go


def _left_of_address_space() -> Iterator[int]:
    """Under `ulimit -v`."""
    if sys.platform == "win32":
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        yield limit - int(psutil.Process().memory_info().vms)
