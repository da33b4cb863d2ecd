"""What may have been meant by a name that nothing has: the nearest of what is here and of the catalogue."""

import difflib
from collections.abc import Iterable

from lacie_chat.models.catalogue import catalogue
from lacie_chat.models.embedded import EMBEDDED_REF
from lacie_chat.models.local import local_models


def did_you_mean(name: str, candidates: Iterable[str] | None = None) -> str:
    """`; did you mean X?`, or nothing. Without `candidates`: the models here and the catalogue, by REF or by name."""
    named = {text.lower(): text for text in candidates} if candidates is not None else _all()
    near = difflib.get_close_matches(name.lower(), named, n=1)
    if not near:  # what is left out is more often the end than the middle: qwen3.5-4b for Qwen3.5-4B-GGUF:Q4_K_M
        inside = [text for text in named if len(name) >= 4 and name.lower() in text]
        near = sorted(inside, key=len)[:1]
    return f"; did you mean {named[near[0]]}?" if near else ""


def _all() -> dict[str, str]:
    """Lower-case REFs, and names and repositories without their owner -> REF; what is here goes before the rest."""
    found = {EMBEDDED_REF: EMBEDDED_REF}
    refs = [(model.ref, model.name) for model in local_models()]
    refs += [(entry.ref, entry.name) for entry in catalogue()]
    for ref, name in refs:
        repo = ref.partition(":")[0]
        for text in (ref, name, repo, repo.rpartition("/")[2]):
            found.setdefault(text.lower(), ref)
    found.pop("ollama", None)
    return found
