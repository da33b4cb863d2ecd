"""The history's screen: what its keys do, to which conversation, at which size."""

from lacie_chat.conversations import Store
from lacie_chat.tui.screens.history import HistoryScreen


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
