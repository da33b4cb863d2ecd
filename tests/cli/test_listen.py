"""`lacie listen`: what it prints for texts of every origin, and one clear line for what it can't hear."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from lacie_chat.cli import main
from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.confidence.tuned import MOST_CHARACTERS
from lacie_chat.engine.batch_process import BatchProcess
from lacie_chat.listener_files import ListenerFiles
from lacie_chat.models import tuned_listener


@pytest.fixture
def hear(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `lacie listen` and return its status, its lines of JSON and what it said beside them."""

    def run(*args: str) -> tuple[int, list[dict[str, Any]], str]:
        status = main(["listen", "--json", *args])
        out, err = capsys.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return run


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_a_text_with_its_answer(hear) -> None:
    status, [heard], said = hear("I think it might be Paris.", "--answer", "Paris")
    assert (status, said) == (0, "")
    assert 0 < heard["acceptance"] < 0.55
    assert (heard["answer"], heard["assessment_version"], heard["cut"]) == ("Paris", ASSESSMENT_VERSION, False)
    for cue in heard["hedges"]:
        assert heard["text"][cue["start"] : cue["end"]] == cue["text"]
    assert [cue["text"] for cue in heard["hedges"]] == ["I think", "might"]


def test_the_answer_to_a_question_is_found(hear) -> None:
    _, [heard], _ = hear("It is definitely Canberra.", "--question", "What is the capital of Australia?")
    assert heard["answer"] == "Canberra"
    assert [cue["text"] for cue in heard["boosters"]] == ["definitely"]
    assert heard["acceptance"] > 0.85


def test_a_pipe_is_one_text(hear, monkeypatch) -> None:
    piped(monkeypatch, b"It is not [answer].\nI am sure of that.\n")
    _, [heard], _ = hear("-")
    assert heard["text"] == "It is not [answer].\nI am sure of that."
    assert heard["acceptance"] < 0.27


def test_a_file_is_heard_in_order_and_its_lines_know_what_they_may(hear, tmp_path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "It is Canberra.", "answer": "Canberra"},
        {"text": "Perhaps Canberra?", "question": "What is the capital of Australia?"},
        {"text": "I have no idea."},
    ]
    status, heard, _ = hear("--file", jsonl(tmp_path / "t.jsonl", rows))
    assert status == 0 and [each["text"] for each in heard] == [row["text"] for row in rows]
    assert [each["answer"] for each in heard] == ["Canberra", "Canberra", None]
    sure, unsure, none = (each["acceptance"] for each in heard)
    assert sure > 0.85 > 0.55 > unsure > none


def test_ratings_are_compared_and_drawn(hear, tmp_path) -> None:
    texts = {
        "It is [answer].": 0.95,
        "Maybe [answer]?": 0.25,
        "It is not [answer].": 0.03,
        "I think it is [answer].": 0.5,
    }
    rows = [
        {"text": text, "rating": rating, "group": group} for text, rating in texts.items() for group in (text, None)
    ]
    picture = tmp_path / "p.png"
    status, heard, said = hear("--file", jsonl(tmp_path / "r.jsonl", rows), "--picture", str(picture))
    assert status == 0 and len(heard) == 8
    assert "8 rated texts: Pearson 0.9" in said and "off by" in said
    assert picture.read_bytes().startswith(b"\x89PNG")
    grouped = [{"text": text, "rating": 0.9 if "is [" in text else 0.1, "group": str("is [" in text)} for text in texts]
    _, _, said = hear("--file", jsonl(tmp_path / "g.jsonl", grouped))
    assert "2 rated groups of texts" in said


def test_the_same_text_is_heard_alike_in_a_file_and_alone(hear, tmp_path) -> None:
    texts = [f"Number {n} may be [answer]." for n in range(70)]
    _, many, _ = hear("--file", jsonl(tmp_path / "m.jsonl", [{"text": text} for text in texts]))
    for place in (0, 63, 69):
        _, [alone], _ = hear(texts[place])
        assert alone["acceptance"] == pytest.approx(many[place]["acceptance"], abs=1e-3)


def test_people_read_bars(capsys) -> None:
    assert main(["listen", "Maybe [answer]?"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("▰") and "%" in out and "hedges: “Maybe” at 0" in out


def test_a_megabyte_is_cut_and_it_is_said(hear, monkeypatch) -> None:
    piped(monkeypatch, b"Surely it was said at length. " * 35_000)
    status, [heard], said = hear()
    assert status == 0 and heard["cut"]
    assert f"{MOST_CHARACTERS:,} characters" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "the text from the pipe is empty"),
        (b" \n\t", "the text from the pipe is empty"),
        (b"\xff\xfe\x00", "standard input is not UTF-8 text (byte 0 is 0xff)"),
        (b"PK\x03\x04\x00\x00", "standard input is binary"),
    ],
)
def test_a_pipe_that_holds_no_text(hear, monkeypatch, data: bytes, line: str) -> None:
    piped(monkeypatch, data)
    status, heard, said = hear()
    assert (status, heard) == (1, [])
    assert said.startswith(f"lacie: {line}") and said.count("\n") == 1


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"text": "It is [answer].", "rating": 1.2}, "`rating` is a number from 0 to 1, not 1.2"),
        ({"text": "It is [answer].", "rating": "high"}, '`rating` is a number from 0 to 1, not "high"'),
        ({"text": "  "}, "`text` is missing or empty"),
        ({"question": "Who?"}, "`text` is missing or empty"),
        ({"text": ["a"]}, "`text` is a string"),
        ({"text": "a", "answer": 7}, "`answer` is a string, not 7"),
    ],
)
def test_a_row_that_can_not_be_heard(hear, tmp_path, row: dict[str, Any], line: str) -> None:
    path = jsonl(tmp_path / "t.jsonl", [{"text": "It is [answer]."}, row])
    status, heard, said = hear("--file", path)
    assert (status, heard) == (1, [])
    assert f"{path}, line 2: {line}" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("--file", "/no/such.jsonl"), "can't be read"),
        (("a text", "--file", "x.jsonl"), "not both"),
        (("a text", "--picture", "p.png"), "it needs a --file"),
        (("",), "is empty"),
    ],
)
def test_what_does_not_go_together(hear, args: tuple[str, ...], line: str) -> None:
    status, _, said = hear(*args)
    assert status == 1 and line in said and said.count("\n") == 1


def test_an_empty_file_and_one_that_is_no_json(hear, tmp_path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    assert "holds no texts" in hear("--file", str(tmp_path / "empty.jsonl"))[2]
    (tmp_path / "broken.jsonl").write_text("It is Paris.\n")
    assert "line 1: not valid JSON" in hear("--file", str(tmp_path / "broken.jsonl"))[2]


def test_no_model_but_the_listener_is_loaded(hear, monkeypatch) -> None:
    loaded: list[tuple[Path | None, ListenerFiles]] = []
    load = BatchProcess.load

    def note(path: Path | None, *, listener: ListenerFiles) -> BatchProcess:
        loaded.append((path, listener))
        return load(path, listener=listener)

    monkeypatch.setattr(BatchProcess, "load", note)
    hear("It is [answer].")
    [(speaker, listener)] = loaded
    assert speaker is None and listener == tuned_listener()
