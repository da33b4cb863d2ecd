"""`@notes.md` puts a file's text into the question, with its size said first; what is no file is text."""

from pathlib import Path

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine

from lacie_chat.chat.attached import AttachError, beginning_with, blocks, named_files, with_files
from lacie_chat.tui.widgets.question import QuestionView
from lacie_chat.tui.widgets.suggestions import Suggestions

NOTES = "".join(f"note {number} @you\n" for number in range(200))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files in it."""
    (tmp_path / "notes.md").write_text(NOTES)
    (tmp_path / "my notes.txt").write_text("blanks")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x00\x00\xff")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("print('--- end of src/main.py ---')\n--- end of src/main.py ---\n")
    (tmp_path / "src" / ".hidden").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def engine(count: int = 1) -> ScriptedEngine:
    return ScriptedEngine([Answer(["ok"]) for _ in range(count)])


async def write(driver: Driver, text: str) -> None:
    driver.chat.composer.fill("")
    await driver.type(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("what does @notes.md say?", ["notes.md"]),
        ("@notes.md, @src/main.py. (@notes.md)", ["notes.md", "src/main.py"]),
        ("is it @notes.md?", ["notes.md"]),
        ('look at @"my notes.txt"!', ["my notes.txt"]),
        ("@~/notes.md", ["~/notes.md"]),
        ("@./notes.md and @notes.md", ["./notes.md"]),
        ("write to me@notes.md or a@b.example", []),
        ("@dataclass, @app.route('/x'), @types/node and @john.doe; @src is a folder; @ alone, @/ and @...", []),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_names_a_file(text: str, names: list[str]) -> None:
    assert [each.name for each in named_files(text)] == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@notez.md?", "there is no file notez.md .*; a blank after the @ leaves it as text"),
        ('@"no such file"', "there is no file no such file"),
        ("@src/none", "there is no file src/none"),
        ("@/no/such/file", "there is no file /no/such/file"),
        ("@picture.png", "picture.png is no text"),
        ("@src/", "src/ is a folder; name a file in it"),
        ("@/dev/zero", "/dev/zero is no file that can be read to its end"),
        ("@big.log", "big.log has 1 MB; at most 1 MB go into a question"),
        ("@zeros.txt", "zeros.txt is no text"),
    ],
)
def test_what_can_not_be_put_in_is_one_line(folder: Path, text: str, reason: str) -> None:
    (folder / "big.log").write_bytes(b"x" * 1_400_000)
    (folder / "zeros.txt").write_bytes(b"x\0")
    with pytest.raises(AttachError, match=reason) as caught:
        with_files(text)
    assert "\n" not in str(caught.value)


def test_the_text_stands_under_a_line_that_names_it(folder: Path) -> None:
    assert with_files("see @notes.md") == f"see @notes.md\n\n--- notes.md ---\n{NOTES}--- end of notes.md ---"
    sent = with_files("see @src/main.py")
    assert "\n---- src/main.py ----\nprint" in sent, "its end can't be mistaken"
    (found,) = blocks(sent)
    assert (found.name, found.end) == ("src/main.py", len(sent))
    assert with_files("see @src/main.py", sent) == sent, "what is there already is not put in again"
    (folder / "windows.txt").write_bytes("\ufeffé\r\nx".encode())
    assert with_files("@windows.txt").endswith("--- windows.txt ---\né\nx\n--- end of windows.txt ---")


async def test_its_size_is_said_and_the_model_gets_all_of_it(driven, folder: Path) -> None:
    scripted = engine(2)
    async with driven(scripted) as driver:
        await write(driver, "Sum up @notes.md please")
        await driver.until(lambda: "notes.md 2.7 kB, about 670 tokens" in driver.text())
        await driver.pilot.press("enter")
        await driver.until(lambda: scripted.prompts and not driver.session.busy)
        sent = f"Sum up @notes.md please\n\n--- notes.md ---\n{NOTES}--- end of notes.md ---"
        assert scripted.prompts[0][0].content == sent
        await driver.until(lambda: "▸ 204 lines, 2.8 kB · ctrl+b or click shows all" in driver.text())
        assert "▌ [notes.md: 200 lines, 2.7 kB]" in driver.text() and "note 0" not in driver.text()
        assert "about" not in driver.text(), "the line is gone"
        await driver.pilot.press("up")
        assert driver.chat.composer.text == "Sum up @notes.md please"
        (folder / "notes.md").unlink()
        await driver.pilot.press("ctrl+g")
        assert driver.chat.composer.text == "Sum up @notes.md please\n\n[notes.md: 200 lines, 2.7 kB]"
        await driver.pilot.press("enter")
        await driver.until(lambda: len(scripted.prompts) == 2)
        assert scripted.prompts[1][0].content == sent, "the file is gone; what was put in is not"


async def test_it_opens_in_the_conversation(driven, folder: Path) -> None:
    async with driven(engine()) as driver:
        await driver.ask("@src/main.py")
        await driver.pilot.press("ctrl+b")
        await driver.until(lambda: "print('--- end of src/main.py ---')" in driver.text())
        assert driver.chat.query_one(QuestionView).turn.text.count("end of") == 3


@pytest.mark.usefixtures("folder")
async def test_a_question_that_names_what_is_not_there_stays(driven) -> None:
    async with driven(engine()) as driver:
        await write(driver, "see @notez.md")
        await driver.until(lambda: "there is no file notez.md" in driver.text())
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.told)
        assert driver.told[0].startswith("Not sent: there is no file notez.md")
        assert driver.chat.composer.text == "see @notez.md" and driver.session.tree.roots == []
        await write(driver, "what is @dataclass?")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.tree.roots)
        assert driver.session.tree.roots[0].text == "what is @dataclass?"


@pytest.mark.usefixtures("folder")
async def test_names_are_completed(driven) -> None:
    async with driven(engine(), size=(40, 12)) as driver:
        composer, suggestions = driver.chat.composer, driver.chat.query_one(Suggestions)
        await write(driver, "see @")
        await driver.until(lambda: "src/" in driver.text() and "folder" in driver.text())
        await driver.pilot.press("s", "tab")
        assert composer.text == "see @src/"
        await driver.until(lambda: "src/main.py" in driver.text())
        await driver.pilot.press("down", "enter")
        assert composer.text == "see @src/main.py " and not suggestions.display
        await write(driver, "@my")
        await driver.pilot.press("tab")
        assert composer.text == '@"my notes.txt" '
        await write(driver, "see @n")
        await driver.pilot.press("escape")
        await driver.until(lambda: not suggestions.display)
        await write(driver, "what is @no")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.tree.roots)
        assert driver.session.tree.roots[0].text == "what is @no", "nothing was chosen, so it is sent as it stands"


@pytest.mark.usefixtures("folder")
def test_hidden_files_come_when_asked_for() -> None:
    assert [name for name, _ in beginning_with("src/")] == ["src/main.py"]
    assert [name for name, _ in beginning_with("src/.")] == ["src/.hidden"]
    assert next(beginning_with("S"))[0] == "src/"
    assert list(beginning_with("no/such/")) == []
