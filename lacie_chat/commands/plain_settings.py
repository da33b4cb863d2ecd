"""`/settings` of the plain chat: every option and who says so, set by a line, for this conversation or for all.

The names are those of the panel, the file and the flags. What only the file has (who answers, how the model is run, the
chat) goes there at once, as in the panel.
"""

from collections.abc import Iterator

from lacie_chat.chat.session import ChatSession
from lacie_chat.commands.settings import value_text
from lacie_chat.settings import BY_NAME, OPTIONS, PRESET, Option, SettingsError, Value, nearest

ALL, BACK = "all", "default"
_SOURCES = {"conversation": "this conversation", "model": "the model's file", "file": "the settings file"}


def settings_lines(session: ChatSession) -> Iterator[str]:
    """What holds, an option a line, and how one is set."""
    making = session.making
    yield f"{PRESET}: {making.settings.preset_in_use(making.own) or 'none'}."
    for option in OPTIONS:
        yield _line(session, option)
    yield (
        f"/settings temperature 0.7 sets it for this conversation, /settings {ALL} temperature 0.7 for all, "
        f"/settings temperature {BACK} takes it back; /settings temperature says what it is."
    )


def set_by_line(session: ChatSession, text: str) -> tuple[list[str], bool]:
    """Do what follows `/settings`; what to say, and whether the model is to be loaded again for it."""
    for_all = text.split(None, 1)[0].lower() == ALL and len(text.split()) > 1
    name, _, written = (text.split(None, 1)[1] if for_all else text).partition(" ")
    name, written = name.lower().replace("-", "_"), written.strip()
    if name == PRESET:
        return [_take_preset(session, written)], False
    option = BY_NAME.get(name)
    if option is None:
        return [f"There is no option {name}{nearest(name, [PRESET, *BY_NAME]) or '.'} /settings says them."], False
    if not written:
        return [
            _line(session, option),
            f"{option.help[0].upper()}{option.help[1:]}. Allowed: {option.kind.wanted}.",
        ], False
    try:
        value = None if written.lower() == BACK else option.kind.parse(written)
    except ValueError as wanted:
        return [f"Not set: {written} is not {wanted}."], False
    try:
        _set(session, option, value, for_all=for_all or not option.of_answer)
    except SettingsError as error:
        return [f"Not set: {error}."], False
    return [_line(session, option)], option.scope == "machine"


def _set(session: ChatSession, option: Option, value: Value | None, *, for_all: bool) -> None:
    making, conversation = session.making, session.tree.conversation_id
    if for_all:
        making.set_for_all(option.name, value, conversation)
    else:
        making.set_here(option.name, value, conversation)
    if option.name == "agreement":
        session.agreement = int(value or 0)
    elif option.name == "answer_from":
        session.folds.answer_from = float(value or 0)


def _take_preset(session: ChatSession, name: str) -> str:
    making = session.making
    names = list(making.settings.file.presets)
    if name and name != "none" and name not in names:
        return f"There is no preset {name}. There are: {', '.join(names) or 'none'}."
    if name:
        making.take_preset(None if name == "none" else name, session.tree.conversation_id)
    return f"{PRESET}: {making.settings.preset_in_use(making.own) or 'none'}. There are: {', '.join(names) or 'none'}."


def _line(session: ChatSession, option: Option) -> str:
    held = session.making.held(option.name, session.speaker)
    return f"{option.name}: {value_text(option, held)} ({_SOURCES.get(held.source, held.source)})."
