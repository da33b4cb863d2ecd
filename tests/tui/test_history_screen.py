"""The history's screen: what its keys do, to which conversation, at which size."""

from datetime import UTC, datetime, timedelta

import pytest
from fitted import calibrator

from lacie_chat.confidence.calibrator import logit
from lacie_chat.conversations import Store
from lacie_chat.tui.screens.history import PAGE, HistoryScreen
from lacie_chat.tui.widgets.transcript import Transcript


def make(store: Store, *titles: str) -> list[str]:
    """A conversation for each title, the last one the newest; their ids."""
    ids = []
    for title in titles:
        made = store.create_conversation("model", title=title)
        asked = store.add_message(made.id, None, "user", f"{title}?")
        store.add_message(made.id, asked.id, "assistant", f"The answer {title.lower()}.")
        ids.append(made.id)
    return ids


async def open_history(driver) -> HistoryScreen:
    await driver.pilot.press("ctrl+o")
    await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
    return driver.app.screen


async def test_after_a_rename_the_next_delete_is_of_the_same_conversation(driven) -> None:
    with Store.open() as store:
        make(store, "About rivers", "About mountains", "About seas")
        async with driven(store=store) as driver:
            screen = await open_history(driver)
            await driver.pilot.press("down", "down", "ctrl+r")
            await driver.until(lambda: driver.app.screen is not screen)
            await driver.pilot.press("end", *" now", "enter")
            await driver.until(lambda: driver.app.screen is screen)
            await driver.pilot.press("ctrl+x")
            assert driver.told == ["Deleted “About rivers now”; alt+z takes it back."]
            assert [each.title for each in store.list_conversations()] == ["About seas", "About mountains"]
            await driver.pilot.press("alt+z", "enter")
            await driver.until(lambda: "The answer about rivers." in driver.text())


def titles(screen: HistoryScreen) -> list[str]:
    """What the list says: headings, and the titles below them."""
    return [row if isinstance(row, str) else row.title for row in screen._rows]


