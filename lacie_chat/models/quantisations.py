"""Which file of a repository is meant: GGUF repositories hold one model many times over, and other things besides.

File names are the only guide (the Hub has no field for it), written as
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#gguf-naming-convention says, or nearly so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
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
_NO_MODEL = re.compile(r"mmproj|imatrix", re.IGNORECASE)
_ADAPTER = re.compile(r"(?:^|[-._/])(?:lora|adapter)(?=$|[-._])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Variant:
    """One model (or adapter) of a repository: its files in order (more than one if it is split), and its quantisation
    ("" where the name has none)."""

    files: tuple[str, ...]
    quantisation: str

    @property
    def label(self) -> str:
        """What to write after the colon of a REF to get this one."""
        return self.quantisation or PurePosixPath(self.files[0]).name


def variants(files: Iterable[str], *, adapters: bool = False) -> list[Variant]:
    """The complete models in a list of file names (or the adapters), by name. A split one must have all its parts."""
    found: list[Variant] = []
    names = set(files)
    for name in sorted(names):
        path = PurePosixPath(name)
        if (
            path.suffix.lower() != ".gguf"
            or _NO_MODEL.search(path.name)
            or bool(_ADAPTER.search(path.stem)) != adapters
        ):
            continue
        stem, split = path.stem, _SPLIT.search(path.stem)
        parts: tuple[str, ...] = (name,)
        if split:
            if int(split[1]) != 1:
                continue
            stem, total = stem[: split.start()], int(split[2])
            parts = tuple(
                str(path.with_name(f"{stem}-{number:05d}-of-{total:05d}{path.suffix}"))
                for number in range(1, total + 1)
            )
            if not names.issuperset(parts):
                continue
        tags = _QUANTISATION.findall(stem) or _QUANTISATION.findall(path.parent.name)
        found.append(Variant(parts, tags[-1].upper().replace("FP", "F") if tags else ""))
    return found


def choose(found: list[Variant], wanted: str | None) -> Variant | None:
    """The variant that is wanted (by quantisation or file name, whatever the case), or the preferred one for None."""
    if wanted is None:
        ranks = {name: rank for rank, name in enumerate(PREFERENCE)}
        return min(found, key=lambda variant: ranks.get(variant.quantisation, len(ranks)), default=None)
    lower = wanted.lower()
    exact = [v for v in found if lower in (v.quantisation.lower(), v.files[0].lower(), v.label.lower())]
    dynamic = [v for v in found if v.quantisation.lower() == f"ud-{lower}"]  # Unsloth's names for their mixed types
    return next(iter([*exact, *dynamic]), None)
