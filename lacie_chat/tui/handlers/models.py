"""Which model answers: another one is chosen, and takes its place in the middle of the conversation."""

from typing import TYPE_CHECKING

from lacie_chat.tui.handlers.once_free import once_free
from lacie_chat.tui.handlers.registry import does

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


@does("chat.model", lambda chat: chat.find is not None, waits=True)
async def change_model(chat: "ChatScreen", ref: str = "") -> None:
    """Once no answer is in progress: it is finished by the model that it was asked of. A `ref` is taken at once."""
    from lacie_chat.tui.screens.models import ModelsScreen  # what finds models: not before it is wanted

    session = chat.session
    screen = ModelsScreen(session, chat.choosing, ref or chat.fetched, take=bool(ref))
    chat.fetched = ""
    found = await chat.app.push_screen_wait(screen)
    chat.show_setting()
    chat.composer.focus()
    if found is None:
        return
    chat.wanted = found

    def change() -> None:
        if chat.wanted is not found:
            return  # yet another one was chosen while it waited
        for line in found.told:
            chat.notify(line, timeout=10, markup=False)
        session.change_speaker(found.speaker)

    once_free(chat, f"{found.speaker.model_name} answers", change)


@does("chat.stop_loading", lambda chat: chat.session.is_loading and not chat.session.busy)
def stop_loading(chat: "ChatScreen") -> None:
    chat.session.stop_loading()
