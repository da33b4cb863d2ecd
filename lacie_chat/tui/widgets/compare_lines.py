"""What stands around the two answers of a comparison: how they differ, or why that can't be told yet."""

from collections.abc import Callable, Mapping, Sequence

from textual.content import Content

from lacie_chat.chat.answering import thinking_of
from lacie_chat.chat.compared import SIDES, Side
from lacie_chat.chat.fit import what_goes
from lacie_chat.chat.tree import Phase, Turn
from lacie_chat.comparison import Difference
from lacie_chat.confidence import bar, percent
from lacie_chat.tui.figures import DIM, NOT_CALIBRATED
from lacie_chat.tui.widgets.details import sampling_text
from lacie_chat.tui.widgets.line_layout import WITHIN, unbroken

Names = Mapping[Side, str]
"""What the sides are called in sentences; the frames carry their full names."""

VERBS: dict[Phase, str] = {"thinking": "think", "answering": "answer"}
"""What a side does that is worth a word."""

MeanRight = float | None


def difference_content(difference: Difference, names: Names) -> Content:
    """The line above both answers."""
    sign = "=" if difference.same_text else "≠"
    return Content.assemble((f"{sign} ", "bold $text-primary"), (_summary(difference, names), "bold"))


def overall_content(
    difference: Difference, changed: tuple[int, int], right: tuple[MeanRight, MeanRight], names: Names
) -> Content:
    """The line on all samples: both figures on average, each in its own place, and how often the sides disagree."""
    before, after = difference.left.acceptance, difference.right.acceptance
    facts = []
    if before is not None and after is not None:
        facts.append(f"how sure they sound {bar(before)} → {bar(after)}")
    if any(value is not None for value in right):
        words = [NOT_CALIBRATED if value is None else percent(value).strip() for value in right]
        facts.append(f"right {words[0]} → {words[1]}")
    if changed[1]:
        facts.append(f"another answer in {changed[0]} of {changed[1]}")
    line = unbroken(WITHIN.join(facts)) or _summary(difference, names)
    return Content.assemble((f"on average of {difference.right.n} samples: ", DIM), (line, "$foreground 80%"))


def mean_right(turns: Sequence[Turn]) -> MeanRight:
    """How likely one side's answers are right on average; None unless every one that can be right has a figure: a
    mean over some of them says nothing of the side."""
    able = [turn.assessment for turn in turns if turn.assessment is not None and turn.assessment.answer_span]
    found = [assessment.p_right for assessment in able if assessment.p_right is not None]
    return sum(found) / len(found) if found and len(found) == len(able) else None


def _summary(difference: Difference, names: Names) -> str:
    text = difference.summary(names["left"], names["right"])
    return text[:1].upper() + text[1:]


def state_content(
    pair: Sequence[Turn], names: Names, key_of: Callable[[str], str], loading: tuple[str, float] | None = None
) -> Content:
    """Why there is no difference to tell yet; `key_of` gives an action's key; `loading`: what has to be loaded first,
    and how far it is."""
    if unfit := next((turn.unfit for turn in pair if turn.phase == "undecided"), None):
        send, stop = key_of("compare.send"), key_of("compare.back")
        ways = f" · {send} sends it without {what_goes(unfit)}, to both sides · {stop} doesn't send it"
        return Content.assemble(("It doesn't fit", "$text-warning"), (ways, "$foreground 65%"))
    if loading is not None:
        return Content.assemble(f"… loading {loading[0]}  ", (bar(loading[1]), "$text-primary"), f" {loading[1]:4.0%}")
    if any(turn.status == "streaming" for turn in pair):
        if not (who := _doing(pair, names)):
            return Content.styled("… the model is reading the question" if _begun(pair) else "… waiting for the model")
        thinks = bool(thinking_of(pair))
        way = f"{key_of('compare.now')} goes to the answer" if thinks else f"{key_of('compare.back')} stops"
        return Content.styled(f"… {who} · {way}", "$foreground 65%")
    if any(turn.phase == "listening" for turn in pair):
        return Content.styled("∿ listening to both answers…", "$foreground 65%")
    if any(turn.status != "complete" for turn in pair):
        again = f"{key_of('compare.again')} answers it again"
        return Content.styled(f"Not compared: an answer is missing or was cut off · {again}", "$text-warning")
    if any(turn.thought_only for turn in pair):
        anew = f"{key_of('compare.again')} asks anew"
        return Content.styled(f"Not compared: no answer came of a thought · {anew}", "$text-warning")
    return Content.styled("Not compared: an answer could not be assessed", "$text-warning")


def _doing(pair: Sequence[Turn], names: Names) -> str:
    """Which side thinks and which answers; empty where none does."""
    found = []
    for phase, verb in VERBS.items():
        who = [names[side] for side, turn in zip(SIDES, pair, strict=True) if turn.phase == phase]
        if who:
            found.append(f"both sides {verb}" if len(who) == 2 else f"{who[0]} {verb}s")
    return ", ".join(found)


def _begun(pair: Sequence[Turn]) -> bool:
    return any(turn.phase == "reading" for turn in pair)


def making_text(seed: int, pair: Sequence[Turn], names: Names) -> str:
    """How both answers are drawn: in one, unless a preset makes them differ."""
    drawn = [sampling_text(dict(turn.params["sampling"])) for turn in pair]
    if drawn[0] == drawn[1]:
        return f"both: seed {seed} · {drawn[0]}"
    each = "; ".join(f"{names[side]}: {text}" for side, text in zip(SIDES, drawn, strict=True))
    return f"seed {seed} · {each}"
