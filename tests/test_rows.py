"""Row files, where training's own tests of them don't look."""

from pathlib import Path

import pytest

from lacie_chat.errors import LacieError
from lacie_chat.rows import RowFile, read_rows


def test_what_follows_the_last_newline_can_be_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"id": "a", "text": "\u2028é"}\r\n\n{"id": "b"}\n{"id": "\u00e9'.encode()[:-1])
    assert read_rows(path, torn=True) == [{"id": "a", "text": "\u2028é"}, {"id": "b"}]
    with pytest.raises(LacieError, match="line 4: not UTF-8"):
        read_rows(path)


def test_a_row_without_an_id_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a"}\n{"name": "b"}\n')
    with pytest.raises(LacieError, match=r"rows\.jsonl, row 2: 'id' is missing"):
        RowFile(path)
