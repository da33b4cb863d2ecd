"""Whatever is typed in the chat lands in the composer, whichever widget has the focus, and does nothing else."""

import random

import pytest
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader
from textual.events import Key, Paste
from textual.keys import KEY_NAME_REPLACEMENTS, _character_to_key

from lacie_chat.conversations import Store
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.interface_state import InterfaceState, write_state
from lacie_chat.tui.key_names import key_name, writes_text
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.screens.history import HistoryScreen
from lacie_chat.tui.typed_text import is_text
from lacie_chat.tui.widgets.composer import Composer

ASCII = [chr(code) for code in range(0x20, 0x7F)]
OTHERS = [
    *"äöüßéñçøłžğ€£¥§°µ¿¡«»„“”–—…×÷≈≠∞αβγδωБГДЖЯабвгאבגابت中文日本語한국어ไทยहिन्दी😀🎉👩🚀",
    *"\u200c\u200d\u00a0\u3000\ufe0f\U0001fae9",
]


def typed(seed: int, length: int = 500) -> str:
    """Printable characters: every one of ASCII, and others of many scripts among them."""
    source = random.Random(seed)
    found = [*ASCII, *(source.choice([*ASCII, *OTHERS]) for _ in range(length - len(ASCII)))]
    source.shuffle(found)
    return "".join(found)


def as_key(character: str) -> Key:
    """As Textual's parser makes it of what a terminal sends."""
    name = character if character.isalnum() else _character_to_key(character)
    return Key(KEY_NAME_REPLACEMENTS.get(name, name), character)


