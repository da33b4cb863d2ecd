"""What the model thinks before it answers: beside the answer at every step, and no part of it at any."""

from dataclasses import replace
from typing import Any

import pytest
from fitted import calibrator
from scripted import Answer, ByWording, ScriptedEngine, wait_for
from test_comparing import SURE, UNSURE, assessed
from test_comparing import chat as compared  # noqa: F401 - fixtures
from test_comparing import store as store
from test_session import chat  # noqa: F401
from two_sided import TwoSided

from lacie_chat.chat.compared import SIDES
from lacie_chat.chat.events import ChatEvent, TextAdded, ThoughtAdded, TurnChanged
from lacie_chat.chat.thinking import choice_sentence, choice_text, next_choice
from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import lexical_cues
from lacie_chat.conversations import Message, Store

THOUGHT = ["I think it is the Rhine. ", "Or maybe the Danube? ", "Yes."]
ANSWER = ["It is ", "the Danube."]


def thinker(*more: Answer, **of: Any) -> ScriptedEngine:
    return ScriptedEngine([Answer(ANSWER, thought=THOUGHT, **of), *more], ByWording("the Danube"))


def stored(turn: Turn) -> Message:
    """From a second connection to the file."""
    assert turn.stored_id is not None
    with Store.open() as store:
        return store.message(turn.stored_id)


def done(turn: Turn) -> bool:
    return turn.phase == "done" and turn.status != "streaming"


def test_the_answer_is_heard_and_sent_back_without_its_thought(chat) -> None:  # noqa: F811
    engine = thinker(Answer(["So it is."]))
    talk = chat(engine)
    turn = talk.session.send("Which river flows through Vienna?")
    wait_for(lambda: turn.assessment is not None)
    assert (turn.reasoning, turn.text) == ("".join(THOUGHT), "".join(ANSWER))
    assert turn.assessment.response == turn.text and turn.assessment.hedges == ()
    assert lexical_cues(turn.reasoning)[0], "the thought does hedge"
    assert not any("Rhine" in asked for asked in engine.scripted_reader.asked)
    message = stored(turn)
    assert (message.reasoning, message.text) == (turn.reasoning, turn.text)
    assert (message.usage["finish_reason"], message.usage["reasoning_tokens"]) == ("stop", 3)
    assert message.timings["reasoning_seconds"] == turn.thought_seconds == 3.0
    following = talk.session.send("Sure?")
    wait_for(lambda: following.status == "complete")
    assert [asked.content for asked in engine.prompts[1]] == [turn.question, "It is the Danube.", "Sure?"]


def test_it_goes_from_thinking_to_answering_and_all_is_on_disk_before_it_is_shown(chat) -> None:  # noqa: F811
    talk = chat(thinker())
    seen: list[tuple[str, str, str]] = []
    phases: list[str] = []
    post = talk.events.append

    def check(event: ChatEvent) -> None:
        post(event)
        if isinstance(event, ThoughtAdded | TextAdded):
            message = stored(event.turn)
            seen.append((message.reasoning, message.text, event.turn.phase))
        elif isinstance(event, TurnChanged):
            phases.append(event.turn.phase)

    talk.session._post = check
    turn = talk.session.send("Question")
    wait_for(lambda: done(turn))
    whole = "".join(THOUGHT)
    assert seen == [
        (THOUGHT[0], "", "thinking"),
        ("".join(THOUGHT[:2]), "", "thinking"),
        (whole, "", "thinking"),
        (whole, ANSWER[0], "answering"),
        (whole, "".join(ANSWER), "answering"),
    ]
    assert phases[:3] == ["reading", "thinking", "answering"]


