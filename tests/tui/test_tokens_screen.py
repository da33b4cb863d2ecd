"""The tokens of an answer on the screen: how probable each was, by keys, by mouse and without colour."""

import time

import pytest
from drawn import VIENNA, answer_of
from rich.cells import cell_len
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.chat.answer_tokens import AnswerToken
from lacie_chat.conversations import Store, StoreError
from lacie_chat.tui.screens.chat import ChatScreen
from lacie_chat.tui.screens.help import HelpScreen, help_content
from lacie_chat.tui.screens.tokens import NOTHING, STREAMING, UNKNOWN, TokensScreen
from lacie_chat.tui.widgets.token_panel import in_words, per_cent, quoted
from lacie_chat.tui.widgets.token_text import TokenText, glyphs_of, level_of, lines_of

QUESTION = "Which river flows through Vienna?"


@pytest.fixture
def vienna() -> ScriptedEngine:
    return ScriptedEngine([answer_of(*VIENNA)], ScriptedReader("Rhine", acceptance=0.7))


async def opened(driver) -> TokensScreen:
    await driver.pilot.press("f12")
    await driver.until(lambda: isinstance(driver.app.screen, TokensScreen))
    screen = driver.app.screen
    assert isinstance(screen, TokensScreen)
    return screen


async def test_a_key_opens_the_tokens_and_escape_goes_back(driven, vienna) -> None:
    async with driven(vienna) as driver:
        await driver.pilot.press("f12")
        assert isinstance(driver.app.screen, ChatScreen), "there is no answer yet"
        await driver.ask(QUESTION)
        for focused in ("the composer", "the conversation"):
            if focused == "the conversation":
                await driver.pilot.press("tab")
            await opened(driver)
            assert "7 of 19 under 50 %" in driver.text()
            assert "The river is the ⟦Rhine⟧, or 多瑙河 🎉.↵" in driver.text()
            await driver.pilot.press("escape")
            await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))


async def test_the_panel_says_what_else_could_have_stood_there(driven, vienna) -> None:
    async with driven(vienna) as driver:
        await driver.ask(QUESTION)
        await opened(driver)
        assert "Token 1 of 19  “The”" in driver.text()
        assert "The model gave this token 62\u00a0%; next was “It” with 20\u00a0%." in driver.text()
        await driver.pilot.press("n")
        await driver.until(lambda: "Token 5 of 19  “␣Rhine”" in driver.text())
        assert "The model gave this token 12\u00a0%; “␣Danube” had 61\u00a0%." in driver.text()
        assert "▸  12\u00a0% ▰▱▱▱▱▱▱▱▱▱  “␣Rhine”  drawn" in driver.text()
        assert "10\u00a0% ▰▱▱▱▱▱▱▱▱▱  all others" in driver.text()
        await driver.pilot.press("n", "n", "n")
        await driver.until(lambda: "Token 9 of 19  “‹0xE5›‹0xA4›”  a part of “多”" in driver.text())
        assert "“[bold]”" in driver.text(), "what a model wrote is never markup"
        await driver.pilot.press("right")
        await driver.until(lambda: "Token 10 of 19  “‹0x9A›”" in driver.text())
        await driver.pilot.press("n")
        await driver.until(lambda: "▸  <1\u00a0% ▱▱▱▱▱▱▱▱▱▱  “␣🎉”  drawn" in driver.text())
        assert "“↵↵”" in driver.text()


async def test_keys_move_the_cursor(driven, vienna) -> None:
    async with driven(vienna) as driver:
        await driver.ask(QUESTION)
        screen = await opened(driver)
        for key, index in (
            *(("left", 0), ("right", 1), ("l", 2), ("h", 1), ("end", 18), ("right", 18), ("p", 15), ("p", 13)),
            *(("home", 0), ("p", 0), ("down", 13), ("down", 14), ("up", 13), ("up", 13), ("pagedown", 14)),
            *(("pageup", 0), ("n", 4), ("n", 6)),
        ):
            await driver.pilot.press(key)
            await driver.pilot.pause()
            assert screen.text.cursor == index, key
        assert driver.told == ["No token under 50 % before this one."]
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        assert "Go to the next token under 50 %" in help_content({}).plain


