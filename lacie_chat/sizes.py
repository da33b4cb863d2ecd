"""How sizes of files and of memory are written: everywhere alike, so that two of them can be held against each other.

Decimal units, as the Hub, disks and Macs have them: what is 98 MB on the Hub is 98 MB here, on the disk and in memory.
"""


def size_text(size: int) -> str:
    """Bytes for people: `1.5 GB`, `98 MB`, `64 kB`."""
    if size >= 999.5e6:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 999.5e3 else f"{size / 1e3:.0f} kB"


def text_size(size: int) -> str:
    """The same for texts, which are small: `640 bytes`, `3.2 kB`."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{size / 1e3:.1f} kB" if size < 99_950 else size_text(size)