def test_the_first_wish_ends_the_thought_and_the_second_the_answer(chat) -> None:  # noqa: F811
    engine = thinker(hold_thought_after=1, hold_after=1)
    talk = chat(engine)
    turn = talk.session.send("Question")
    assert not talk.session.answer_now(), "it isn't thinking yet"
    wait_for(lambda: engine.held.is_set() and turn.phase == "thinking")
    assert talk.session.answer_now()
    assert not talk.session.answer_now(), "it was asked already"
    wait_for(lambda: engine.held.is_set() and turn.phase == "answering")
    assert (turn.reasoning, turn.text, engine.hurried) == (THOUGHT[0], ANSWER[0], 1)
    assert not talk.session.answer_now()
    assert talk.session.cancel()
    wait_for(lambda: done(turn) and turn.assessment is not None)
    assert (turn.status, turn.text, stored(turn).reasoning) == ("cancelled", ANSWER[0], THOUGHT[0])


@pytest.mark.parametrize("end", ["cancelled", "of itself", "at its limit", "died"])
def test_what_ends_in_its_thought_is_kept_marked_and_never_heard(chat, end: str) -> None:  # noqa: F811
    how: dict[str, dict[str, Any]] = {"at its limit": {"reason": "length"}, "died": {"dies": True}}
    hold = {"hold_thought_after": 2} if end == "cancelled" else {}
    engine = ScriptedEngine([Answer([], thought=THOUGHT, **hold, **how.get(end, {})), Answer(["Again."])])
    talk = chat(engine, ScriptedEngine([Answer(["Again."])]))
    turn = talk.session.send("Question")
    if end == "cancelled":
        wait_for(lambda: engine.held.is_set() and turn.phase == "thinking")
        talk.session.cancel()
    wait_for(lambda: done(turn))
    assert turn.thought_only and turn.text == ""
    assert turn.status == {"cancelled": "cancelled", "died": "cut_off"}.get(end, "complete")
    assert stored(turn).reasoning == "".join(THOUGHT[: 2 if end == "cancelled" else 3])
    assert turn.thought_seconds is not None
    conversation = talk.session.tree.conversation_id
    again = talk.session.regenerate(turn)
    wait_for(lambda: again.assessment is not None)
    assert turn.assessment is None, "it came before the one that was heard"
    assert engine.scripted_reader.asked and all("Rhine" not in asked for asked in engine.scripted_reader.asked)
    assert len(talk.made) == (2 if end == "died" else 1)
    talk.session.open(conversation)
    reopened = next(other for other in talk.session.tree.turns() if other.stored_id == turn.stored_id)
    assert reopened.thought_only and not reopened.unheard and reopened.phase == "done"
    assert talk.session.tree.prompt(again)[-1].content == "Question"


def test_text_of_an_answer_that_ended_in_another_thought_is_not_heard() -> None:
    """As some templates have it: a word, and then a thought that isn't closed."""
    turn = Turn("assistant", "Well,", None, status="complete", reasoning="hm", usage={"reasoning_open": True})
    assert turn.thought_only
    assert not Turn("assistant", "Well,", None, status="streaming", reasoning="hm").thought_only


def test_a_question_whose_answer_was_only_thought_of_is_not_sent_again(chat) -> None:  # noqa: F811
    engine = ScriptedEngine([Answer([], thought=THOUGHT), Answer(["Yes."])])
    talk = chat(engine)
    first = talk.session.send("One")
    wait_for(lambda: done(first))
    second = talk.session.send("Two")
    wait_for(lambda: second.assessment is not None)
    assert [turn.content for turn in engine.prompts[1]] == ["Two"]