def key_names() -> set[str]:
    return {key for action in ACTIONS for key in action.keys.split(",")}


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the actions that were done."""
    found: list[str] = []
    perform = ChatScreen.action_perform

    async def noted(self: ChatScreen, name: str) -> None:
        found.append(name)
        await perform(self, name)

    monkeypatch.setattr(ChatScreen, "action_perform", noted)
    return found


async def two_answers(driver: Driver) -> None:
    await driver.ask("Which river?")
    await driver.ask("And in Vienna?")
    driver.chat.details.display = True
    driver.chat.show_details(driver.chat.subject)
    await driver.pilot.pause()


def nothing_happened(driver: Driver, done: list[str]) -> None:
    assert done == []
    assert driver.app.screen is driver.chat
    assert len(driver.session.tree.path()) == 4 and not driver.session.busy
    assert all(turn.correct is None for turn in driver.session.tree.path())
    with Store.open() as store:
        assert store.marks() == []


def test_no_key_of_the_chat_writes_text() -> None:
    assert not [key for key in key_names() if writes_text(key)]
    assert writes_text("question_mark") and writes_text("A") and writes_text("space") and writes_text("shift+space")
    assert not any(map(writes_text, ("alt+a", "ctrl+j", "f6", "enter", "up", "shift+left", "tab")))


async def test_500_characters_one_at_a_time_reach_the_composer(driven, done, danube) -> None:
    text, source = typed(7), random.Random(8)
    async with driven(danube, size=(120, 40)) as driver:
        await two_answers(driver)
        composer, chain = driver.chat.composer, driver.chat.focus_chain
        for number, character in enumerate(text, 1):
            driver.chat.set_focus(source.choice([*chain, None]))
            driver.app.post_message(as_key(character))
            await driver.until_soon(lambda number=number: len(composer.text) == number)
        assert composer.text == text
        nothing_happened(driver, done)


async def test_every_widget_that_takes_the_focus_gives_what_is_typed_to_the_composer(driven, done, danube) -> None:
    async with driven(danube, size=(120, 40)) as driver:
        for welcomed in (True, False):
            if not welcomed:
                await two_answers(driver)
            chain = [*driver.chat.focus_chain, None]
            assert len(chain) > 3
            for number, widget in enumerate(chain):
                text = typed(number)
                driver.chat.composer.clear()
                driver.chat.set_focus(widget)
                for character in text:
                    driver.app.post_message(as_key(character))
                await driver.until(lambda text=text: len(driver.chat.composer.text) >= len(text))
                assert driver.chat.composer.text == text, widget
                assert driver.app.focused is driver.chat.composer
        nothing_happened(driver, done)


@pytest.mark.parametrize("where", [".-assistant", ".-user", ".confidence-line", "#strip", "#status", "#title"])
async def test_after_a_click_typing_goes_on_in_the_composer(driven, done, danube, where: str) -> None:
    async with driven(danube, size=(120, 40)) as driver:
        await two_answers(driver)
        await driver.type("so ")
        await driver.pilot.click(where)
        await driver.pilot.press(*"where are 10 ducks", "space", "question_mark", "plus")
        await driver.until(lambda: driver.chat.composer.text == "so where are 10 ducks ?+")
        nothing_happened(driver, done)


async def test_a_paste_goes_to_the_composer_too(driven, done, danube) -> None:
    async with driven(danube, size=(120, 40)) as driver:
        await two_answers(driver)
        driver.chat.transcript.focus()
        await driver.pilot.pause()
        driver.app.post_message(Paste("y1\n0c"))
        await driver.until(lambda: driver.chat.composer.text == "y1\n0c")
        nothing_happened(driver, done)


async def test_a_letter_with_alt_writes_nothing(driven) -> None:
    async with driven() as driver:
        for key in (Key("alt+w", "w"), Key("a", "a"), Key("alt+shift+q", "Q")):
            driver.app.post_message(key)
        await driver.until(lambda: driver.chat.composer.text)
        assert driver.chat.composer.text == "a"


async def test_a_letter_that_the_user_made_a_command_is_typed_and_one_line_says_so(driven, done, danube) -> None:
    keys = {"answer.wrong": "0", "chat.new": "n,f10", "view.help": "question_mark"}
    write_state(InterfaceState(unmoved=keys))
    async with driven(danube, size=(120, 40)) as driver:
        assert driver.app.state.keys == keys, "what the user wrote stays as it is"
        assert "Ignored, for what writes text is no command: 0 for answer.wrong, n for chat.new, ? for view.help" in (
            " ".join(" ".join(str(line.message) for line in driver.app._notifications).split())
        )
        await two_answers(driver)
        driver.chat.transcript.focus()
        await driver.pilot.press("n", "0", "question_mark")
        assert driver.chat.composer.text == "n0?"
        nothing_happened(driver, done)
        await driver.pilot.press("f7")
        assert driver.session.tree.leaf.correct is False, "an action left with no key has its usual one"
        await driver.pilot.press("f10")
        await driver.until(lambda: not driver.session.tree.roots)


async def test_alt_with_up_and_down_goes_between_answers(driven) -> None:
    engine = ScriptedEngine([Answer([f"answer {n}"]) for n in range(3)], ScriptedReader("answer"))
    async with driven(engine) as driver:
        answers = [await driver.ask(f"{n}?") for n in range(3)]
        await driver.type("kept")
        for key, expected in (("up", 2), ("up", 1), ("up", 0), ("up", 0), ("down", 1), ("down", 2), ("down", 2)):
            await driver.pilot.press(f"alt+{key}")
            await driver.until(lambda expected=expected: driver.chat.transcript.selected is answers[expected])
        assert driver.chat.query_one(Composer).text == "kept"


@pytest.mark.parametrize(
    ("key", "written"),
    [("equals_sign", "="), ("plus", "+"), ("question_mark", "?"), ("ctrl+@", "ctrl+space"), ("pagedown", "pagedown"),
     ("space", "space"), ("alt+up", "alt+up"), ("Y", "Y"), ("f12", "f12"), ("ctrl+underscore", "ctrl+_")],
)  # fmt: skip
def test_keys_are_written_as_on_a_keyboard(key: str, written: str) -> None:
    assert key_name(key) == written


def test_every_character_of_a_keyboard_is_text_and_written_as_itself() -> None:
    assert all(is_text(character) for character in typed(7))
    for character in ASCII[1:]:
        assert key_name(as_key(character).key) == character and writes_text(as_key(character).key)


async def test_in_the_history_it_is_the_search_that_is_written(driven, danube) -> None:
    async with driven(danube) as driver:
        await driver.ask("Which river?")
        await driver.pilot.press("ctrl+o", "tab", "q", "1", "enter")
        screen = driver.app.screen
        assert isinstance(screen, HistoryScreen) and screen.search.value == "q1" and driver.app.focused is screen.search
