"""A run, a base and a merged folder from elsewhere: what is damaged in them is one line, or as if it weren't there."""

from pathlib import Path

import pytest
from lacie_export.bases import vocabulary_size
from lacie_export.errors import ExportError
from lacie_export.licences import front_matter
from lacie_export.merge import RECORD, has_chat_template, merged_from
from lacie_export.run_facts import read_run

WRONG = ["", "null", "[]", "7", "{", "[" * 100_000, '{"a": NaN}', "9" * 5_000, "\0" * 64, "\ud800"]


@pytest.fixture(params=WRONG, ids=[repr(each[:8]) for each in WRONG])
def wrong(request: pytest.FixtureRequest) -> bytes:
    return str(request.param).encode("utf-8", "surrogatepass")


def test_json(tmp_path: Path, wrong: bytes) -> None:
    for name in (RECORD, "tokenizer_config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(wrong)
    assert merged_from(tmp_path) is None
    assert has_chat_template(tmp_path) is False
    with pytest.raises(ExportError, match="it is no tokenizer"):
        vocabulary_size(tmp_path)


HEADS = ["[" * 20_000, "&a [*a]", "license: " + "9" * 5_000, "d: 2021-99-99", "\0", "- a"]
RECIPES = ["", "7", "- a", "[" * 20_000, "seed: " + "9" * 5_000, "a: &a [*a]", "name: 2021-99-99", "\0", "a: *b"]


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_a_cards_head(tmp_path: Path, head: str) -> None:
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n# Model\n")
    assert front_matter(tmp_path / "README.md") == {}
    (tmp_path / "README.md").write_bytes(b"---\nlicense: mit\n---\n" + b"\xff" * (3 << 20))
    assert front_matter(tmp_path / "README.md") == {"license": "mit"}


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_a_runs_recipe(tmp_path: Path, recipe: str) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe)
    with pytest.raises(ExportError, match=r"recipe\.yaml") as failed:
        read_run(tmp_path)
    assert len(str(failed.value).splitlines()) == 1
