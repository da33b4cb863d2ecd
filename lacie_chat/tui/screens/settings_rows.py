"""A row of the settings: an option, what holds, who says so; and the text that one begins to change."""

from textual.content import Content

from lacie_chat.chat.session import ChatSession
from lacie_chat.engine.settings import Sampling
from lacie_chat.printable import printable
from lacie_chat.settings import PRESET, Option, Value
from lacie_chat.tui.figures import DIM

NAME_WIDTH, WIDE = 16, 60
SOURCES = {"conversation": "this conversation", "model": "the model's file", "key": "key"}


def row_content(session: ChatSession, option: Option | None, width: int, theme: str) -> Content:
    """On one line; `option` None: the preset."""
    making = session.making
    if option is None:
        name, value, source = PRESET, making.settings.preset_in_use(making.own) or "none", ""
    else:
        held = making.held(option.name, session.speaker)
        name, source = option.name, _source(held.source, width)
        value = _text(held.value) if held.value is not None else chosen_text(session, option, theme)
    value = " ".join(printable(value).split()) or "(empty)"
    said = f"  {source}" if source else ""
    room = max(width - NAME_WIDTH - len(said), 8)
    shown = value if len(value) <= room else value[: room - 1] + "…"
    weight = "" if source == "default" else "bold"
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
            return f"{info.n_ctx}, chosen by the memory" if info is not None else "chosen by the memory"
        case "threads":
            return f"{info.threads}, chosen" if info is not None else "chosen"
        case "agreement":
            return f"{session.agreement}, as it was left"
        case "answer_from":
            return f"{session.folds.answer_from:g}, as it was left"
        case "theme":
            return f"{theme}, as it was left"
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