async def test_pinned_first_then_by_day_and_each_key_does_what_it_says(driven, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open() as store:
        ids = make(store, "rivers", "mountains", "seas")
        for id_, days in zip(ids, (2, 1, 0), strict=True):
            moment = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
            store._connection.execute("UPDATE conversations SET updated_at = ? WHERE id = ?", (moment, id_))
        async with driven(store=store) as driver:
            screen = await open_history(driver)
            day = titles(screen)[4]
            assert titles(screen) == ["Today", "seas", "Yesterday", "mountains", day, "rivers"]
            await driver.pilot.press("down", "down", "ctrl+r")
            await driver.until(lambda: driver.app.screen is not screen)
            await driver.pilot.press("end", *"!", "enter")
            await driver.until(lambda: driver.app.screen is screen)
            assert titles(screen)[4:] == [day, "rivers!"], "a rename is no use of it"
            store.rename(ids[0], "rivers")
            await driver.pilot.press("alt+p")
            assert titles(screen) == ["Pinned", "rivers", "Today", "seas", "Yesterday", "mountains"]
            await driver.pilot.press("alt+d")
            assert titles(screen)[:4] == ["Pinned", "rivers", "Today", "Copy of rivers"]
            assert screen._current().title == "Copy of rivers", "the copy has the highlight"
            await driver.pilot.press("ctrl+x", "ctrl+x")
            assert titles(screen) == ["Pinned", "rivers", "Yesterday", "mountains"]
            await driver.pilot.press("alt+z", "alt+z")
            assert titles(screen)[2:5] == ["Today", "Copy of rivers", "seas"], "the last one first, then the one before"
            await driver.pilot.press("alt+e")
            await driver.until(lambda: driver.app.screen is not screen)
            await driver.pilot.press("down", "enter")
            await driver.until(lambda: driver.app.screen is screen)
            (file,) = tmp_path.iterdir()
            assert file.suffix == ".html" and driver.told[-1] == f"Exported to {file}"
            await driver.pilot.press("alt+e", "enter")
            await driver.until(lambda: len(list(tmp_path.iterdir())) == 2)
            assert "<!DOCTYPE html>" in file.read_text()


async def test_typing_filters_and_what_is_no_filter_is_said(driven) -> None:
    with Store.open() as store:
        ids = make(store, "rivers", "mountains", "seas")
        store.pin(ids[0])
        store.delete(ids[2])
        async with driven(store=store) as driver:
            screen = await open_history(driver)
            await driver.pilot.press(*"is:pinne")
            assert "there is no is:pinne; did you mean pinned?" in " ".join(driver.text().split())
            assert titles(screen) == []
            await driver.pilot.press("ctrl+x", "alt+p", "alt+d", "enter", "d")
            assert titles(screen) == ["Pinned", "rivers"], "no key did anything to a list that is empty"
            await driver.pilot.press("escape", *"is:deleted", "enter")
            assert driver.told[-1] == "“seas” is deleted; alt+z takes it back."
            assert "deleted 20" in driver.text()
            await driver.pilot.press("alt+z")
            assert "Nothing found." in driver.text()
            await driver.pilot.press("escape", *"mountains -seas is:unmarked")
            assert "Nothing found." in driver.text(), "it was never assessed"
            await driver.pilot.press(*["backspace"] * len(" is:unmarked"))
            assert titles(screen) == ["mountains"]
            await driver.pilot.press("enter")
            await driver.until(lambda: "The answer mountains." in driver.text())


@pytest.mark.parametrize(("size", "seen"), [((40, 12), False), ((80, 24), True), ((60, 40), True), ((160, 50), True)])
async def test_the_end_of_the_highlighted_conversation_is_seen_where_there_is_room(driven, size, seen) -> None:
    with Store.open() as store:
        make(store, "rivers", "seas")
        async with driven(store=store, size=size) as driver:
            await open_history(driver)
            await driver.until(lambda: "seas" in driver.text())
            assert ("The answer seas." in driver.text()) is seen
            await driver.pilot.press("down")
            await driver.until(lambda: ("The answer rivers." in driver.text()) is seen)


async def test_a_conversation_is_found_by_its_title_too(driven) -> None:
    with Store.open() as store:
        ids = make(store, "rivers", "seas")
        store.rename(ids[0], "Geography")
        async with driven(store=store) as driver:
            screen = await open_history(driver)
            await driver.pilot.press(*"geogr")
            assert screen._current().title == "Geography"


async def test_among_thousands_more_are_listed_as_one_goes_down(driven) -> None:
    with Store.open() as store:
        with store._writing():
            for number in range(2 * PAGE + 10):
                store.create_conversation("model", title=f"c{number}")
        async with driven(store=store) as driver:
            screen = await open_history(driver)
            assert len(screen._rows) == PAGE + 1
            screen.conversations.highlighted = PAGE - 10
            await driver.until(lambda: len(screen._rows) == 2 * PAGE + 1)
            screen.conversations.highlighted = 2 * PAGE
            await driver.until(lambda: len(screen._rows) == 2 * PAGE + 11)
            assert len({row.conversation_id for row in screen._rows[1:]}) == 2 * PAGE + 10, "each once"
            assert screen.conversations.option_count == len(screen._rows)


async def test_what_was_found_in_another_branch_is_gone_to(driven) -> None:
    with Store.open() as store:
        make(store, "rivers", "seas")
        (other,) = (each for each in store.list_conversations() if each.title == "rivers")
        question = store.messages(other.id)[0].id
        store.add_message(other.id, question, "assistant", "The Amazon, of course.", current=False)
        async with driven(store=store) as driver:
            await open_history(driver)
            await driver.pilot.press(*"amazon", "enter")
            await driver.until(lambda: "The Amazon, of course." in driver.text())
            assert driver.chat.query_one(Transcript).selected.text == "The Amazon, of course."
            await open_history(driver)
            await driver.pilot.press(*"title:x", "escape", *"rivers", "enter")
            await driver.until(lambda: driver.app.screen is driver.chat)


async def test_right_filters_by_the_figure_that_is_shown(driven, danube) -> None:
    """An answer has the figure of the calibrator in use, not of the one that was in use when it was given."""
    with Store.open() as store:
        async with driven(danube, store=store, calibrator=calibrator(logit(0.3))) as driver:
            await driver.ask("Which river?")
            asked = str(driver.session.tree.conversation_id)
        async with driven(store=store, calibrator=calibrator(logit(0.9)), size=(100, 30)) as driver:
            screen = await open_history(driver)
            await driver.pilot.press(*"right:<40")
            assert titles(screen) == []
            await driver.pilot.press("escape", *"right:90")
            assert [row.conversation_id for row in screen._rows if not isinstance(row, str)] == [asked]
            await driver.pilot.press("enter")
            await driver.until(lambda: "90 %" in driver.text().replace("\u00a0", " "))
