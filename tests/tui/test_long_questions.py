"""A long question is folded in the conversation to its first lines, and opens by key and by click."""

import pytest
from scripted import Answer, ScriptedEngine

from lacie_chat.conversations import Store
from lacie_chat.tui.widgets.message import FoldLine
from lacie_chat.tui.widgets.question import QuestionView, beginning

LONG = "\n".join(f"line {number} [b]" for number in range(214))


def engine(count: int = 1) -> ScriptedEngine:
    return ScriptedEngine([Answer(["An answer."]) for _ in range(count)])


@pytest.mark.parametrize("size", [(80, 24), (40, 14)])
async def test_it_is_folded_to_its_first_lines(driven, size: tuple[int, int]) -> None:
    scripted = engine()
    async with driven(scripted, size=size) as driver:
        await driver.ask(LONG)
        assert scripted.prompts[0][0].content == LONG
        await driver.until(lambda: "shows all" in driver.text() and "An answer." in driver.text())
        driver.chat.transcript.scroll_home(animate=False)
        await driver.until(lambda: "▌ line 0 [b]" in driver.text())
        assert "line 5 [b] …" in driver.text() and "line 6" not in driver.text()
        beside = dict.fromkeys(map(ord, "▌▁▂▃▄▅▆▇█"))  # a question's mark, the scroll bar
        text = driver.text().translate(beside)
        assert "▸ 214 lines, 2.7 kB · ctrl+b or click shows all" in " ".join(text.split())


async def test_it_opens_by_click_and_by_key_and_stays_where_it_is(driven) -> None:
    async with driven(engine()) as driver:
        await driver.ask(LONG)
        await driver.until(lambda: "▸ 214 lines" in driver.text())
        await driver.pilot.click(driver.chat.query_one(QuestionView).query_one(FoldLine))
        await driver.until(lambda: "line 12 [b]" in driver.text())
        assert "▌ line 0 [b]" in driver.text(), "its beginning is where one looks"
        await driver.pilot.press("ctrl+b")
        await driver.until(lambda: "▸ 214 lines" in driver.text() and "An answer." in driver.text())
        await driver.pilot.press("ctrl+b", "end")
        driver.chat.transcript.scroll_end(animate=False)
        await driver.until(lambda: "▾ 214 lines, 2.7 kB · ctrl+b or click folds it" in driver.text())
        await driver.pilot.press("ctrl+b")
        await driver.until(lambda: "▌ line 0 [b]" in driver.text() and "▸ 214 lines" in driver.text())


async def test_what_was_opened_stays_open_in_another_visit(driven) -> None:
    with Store.open() as store:
        async with driven(engine(), store=store) as driver:
            await driver.ask(LONG)
            await driver.pilot.press("ctrl+b")
            await driver.until(lambda: "line 9 [b]" in driver.text())
            conversation = driver.session.tree.conversation_id
            driver.session.new_chat()
            driver.session.open(conversation)
            await driver.chat.show_conversation()
            await driver.until(lambda: "▾ 214 lines" in driver.text())


async def test_a_short_question_has_no_line(driven) -> None:
    async with driven(engine()) as driver:
        await driver.ask("one\ntwo\nthree")
        assert not driver.chat.query_one(QuestionView).query_one(FoldLine).display
        assert "▌ three" in driver.text()


async def test_copying_and_editing_have_the_whole(driven) -> None:
    async with driven(engine()) as driver:
        await driver.ask(LONG)
        await driver.pilot.press("ctrl+g")
        assert driver.chat.composer.written == LONG


def test_one_endless_line_is_cut_too() -> None:
    assert beginning("x" * 100_000) == "x" * 480 + " …"
