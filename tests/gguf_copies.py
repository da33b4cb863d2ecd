"""GGUFs made of others: what a writer of llama.cpp's library is to hold, taken over from a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def copy_into(
    writer: Any,
    source: Path,
    change: Callable[[str, Any], Any] = lambda _key, value: value,
    *,
    without: Callable[[str], bool] = lambda _name: False,
) -> None:
    """Write everything of `source` with an opened GGUFWriter, each key's value as `change` has it, and close it; keys
    and tensors that `without` names are left out.
    """
    from gguf import GGUFReader, GGUFValueType

    reader = GGUFReader(source)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or without(name):  # the writer's own
            continue
        kind = field.types[0]
        item = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(name, change(name, field.contents()), kind, item)
    for tensor in reader.tensors:
        if not without(tensor.name):
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
