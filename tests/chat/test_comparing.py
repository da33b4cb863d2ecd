"""A comparison without a screen: both sides at once, everything kept, one picked."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from scripted import Answer, ScriptedEngine, wait_for
from two_sided import TwoSided

from lacie_chat.chat.compared import SIDES
from lacie_chat.chat.comparing import MOST_SAMPLES, Comparison
from lacie_chat.chat.events import ChatEvent, Notice, TextAdded
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import Turn
from lacie_chat.conversations import Store

SURE, UNSURE, OTHER = "It is Tokyo.", "I think it is Tokyo.", "It is Kyoto."


class Chat:
    """A session whose question was answered once, and what its comparisons report."""

    def __init__(self, store: Store, *engines: TwoSided | ScriptedEngine) -> None:
        made = list(engines)
        self.notices: list[str] = []
        self.events: list[ChatEvent] = []
        self.seeds = iter(range(100, 1000, 100))
        speaker = ChatSpeaker(lambda: made.pop(0), "model", "adapter")
        self.session = ChatSession(speaker, store, self.noted, seed=lambda: next(self.seeds))
        self.session.start()
        first = self.session.send("What is the capital of Japan?")
        wait_for(lambda: first.phase == "done" and first.status != "streaming")
        assert first.parent is not None
        self.answer, self.question = first, first.parent

    def noted(self, event: ChatEvent) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.message)

    def compare(self) -> Comparison:
        comparison = Comparison(self.session, self.question, self.events.append)
        comparison.begin()
        return comparison

    def stored(self) -> list[Any]:
        assert self.session.tree.conversation_id is not None
        return self.session.store.messages(self.session.tree.conversation_id)

    def leaf(self) -> int | None:
        assert self.session.tree.conversation_id is not None
        return self.session.store.conversation(self.session.tree.conversation_id).leaf_id


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open() as store:
        yield store


@pytest.fixture
def chat(store: Store) -> Iterator[Callable[..., Chat]]:
    made: list[Chat] = []

    def make(*engines: TwoSided | ScriptedEngine) -> Chat:
        made.append(Chat(store, *engines))
        return made[-1]

    yield make
    for one in made:
        one.session.close()


def assessed(comparison: Comparison) -> Callable[[], bool]:
    return lambda: all(turn.assessment is not None for turns in comparison.samples.values() for turn in turns)


def texts(comparison: Comparison) -> list[list[str]]:
    return [[turn.text for turn in comparison.samples[side]] for side in SIDES]


def test_both_sides_answer_at_once_with_one_seed_and_the_same_parameters(chat) -> None:
    engine = TwoSided(
        [Answer(["It is ", "Tokyo."], hold_after=1)],
        [Answer(["first"]), Answer(["I think ", "it is Tokyo."], hold_after=1)],
    )
    one = chat(engine)
    comparison = one.compare()
    wait_for(lambda: all(side.held.is_set() for side in engine.sides.values()))  # both are in mid-answer
    assert texts(comparison) == [["It is "], ["I think "]]
    assert comparison.difference(0) is None and comparison.busy
    for side in engine.sides.values():
        side.go_on.set()
    wait_for(assessed(comparison))
    baseline, speaker = (engine.sides[side].samplings[-1] for side in SIDES)
    assert baseline == speaker == comparison.sampling(0) == replace(one.session.sampling, seed=200)
    assert engine.sides["left"].prompts[-1] == engine.sides["right"].prompts[-1]
    difference = comparison.difference(0)
    assert difference is not None
    assert difference.sounds == "less sure" and difference.changed_answer is False
    streamed = [event.turn.baseline for event in one.events if isinstance(event, TextAdded)]
    assert sorted(streamed) == [False, False, True, True]


def test_all_answers_are_branches_and_only_a_picked_one_is_current(chat) -> None:
    one = chat(TwoSided([Answer([SURE])], [Answer(["first"]), Answer([UNSURE])]))
    comparison = one.compare()
    wait_for(assessed(comparison))
    assert one.session.tree.leaf is one.answer and one.leaf() == one.answer.stored_id
    assert one.question.children[0].text == "first"
    assert sorted(turn.text for turn in one.question.children[1:]) == [UNSURE, SURE]
    picked = comparison.samples["left"][0]
    assert comparison.pick(picked)
    assert one.session.tree.leaf is picked and one.leaf() == picked.stored_id
    stored = {message.text: message for message in one.stored()}
    assert {"first", SURE, UNSURE} < set(stored)
    assert stored[SURE].assessment and stored[UNSURE].assessment
    assert stored[UNSURE].params["adapter"] == "adapter" and stored[SURE].params["adapter"] is None
    following = one.session.tree.add("user", "And then?", one.session.tree.leaf)
    assert [turn.text for turn in one.session.tree.path(following)] == [one.question.text, SURE, "And then?"]


def test_leaving_mid_way_keeps_what_is_there_and_coming_back_goes_on(chat) -> None:
    engine = TwoSided(
        [Answer([SURE])],
        [Answer(["first"]), Answer(["I think ", "it is"], hold_after=1), Answer([UNSURE])],
    )
    one = chat(engine)
    comparison = one.compare()
    wait_for(lambda: engine.sides["right"].held.is_set() and comparison.samples["left"][0].assessment)
    comparison.close()
    wait_for(lambda: not comparison.busy)
    partial = comparison.samples["right"][0]
    assert (partial.text, partial.status) == ("I think ", "cancelled")
    assert one.leaf() == one.answer.stored_id
    assert {"I think ": "cancelled", SURE: "complete"}.items() <= {m.text: m.status for m in one.stored()}.items()

    # Again, also after the chat was opened anew: nothing is asked for a second time.
    assert one.session.tree.conversation_id is not None
    one.session.open(one.session.tree.conversation_id)
    one.question = one.session.tree.roots[0]
    back = one.compare()
    assert texts(back) == [[SURE], ["I think "]]
    assert not back.busy and back.seed == comparison.seed
    back.again()
    wait_for(lambda: not back.busy)
    assert texts(back) == [[SURE], [UNSURE]]
    assert engine.sides["right"].samplings[-1] == engine.sides["right"].samplings[-2]
    assert len(engine.sides["left"].prompts) == 1, "what is complete is not answered again"
    assert "I think " in [turn.text for turn in one.question.children], "the partial answer stays, too"


def test_leaving_before_the_first_word_leaves_nothing_behind(chat) -> None:
    engine = TwoSided([Answer([SURE], hold_after=0)], [Answer(["first"]), Answer([UNSURE], hold_after=0)])
    one = chat(engine)
    comparison = one.compare()
    wait_for(lambda: all(side.held.is_set() for side in engine.sides.values()))
    assert comparison.stop() and not comparison.pick(comparison.samples["right"][0])
    wait_for(lambda: not comparison.busy)
    assert one.question.children == [one.answer]
    assert [message.text for message in one.stored()] == [one.question.text, "first"]
    assert not comparison.stop()


def test_an_engine_that_dies_costs_no_word(chat) -> None:
    dying = TwoSided(
        [Answer(["It is "], dies=True, hold_after=1)],
        [Answer(["first"]), Answer(["I think "], dies=True, hold_after=1)],
    )
    next_one = TwoSided([Answer([SURE])], [Answer([UNSURE])])
    one = chat(dying, next_one)
    comparison = one.compare()
    comparison.more()
    wait_for(lambda: all(side.held.is_set() for side in dying.sides.values()))
    for side in dying.sides.values():
        side.go_on.set()
    wait_for(lambda: not comparison.busy)
    pair = [comparison.samples[side][0] for side in SIDES]
    assert [(turn.text, turn.status) for turn in pair] == [("It is ", "cut_off"), ("I think ", "cut_off")]
    assert {"It is ", "I think "} <= {message.text for message in one.stored() if message.status == "cut_off"}
    wait_for(lambda: one.notices)
    assert "new one is being started" in one.notices[0] and len(one.notices) == 1
    assert comparison.fewer()
    comparison.again()
    wait_for(assessed(comparison))
    assert texts(comparison) == [[SURE], [UNSURE]]


def test_an_engine_that_died_unnoticed_is_replaced_without_a_word(chat) -> None:
    dead = TwoSided([Answer([], dies=True)], [Answer(["first"]), Answer([], dies=True)])
    one = chat(dead, TwoSided([Answer([SURE])], [Answer([UNSURE])]))
    comparison = one.compare()
    wait_for(assessed(comparison))
    assert texts(comparison) == [[SURE], [UNSURE]]


def test_several_samples_tell_how_stable_a_side_is(chat) -> None:
    engine = TwoSided(
        [Answer([text]) for text in (SURE, SURE, OTHER)],
        [Answer(["first"]), *[Answer([text]) for text in (UNSURE, SURE, SURE)]],
    )
    one = chat(engine)
    comparison = one.compare()
    assert comparison.more() and comparison.more()
    wait_for(assessed(comparison))
    assert [sampling.seed for sampling in engine.sides["left"].samplings] == [200, 201, 202]
    assert engine.sides["right"].samplings[1:] == engine.sides["left"].samplings
    baseline, speaker = (comparison.stability(side) for side in SIDES)
    assert baseline is not None and speaker is not None
    assert (baseline.answer, baseline.answer_count, baseline.answers) == ("Tokyo", 2, 2)
    assert (speaker.answer_count, speaker.answers, speaker.low, speaker.high) == (3, 1, 0.31, 0.88)
    overall = comparison.overall()
    assert overall is not None and overall.sounds == "less sure"
    assert comparison.fewer() and comparison.count == 2
    assert OTHER in [turn.text for turn in one.question.children], "it stays as a branch"


def test_there_are_one_to_eight_samples(chat) -> None:
    answers = [Answer([SURE]) for _ in range(MOST_SAMPLES)]
    one = chat(TwoSided(answers, [Answer(["first"]), *answers]))
    comparison = one.compare()
    assert not comparison.fewer()
    while comparison.more():
        pass
    assert comparison.count == MOST_SAMPLES == 8
    wait_for(lambda: not comparison.busy)
    while comparison.fewer():
        pass
    assert comparison.count == 1


def test_a_sample_that_waits_can_be_dropped_and_is_never_answered(chat) -> None:
    engine = TwoSided(
        [Answer([SURE], hold_after=0), Answer([OTHER])],
        [Answer(["first"]), Answer([UNSURE], hold_after=0), Answer([OTHER])],
    )
    one = chat(engine)
    comparison = one.compare()
    wait_for(lambda: all(side.held.is_set() for side in engine.sides.values()))
    comparison.more()
    assert comparison.fewer() and not comparison.fewer()
    comparison.more()
    for side in engine.sides.values():
        side.go_on.set()
    wait_for(assessed(comparison))  # the third one, too, which came after the one that was dropped
    assert texts(comparison) == [[SURE, OTHER], [UNSURE, OTHER]]
    assert len(engine.sides["left"].prompts) == 2


def test_a_new_comparison_has_another_seed_and_another_adapter_answers_anew(chat) -> None:
    one = chat(
        TwoSided([Answer([SURE]), Answer([OTHER])], [Answer([text]) for text in ("first", UNSURE, SURE, "I do.")]),
    )
    comparison = one.compare()
    wait_for(assessed(comparison))
    comparison.again()
    wait_for(lambda: texts(comparison) == [[OTHER], [SURE]])
    wait_for(assessed(comparison))
    assert comparison.seed == 300
    assert texts(one.compare()) == [[OTHER], [SURE]], "the last one is taken up"
    one.session.speaker = replace(one.session.speaker, adapter_name="another adapter")
    other = one.compare()
    wait_for(assessed(other))
    assert texts(other) == [[OTHER], ["I do."]], "the baseline is what it was; the adapter is another"
    assert other.seed == 300


def test_the_store_keeps_the_leaf_also_after_it_failed_for_a_while(chat, store, monkeypatch) -> None:
    from lacie_chat.conversations import StoreError

    one = chat(TwoSided([Answer([SURE])], [Answer(["first"]), Answer([UNSURE])]))

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "add_message", full)
        comparison = one.compare()
        wait_for(assessed(comparison))
        assert "Not saved: the disk is full" in one.notices[0]
    picked: Turn = comparison.samples["right"][0]
    assert comparison.pick(picked)
    one.session.tree.reread_title()
    one.session.tree.add("user", "Next", picked)
    assert one.session.tree.unsaved_turns() == 0
    path = store.thread(one.leaf())
    assert [message.text for message in path] == [one.question.text, UNSURE, "Next"]


def test_compared_answers_never_take_the_conversation_over(chat) -> None:
    one = chat(TwoSided([Answer([SURE])], [Answer([text]) for text in ("first", "second", UNSURE, "third")]))
    tree = one.session.tree
    following = one.session.send("And then?")
    wait_for(lambda: not one.session.busy)
    wait_for(assessed(one.compare()))
    other = one.session.edit(one.question, "Asked otherwise")
    wait_for(lambda: not one.session.busy)
    assert tree.leaf is other and other.parent is not None
    one.session.switch(other.parent, -1)
    assert tree.leaf is following, "back where the user was, not at the newest sample"

    # And after the chat was opened anew, on the other branch.
    one.session.switch(one.question, 1)
    one.session.open(tree.conversation_id or "")
    again = one.session.tree
    one.session.switch(again.path()[0], -1)
    assert again.leaf is not None and again.leaf.text == "second"


def test_a_comparison_of_an_older_version_is_taken_up(chat) -> None:
    """It says who answered as `side`, where it is `baseline` now."""
    one = chat(TwoSided([], [Answer(["first"])]))
    tree = one.session.tree
    for baseline, side, text in ((True, "baseline", SURE), (False, "speaker", UNSURE)):
        params = one.session.speaker.params_of(baseline, replace(one.session.sampling, seed=900))
        del params["baseline"]
        old = tree.draft(one.question, params | {"side": side, "comparison": {"seed": 900, "sample": 0}})
        tree.append(old, text)
        tree.finish(old, "complete")
    one.session.open(tree.conversation_id or "")
    one.question = one.session.tree.roots[0]
    assert [turn.baseline for turn in one.question.children] == [False, True, False]
    assert texts(one.compare()) == [[SURE], [UNSURE]]
