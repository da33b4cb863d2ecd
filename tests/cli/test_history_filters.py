"""`lacie history` with filters, pins and copies."""

import json

import pytest

from lacie_chat import cli
from lacie_chat.conversations import Store


@pytest.fixture
def two() -> list[str]:
    """A conversation on rivers and a newer one on seas; their ids."""
    ids = []
    with Store.open() as store:
        for title in ("rivers", "seas"):
            made = store.create_conversation("embedded", title=title)
            question = store.add_message(made.id, None, "user", f"What of {title}?")
            store.add_message(made.id, question.id, "assistant", f"An answer on {title}.")
            ids.append(made.id)
    return ids


def test_filters_in_list_and_search(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["history", "pin", two[0]]) == 0
    assert cli.main(["history", "list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "★ rivers" in first and "★" not in second
    assert cli.main(["history", "list", "is:pinned", "model:embed", "--json"]) == 0
    assert [(row["title"], row["pinned"]) for row in json.loads(capsys.readouterr().out)] == [("rivers", True)]
    assert cli.main(["history", "search", "--json", "--", "answer", "-rivers"]) == 0
    assert [row["title"] for row in json.loads(capsys.readouterr().out)] == ["seas"]
    assert cli.main(["history", "unpin", two[0]]) == 0
    capsys.readouterr()
    assert cli.main(["history", "list", "is:pinned"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "nothing found\n")


@pytest.mark.parametrize("action", ["list", "search"])
def test_what_is_no_filter_is_one_line(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["history", action, "is:abstaind"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no is:abstaind; did you mean abstained?" in line


def test_duplicate_prints_the_id_of_the_copy(two: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["history", "duplicate", two[0]]) == 0
    copy = capsys.readouterr().out.strip()
    assert cli.main(["history", "show", copy]) == 0
    out = capsys.readouterr().out
    assert "# Copy of rivers" in out and "An answer on rivers." in out
