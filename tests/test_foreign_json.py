"""Whatever stands in a file that we read, the answer is a value or one line; never a traceback, never all memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from any_json import ANY, changed
from fitted import calibrator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lacie_chat.confidence import Calibrator
from lacie_chat.conversations import Store, StoreError
from lacie_chat.conversations.importing import read_export
from lacie_chat.errors import LacieError
from lacie_chat.evaluation.questions import read_question_file
from lacie_chat.evaluation.stored import same_evaluation
from lacie_chat.foreign_json import LONGEST_LINE, NoJSON, parse_json, read_json
from lacie_chat.models.peft_files import read_config
from lacie_chat.rows import RowFile, read_rows
from lacie_chat.study import open_study
from lacie_chat.study.judgements import read_people
from lacie_chat.study.records import Answer
from lacie_chat.tui.interface_state import InterfaceState, read_state, state_path
from lacie_chat.tui.prompts import prompts_path, read_prompts

BROKEN = {
    "deep lists": (b"[" * 200_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 100_000, "nested too deeply"),
    "5,000 digits": (b'{"id": ' + b"9" * 5_000 + b"}", "a number of 5,000 digits"),
    "NaN": (b'{"id": NaN}', "NaN is no number"),
    "infinity": (b'{"id": -Infinity}', "-Infinity is no number"),
    "beyond a float": (b'{"id": 1e999}', "1e999 is no number"),
    "half of it": (b'{"id": ', "not valid JSON (Expecting value)"),
    "Latin-1": (b'{"id": "caf\xe9"}', "not UTF-8: invalid continuation byte at byte 11"),
    "nothing but zeros": (b"\0" * 64, "not valid JSON"),
}
"""What is no JSON, and what is said of it."""
OTHER_KINDS = (b"null", b"[]", b'"text"', b"3", b"{}", b"[[1, 2]]", b'{"format": {}, "id": [], "made_with": 3}')
"""What is JSON, and nothing that we wrote."""


@pytest.mark.parametrize(("data", "why"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_json_is_told_in_a_few_words(data: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_bytes(data)
    with pytest.raises(NoJSON) as failed:
        read_json(tmp_path / "file.json")
    assert why in str(failed.value) and len(str(failed.value)) < 100


def test_what_is_json_is_read() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": [1, -2.5e3, "\\ud83d", 12345678901234567890]}') == {
        "a": [1, -2500.0, "\ud83d", 12345678901234567890]
    }
    with pytest.raises(NoJSON, match="too long: over 1 MiB"):
        parse_json(b"[" + b"1," * (1 << 20) + b"1]", most=1 << 20)


def import_(path: Path) -> None:
    with Store.in_memory() as store:
        store.import_text(path.read_bytes().decode("utf-8-sig", errors="replace"))


def study(path: Path) -> None:
    (path.parent / "study.json").write_bytes(path.read_bytes())
    open_study(path.parent)


def evaluation(path: Path) -> None:
    (path.parent / "evaluation.json").write_bytes(path.read_bytes())
    same_evaluation(path.parent, {"assessment_version": "1"})


def adapter(path: Path) -> None:
    (path.parent / "adapter_config.json").write_bytes(path.read_bytes())
    read_config(path.parent)


DOCUMENTS: dict[str, Callable[[Path], object]] = {
    "study": study, "adapter": adapter, "evaluation": evaluation, "conversation": import_,
    "calibrator": Calibrator.load,
}  # fmt: skip
ROWS: dict[str, Callable[[Path], object]] = {"questions": read_question_file, "rows": RowFile, "people": read_people}
WRONG = {**{name: data for name, (data, _) in BROKEN.items()}, **{each.decode(): each for each in OTHER_KINDS}}


@pytest.mark.parametrize("data", WRONG.values(), ids=list(WRONG))
@pytest.mark.parametrize("reader", DOCUMENTS.values(), ids=list(DOCUMENTS))
def test_every_document_that_is_wrong_is_one_line(
    reader: Callable[[Path], object], data: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert_one_line(reader, path)


@pytest.mark.parametrize("data", list(WRONG.values())[:-1], ids=list(WRONG)[:-1])
@pytest.mark.parametrize("reader", ROWS.values(), ids=list(ROWS))
def test_every_row_that_is_wrong_is_one_line(reader: Callable[[Path], object], data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(data + b'\n{"id": "a whole one"}\n')
    before = path.read_bytes()
    assert_one_line(reader, path)
    assert path.read_bytes() == before, "nothing is cut off but what is torn"


def assert_one_line(reader: Callable[[Path], object], path: Path) -> None:
    with pytest.raises((LacieError, ValueError)) as failed:
        reader(path)
    assert not isinstance(failed.value, json.JSONDecodeError | UnicodeError)
    assert len(str(failed.value).splitlines()) == 1


@pytest.mark.parametrize("data", WRONG.values(), ids=list(WRONG))
def test_what_the_interface_keeps_never_stops_a_chat(data: bytes) -> None:
    for path in (state_path(), prompts_path()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert read_state() == InterfaceState()
    with Store.open() as store:
        assert read_prompts(store).shown == []


@given(st.fixed_dictionaries(dict.fromkeys(("theme", "keys", "draft", "agreement", "answer_from", "explained"), ANY)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nor_does_any_value_of_it(data_dir: Path, kept: dict[str, Any]) -> None:
    state_path().write_text(json.dumps(kept))
    state = read_state()
    state.draft.encode()
    assert isinstance(state.theme, str) and 0 <= state.answer_from <= 1 and isinstance(state.agreement, int)


def test_a_line_of_50_megabytes_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.write(b'{"id": 1}\n[')
        file.writelines(b"[]," * (1 << 15) for _ in range(512))
    assert path.stat().st_size > 6 * LONGEST_LINE
    with pytest.raises(LacieError, match=r"rows.jsonl, line 2: too long: over 8 MiB$"):
        read_rows(path)


ROW = {"id": "q", "question": "Who?", "answers": ["She"], "match": "exact", "grade": "easy"}
ANSWER = {
    "question_id": "q", "speaker": "lacie", "question": "Who?", "response": "She.", "correct": True,
    "state": "answered", "acceptance": 0.5, "finish": "stop",
}  # fmt: skip
PERSON = {"id": "1", "item": "a", "accepted": True, "sure": 2, "known": False, "seconds": 1.5}


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wrong_value_in_a_row_is_one_line(tmp_path: Path, data: st.DataObject) -> None:
    person = {"id": "0", "format": 1, "study": "s", "person": "Ada", "items": None}
    for reader, rows in (
        (read_question_file, [data.draw(changed(ROW))]),
        (read_people, [data.draw(changed(person)), data.draw(changed(PERSON))]),
    ):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        try:
            reader(path)
        except LacieError as error:
            assert len(str(error).splitlines()) == 1


@given(changed(ANSWER))
def test_a_wrong_value_in_an_answer_of_a_study_is_told(row: dict[str, Any]) -> None:
    try:
        answer = Answer.from_row(row)
    except (KeyError, ValueError):
        return
    assert isinstance(answer.response, str) and isinstance(answer.correct, bool)


@given(changed(calibrator(acceptance=1.0).to_dict()))
def test_a_wrong_value_in_a_calibrator_is_one_line(fields: dict[str, Any]) -> None:
    try:
        fitted = Calibrator.from_dict(fields)
        assert 0 < (fitted({"acceptance": 0.5}) or 0.5) < 1
    except ValueError as error:
        assert len(str(error).splitlines()) == 1


def test_an_export_of_another_kind_says_what_it_takes() -> None:
    with pytest.raises(StoreError, match="it takes what 'lacie history export ID --format json' wrote"):
        read_export("{}")
