"""A row of the settings: an option, what holds, who says so; and the text that one begins to change."""

from textual.content import Content

from lacie_chat.chat.session import ChatSession
from lacie_chat.engine.settings import Sampling
from lacie_chat.printable import printable
from lacie_chat.settings import PRESET, Option, Value
from lacie_chat.tui.figures import DIM

NAME_WIDTH, WIDE = 16, 60
CHOSEN = {
    "context": "chosen by the memory", "threads": "chosen",
    "agreement": "as it was left", "answer_from": "as it was left", "theme": "as it was left",
}  # fmt: skip
"""Where the value of an option that nobody sets is from, if it isn't always the same."""
SOURCES = {"conversation": "this conversation", "model": "the model's file", "key": "key"}


def row_content(session: ChatSession, option: Option | None, width: int, theme: str) -> Content:
    """On one line; `option` None: the preset."""
    making = session.making
    if option is None:
        name, value, source, said_so = PRESET, making.settings.preset_in_use(making.own) or "none", "", True
    else:
        held = making.held(option.name, session.speaker)
        name, source = option.name, _source(held.source, width)
        said_so = held.source != "default"
        value = _text(held.value) if held.value is not None else chosen_text(session, option, theme)
        if held.value is None and option.name in CHOSEN and width >= WIDE:
            source = CHOSEN[option.name]
    value = " ".join(printable(value).split()) or "(empty)"
    said = f"  {source}" if source else ""
    room = max(width - NAME_WIDTH - len(said), 8)
    shown = value if len(value) <= room else value[: room - 1] + "…"
    weight = "bold" if said_so else ""
    return Content.assemble(f"{name:<{NAME_WIDTH}}", (shown, weight), (said, DIM))


def _source(source: str, width: int) -> str:
    """In words, in one where there is little room; a default needs none then."""
    if width < WIDE:
        return {"default": "", "conversation": "here"}.get(source, source.partition(" ")[0])
    return SOURCES.get(source, source)


def chosen_text(session: ChatSession, option: Option, theme: str) -> str:
    """What holds of an option that nobody sets."""
    info = session.info
    match option.name:
        case "system_prompt":
            return "none"
        case "seed":
            return "a new one for each answer"
        case "reasoning":
            return "as the model does" if session.speaker.can_think else "this model knows no thinking"
        case "adapter":
            return session.speaker.adapter_name or "none"
        case "context":
            return str(info.n_ctx) if info is not None else "…"
        case "threads":
            return str(info.threads) if info is not None else "…"
        case "agreement":
            return str(session.agreement)
        case "answer_from":
            return f"{session.folds.answer_from:g}"
        case "theme":
            return theme
    value: Value = getattr(session.sampling, option.name, getattr(Sampling(), option.name, option.default_text))
    return _text(value)


def editable_text(session: ChatSession, option: Option, theme: str) -> str:
    """What stands there when one begins to change it: what is set, else what holds where that is a value."""
    held = session.making.held(option.name, session.speaker)
    if held.value is not None:
        return _text(held.value)
    if option.name == "theme":
        return theme
    return _text(getattr(session.sampling, option.name)) if option.name in _SAMPLED else ""


_SAMPLED = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens")


def _text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
