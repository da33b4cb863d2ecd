"""Thought and answer: the same two texts however the characters come, and no tag taken that was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.engine.reasoning import _CHANNELS, _TABLE, habit_of_tags
from lacie_chat.engine.splitting import Form, Splitter

TAGS = habit_of_tags("<think>", "</think>").form
WRAPPED = Form(
    ("<|START_THINKING|>",), ("<|END_THINKING|>",), "", "", wraps=("<|START_TEXT|>",), ends=("<|END_TEXT|>",)
)
FORMS = [TAGS, WRAPPED, *(form for _, form in _TABLE)]


def split(form: Form | None, pieces: list[str], opening: str = "") -> tuple[str, str]:
    splitter = Splitter(form, opening)
    parts = [splitter.feed(piece) for piece in pieces]
    parts.append(splitter.end())
    answer = "".join(answer for _, answer in parts)
    whole = "".join(pieces)
    assert "".join(whole[max(0, at) : at + length] for at, length in splitter.stretches) == answer
    return "".join(thought for thought, _ in parts), answer


@given(st.data(), st.sampled_from(FORMS))
def test_any_cutting_gives_the_same_two_texts(data: st.DataObject, form: Form) -> None:
    bits = st.sampled_from([*form.markers, form.opening, form.closing, " ", "\n", "a", "<", "</", "|>", "To b"])
    text = "".join(data.draw(st.lists(bits, max_size=12)))
    opening = data.draw(st.sampled_from(["", form.opening, form.opening + form.closing, "<|start|>assistant"]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(form, pieces, opening) == split(form, [text], opening) == split(form, list(text), opening)


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<|["), min_size=1))
def test_a_thought_and_an_answer_come_out_as_they_went_in(answer: str, thought: str) -> None:
    answer, thought = answer.strip(), thought.strip()
    if any(answer.startswith(mark) or mark.startswith(answer) for mark in TAGS.markers):
        return
    assert split(TAGS, [f"<think>\n{thought}\n</think>\n\n{answer}"]) == (thought, answer)
    assert split(TAGS, [f"{thought}\n</think>\n\n{answer}"], "<think>\n") == (thought, answer)
    assert split(None, [f"<think>{thought}</think>{answer}"]) == ("", f"<think>{thought}</think>{answer}")


@pytest.mark.parametrize(
    ("written", "thought", "answer"),
    [
        ("<think>\n\n</think>\n\nParis.", "", "Paris."),
        ("<think>Never ended", "Never ended", ""),
        ("<think>Half a mark </thi", "Half a mark </thi", ""),
        ("</think>\n\nParis.", "", "Paris."),
        ("Write <think>x</think> first.", "", "Write <think>x</think> first."),
        ("<think>a</think> It is </think>, so.", "a", "It is </think>, so."),
        ("<think>a <think> b</think>c", "a <think> b", "c"),
        ("<think>a</think><think>b</think>c", "a\n\nb", "c"),
        ("\n\n<think>\na\n</think>c\n", "a", "c\n"),
        ("  No thought.", "", "  No thought."),
        ("<thin ice", "", "<thin ice"),
    ],
)
def test_odd_thoughts(written: str, thought: str, answer: str) -> None:
    assert split(TAGS, list(written)) == (thought, answer)


@pytest.mark.parametrize("text", ["so</think>\n\nParis, and </think> too.", "</think>\n\nParis, and </think> too."])
def test_the_models_own_end_of_a_thought_that_was_ended_for_it_is_no_answer(text: str) -> None:
    for pieces in ([text], list(text)):
        splitter = Splitter(TAGS, "<think>\n")
        found = [splitter.feed("Hm, "), splitter.feed("\n</think>\n\n")]
        splitter.closed_for_it = True
        found += [splitter.feed(piece) for piece in pieces]
        thought, answer = ("".join(parts) for parts in zip(*found, splitter.end(), strict=True))
        assert thought == "Hm,"
        assert answer == {"s": "so\n\nParis, and </think> too.", "<": "Paris, and  too."}[text[0]]


@pytest.mark.parametrize(
    ("written", "thought", "answer"),
    [
        ("<|channel|>commentary to=assistant<|channel|>analysis<|message|>a<|end|><|start|>assistant"
         "<|channel|>final<|message|>b", "a", "b"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=functions.f "
         "<|constrain|>json<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>b", "a", "b"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>One. <|end|>"
         "<|start|>assistant<|channel|>analysis<|message|>c<|end|><|start|>assistant<|channel|>final<|message|>Two.",
         "a\n\nc", "One. Two."),
        ("<|channel|>final<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>a<|end|>", "", "a"),
        ("<|channel|>final", "", ""),
        ("Just an answer <|x|>.", "", "Just an answer <|x|>."),
        ("<|channel|>" + "x" * 300, "", "<|channel|>" + "x" * 300),
    ],
)  # fmt: skip
def test_channels(written: str, thought: str, answer: str) -> None:
    assert split(_CHANNELS, list(written), "<|start|>assistant") == (thought, answer)
