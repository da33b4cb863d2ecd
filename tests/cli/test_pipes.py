"""Every command into a pipe: plain lines, none wrapped and none cut; titles, texts and paths whole, however long.

Each runs as a process with COLUMNS at 20, by which nothing that isn't a terminal may go. (`study report` and `history
show` print a document that is the same in a file; theirs is tested beside them.)
"""

import json
import subprocess
from pathlib import Path

import pytest
from odd import LACIE, Ran, environment, redirected
from random_adapter import write_random_adapter

from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.conversations import Store

FOLDER = " ".join(["a folder with blanks and a name that is longer than the line of any terminal"] * 3)[:230]
TITLE = "A title of fifty and some more letters, of many words"
TEXT = "I think, though I may well be wrong here, that the longest river of them all flows from the south to the north."
QUESTION = "What is the capital of Japan?"
FEW = ("--max-tokens", "8", "--baseline")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, embedded_model: Path) -> Path:
    """A place whose path is long, with a model, an adapter, and files of texts and of questions."""
    place = tmp_path_factory.mktemp("pipes") / FOLDER
    place.mkdir()
    (place / "some model.gguf").symlink_to(embedded_model)
    write_random_adapter(place / "random-LoRA.gguf")
    (place / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in (TEXT, "It is so.")))
    row = {"id": "a", "question": QUESTION, "answers": ["Tokyo"]}
    (place / "questions.jsonl").write_text(json.dumps(row) + "\n")
    return place


