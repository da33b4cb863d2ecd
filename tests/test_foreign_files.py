"""Settings, rows and what comes through a pipe: whatever stands in them, nothing is read that is longer than it can
be, and the answer is a value or one line. (JSON documents: test_foreign_json.py.)"""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from any_json import changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lacie_chat.conversations import Store
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.answering import rows_of
from lacie_chat.evaluation.questions import Question
from lacie_chat.paths import settings_path
from lacie_chat.rows import RowFile
from lacie_chat.settings.errors import SettingsError
from lacie_chat.settings.file import read_settings
from lacie_chat.settings.writing import set_values
from lacie_chat.streams import read_input
from lacie_chat.tui.prompts import prompts_path, read_prompts

TOML = {
    "deep lists": ("a = " + "[" * 100_000, "is no TOML: it is nested too deeply"),
    "deep tables": ("a = " + "{a=" * 50_000, "is no TOML: it is nested too deeply"),
    "5,000 digits": ("temperature = " + "9" * 5_000, "is no TOML: it holds a number of thousands of digits"),
    "NaN": ("temperature = nan", "temperature is nan, which is not a number from 0 to 5"),
    "endless": ("# " + "x" * (2 << 20), "is too long: over 1 MiB"),
    "half of it": ("temperature = ", "is no TOML: invalid value"),
    "zeros": ("\0" * 64, "is no TOML: "),
}


@pytest.mark.parametrize(("text", "why"), TOML.values(), ids=list(TOML))
def test_wrong_settings_are_one_line(data_dir: Path, text: str, why: str) -> None:
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (problem,) = read_settings().problems
    assert why in problem and len(problem) < 300 and problem.isprintable()
    if read_settings().unreadable:
        with pytest.raises(SettingsError, match="nothing is written into it until that is mended"):
            set_values(path, {"temperature": 0.5})
    assert path.read_text() == text


@pytest.mark.parametrize("tail", [b"", b'{"id": "to', b"\0" * 5000, b"\0" * 5000 + b"\n", b"{}}\n" * 4000])
def test_a_torn_end_is_cut_off_and_a_large_file_is_not_read_for_it(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    whole = b"".join(b'{"id": "%d", "text": "%s"}\n' % (number, b"x" * 900) for number in range(200))
    path.write_bytes(whole + tail)
    assert len(RowFile(path).ids) == 200
    assert path.read_bytes() == whole


def test_where_nothing_is_whole_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\0" * 200_000)
    assert RowFile(path).ids == set() and path.read_bytes() == b""


def test_an_endless_last_line_is_told_and_nothing_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id": 1}\n[')
    with path.open("ab") as file:
        file.writelines(b"[]," * (1 << 15) for _ in range(100))
        file.write(b"\n")
    size = path.stat().st_size
    with pytest.raises(LacieError, match=r"rows.jsonl, line 2: too long: over 8 MiB$"):
        RowFile(path)
    assert path.stat().st_size == size


def test_what_comes_from_a_pipe_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        read_so_far = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            Endless.read_so_far += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    with pytest.raises(LacieError, match="standard input is too long: over 16 MiB"):
        read_input()
    assert Endless.read_so_far < 33 << 20


def test_questions_that_were_asked_are_read_from_their_end(data_dir: Path) -> None:
    prompts_path().parent.mkdir(parents=True, exist_ok=True)
    with prompts_path().open("wb") as file:
        file.truncate(1 << 33)
        file.seek(0, 2)
        file.write(b'\n{"text": "Who wrote Emma?"}\n')
    with Store.in_memory() as store:
        assert read_prompts(store).shown == ["Who wrote Emma?"]
    assert prompts_path().stat().st_size < 1000


@given(st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wrong_value_in_an_answer_of_an_evaluation_is_one_line(tmp_path: Path, data: st.DataObject) -> None:
    heard = {
        "id": "q", "question": "Who?", "response": "She.", "state": "answered", "answer_span": "She", "hedges": [],
        "boosters": [], "masked_response": "[answer].", "acceptance": 0.5, "assessment_version": "1",
    }  # fmt: skip
    row = data.draw(changed(heard)) | {"id": "q"}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    question = Question("q", "Who?", ("She",))
    try:
        (found,) = rows_of(RowFile(path), [question], "1")
        assert found["correct"] in (True, False)
    except LacieError as error:
        assert len(str(error).splitlines()) == 1
