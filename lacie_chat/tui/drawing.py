"""Whatever was changed is drawn, and drawn whole: three gaps of Textual 8.2.8 (pinned, see pyproject.toml), two of
which come up on a busy machine.

The layout of a widget is kept under the number of its changes, and a change that comes before the widget has looked
after an earlier one isn't counted: where a layout came between the two, the widget kept the height of the first for
good. And the end of a batch tells the app, but not the screen, which had put its drawing off for the batch: it stayed
blank until something else happened to it. Markdown changes itself in batches, so every answer did.

Lines are broken (by Rich) at a no-break space like at any other, so that "17 %" stood on two.
"""

import re
from typing import Any, TypeVar

from rich import _wrap
from textual.app import App
from textual.geometry import Region
from textual.widget import Widget

Result = TypeVar("Result")


class DrawsWhole(App[Result]):
    """An app that tells its screen when a batch of changes ends."""

    def _end_batch(self) -> None:
        super()._end_batch()
        if not self._batch_count and self._screen_stack:
            self.screen.check_idle()


_refresh = Widget.refresh


def _counted(self: Widget, *regions: Region, layout: bool = False, **named: Any) -> Widget:
    """`Widget.refresh`, which also counts a change of size while an earlier one waits to be looked after."""
    if layout and self._layout_required:
        self._layout_updates += 1
    return _refresh(self, *regions, layout=layout, **named)


Widget.refresh = _counted  # type: ignore[method-assign, assignment]  # all of them: Markdown's blocks are Textual's own

_wrap.re_word = re.compile(r"[^\S\xa0\u202f]*[\S\xa0\u202f]+[^\S\xa0\u202f]*")
