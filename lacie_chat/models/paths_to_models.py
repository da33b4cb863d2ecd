"""From a path that a user gave to the file that is loaded: a folder to the model in it, a part to the whole."""

from pathlib import Path

from lacie_chat.models.errors import ModelError
from lacie_chat.models.quantisations import missing_line, parts_of, variants
from lacie_chat.models.shelves import ggufs_below
from lacie_chat.paths import expanded

_DEEPEST = 3
_NAMED = 4


def find_path(ref: str, *, adapter: bool = False, may_be_repository: bool = False) -> Path | None:
    """The GGUF that a path leads to: the file; the first part of a split model, by any of its parts; the only model of
    a folder. None where nothing is there (or only a folder without GGUFs, if `ref` may be a repository's name too).
    Raises ModelError: parts missing (by name), a folder of several models (named) or of none. LacieError: a `~` that
    names no home."""
    path = expanded(ref)
    try:
        if path.is_dir():
            return _in_folder(path, adapter, may_be_repository) if ref.strip() else None
        exists = path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a null
        return None
    parts = [path.with_name(name) for name in parts_of(path.name)]
    if len(parts) > 1:
        missing = [part.name for part in parts if not part.exists()]
        if missing and (exists or len(missing) < len(parts)):
            raise ModelError(f"{path.name} is one of {len(parts)} parts, and {missing_line(missing, len(parts))}")
    return parts[0] if exists else None


def _in_folder(folder: Path, adapter: bool, may_be_repository: bool) -> Path | None:
    files = ggufs_below(folder, [], deepest=_DEEPEST)
    found = {(folder / variant.files[0]).resolve(): variant for variant in variants(files, adapters=adapter)}
    if len(found) == 1:
        (variant,) = found.values()
        return folder / variant.files[0]
    if not found:
        if may_be_repository and not files:
            return None
        for name in files:  # a split model that isn't whole is what was meant
            find_path(str(folder / name))
        raise ModelError(f"{folder} is a folder without a {'LoRA adapter' if adapter else 'model'} as GGUF")
    names = [variant.files[0] for variant in found.values()]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    raise ModelError(f"{folder} is a folder of {len(names)} models; name one: {', '.join(names[:_NAMED])}{more}")
