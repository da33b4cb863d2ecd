"""What ends an answer that is neither thought nor answer, whatever the model goes on with."""

import pytest

from lacie_chat.engine.draft import Draft
from lacie_chat.engine.reasoning import habit_of_tags


class Tags:
    """A thinker (draft.py) whose tokens are the pieces of text that the test gives."""

    habit = habit_of_tags("<think>", "</think>")
    closing = (1,)
    marks = 33
    stop = ()


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ([], ["\n"]),
        (["<think>", "hm", "</think>"], ["\n"]),
        (["<think>", "hm", "</think>"], ["<think>", "</think>", "\n"]),
    ],
)
def test_going_round_in_circles_ends(first: list[str], again: list[str]) -> None:
    draft = Draft(Tags(), "", stop=(), turn_ends=(), max_tokens=20, longest=30_000)  # type: ignore[arg-type]
    for text in first:
        draft.take(text.encode(), -1.0)
    for _ in range(600):
        for text in again:
            if draft.finish is None:
                draft.take(text.encode(), -1.0)
    assert draft.finish == "length" and draft.tokens < 600 and draft.text == ""
