"""The lines that a user is meant to read."""

import json
from pathlib import Path

import pytest

from lacie_chat.errors import LONGEST, LacieError
from lacie_chat.study.judgements import read_people
from lacie_chat.study.records import StudyError, open_study


def test_a_line_stays_as_it_is() -> None:
    assert str(LacieError("the disk is full: free some space")) == "the disk is full: free some space"
    assert str(LacieError()) == ""


def test_of_a_line_that_grew_too_long_its_ends_stay() -> None:
    line = str(LacieError(f"a.json is wrong ({'x' * 100_000}); write it anew"))
    assert line.startswith("a.json is wrong (xx") and line.endswith("xx); write it anew")
    assert len(line) <= LONGEST + 3


@pytest.mark.parametrize("value", ["9" * 50_000, ["x"] * 9_999, {"a": "b" * 50_000}])
def test_what_a_study_holds_is_not_quoted_at_length(tmp_path: Path, value: object) -> None:
    (tmp_path / "study.json").write_text(json.dumps({"format": value, "id": None, "made_with": {}}))
    (tmp_path / "ana.jsonl").write_text(json.dumps({"format": value, "id": "a", "study": "s", "person": "ana"}) + "\n")
    for read in (lambda: open_study(tmp_path), lambda: read_people(tmp_path / "ana.jsonl")):
        with pytest.raises(StudyError) as failed:
            read()
        assert len(str(failed.value)) <= LONGEST + 3 and "another version" in str(failed.value)
