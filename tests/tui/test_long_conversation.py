"""What a long conversation keeps: no more than what can be gone back to."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.tui.widgets.message import MessageView


async def test_of_messages_that_are_gone_nothing_is_kept(driven: Callable[..., Any]) -> None:
    """Neither a widget nor the lines that it has drawn."""
    engine = ScriptedEngine(
        [Answer(["It is ", "**the Danube**."]) for _ in range(2)], ScriptedReader("the Danube", acceptance=0.88)
    )
    async with driven(engine) as driver:
        await driver.ask("Which river?")
        views = [widget for view in driver.chat.query(MessageView) for widget in view.walk_children(with_self=True)]
        widgets = [weakref.ref(widget) for widget in views]
        drawn = [weakref.ref(widget._styles_cache) for widget in views]
        assert len(widgets) > 6
        del views
        await driver.pilot.press("ctrl+n")
        await driver.ask("And which one now?")

        def kept() -> list[object]:
            gc.collect()
            return [found for each in (*widgets, *drawn) if (found := each()) is not None]

        await driver.until(lambda: not kept())
