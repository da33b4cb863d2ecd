"""Whatever stands in a file that somebody may have written, it is read, or it is told in one line what is wrong.

hypothesis draws the damage, so that what fails is cut down to its least; a trial tries one seed of each parser.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from damage_files import ODD_VALUES, damaged_document, damaged_gguf
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from soak_trials import Kind, Lost

from lacie_chat.errors import LacieError

Parser = tuple[bytes, str, Callable[[Path], object], tuple[type[Exception], ...]]
"""A whole document, the name of its file, who reads it, and how that may end."""


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def parsers(folder: Path) -> dict[str, Parser]:
    """By what they read."""
    from lacie_training.listening.rated import rated_answers
    from lacie_training.recipes.files import load_listener_recipe, load_recipe

    from lacie_chat.confidence import Calibrator
    from lacie_chat.conversations import Store
    from lacie_chat.conversations.importing import read_export
    from lacie_chat.evaluation.questions import read_question_file
    from lacie_chat.foreign_json import NoJSON, read_json
    from lacie_chat.models.calibrators import BASELINE_CALIBRATOR
    from lacie_chat.models.peft_files import read_config, read_tensors
    from lacie_chat.rows import RowFile, read_rows
    from lacie_chat.settings.file import read_settings
    from lacie_chat.settings.template import template
    from lacie_chat.settings.writing import set_values
    from lacie_chat.study.judgements import read_people
    from lacie_chat.study.records import open_study
    from lacie_chat.tui.interface_state import read_state, state_path

    calibrator = BASELINE_CALIBRATOR.read_bytes()
    recipes = Path(load_recipe.__code__.co_filename).parent
    question = {"id": "q1", "question": "What is it?", "answers": ["this", "that"]}
    person = {"id": "a", "format": 1, "study": "s", "person": "ana", "items": None}
    judged = {"id": "b", "item": "i", "accepted": True, "sure": 3, "known": False, "seconds": 1.5, "at": "now"}
    rated = {"question": "q?", "text": "I think it is so.", "answer": "so", "rating": 0.4}
    state = state_path()

    def interface(path: Path) -> object:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_bytes(path.read_bytes())
        return read_state()

    return {
        "JSON": (_json({"a": [1, {"b": None}]}), "a.json", read_json, (NoJSON,)),
        "rows": (_lines(question, judged), "rows.jsonl", read_rows, ()),
        "a file of rows": (_lines(question, judged), "more.jsonl", RowFile, ()),
        "questions": (_lines(question, {**question, "id": "q2"}), "questions.jsonl", read_question_file, ()),
        "a calibrator": (calibrator, "calibrator.json", Calibrator.load, (ValueError,)),
        "settings": (_settings(template()), "config.toml", read_settings, ()),
        "settings, written": (_settings(template()), "own.toml", lambda path: set_values(path, {"threads": 3}), ()),
        "a recipe": ((recipes / "smoke.yaml").read_bytes(), "recipe.yaml", lambda path: load_recipe(str(path)), ()),
        "a listener's recipe": (
            (recipes / "listener.yaml").read_bytes(), "listener.yaml", lambda path: load_listener_recipe(str(path)), ()
        ),
        "a study": (
            _json({"format": 1, "id": None, "made_with": {"a": 1}, "questions": 1}), "study.json",
            lambda path: open_study(path.parent), (),
        ),
        "judgements": (_lines(person, judged), "ana.jsonl", read_people, ()),
        "rated answers": (_lines(rated), "rated.jsonl", lambda path: rated_answers([path]), ()),
        "an exported conversation": (
            _exported(Store), "export.json", lambda path: read_export(path.read_text("utf-8", "replace")), ()
        ),
        "an adapter's settings": (
            _json({"r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}), "adapter_config.json",
            lambda path: read_config(path.parent), (),
        ),
        "an adapter's weights": (
            _safetensors(folder), "adapter_model.safetensors", lambda path: read_tensors(path.parent), ()
        ),
        "the interface's state": (b'{"draft": "x", "theme": "nord", "fold": 1}', "interface.json", interface, ()),
    }  # fmt: skip


def _settings(text: str) -> bytes:
    return f'{text}\nthreads = 2\ntemperature = 0.3\n[presets.a]\nmax_tokens = 9\n[keys]\n"chat.new" = "f2"\n'.encode()


def _exported(store_type: Any) -> bytes:
    with store_type.open() as store:
        made = store.create_conversation("model", title="A title")
        asked = store.add_message(made.id, None, "user", "What is it?")
        store.add_message(made.id, asked.id, "assistant", "It is **this**.", params={"seed": 1})
        text: str = store.export(made.id, "json")
    return text.encode()


def _safetensors(folder: Path) -> bytes:
    import torch
    from safetensors.torch import save_file

    save_file({"base.q_proj.lora_A.weight": torch.zeros(4, 8)}, folder / "whole.safetensors")
    return (folder / "whole.safetensors").read_bytes()


def _bounded(number: int, examples: int, test: Callable[..., None]) -> None:
    """Run a test of hypothesis on so many examples of this seed."""
    bounds = settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink], derandomize=False,
    )  # fmt: skip
    seed(number)(bounds(test))()


def try_parser(name: str, parser: Parser, folder: Path, number: int, examples: int) -> int:
    """Raises Lost for what a parser does else than read a damaged document, or refuse it in one line."""
    whole, file, read, allowed = parser
    place = folder / name.replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    path = place / file
    path.write_bytes(whole)

    @given(st.integers(0, 2**32), st.sampled_from(ODD_VALUES), st.sampled_from(range(8)))
    def test(drawn: int, odd: Any, way: int) -> None:
        content = damaged_document(random.Random(drawn), whole) if way else json.dumps(odd).encode()
        path.write_bytes(content)
        try:
            read(path)
        except (LacieError, *allowed) as error:
            if len(str(error).strip().splitlines()) != 1 or len(str(error)) > 3000:
                raise Lost(f"{name}: {content[:200]!r} is told so: {str(error)[:600]!r}") from error
        except Exception as error:
            raise Lost(f"{name}: {content[:300]!r} ends in {type(error).__name__}: {str(error)[:300]}") from error

    _bounded(number, examples, test)
    return examples


def documents(draw: random.Random, folder: Path, examples: int) -> int:
    return sum(
        try_parser(name, parser, folder, draw.randrange(1 << 30), examples) for name, parser in parsers(folder).items()
    )  # fmt: skip


def headers(draw: random.Random, folder: Path, files: int) -> int:
    """The reader of GGUF headers, on its own."""
    from random_adapter import write_random_adapter

    from lacie_chat.gguf_header import GGUFError, read_header
    from lacie_chat.models import gguf_kind

    whole = write_random_adapter(folder / "whole.gguf")
    data, header = whole.read_bytes(), read_header(whole)
    path = folder / "damaged.gguf"
    for _ in range(files):
        path.write_bytes(damaged_gguf(draw, data, header))
        try:
            read_header(path)
        except GGUFError as error:
            if "\n" in str(error):
                raise Lost(f"in several lines: {error}") from error
        try:
            gguf_kind(path)
        except LacieError as error:
            if "\n" in str(error):
                raise Lost(f"in several lines: {error}") from error
    return files


KINDS = [
    Kind("parsers of documents", documents, 12, 500, amount=100, cheap=True),
    Kind("GGUF headers", headers, 10, 200, amount=600, cheap=True),
]
