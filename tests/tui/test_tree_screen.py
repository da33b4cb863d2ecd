"""A conversation's branches as a tree, and the chat's keys for the conversation as a whole."""

import json
from pathlib import Path

import pytest

from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.conversations import Store
from lacie_chat.tui.screens.branches import BranchesScreen
from lacie_chat.tui.widgets.transcript import Transcript

ASSESSMENT = {
    "question": "Q", "response": "A", "state": "no_claim", "answer_span": None, "masked_response": "A",
    "acceptance": 0.5, "confidence": None, "hedges": [], "boosters": [], "assessment_version": ASSESSMENT_VERSION,
}  # fmt: skip


def branched(store: Store) -> str:
    """Two versions of the first answer, the older one with two versions of what was asked then; its id."""
    made = store.create_conversation("model", title="Rivers")
    asked = store.add_message(made.id, None, "user", "Which river?")
    first = store.add_message(made.id, asked.id, "assistant", "The **Rhine**, I think.")
    store.add_message(made.id, asked.id, "assistant", "The Danube [bold].")
    sure = store.add_message(made.id, first.id, "user", "Sure?")
    store.add_message(made.id, sure.id, "assistant", "Fairly.")
    why = store.add_message(made.id, first.id, "user", "Why?")
    leaf = store.add_message(made.id, why.id, "assistant", "It is near.")
    store.set_leaf(made.id, leaf.id)
    return made.id


async def open_tree(driver) -> BranchesScreen:
    await driver.pilot.press("alt+g")
    await driver.until(lambda: isinstance(driver.app.screen, BranchesScreen))
    await driver.until(lambda: driver.app.screen.tree_view.cursor_node is not None)
    return driver.app.screen


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 50)])
async def test_another_branch_is_chosen_in_the_tree(driven, size) -> None:
    with Store.open() as store:
        async with driven(store=store, resume=branched(store), size=size) as driver:
            screen = await open_tree(driver)
            lines = [line.lstrip(" │├└─▼▶▏").split("  ")[0] for line in driver.text().splitlines()[1:]]
            # how an answer sounds stands before it, once it was heard; narrow screens cut the end
            shown = [line.rpartition(": ")[2][:16] for line in lines if line.strip(" │▏")]
            assert shown[:7] == [
                "▌ Which river?",
                "The **Rhine**, I",
                "or The Danube [b" if shown[2].startswith("or ") else "The Danube [bold",
                "▌ Why?",
                "or ▌ Sure?",
                "Fairly.",
                "It is near.",
            ]
            assert screen.tree_view.cursor_node.data.text == "It is near.", "where one is"
            await driver.pilot.press("up", "enter")
            await driver.until(lambda: driver.app.screen is driver.chat)
            await driver.until(lambda: "Fairly." in driver.text())
            assert driver.session.tree.leaf.text == "Fairly."
            assert driver.chat.query_one(Transcript).selected.text == "Fairly."
        assert store.message(store.list_conversations()[0].leaf_id).text == "Fairly.", "it is kept"


async def test_folding_and_going_back_changes_nothing(driven) -> None:
    with Store.open() as store:
        async with driven(store=store, resume=branched(store)) as driver:
            screen = await open_tree(driver)
            await driver.pilot.press("up", "left")
            assert screen.tree_view.cursor_node.data.text == "Sure?", "from what follows a version to the version"
            await driver.pilot.press("left")
            await driver.until(lambda: "Fairly." not in driver.text())
            await driver.pilot.press("left", "left")
            await driver.until(lambda: "Sure?" not in driver.text())
            assert screen.tree_view.cursor_node.data.text == "Why?"
            await driver.pilot.press("right")
            await driver.until(lambda: "Sure?" in driver.text())
            await driver.pilot.press("escape")
            await driver.until(lambda: driver.app.screen is driver.chat)
            assert driver.session.tree.leaf.text == "It is near."


async def test_a_long_conversation_stands_in_one_column_and_many_branchings_are_no_problem(driven) -> None:
    with Store.open() as store:
        made = store.create_conversation("model", title="Long")
        parent = None
        with store._writing():
            for number in range(1200):
                role = "assistant" if number % 2 else "user"
                versions = [store.add_message(made.id, parent, role, f"m{number}")]
                if number % 2:
                    versions.append(store.add_message(made.id, parent, role, f"other {number}", current=False))
                    for answer in versions:  # so that none has to be heard first
                        store.attach_assessment(answer.id, ASSESSMENT)
                parent = versions[0].id
        async with driven(store=store, resume=made.id) as driver:
            screen = await open_tree(driver)
            await driver.until(lambda: screen.tree_view.cursor_node.data.text == "m1199")
            assert "m1199" in driver.text()


async def test_a_copy_up_to_the_selected_message_is_gone_on_with(driven) -> None:
    with Store.open() as store:
        original = branched(store)
        async with driven(store=store, resume=original) as driver:
            await driver.pilot.press("alt+up", "alt+up")
            await driver.until(lambda: driver.chat.query_one(Transcript).selected is not None)
            chosen = driver.chat.query_one(Transcript).selected.text
            await driver.pilot.press("alt+d")
            await driver.until(lambda: driver.session.tree.conversation_id != original)
            assert driver.session.tree.leaf.text == chosen == "The **Rhine**, I think."
            assert "Copy of Rivers" in driver.text().splitlines()[0]
            assert len(store.messages(original)) == 7, "the original is as it was"


async def test_export_asks_for_the_format_and_never_writes_over_a_file(
    driven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open() as store:
        conversation_id = branched(store)
        async with driven(store=store, resume=conversation_id) as driver:
            for count in (1, 2):
                await driver.pilot.press("alt+e")
                await driver.until(lambda: driver.app.screen is not driver.chat)
                await driver.pilot.press("down", "down", "enter")
                await driver.until(lambda count=count: len(driver.told) == count)
            names = sorted(path.name for path in tmp_path.iterdir())
            assert names == [f"rivers-{conversation_id}-2.json", f"rivers-{conversation_id}.json"]
            assert driver.told[0] == f"Exported to {tmp_path / names[1]}"
            assert len(json.loads((tmp_path / names[0]).read_text())["messages"]) == 7
            await driver.pilot.press("alt+e", "escape")
            await driver.until(lambda: driver.app.screen is driver.chat)
            assert len(list(tmp_path.iterdir())) == 2


async def test_export_goes_to_the_downloads_where_the_folder_cannot_be_written_and_says_so_where_neither_can(
    driven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.setattr(Path, "cwd", lambda: gone)
    gone.rmdir()
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    monkeypatch.setattr("platformdirs.user_downloads_dir", lambda: str(downloads))
    with Store.open() as store:
        async with driven(store=store, resume=branched(store)) as driver:
            await driver.type("/export html")
            await driver.pilot.press("enter")
            await driver.until(lambda: driver.told)
            (file,) = downloads.iterdir()
            assert driver.told == [f"Exported to {file}"]
            file.unlink()
            downloads.rmdir()
            await driver.type("/export html")
            await driver.pilot.press("enter")
            await driver.until(lambda: len(driver.told) == 2)
            assert driver.told[1].startswith("can't write ") and "\n" not in driver.told[1]
            await driver.type("/export pdf")
            await driver.pilot.press("enter")
            await driver.until(lambda: len(driver.told) == 3)
            assert driver.told[2] == "There is no format pdf; there are md, markdown, json, html."
