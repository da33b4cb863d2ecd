"""What the plain chat says in whole sentences, a line each: of an answer, and of its commands."""

from collections.abc import Iterator

from lacie_chat.chat.tree import Turn
from lacie_chat.confidence import Span, spoken_text, tone
from lacie_chat.conversations import no_answer_text
from lacie_chat.cut_off import not_sent_words, stored_words

SHOWN = 10
"""Conversations that /history names."""
HELP: dict[str, str] = {
    "help": "say these commands",
    "again": "answer the last question once more",
    "go-on": "let an answer that stopped go on; send a question without what doesn't fit",
    "right": "mark the last answer right; once more takes it back",
    "wrong": "mark the last answer wrong; once more takes it back",
    "details": "say all that is known of the last answer",
    "model": "name the models that there are; /model 2 or /model NAME lets another answer",
    "settings": "say what is set; /settings temperature 0.7 sets it",
    "baseline": "let the model answer without its adapter, or with it again",
    "export": "write the conversation to a file; /export notes.md, or into a folder, says where",
    "keep": "keep a conversation that another chat deleted as a new one",
    "new": "start a new conversation",
    "history": f"name the last {SHOWN} conversations; /history 2 goes on with the second",
    "quit": "end; everything is kept",
}


def figures_line(turn: Turn) -> str:
    """How sure it sounds and how often such answers are right, and the user's mark; empty where nothing is known."""
    parts = []
    if turn.assessment is not None:
        parts.append(spoken_text(turn.assessment))
    elif turn.problem and turn.status in ("complete", "cancelled"):
        parts.append(f"How sure it sounds is not known: {turn.problem}.")
    if turn.correct is not None:
        parts.append(f"You marked it {'right' if turn.correct else 'wrong'}.")
    return " ".join(parts)


def ending_line(turn: Turn) -> str:
    """How it ended, where that is worth a sentence."""
    if turn.thought_only and turn.status in ("complete", "cancelled") and (why := no_answer_text(turn.usage)):
        return _sentence(why)
    if unsent := not_sent_words(turn.usage):
        return _sentence(unsent)
    if turn.status == "cancelled":
        return "Stopped by you."
    if turn.status == "cut_off":
        return "Cut off: the engine stopped."
    if turn.status == "failed":
        return _sentence(f"not answered: {turn.problem or 'nobody knows why'}")
    if turn.status == "complete" and (cut := stored_words(turn.usage, turn.params)):
        return _sentence(cut)
    if turn.phase == "done" and not turn.text.strip():
        return "The model said nothing."
    return ""


def details_lines(turn: Turn) -> Iterator[str]:
    """All that there is to say."""
    assessment = turn.assessment
    if assessment is None:
        yield "Nothing is known of how this answer sounds."
    else:
        yield spoken_text(assessment)
        yield f"In a word: {tone(assessment)}."
        if assessment.answer_span is not None:
            yield f"The answer in it: {assessment.answer_span.text}"
        if cues := _listed(assessment.hedges):
            yield f"It hedges with: {cues}"
        if cues := _listed(assessment.boosters):
            yield f"It boosts with: {cues}"
        yield f"What the listener read: {' '.join(assessment.masked_response.split()) or 'nothing'}"
    sampling = turn.params.get("sampling") or {}
    who = "the baseline" if turn.baseline else turn.params.get("adapter")
    yield f"Answered by {turn.params.get('model', 'an unknown model')}{f', {who}' if who else ''}."
    if "temperature" in sampling:
        yield f"Drawn at temperature {sampling['temperature']:g}, with seed {sampling.get('seed')}."
    usage, timings = turn.usage or {}, turn.timings or {}
    if tokens := usage.get("completion_tokens"):
        speed = timings.get("tokens_per_second")
        yield f"{tokens} tokens{f', {speed:.0f} a second' if speed else ''}."
    if turn.reasoning:
        yield f"What it thought first: {' '.join(turn.reasoning.split())}"


def _listed(spans: tuple[Span, ...]) -> str:
    return ", ".join(dict.fromkeys(span.text for span in spans))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def named(title: str) -> str:
    """A conversation's title, as a sentence."""
    title = title or "untitled"
    return title if title[-1] in ".?!…" else f"{title}."
