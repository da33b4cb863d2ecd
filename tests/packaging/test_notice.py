"""NOTICE names what is installed with the package, and with which licence: as the packages themselves state it."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
FAMILIES = {
    "MIT": r"\bMIT\b", "Apache": "Apache", "BSD": r"\b0?BSD\b", "MPL": "MPL|Mozilla Public", "ISC": r"\bISC\b",
    "PSF": "PSF|Python Software Foundation|matplotlib", "LGPL": "LGPL", "BSL": "BSL", "Zlib": "Zlib", "CC0": "CC0",
}  # fmt: skip
"""How packages write them, in an expression, in a classifier, or in words."""


def direct() -> list[str]:
    """The packages that pyproject.toml names, all extras included, in small letters."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    return sorted({re.match(r"[\w.-]+", each)[0].lower() for each in named})  # type: ignore[index]


def stated(package: str) -> str:
    """The licence that NOTICE states."""
    found = re.search(rf"^  {re.escape(package)} +(\S.*)$", NOTICE, re.MULTILINE)
    assert found is not None, f"NOTICE doesn't name {package}"
    return found[1]


def families(text: str) -> set[str]:
    return {name for name, pattern in FAMILIES.items() if re.search(pattern, text)}


@pytest.mark.parametrize("package", direct())
def test_a_direct_dependency_is_named_with_its_licence(package: str) -> None:
    licence = stated(package)
    try:
        facts = metadata(package)
    except PackageNotFoundError:
        assert package == "vllm", "all extras but that are installed where the tests run"
        return
    classifiers = [each for each in facts.get_all("Classifier") or [] if each.startswith("License ::")]
    said = facts.get("License-Expression") or " ".join(classifiers) or (facts.get("License") or "").partition("\n")[0]
    assert families(licence) == families(said) != set(), said


def test_nothing_is_named_that_is_not_installed_any_more() -> None:
    assert set(re.findall(r"^  (\S+) {2,}\S", NOTICE, re.MULTILINE)) == set(direct())


def test_the_embedded_model_is_named_with_the_licence_that_its_file_states() -> None:
    from lacie_chat.models import embedded_model_path
    from lacie_chat.models.gguf_file import inspect_gguf

    path = embedded_model_path()
    assert path is not None
    model = inspect_gguf(path)
    assert (model.licence, model.quantisation) == ("apache-2.0", "Q4_1")
    assert re.search(r"SmolLM2-135M-Instruct \(Hugging Face TB, Apache-2\.0,\s+quantised to Q4_1\)", NOTICE)


def test_what_is_shipped_states_what_it_was_made_of() -> None:
    for folder in re.findall(r"lacie_chat/models/\w+", NOTICE):
        assert (ROOT / folder / "NOTICE").is_file()
