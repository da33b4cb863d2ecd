"""What every part of a recipe is, and which of its fields make the run what it is.

Some fields are no part of a run's identity and may change between two starts of it: those marked RESOURCE only trade
speed for memory (that is how one answers an out-of-memory error), those marked AFTERWARDS only say how what a run has
made is looked at (another listener over the stored answers, a calibrator).
"""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

RESOURCE: JsonDict = {"identity": False}
AFTERWARDS: JsonDict = {"identity": False}


class Section(BaseModel):
    """A part of a recipe: no unknown keys, no changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


def identity_of(section: BaseModel) -> dict[str, Any]:
    """The fields of a section, and of those in it, that belong to the run's identity, as plain values."""
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(field.json_schema_extra, dict) and not field.json_schema_extra.get("identity", True):
            del plain[name]
        elif isinstance(value, BaseModel):
            plain[name] = identity_of(value)
    return plain