async def test_a_click_chooses_a_token(driven, vienna) -> None:
    async with driven(vienna) as driver:
        await driver.ask(QUESTION)
        screen = await opened(driver)
        line = next(line for line in driver.text().splitlines() if "The river" in line)
        row = driver.text().splitlines().index(line)
        for word, index in (("river", 1), ("Rhine", 4), ("多", 8), ("瑙", 10), ("🎉", 11)):
            column = cell_len(line[: line.index(word)])
            await driver.pilot.click(offset=(column, row))
            await driver.until(lambda index=index: screen.text.cursor == index)
        await driver.pilot.click(offset=(60, row + 1))
        await driver.pilot.pause()
        assert screen.text.cursor == 13, "a line without a word has its line end"


async def test_levels_differ_without_colour(driven, vienna, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(vienna) as driver:
        await driver.ask(QUESTION)
        await opened(driver)
        await driver.pilot.press("end")
        text = driver.app.screen.query_one(TokenText)
        looks = {
            segment.text.strip(): (segment.style.bold, segment.style.italic, segment.style.underline)
            for segment in text.render_line(0)
            if segment.style is not None
        }
        assert looks["The"] == (None, True, None) or looks["The"][1]
        assert looks["Rhine"][2] and not looks["Rhine"][0]
        assert looks["or"][0] and looks["or"][2]
        assert not any(looks["river is the"])
        assert any(segment.style.reverse for segment in text.render_line(2) if segment.style is not None)


@pytest.mark.parametrize(
    ("answer", "note"),
    [(Answer(["It is the Danube."]), UNKNOWN), (Answer([]), NOTHING), (Answer(["Half"], dies=True), UNKNOWN)],
)
async def test_an_answer_without_tokens_says_so(driven, answer: Answer, note: str) -> None:
    async with driven(ScriptedEngine([answer]), ScriptedEngine(), size=(160, 30)) as driver:
        await driver.ask(QUESTION)
        screen = await opened(driver)
        assert note in driver.text()
        await driver.pilot.press("right", "down", "end", "n", "pageup", "up")
        assert screen.text.cursor == 0
        await driver.pilot.click(offset=(5, 5))
        await driver.pilot.press("q")
        await driver.until(lambda: isinstance(driver.app.screen, ChatScreen))


async def test_an_answer_in_progress_gets_its_tokens_when_it_ends(driven) -> None:
    engine = ScriptedEngine([answer_of(*VIENNA, hold_after=1)], ScriptedReader("Rhine"))
    async with driven(engine) as driver:
        await driver.type(QUESTION)
        await driver.pilot.press("enter")
        await driver.until(engine.held.is_set)
        await driver.until(lambda: "The river is" in driver.text())
        await opened(driver)
        assert STREAMING in driver.text() and "The river is" in driver.text()
        engine.go_on.set()
        await driver.until(lambda: "Token 1 of 19" in driver.text())
        await driver.until(lambda: "⟦" in driver.text())
        assert STREAMING not in driver.text()


async def test_a_reopened_conversation_has_them(driven, vienna, monkeypatch: pytest.MonkeyPatch) -> None:
    async with driven(vienna) as driver:
        await driver.ask(QUESTION)
        conversation_id = driver.session.tree.conversation_id
    async with driven(ScriptedEngine(), resume=conversation_id) as driver:
        await driver.until(lambda: "Rhine" in driver.text())

        def gone(*_: object) -> None:
            raise StoreError("can't read the file")

        with monkeypatch.context() as broken:
            broken.setattr(Store, "tokens", gone)
            await opened(driver)
            assert "✗ can't read the file" in driver.text()
            await driver.pilot.press("escape")
        await opened(driver)
        assert "The model gave this token 62\u00a0%; next was “It” with 20\u00a0%." in driver.text()


async def test_an_answer_that_declines_has_no_span(driven) -> None:
    drawn = [("I", 0.9, []), (" don't", 0.8, []), (" know", 0.9, []), (".", 0.9, [])]
    async with driven(ScriptedEngine([answer_of(*drawn)])) as driver:
        await driver.ask(QUESTION)
        await opened(driver)
        assert "I don't know." in driver.text() and "⟦I" not in driver.text()


@pytest.mark.parametrize("size", [(40, 10), (60, 18), (80, 24), (120, 24), (300, 90)])
async def test_any_size_shows_text_and_panel(driven, vienna, size: tuple[int, int]) -> None:
    async with driven(vienna, size=size) as driver:
        await driver.ask(QUESTION)
        screen = await opened(driver)
        await driver.pilot.press("end")
        await driver.until(lambda: "Token 19 of 19" in driver.text())
        assert "through Vienna" in driver.text()
        await driver.pilot.resize_terminal(size[0] + 7, size[1] + 2)
        await driver.until(lambda: "through Vienna" in driver.text())
        assert screen.text.cursor == 18


async def test_a_very_long_answer_opens_and_scrolls(driven) -> None:
    drawn = [
        (f" word{index}" if index % 40 else f"\n{index}", 0.3 if index % 9 else 0.95, [(" a", 0.02)] * 4)
        for index in range(2000)
    ]
    async with driven(ScriptedEngine([answer_of(*drawn)]), size=(160, 50)) as driver:
        await driver.ask(QUESTION)
        started = time.perf_counter()
        screen = await opened(driver)
        await driver.until(lambda: "Token 1 of 2000" in driver.text())
        took = time.perf_counter() - started
        started = time.perf_counter()
        for _ in range(30):
            await driver.pilot.press("pagedown")
        await driver.pilot.press("end")
        await driver.until(lambda: "word1999" in driver.text())
        print(f"opened in {took:.2f} s, 31 keys in {time.perf_counter() - started:.2f} s")
        assert screen.text.cursor == 1999


@pytest.mark.parametrize("width", [2, 5, 9, 20, 300])
def test_lines_hold_all_characters_and_fit(width: int) -> None:
    text = "Der Donau-\tStrom\n\n東京は大きい 🎉👍🏽 e\u0301 \u200b❤\ufe0f\u202e x" + "y" * 30 + "\n"
    lines = lines_of(glyphs_of(text, (4, 9)), width)
    places = [glyph.place for line in lines for glyph in line if glyph.place >= 0]
    assert places == sorted(set(places))
    assert all(sum(glyph.width for glyph in line) <= max(width, 5) for line in lines)
    shown = "".join(glyph.text for line in lines for glyph in line)
    assert "⟦Donau⟧" in shown and "👍🏽" in shown and "\u202e" not in shown and "\ufe0f" not in shown


def test_lines_break_at_spaces() -> None:
    lines = lines_of(glyphs_of("The river is the Danube\nand more"), 12)
    assert ["".join(glyph.text for glyph in line) for line in lines] == ["The river ", "is the ", "Danube↵", "and more"]
    assert lines_of(glyphs_of(""), 12) == [[]]


def test_figures_in_words() -> None:
    assert [per_cent(value) for value in (0.0, 0.004, 0.126, 0.994, 1.0)] == [
        "<1\u00a0%",
        "<1\u00a0%",
        "13\u00a0%",
        "99\u00a0%",
        ">99\u00a0%",
    ]
    assert quoted(" a\n\t\x1b[31m") == "“␣a↵⇥�[31m”"
    assert [level_of(value) for value in (1.0, 0.9, 0.89, 0.5, 0.49, 0.1, 0.09, 0.0)] == [
        *("likely", "likely", "rather", "rather", "unlikely", "unlikely", "rare", "rare"),
    ]
    assert in_words(AnswerToken(0, 1, 0.0, "a", (), None)).startswith("The model gave this token >99\u00a0%; what else")