@pytest.fixture
def data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data, at the end of that long path too, with a conversation and an answer that was marked."""
    place = folder / "data"
    monkeypatch.setenv("LACIE_DATA_DIR", str(place))
    with Store.open() as store:
        if not store.list_conversations(1):
            made = store.create_conversation("embedded", title=TITLE)
            store.add_message(made.id, None, "user", TEXT)
            params = {"model": "a model " * 20 + "at the end", "model_ref": str(folder / "gone.gguf"), "adapter": None}
            other = store.create_conversation("another model", title="marked")
            for number in range(20):
                answer = store.add_message(other.id, None, "assistant", "So it is.", params=params)
                heard = {"state": "answered", "acceptance": number / 20, "answer_span": "So"}
                store.attach_assessment(answer.id, heard | {"assessment_version": ASSESSMENT_VERSION})
                store.mark(answer.id, number % 3 > 0)
    return place


def piped(*words: str | Path) -> Ran:
    """How it ran, as plain text: no codes, no line filled up with blanks."""
    ran = redirected("", *map(str, words), COLUMNS="20")
    for line in ran.out.splitlines() + ran.lines:
        assert "\x1b" not in line and "\r" not in line and line == line.rstrip(), repr(line)
    return ran


def test_history(data: Path) -> None:
    [line] = [line for line in piped("history", "list").out.splitlines() if line.endswith(f"  {TITLE}")]
    assert TITLE in piped("history", "search", "longest").out.splitlines()[0]
    assert TEXT in piped("history", "show", line.split()[0]).out.splitlines()


def test_models(data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACIE_MODELS_DIR", str(folder))
    path = folder / "some model.gguf"
    listed = piped("models", "list").out.splitlines()
    assert any(line.strip() == str(folder / "random-LoRA.gguf") for line in listed)
    assert all(line.startswith(("    ", "  ")) or "REF" in line or not line or line[0] in "ON" for line in listed)
    info = piped("models", "info", path).out.splitlines()
    assert [line.split(None, 1)[1] for line in info[:2]] == [str(path)] * 2
    assert all(len(line.split(None, 1)) == 2 and not line.startswith(" ") for line in info)
    assert piped("models", "pull", path).out == f"{path}\n"


def test_doctor(data: Path, folder: Path) -> None:
    out = piped("doctor", "--model", folder / "some model.gguf", "--context", "512").out.splitlines()
    assert out[0].startswith("lacie-chat ") and all(line.startswith("ok  ") for line in out[1:])
    assert any(str(data / "conversations.db") in line for line in out)
    assert any(line.endswith(str(data / "logs")) for line in out)


def test_calibration(data: Path, folder: Path) -> None:
    shown = piped("calibration", "show").out.splitlines()
    assert shown[0] == "a model " * 20 + "at the end"
    assert max(map(len, shown[1:])) > 80, "the table stands beside the diagram"


def test_answers(data: Path, folder: Path) -> None:
    path = folder / "some model.gguf"
    ran = piped("ask", QUESTION, "--max-tokens", "60", "--temperature", "0", "--model", path)
    same = piped("ask", QUESTION, "--max-tokens", "60", "--temperature", "0", "--model", path, "--json")
    assert json.loads(same.out)["response"].strip() == ran.out.strip()
    sides = ("--left", path, "--right", "adapter", "--adapter", folder / "random-LoRA.gguf", "--max-tokens", "8")
    compared = piped("compare", QUESTION, *sides).out.splitlines()
    assert any(line.endswith(f"embedded + {folder / 'random-LoRA.gguf'}") for line in compared)
    assert any(line.startswith("difference  ") for line in compared)
    assert sum(line.startswith("both sides: ") and "heard by" in line for line in compared) == 1


def test_files_of_questions(data: Path, folder: Path) -> None:
    questions = ("--questions", folder / "questions.jsonl")
    assert f"see {folder / 'measured'}" in piped("evaluate", *questions, "--out", folder / "measured", *FEW).out
    sides = ("--adapter", folder / "random-LoRA.gguf", "--max-tokens", "8", "--out", folder / "compared")
    assert f"see {folder / 'compared' / 'report.html'}" in piped("compare", *questions, *sides).out.splitlines()


def test_listen(data: Path, folder: Path) -> None:
    [first, second] = piped("listen", "--file", folder / "texts.jsonl").out.splitlines()
    assert first.endswith(f"  {TEXT}") and second.endswith("  It is so.")


@pytest.mark.parametrize(
    "words",
    [
        ("ask", QUESTION, "--model", "{}/no such model.gguf"),
        ("evaluate", "--questions", "{}/none.jsonl", "--out", "{}/out"),
        ("study", "report", "{}/none"),
        ("listen", "--file", "{}/none.jsonl"),
        ("history", "show", "zz {}"),
        ("models", "info", "{}/none.gguf"),
        ("compare", QUESTION, "--left", "{}/none.gguf"),
        ("calibrate", "--questions", "{}/none.jsonl"),
        ("train", "judge", "--recipe", "{}/none.yaml"),
        ("export", "merge", "--adapter", "{}/none", "--base", "embedded", "--out", "{}/out"),
    ],
)
def test_errors(words: tuple[str, ...], data: Path, folder: Path) -> None:
    ran = piped(*(word.format(folder) for word in words))
    assert ran.status == 1 and ran.out == ""
    [line] = ran.lines
    assert str(folder) in line


def test_a_loop_keeps_its_lines_and_a_silent_pipe_stops_nothing(data: Path) -> None:
    """Not one line of `while read` is eaten, and what never closes is not waited for."""
    ask = f'"{LACIE}" ask -q Q --model /nowhere/x.gguf'
    loop = f"printf '1\\n2\\n3\\n' | while read -r line; do {ask} 2>/dev/null; echo $line; done"
    script = f"{loop}; (sleep 600 & echo $! >&2) | {ask}"
    with subprocess.Popen(
        ["bash", "-c", script], env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout is not None and shell.stderr is not None
        assert [shell.stdout.readline().strip() for _ in range(3)] == ["1", "2", "3"]
        sleeper = int(shell.stderr.readline())
        try:
            assert "no such file" in shell.stderr.readline()
        finally:
            subprocess.run(["kill", str(sleeper)], check=False)
