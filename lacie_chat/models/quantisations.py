"""Which file of a repository is meant: GGUF repositories hold one model many times over, and other things besides.

File names are the only guide (the Hub has no field for it), written as
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#gguf-naming-convention says, or nearly so.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

# Best first, when nobody asked for one: small enough for most machines, then better ones, then whatever there is.
PREFERENCE = (
    "Q4_K_M",
    "Q8_0",
    "Q5_K_M",
    "Q6_K",
    "Q4_K_S",
    "Q5_K_S",
    "IQ4_XS",
    "Q4_0",
    "Q4_1",
    "Q5_0",
    "Q5_1",
    "F16",
    "BF16",
)

_QUANTISATION = re.compile(
    r"(?:^|[-._])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4|BF16|F(?:P)?16|F(?:P)?32))(?=$|[-._])",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})$")
# Projectors for pictures, calibration data, and heads that only draft for the model beside them.
_NO_MODEL = re.compile(r"mmproj|imatrix|(?:^|_)(?:mtp|eagle3|dflash|dspark)-", re.IGNORECASE)
_ADAPTER = re.compile(r"(?:^|[-._/])(?:lora|adapter)(?=$|[-._])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Variant:
    """One model (or adapter) of a repository: its files in order (more than one if it is split), and its quantisation
    ("" where the name has none)."""

    files: tuple[str, ...]
    quantisation: str
    shared: bool = False
    """Whether another one of the repository has the same quantisation, so that it doesn't tell them apart."""

    @property
    def label(self) -> str:
        """What to write after the colon of a REF to get this one."""
        return PurePosixPath(self.files[0]).name if self.shared or not self.quantisation else self.quantisation


def variants(files: Iterable[str], *, adapters: bool = False) -> list[Variant]:
    """The complete models in a list of file names (or the adapters), by name. A split one must have all its parts."""
    found: list[Variant] = []
    names = set(files)
    for name in sorted(names):
        path = PurePosixPath(name)
        if not _is_model(path) or bool(_ADAPTER.search(path.stem)) != adapters:
            continue
        parts = parts_of(name)
        if name != parts[0] or not names.issuperset(parts):
            continue
        stem = _SPLIT.sub("", path.stem)
        tags = _QUANTISATION.findall(stem) or _QUANTISATION.findall(path.parent.name)
        found.append(Variant(parts, tags[-1].upper().replace("FP", "F") if tags else ""))
    count = Counter(variant.quantisation for variant in found)
    return [replace(variant, shared=count[variant.quantisation] > 1) for variant in found]


def parts_of(name: str) -> tuple[str, ...]:
    """The files of the split model that a file is a part of, in order; of any other, just its name."""
    path = PurePosixPath(name)
    split = _SPLIT.search(path.stem)
    if split is None or not int(split[2]):
        return (name,)
    stem, total = path.stem[: split.start()], int(split[2])
    return tuple(
        str(path.with_name(f"{stem}-{number:05d}-of-{total:05d}{path.suffix}")) for number in range(1, total + 1)
    )


def incomplete(files: Iterable[str]) -> dict[str, list[str]]:
    """The split models in a list of file names that lack parts: the first part's name -> the names that are missing."""
    names = set(files)
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        parts = parts_of(name)
        missing = [part for part in parts if part not in names]
        if missing and _is_model(PurePosixPath(name)):
            found[parts[0]] = missing
    return found


def missing_line(missing: list[str], total: int) -> str:
    """`1 of 3 parts is missing: model-00002-of-00003.gguf`; the first three by name."""
    names = ", ".join(PurePosixPath(name).name for name in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"{len(missing)} of {total} parts {'is' if len(missing) == 1 else 'are'} missing: {names}{more}"


def choose(found: list[Variant], wanted: str | None) -> Variant | None:
    """The variant that is wanted (by quantisation or file name, whatever the case), or the preferred one for None."""
    if wanted is None:
        ranks = {name: rank for rank, name in enumerate(PREFERENCE)}
        return min(found, key=lambda variant: ranks.get(variant.quantisation, len(ranks)), default=None)
    lower = wanted.lower()
    exact = [v for v in found if lower in (v.quantisation.lower(), v.label.lower(), *map(str.lower, v.files))]
    exact += [v for v in found if lower in (PurePosixPath(file).name.lower() for file in v.files)]
    dynamic = [v for v in found if v.quantisation.lower() == f"ud-{lower}"]  # Unsloth's names for their mixed types
    return next(iter([*exact, *dynamic]), None)


def _is_model(path: PurePosixPath) -> bool:
    return path.suffix.lower() == ".gguf" and not _NO_MODEL.search(path.name)
