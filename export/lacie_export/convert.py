"""Safetensors and adapters to GGUF, by llama.cpp's own scripts, each in a process of its own.

The scripts guess a name and origins from folder names, paths among them; whatever they guess is replaced afterwards
(`metadata.py`), and a file as they leave it never gets a final name.
"""

import re
from pathlib import Path

from lacie_chat.foreign_json import read_json
from lacie_export.child import run_python
from lacie_export.errors import ExportError
from lacie_export.files import need_space
from lacie_export.scripts import known_architectures, scripts_folder

_UNSUPPORTED = re.compile(r"(?:Model|Architecture) '?([\w.]+)'? (?:is )?not supported")


def check_architecture(model: Path) -> None:
    """Raises ExportError if the converter doesn't know the model in this folder; costs no conversion."""
    found = architecture(model)
    if found not in known_architectures(scripts_folder()):
        raise ExportError(
            f"llama.cpp's converter doesn't know the architecture {found}, so this model can't become a GGUF"
        )


def architecture(model: Path) -> str:
    """The class name in a model's config.json."""
    try:
        config = read_json(model / "config.json")
        return str(config["architectures"][0])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ExportError(f"{model / 'config.json'} names no architecture") from error


def convert_model(model: Path, target: Path, outtype: str, size: int) -> None:
    """The model in folder `model` as GGUF; `outtype` f32, f16 or bf16, `size` its expected bytes. Raises
    ExportError."""
    check_architecture(model)
    need_space(target.parent, size, f"the model as {outtype} GGUF")
    script = scripts_folder() / "convert_hf_to_gguf.py"
    _run(
        [str(script), str(model), "--outtype", outtype, "--outfile", str(target)],
        f"converting to {outtype}",
        target,
        size,
    )


def convert_adapter(adapter: Path, base: Path, target: Path, size: int, dtype: str = "f32") -> None:
    """The PEFT adapter as a LoRA GGUF in `dtype`; `base` is a folder with the base's config. Raises ExportError."""
    check_architecture(base)
    need_space(target.parent, size, "the adapter")
    script = scripts_folder() / "convert_lora_to_gguf.py"
    arguments = [str(script), str(adapter), "--base", str(base), "--outtype", dtype, "--outfile", str(target)]
    _run(arguments, "converting the adapter", target, size)


def _run(arguments: list[str], title: str, target: Path, size: int) -> None:
    folder = scripts_folder()
    # The gguf package beside the scripts comes first: another version of it may be installed.
    environment = {"PYTHONPATH": f"{folder / 'gguf-py'}", "HF_HUB_OFFLINE": "1"}
    status, output = run_python(arguments, title=title, watch=target, total=size, environment=environment)
    if status == 0 and target.is_file():
        return
    target.unlink(missing_ok=True)
    raise ExportError(f"llama.cpp's converter failed: {_reason(output, status)}")


def _reason(output: str, status: int) -> str:
    unsupported = _UNSUPPORTED.search(output)
    if unsupported:
        return f"it doesn't know the architecture {unsupported[1]}"
    if "BPE pre-tokenizer was not recognized" in output:
        return "it doesn't know this tokenizer (its pre-tokenizer is not in the converter's list)"
    if status < 0:
        return f"it was ended by signal {-status}"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else f"it ended with status {status}"
