"""A question answered by both sides at once, without a screen: the chat's speaker, and what it is compared with.

Over one copy of the weights, the engine keeps a context a side, so two generations run interleaved, token by token.
Another model has an engine of its own, and the two take turns: their threads would only fight over the cores. Each side
has a thread of its own here; the listener is the chat's. Sample i has the same seed and parameters on both sides.

Every answer joins the conversation with its first text, as a branch beside the current one: whoever leaves mid-way, or
whose engine dies, finds it again, here and in the chat. Which branch is current changes only when one is picked.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from threading import Lock
from typing import Any

from lacie_chat.chat.answering import (
    Asked,
    end_answer,
    hurry_answers,
    make_answer,
    send_cut,
    stop_answers,
    withdraw_answers,
)
from lacie_chat.chat.compared import SIDES, OtherEngine, Side, sides_of
from lacie_chat.chat.events import ChatEvent, TurnChanged
from lacie_chat.chat.lane import Lane
from lacie_chat.chat.others import Against
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.tree import Turn
from lacie_chat.comparison import Difference, SideSummary, compare_assessments, compare_samples, summarise_side
from lacie_chat.confidence import Assessment
from lacie_chat.engine.settings import Sampling

MOST_SAMPLES = 8
NOTHING_TO_COMPARE = (
    "Nothing to compare with: this chat has no adapter. Train one (lacie train), and open: lacie chat --adapter REF"
)

_SEEDS = 2**31


def has_other_side(session: ChatSession) -> bool:
    """Is there something to compare the chat's speaker with: its baseline, or what was chosen?"""
    return session.speaker.adapter_name is not None or session.compared_with != Against()


def why_incomparable(session: ChatSession) -> str:
    """One line on what stands in the way of a comparison for now; empty if nothing does."""
    return "An answer is in progress: compare when it is there, or stop it." if session.busy else ""


