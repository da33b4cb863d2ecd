"""A study of one's own making."""

from pathlib import Path

import pytest
from studies import make_study

from lacie_chat.study import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path / "study")
