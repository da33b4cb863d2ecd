"""How a model's maker says that it is best drawn from, where the file says so.

llama.cpp's converter copies a model's generation_config.json into `general.sampling.*`. What is stated there takes the
place of the chat's own setting, what isn't stated stays the chat's, and an option of the command goes before both. The
chat's low temperature was measured on small models that say nothing; Qwen3 and gpt-oss, say, are known to run in
circles at it. A calibrator holds for one way of drawing, so one that was fitted at another isn't used then, and a line
says so (models/calibrators.py).

Taken are temperature, top-k, top-p, min-p and the repeat penalty. XTC, mirostat and an order of samplers of its own
(the keys exist, the converter never writes them) are not drawn by here.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lacie_chat.engine.settings import Sampling
from lacie_chat.gguf_header import GGUFError, Scalar, read_header

_KEYS = {
    "temperature": ("temp", 0.0, 5.0),
    "top_k": ("top_k", 0, 1 << 20),
    "top_p": ("top_p", 0.0, 1.0),
    "min_p": ("min_p", 0.0, 1.0),
    "repeat_penalty": ("penalty_repeat", 0.1, 5.0),
}
"""The names of Sampling, of the file's keys after `general.sampling.`, and the values that make sense."""


def recommended(model_path: Path, **asked: float | int | None) -> Sampling:
    """The chat's Sampling with what the file recommends, and with what is `asked` for (None: nothing) before both.

    A file that can't be read recommends nothing: who loads it says what is wrong with it.
    """
    try:
        keys = read_header(model_path, tensors=False).keys
    except GGUFError:
        keys = {}
    given = {name: value for name, value in asked.items() if value is not None}
    return replace(Sampling(), **{**stated(keys), **given})  # type: ignore[arg-type]


def stated(keys: Mapping[str, Scalar]) -> dict[str, float | int]:
    """What a file's keys recommend, by the names of Sampling; values that make no sense are left out."""
    found: dict[str, float | int] = {}
    for name, (key, low, high) in _KEYS.items():
        value = keys.get(f"general.sampling.{key}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            continue
        found[name] = int(value) if name == "top_k" else float(f"{value:.6g}")  # 0.6 is kept as 0.60000002
    return found


def in_words(sampling: Mapping[str, float | int]) -> str:
    """Such settings in one line: "temperature 0.6, top-k 20"."""
    words = {"temperature": "temperature", "top_k": "top-k", "top_p": "top-p", "min_p": "min-p"}
    words["repeat_penalty"] = "repeat penalty"
    shown = (name for name in words if name in sampling and (name != "min_p" or sampling[name]))
    return ", ".join(f"{words[name]} {sampling[name]:g}" for name in shown)
