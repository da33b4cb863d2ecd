"""The up key finds the questions of earlier conversations, also after a restart and beside another chat."""

import json
import subprocess
import sys

import pytest
from scripted import Answer, ScriptedEngine

from lacie_chat import cli
from lacie_chat.conversations import Store
from lacie_chat.tui import prompts
from lacie_chat.tui.prompts import keep_prompt, prompts_path, read_prompts
from lacie_chat.tui.screens.history import HistoryScreen


def shown() -> list[str]:
    with Store.open() as store:
        return read_prompts(store).shown


@pytest.fixture
def kept() -> str:
    """The id of a conversation."""
    with Store.open() as store:
        return store.create_conversation("model").id


def answering(count: int) -> ScriptedEngine:
    return ScriptedEngine([Answer(["ok"]) for _ in range(count)])


async def test_questions_come_back_after_a_restart_and_the_draft_is_kept(driven) -> None:
    async with driven(answering(2)) as driver:
        await driver.ask("first, of two\nlines")
        await driver.ask("second")
    async with driven(answering(1)) as driver:
        composer = driver.chat.composer
        await driver.type("a draft")
        await driver.pilot.press("up")
        assert composer.text == "second"
        await driver.pilot.press("up")
        assert composer.text == "first, of two\nlines"
        await driver.pilot.press("down", "down", "down")
        assert composer.text == "a draft"


async def test_this_conversations_questions_come_first_then_the_earlier_ones(driven) -> None:
    with Store.open() as store:
        async with driven(answering(2), store=store) as driver:
            await driver.ask("of the first conversation")
            conversation = driver.session.tree.conversation_id
            await driver.pilot.press("ctrl+n")
            await driver.ask("of the second")
        async with driven(store=store, resume=conversation) as driver:
            await driver.pilot.press("up")
            assert driver.chat.composer.text == "of the first conversation"
            await driver.pilot.press("up")
            assert driver.chat.composer.text == "of the second"


def test_a_question_stands_there_once_and_old_ones_make_way(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "MOST", 10)
    for number in range(30):
        keep_prompt(f"question {number}", kept)
        keep_prompt(f"question {number}", kept)
    assert shown() == [f"question {number}" for number in range(20, 30)]
    assert len(prompts_path().read_text().splitlines()) == 10, "the file was cut, too"
    keep_prompt("x" * (prompts.LONGEST + 1), kept)
    assert shown()[-1] == "question 29"


def test_whatever_is_wrong_with_the_file_the_rest_of_it_is_read(kept: str) -> None:
    prompts_path().parent.mkdir(parents=True, exist_ok=True)
    rows = [b'{"text": "good"}', b"\xff\xfe", b"[" * 100_000, b'"text"', b'{"text": 5}', b"{}", b'{"text": "cut o']
    prompts_path().write_bytes(b"\n".join(rows))
    assert shown() == ["good"]
    keep_prompt("after a torn line\u2028", kept)
    assert shown() == ["good", "after a torn line\u2028"]


def test_a_file_that_can_not_be_read_or_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open() as store:
        prompts_path().mkdir(parents=True)
        keep_prompt("lost", "a")
        assert read_prompts(store).shown == []
        monkeypatch.setenv("LACIE_DATA_DIR", "/proc/none")
        keep_prompt("lost", "a")
        assert read_prompts(store).shown == []


WRITER = """
import sys
from lacie_chat.tui.prompts import keep_prompt
for number in range(40):
    keep_prompt(f"{sys.argv[1]} {number} " + "x" * 9000, "a")
"""


def test_two_chats_at_once_lose_nothing() -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in ("one", "two")]
    assert [writer.wait() for writer in writers] == [0, 0]
    lines = [json.loads(line)["text"].split()[:2] for line in prompts_path().read_text().splitlines()]
    assert sorted(lines) == sorted([name, str(number)] for name in ("one", "two") for number in range(40))


async def test_a_sample_of_the_welcome_is_found_too(driven) -> None:
    async with driven(answering(1)) as driver:
        await driver.pilot.click(".sample")
        await driver.until(lambda: driver.session.tree.leaf is not None and not driver.session.busy)
        asked = driver.session.tree.roots[0].text
        await driver.pilot.press("up")
        assert driver.chat.composer.text == asked
        assert read_prompts(driver.session.store).shown == [asked]


async def test_a_draft_is_not_lost_to_an_edit(driven) -> None:
    async with driven(answering(1)) as driver:
        await driver.ask("asked")
        await driver.type("a draft")
        await driver.pilot.press("ctrl+g")
        assert driver.chat.composer.text == "asked"
        await driver.pilot.press("up")
        assert driver.chat.composer.text == "a draft"


async def test_what_is_deleted_is_not_found_and_comes_back_with_its_conversation(driven) -> None:
    with Store.open() as store:
        async with driven(answering(3), store=store) as driver:
            await driver.ask("kept")
            await driver.pilot.press("ctrl+n")
            await driver.ask("secret one")
            await driver.ask("secret two")
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            await driver.pilot.press("ctrl+x", "escape")
            await driver.until(lambda: driver.app.screen is driver.chat)
            assert driver.chat.composer.past == ["kept"]
            await driver.pilot.press("up")
            assert driver.chat.composer.text == "kept"
        async with driven(store=store) as driver:
            assert driver.chat.composer.past == ["kept"], "nor after a restart"
            await driver.pilot.press("ctrl+o")
            await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
            await driver.pilot.press(*"is:deleted")
            await driver.pilot.press("alt+z", "escape", "escape")
            await driver.until(lambda: driver.app.screen is driver.chat)
            assert set(driver.chat.composer.past) == {"kept", "secret one", "secret two"}


async def test_a_deletion_taken_back_at_once_changes_nothing(driven) -> None:
    async with driven(answering(1)) as driver:
        await driver.ask("asked")
        await driver.pilot.press("ctrl+o")
        await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
        await driver.pilot.press("ctrl+x", "alt+z", "escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.chat.composer.past == ["asked"]


def test_what_is_deleted_for_good_leaves_the_file(kept: str) -> None:
    with Store.open() as store:
        gone = store.create_conversation("model").id
    keep_prompt("stays", kept)
    keep_prompt("goes", gone)
    assert cli.main(["history", "delete", gone]) == 0
    assert shown() == ["stays"] and "goes" in prompts_path().read_text(), "it can be taken back"
    assert cli.main(["history", "delete", gone, "--now", "--yes"]) == 0
    assert "goes" not in prompts_path().read_text() and shown() == ["stays"]


def test_a_chat_in_memory_forgets_nothing_of_the_others(kept: str) -> None:
    keep_prompt("stays", kept)
    with Store.in_memory() as store:
        assert read_prompts(store).shown == ["stays"]
    assert shown() == ["stays"]
