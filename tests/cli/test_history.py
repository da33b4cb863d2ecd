"""`lacie history` on conversations that are really in the database."""

import json
import sys
from pathlib import Path

import pytest

from lacie_chat import cli
from lacie_chat.conversations import Store


@pytest.fixture
def conversation(data_dir: Path) -> str:
    with Store.open() as store:
        made = store.create_conversation("embedded")
        question = store.add_message(made.id, None, "user", "Who painted [bold]the Night Watch?")
        answer = store.add_message(made.id, question.id, "assistant", "Rembrandt, in 1642.")
        store.set_leaf(made.id, answer.id)
    return made.id


def test_list_search_show_and_export(conversation: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["history", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["messages"], row["title"]) == (conversation, 2, "Who painted [bold]the Night Watch?")
    assert cli.main(["history", "list"]) == 0
    assert "Who painted [bold]the Night Watch?" in capsys.readouterr().out
    assert cli.main(["history", "search", "rembrandt"]) == 0
    assert "Rembrandt, in 1642." in capsys.readouterr().out
    assert cli.main(["history", "show", conversation[:5]]) == 0
    assert "Rembrandt, in 1642." in capsys.readouterr().out
    target = tmp_path / "out.json"
    assert cli.main(["history", "export", conversation, "--format", "json", "--out", str(target)]) == 0
    assert "Rembrandt, in 1642." in target.read_text()
    assert cli.main(["history", "export", conversation, "--out", str(target)]) == 1
    assert "is there already" in capsys.readouterr().err


def test_delete_can_be_taken_back_and_for_good_asks_or_wants_yes(
    conversation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["history", "delete", conversation]) == 0
    assert f"lacie history restore {conversation}" in capsys.readouterr().err
    assert cli.main(["history", "show", conversation]) == 1
    assert f"was deleted; to take it back: lacie history restore {conversation}" in capsys.readouterr().err
    assert cli.main(["history", "restore", conversation[:4]]) == 0
    assert cli.main(["history", "show", conversation]) == 0
    assert cli.main(["history", "restore", conversation]) == 1
    assert "is not deleted" in capsys.readouterr().err
    assert cli.main(["history", "delete", conversation, "--now"]) == 1
    assert "--yes" in capsys.readouterr().err
    assert cli.main(["history", "delete", conversation, "--now", "--yes"]) == 0
    capsys.readouterr()
    for action in ("show", "restore"):
        assert cli.main(["history", action, conversation]) == 1
        assert conversation in capsys.readouterr().err


def test_nothing_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["history", "list"]) == 0
    assert cli.main(["history", "search", 'odd "quotes* AND (']) == 0
    assert "nothing found" in capsys.readouterr().err
    assert cli.main(["history", "show", "nosuch"]) == 1


def test_on_a_terminal_a_thought_is_shown_apart_and_dimmed(
    conversation: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open() as store:
        answer = store.add_message(conversation, None, "assistant", status="streaming")
        store.append_thought(answer.id, "Is it **Frans Hals**?\x1b]0;title\x07 No.")
        store.append(answer.id, "It is **Rembrandt**.")
        store.finish(answer.id, "complete", timings={"reasoning_seconds": 3.2})
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert cli.main(["history", "show", conversation]) == 0
    out = capsys.readouterr().out
    assert "\x1b[2;3mthought for 3 s, 5 words:\x1b[0m" in out
    assert "\x1b[2mIs it **Frans Hals**?]0;title No.\x1b[0m" in out, "as it was written, and nothing for the terminal"
    assert "It is \x1b[1mRembrandt\x1b[0m." in out


QUESTION = "What does <b>this</b> do?\n  std::vector<int> v; # not *em*\n```"
ANSWER = "<answer>List<String></answer>\nif x <y and y> z\nan end\n\n3. three\n5. five\n\n```\n<code>\n```"


def test_on_a_terminal_all_that_was_written_is_shown(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open() as store:
        made = store.create_conversation("embedded")
        question = store.add_message(made.id, None, "user", QUESTION)
        answer = store.add_message(made.id, question.id, "assistant", ANSWER + " می\u200cخ")
        store.set_leaf(made.id, answer.id)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert cli.main(["history", "show", made.id]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    at = lines.index("What does <b>this</b> do?")
    assert lines[at : at + 3] == QUESTION.split("\n")
    at = lines.index("<answer>List<String></answer>")
    assert lines[at : at + 3] == ANSWER.split("\n")[:3]
    text = "\n".join(lines)
    assert "3 three" in text and "5 five" in text and "<code>" in text and "می\u200cخ" in text


def test_the_exported_file_keeps_tags_and_lines_for_its_readers(data_dir: Path) -> None:
    with Store.open() as store:
        made = store.create_conversation("embedded")
        question = store.add_message(made.id, None, "user", "What is <b>?\nAnd `<i>`?")
        answer = store.add_message(made.id, question.id, "assistant", ANSWER)
        store.set_leaf(made.id, answer.id)
        text = store.export(made.id, "markdown")
        assert store.thread(answer.id)[1].text == ANSWER, "what is kept stays as it was written"
    assert "What is \\<b>?  \nAnd `<i>`?" in text
    assert "\\<answer>List\\<String>\\</answer>  \nif x \\<y and y> z  \nan end\n" in text
    assert "```\n<code>\n```" in text
