"""The base's licence, carried over to everything made from it, as the Hub and as GGUF write it.

GGUF wants an SPDX expression in `general.license`, or else a name and a link; the Hub wants one of its own identifiers,
most of which are SPDX in lower case (SPDX identifiers don't depend on case). Those that are not, are named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lacie_chat.foreign_json import beginning

_LONGEST_CARD = 1 << 20
_NOT_SPDX_PREFIXES = (
    *("llama", "gemma", "openrail", "bigscience", "creativeml", "deepfloyd", "apple-", "other", "unknown"),
    *("bigcode", "intel-research", "fair-noncommercial", "cc", "c-uda", "open-mdw", "etalab"),
)


@dataclass(frozen=True, slots=True)
class Licence:
    """`identifier` as the Hub writes it; `name` and `link` where that says too little (`other`)."""

    identifier: str | None = None
    name: str | None = None
    link: str | None = None

    @property
    def is_spdx(self) -> bool:
        """Whether the identifier is an SPDX one (Creative Commons ones are where they have a version: cc-by-4.0)."""
        if self.identifier is None:
            return False
        if self.identifier.startswith("cc") and self.identifier[-1].isdigit():
            return True
        return not self.identifier.startswith(_NOT_SPDX_PREFIXES)

    def gguf_keys(self) -> dict[str, str]:
        """The `general.license*` keys."""
        keys = (
            {"general.license": self.identifier}
            if self.is_spdx
            else {"general.license.name": self.name or self.identifier}
        )
        if not self.is_spdx or self.link:
            keys["general.license.link"] = self.link
        return {key: value for key, value in keys.items() if value}

    def card(self) -> dict[str, str]:
        """The keys of a model card's front matter."""
        keys = {"license": self.identifier, "license_name": self.name, "license_link": self.link}
        return {key: value for key, value in keys.items() if value}


def from_card(front: Mapping[str, Any]) -> Licence:
    """The licence that a model card's front matter names."""
    identifier = front.get("license")
    if isinstance(identifier, list):
        identifier = identifier[0] if identifier else None
    return Licence(
        *(str(value) if value else None for value in (identifier, front.get("license_name"), front.get("license_link")))
    )


def from_gguf(keys: Mapping[str, Any]) -> Licence:
    """The licence that a GGUF's metadata names."""
    name = keys.get("general.license.name")
    identifier = keys.get("general.license")
    if identifier is None and name:
        known = str(name).lower().startswith(_NOT_SPDX_PREFIXES)
        identifier, name = (str(name).lower(), None) if known else ("other", name)
    return Licence(*(str(value) if value else None for value in (identifier, name, keys.get("general.license.link"))))


def front_matter(readme: Path) -> dict[str, Any]:
    """The YAML at the head of a model card; empty where there is none that can be read."""
    from lacie_training.foreign_yaml import NoYAML, parse_yaml

    try:
        text = beginning(readme, _LONGEST_CARD).decode("utf-8", "replace")
    except OSError:
        return {}
    if not text.startswith("---"):
        return {}
    head = text[3:].split("\n---", 1)[0].replace("\t", "  ")
    try:
        front = parse_yaml(head)
    except NoYAML:
        return {}
    return front if isinstance(front, dict) else {}