class Comparison:
    """One question and its answers on both sides: the chat's speaker's on the right, and those of what it is held
    against on the left. `post` gets what happens, on any thread; no method blocks."""

    def __init__(
        self,
        session: ChatSession,
        question: Turn,
        post: Callable[[ChatEvent], object],
        against: Against | None = None,
    ) -> None:
        self.question = question
        self.tree = session.tree
        self.sides = sides_of(session.speaker, against or Against())
        self.seed = 0
        self.samples: dict[Side, list[Turn]] = {side: [] for side in SIDES}
        self._session = session
        self._post = post
        self._lanes = {side: Lane(f"compare {side}", post) for side in SIDES}
        self._asked: list[Asked] = []
        self._cuts = False
        """Was it agreed to that what doesn't fit is left out?"""
        left = self.sides["left"].speaker
        apart = not left.shares_weights(session.speaker) and left is not session.speaker
        self._other = OtherEngine(left, session, self._loading) if apart else None
        self._taking_turns: AbstractContextManager[object] = Lock() if apart else nullcontext()

    # What the user does

    def begin(self) -> None:
        """Take up the last comparison of this question, as far as it got, else start one."""
        if not self._restore():
            self._start()

    def more(self) -> bool:
        """One more sample of each side; False if there are enough."""
        if self.count >= MOST_SAMPLES:
            return False
        for side in SIDES:
            self._submit(side, self.count_of(side))
        return True

    def fewer(self) -> bool:
        """One sample less of each side; False for the only one, and while the last one is being answered."""
        if self.count == 1 or not withdraw_answers([self.samples[side][-1] for side in SIDES]):
            return False
        for side in SIDES:
            self.samples[side].pop()
        return True

    def again(self) -> None:
        """Answer what was cut off or failed once more, with its seed; if nothing was, start anew with another seed."""
        unfinished = [
            (side, index)
            for index in range(self.count)
            for side in SIDES
            if self.samples[side][index].status != "complete"
        ]
        for side, index in unfinished:
            self._submit(side, index)
        if not unfinished:
            self._start()

    def stop(self) -> bool:
        """Stop both sides and forget what waits; False if there was nothing to stop."""
        running = self._running()
        waiting = stop_answers(running)
        for turn in waiting:
            end_answer(self.tree, turn, "cancelled", self._post)
        for asked in self._asked:
            asked.decision.put(False)
        if len(waiting) < len(running):
            self._session.stop_engine()
            if self._other is not None:
                self._other.cancel()
        return bool(running)

    @property
    def undecided(self) -> Turn | None:
        """An answer to a question that doesn't fit a context; it waits for `send_cut`, or to be stopped."""
        return next((turn for turn in self._running() if turn.phase == "undecided"), None)

    def send_cut(self) -> None:
        """Send the question without what doesn't fit, to both sides and for all samples: they are to be alike."""
        self._cuts = True
        for asked in self._asked:
            send_cut(asked)

    def pick(self, turn: Turn) -> bool:
        """Make `turn` the conversation's current branch; False while it is being written, or if it says nothing."""
        if turn.draft or turn.status == "streaming" or not turn.text.strip():
            return False
        self.tree.select(turn)
        return True

    def answer_now(self) -> bool:
        """Let the sides that think go on to their answers; False if none does that wasn't asked before."""
        hurried = hurry_answers(self._running(), self._post)
        if hurried:
            self._session.hurry_engine()
            if self._other is not None:
                self._other.answer_now()
        return hurried

    def close(self) -> None:
        """Stop what runs; what there is of it is kept."""
        self.stop()
        for lane in self._lanes.values():
            lane.close(0)
        if self._other is not None:
            self._other.close()

    # What there is to see

    @property
    def loading(self) -> float | None:
        """How far the other model is loaded, 0 to 1; None while it isn't being loaded."""
        return self._other.loading if self._other is not None else None

    @property
    def count(self) -> int:
        """Samples a side."""
        return self.count_of(SIDES[1])

    def count_of(self, side: Side) -> int:
        return len(self.samples[side])

    @property
    def busy(self) -> bool:
        """Is anything being answered, or waiting for it?"""
        return bool(self._running())

    def difference(self, index: int) -> Difference | None:
        """What differs in the sample `index`; None until both sides are assessed."""
        left, right = (self.samples[side][index].assessment for side in SIDES)
        return compare_assessments(left, right) if left is not None and right is not None else None

    def overall(self) -> Difference | None:
        """What differs over all samples that are assessed on both sides; None under two of them."""
        pairs = [
            (left.assessment, right.assessment)
            for left, right in zip(*(self.samples[side] for side in SIDES), strict=True)
            if left.assessment is not None and right.assessment is not None
        ]
        return compare_samples(*zip(*pairs, strict=True)) if len(pairs) > 1 else None

    def changed(self) -> tuple[int, int]:
        """In how many samples the two sides answer differently, of how many in which both give an answer."""
        differences = [self.difference(index) for index in range(self.count)]
        told = [difference.changed_answer for difference in differences if difference is not None]
        return told.count(True), len(told) - told.count(None)

    def stability(self, side: Side) -> SideSummary | None:
        """How one side's samples agree; None under two assessed ones."""
        assessments: list[Assessment] = [turn.assessment for turn in self.samples[side] if turn.assessment is not None]
        return summarise_side(assessments) if len(assessments) > 1 else None

    def sampling(self, index: int, side: Side = "right") -> Sampling:
        """How sample `index` is drawn: the same on both sides, but that another model thinks as it does, and a preset
        has its say."""
        drawn = replace(self._session.sampling, seed=(self.seed + index) % _SEEDS)
        if (preset := self.sides[side].preset) is not None:
            by_preset, _ = self._session.making.by_preset(preset, self._session.speaker)
            return replace(by_preset, seed=drawn.seed)
        if side == "left" and self._other is not None:
            return replace(drawn, reasoning=self._session.making.sampling(self._other.speaker).reasoning)
        return drawn

    # How it is done

    def _running(self) -> list[Turn]:
        return [turn for turns in self.samples.values() for turn in turns if turn.status == "streaming"]

    def _start(self) -> None:
        self.seed = self._session.new_seed()
        for turns in self.samples.values():
            turns.clear()
        for side in SIDES:
            self._submit(side, 0)

    def _restore(self) -> bool:
        """Show the answers of the last comparison under this question that these two sides, as they are now, gave;
        those of them that never got a word are asked for."""
        found: dict[tuple[Side, int], Turn] = {}
        for turn in self.question.children:
            of = turn.params.get("comparison")
            if not isinstance(of, dict):
                continue
            side: Side = of.get("side") or ("left" if turn.baseline else "right")  # older ones don't say
            seed, index = of["seed"], of["sample"]
            if self._same_making(turn, side, replace(self.sampling(0, side), seed=(seed + index) % _SEEDS)):
                if seed != self.seed:
                    found.clear()
                self.seed = seed
                found[side, index] = turn
        count = max((index + 1 for _, index in found), default=0)
        missing = [(side, index) for side in SIDES for index in range(count) if (side, index) not in found]
        for side in SIDES:
            self.samples[side] = [found.get((side, index)) or self._draft(side, index) for index in range(count)]
        for side, index in missing:
            self._submit(side, index)
        self._session.hear_left(turn for turns in self.samples.values() for turn in turns)
        return count > 0

    def _same_making(self, turn: Turn, side: Side, sampling: Sampling) -> bool:
        """Would it be made like this now? (Stored parameters know no tuples, hence the strings.)"""
        untold: dict[str, Any] = {"system_prompt": "", "preset": None}
        wanted = untold | self._params(side, sampling)
        made = {**untold, **turn.params, "baseline": turn.baseline}
        made["sampling"] = {**asdict(Sampling()), **(turn.params.get("sampling") or {})}  # older ones knew fewer
        return all(
            str(made.get(key)).replace("[]", "()") == str(value).replace("[]", "()") for key, value in wanted.items()
        )

    def _draft(self, side: Side, index: int) -> Turn:
        of = {"seed": self.seed, "sample": index, "side": side}
        return self.tree.draft(self.question, self._params(side, self.sampling(index, side)) | {"comparison": of})

    def _params(self, side: Side, sampling: Sampling) -> dict[str, Any]:
        of = self.sides[side]
        if of.preset is not None:
            _, kept = self._session.making.by_preset(of.preset, of.speaker)
            return of.speaker.params_of(of.baseline, sampling) | kept
        return self._session.params_of(of.baseline, sampling, of.speaker)

    def _submit(self, side: Side, index: int) -> None:
        turn = self._draft(side, index)
        turn.phase = "waiting"
        self.samples[side][index : index + 1] = [turn]
        of = self.sides[side]
        drawn, decides = self.sampling(index, side), self._session.decides
        asked = Asked(self.tree, turn, drawn, self._post, of.speaker, of.adapter, decides)
        if self._cuts:
            send_cut(asked)
        self._asked = [*(each for each in self._asked if each.turn.status == "streaming"), asked]
        self._lanes[side].submit(lambda: self._answer(side, asked))

    def _loading(self) -> None:
        for turn in self._running():
            self._post(TurnChanged(turn))

    def _answer(self, side: Side, asked: Asked) -> None:
        other = self._other if side == "left" else None
        with self._taking_turns, self._session.foremost():
            if make_answer(asked, other or self._session, other.find if other else self._session.borrow_engine):
                self.stop()  # an engine that dies of this question must not do so once for every sample