def test_a_thought_that_could_not_be_saved_is_saved_later(chat, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from lacie_chat.conversations import StoreError

    engine = thinker(hold_thought_after=2)
    talk = chat(engine)
    real = talk.store.append_thought
    monkeypatch.setattr(talk.store, "append_thought", lambda *_: (_ for _ in ()).throw(StoreError("the disk is full")))
    turn = talk.session.send("Question")
    wait_for(lambda: engine.held.is_set() and turn.phase == "thinking")
    assert talk.session.tree.unsaved_turns() == 1 and stored(turn).reasoning == ""
    monkeypatch.setattr(talk.store, "append_thought", real)
    engine.go_on.set()
    wait_for(lambda: done(turn))
    assert talk.session.tree.unsaved_turns() == 0 and stored(turn).reasoning == "".join(THOUGHT)


def test_samples_are_drawn_as_the_answer_was_and_one_without_an_answer_disagrees(chat) -> None:  # noqa: F811
    engine = thinker()
    engine.sample_texts = ("It is the Danube.", "")  # every second one ended in its thought
    engine.sample_thought = "It is the Rhine."
    talk = chat(engine)
    talk.session.sampling = type(talk.session.sampling)(reasoning=400)
    talk.session.agreement = 4
    turn = talk.session.send("Which river?")
    wait_for(lambda: turn.assessment is not None and turn.assessment.agreement is not None)
    assert (turn.assessment.agreement.value, turn.assessment.agreement.k) == (0.5, 4)
    assert {sampling.reasoning for sampling in engine.samples} == {400}


def test_two_sides_think_apart_and_are_compared_by_their_answers(compared) -> None:  # noqa: F811
    engine = TwoSided(
        [Answer([SURE], thought=["I think so. ", "No."], hold_thought_after=1)],
        [Answer(["first"]), Answer([UNSURE], thought=["Surely. ", "Certainly."], hold_thought_after=1)],
    )
    one = compared(engine)
    comparison = one.compare()
    turns = [comparison.samples[side][0] for side in SIDES]
    wait_for(lambda: all(turn.phase == "thinking" and turn.reasoning for turn in turns))
    wait_for(lambda: all(side.held.is_set() for side in engine.sides.values()))
    assert comparison.answer_now() and not comparison.answer_now()
    wait_for(assessed(comparison))
    assert [turn.reasoning for turn in turns] == ["I think so. ", "Surely. "]
    assert comparison.difference(0).sounds == "less sure"
    assert {message.reasoning for message in one.stored() if message.reasoning} == {"I think so. ", "Surely. "}
    assert all(turn in one.question.children for turn in turns), "a draft joins the tree with its thought"


def test_a_comparison_from_before_thoughts_is_taken_up(compared) -> None:  # noqa: F811
    one = compared(TwoSided([Answer([SURE])], [Answer(["first"]), Answer([UNSURE])]))
    first = one.compare()
    wait_for(assessed(first))
    for side in SIDES:
        del first.samples[side][0].params["sampling"]["reasoning"]
    assert [one.compare().samples[side] for side in SIDES] == [first.samples[side] for side in SIDES]


def test_a_calibrator_says_nothing_of_answers_that_were_thought_about_otherwise(chat) -> None:  # noqa: F811
    talk = chat(thinker(Answer(["It is the Danube."])))
    talk.session.speaker = replace(talk.session.speaker, calibrator=calibrator())
    first = talk.session.send("Which river?")
    wait_for(lambda: first.assessment is not None)
    talk.session.sampling = replace(talk.session.sampling, reasoning="off")
    second = talk.session.send("Which river?")
    wait_for(lambda: second.assessment is not None)
    assert first.assessment.p_right is not None and second.assessment.p_right is None


def test_a_key_goes_round_the_ways_to_think() -> None:
    for at_first, round_trip in {
        None: [None, "off", "on", None],
        "off": ["off", "on", "off"],
        "on": ["on", "off", "on"],
        300: [300, "off", "on", 300],
    }.items():
        now = at_first
        for expected in round_trip[1:]:
            now = next_choice(now, at_first)  # type: ignore[arg-type]
            assert now == expected
    assert next_choice(77, None) is None
    assert [choice_text(choice) for choice in (None, "off", 300)] == ["", "thinking off", "thinks up to 300 tokens"]
    assert len({choice_sentence(choice) for choice in (None, "off", "on", 300)}) == 4
