"""`lacie history export` and `import` on files and pipes."""

import io
import json
import sys
from pathlib import Path

import pytest

from lacie_chat import cli
from lacie_chat.conversations import Store


@pytest.fixture
def conversation() -> str:
    with Store.open() as store:
        made = store.create_conversation("embedded", title="Emma")
        question = store.add_message(made.id, None, "user", "Who wrote Emma?")
        store.add_message(made.id, question.id, "assistant", "Jane Austen.")
    return made.id


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(["history", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ((), "# Emma\n"),
        (("--format", "md"), "# Emma\n"),
        (("--format", "markdown"), "# Emma\n"),
        (("--format", "html"), "<!DOCTYPE html>\n"),
        (("--format", "json"), '{\n "format": "lacie-conversation-1"'),
    ],
)
def test_export_writes_each_format(
    conversation: str, words: tuple[str, ...], start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "export", conversation, *words)
    assert status == 0 and out.startswith(start) and "Jane Austen" in out


def test_the_files_name_says_the_format_and_no_file_is_written_over(
    conversation: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, start in (("a.html", "<!DOCTYPE"), ("a.json", "{"), ("a.md", "# Emma"), ("a.txt", "# Emma")):
        assert run(capsys, "export", conversation, "--out", str(tmp_path / name)) == (0, "", "")
        assert (tmp_path / name).read_text().startswith(start)
        status, _, err = run(capsys, "export", conversation, "--out", str(tmp_path / name))
        assert status == 1 and "is there already; give another name" in err


def test_import_brings_back_what_was_deleted_for_good(
    conversation: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "emma.json"
    run(capsys, "export", conversation, "--out", str(file))
    run(capsys, "delete", conversation, "--now", "--yes")
    assert run(capsys, "import", str(file)) == (0, f"{conversation}\n", "imported Emma\n")
    assert run(capsys, "import", str(file)) == (0, f"{conversation}\n", "it is here already: Emma\n")
    run(capsys, "delete", conversation, "--now", "--yes")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    assert run(capsys, "import", "-")[1] == f"{conversation}\n"
    assert "Jane Austen." in run(capsys, "show", conversation)[1]


def test_a_damaged_or_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "some.json"
    for text in (b"", b"\xff\xfe\x00", b"{}", json.dumps({"format": "lacie-conversation-1"}).encode()):
        file.write_bytes(text)
        status, out, err = run(capsys, "import", str(file))
        assert (status, out) == (1, "") and err.count("\n") == 1 and "some.json: " in err
    status, _, err = run(capsys, "import", str(tmp_path / "none.json"))
    assert status == 1 and err.count("\n") == 1 and "No such file" in err
