"""Answers that were written but never assessed: the program ended before the listener came to them, the engine died
over them, or the listener failed.

They are found when their conversation is opened again, and heard then, after everything else that is to be done; also
those that were cut off, for what is there of them can be right or wrong. And how earlier answers are seen by the
speaker at hand, which may be another than gave them.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import ChatTree, Turn
from lacie_chat.confidence import Assessment, Calibrator, drawn_of, drawn_so, with_p_right
from lacie_chat.names import pair_name

if TYPE_CHECKING:
    from lacie_chat.chat.session import ChatSession


def note_unheard(tree: ChatTree) -> None:
    """Note on each turn of a tree just read whether it was left unheard, on all branches: only then can nothing of it
    be under way in this program."""
    for turn in tree.turns():
        turn.unheard = turn.role == "assistant" and is_to_hear(turn)


def see_as_now(session: "ChatSession", tree: ChatTree) -> None:
    """Note on each answer whether this chat's listener would hear it otherwise, and give it the P(right) that the
    calibrator in use gives it today."""
    for turn in tree.turns():
        heard = turn.assessment
        turn.heard_otherwise = heard is not None and heard.assessment_version != session.speaker.assessment_version
        if heard is not None and not turn.heard_otherwise and (calibrator := calibrator_for(session.speaker, turn)):
            turn.assessment = with_p_right(heard, calibrator)


def has_ended_with_words(turn: Turn) -> bool:
    """Is there an answer to hear? Not while it is written, here or by another chat; a thought is none."""
    ended = turn.status != "streaming" and not turn.elsewhere
    return ended and bool(turn.text.strip()) and not turn.thought_only


def is_to_hear(turn: Turn) -> bool:
    """Is there an answer that wasn't heard, or has gone on since?"""
    return has_ended_with_words(turn) and (turn.assessment is None or turn.assessment.response != turn.text)


def unheard_of(turns: Iterable[Turn]) -> list[Turn]:
    """Those of `turns`, in their order."""
    return [turn for turn in turns if turn.unheard]


def calibrator_for(speaker: ChatSpeaker, turn: Turn) -> Calibrator | None:
    """The calibrator for an answer: the one in use, if this speaker's files gave the answer, and gave it in the way of
    drawing that the calibrator was fitted for (it may have been stored before, or thinking was switched since)."""
    calibrator = speaker.calibrator_of(turn.baseline)
    if calibrator is None or not is_made_by(speaker, turn):
        return None
    return calibrator if drawn_so(calibrator.sampling.to_dict(), drawn_of(turn.params)) else None


def right_now(speaker: ChatSpeaker, params: Mapping[str, Any], heard: Mapping[str, Any]) -> float | None:
    """The P(right) that `see_as_now` gives a stored answer of these parameters; None where it stays what it was."""
    turn = Turn("assistant", "", None, params=dict(params))
    if heard.get("assessment_version") != speaker.assessment_version:
        return None
    calibrator = calibrator_for(speaker, turn)
    return with_p_right(Assessment.from_dict(heard), calibrator).p_right if calibrator is not None else None


def others_answer(session: "ChatSession") -> str:
    """Who gave the last answer of the branch, by name, if that isn't who answers now; else empty."""
    last = next((turn for turn in reversed(session.tree.path()) if turn.role == "assistant"), None)
    model = last.params.get("model") if last is not None else None
    if last is None or not model or is_made_by(session.speaker, last):
        return ""
    return pair_name(str(model), last.params.get("adapter"))


def is_made_by(speaker: ChatSpeaker, turn: Turn) -> bool:
    """Do its model and adapter give this answer? By their files' fingerprint, else by their names."""
    origin, fingerprint = speaker.origin_of(turn.baseline), turn.params.get("fingerprint")
    if origin is not None and fingerprint:
        return bool(origin.fingerprint == fingerprint)
    adapter = None if turn.baseline else speaker.adapter_name
    return (turn.params.get("model"), turn.params.get("adapter")) == (speaker.model_name, adapter)
