"""What isn't saved, in the plain chat: said after each answer, asked about before it is left, written elsewhere."""

from collections.abc import Callable

from lacie_chat.chat.copies import usual_folders, write_copy, write_copy_at, write_stored_at
from lacie_chat.chat.session import ChatSession
from lacie_chat.errors import LacieError


class PlainSaving:
    """Says with `say` what is missing in the store."""

    def __init__(self, session: ChatSession, say: Callable[[str], None]) -> None:
        self._session, self._say = session, say
        self._asked = ""

    def heard(self, text: str) -> None:
        """A line was typed: another one than was asked for, or a copy, takes the question back."""
        if text.lower() != f"/{self._asked}" and not text.lower().startswith("/export"):
            self._asked = ""

    def remind(self) -> None:
        """Say what isn't saved, if something isn't."""
        saving = self._session.saving
        if missing := saving.lost_at_the_end:
            self._say(f"Not saved: {_messages(missing)}. {saving.problem}. {self._ways()}")

    def may_leave(self, command: str) -> bool:
        """Save what can be saved now; if something is left, only the same command once more leaves it."""
        saving = self._session.saving

        def missing() -> int:
            return saving.lost_at_the_end if command == "quit" else saving.unsaved

        if missing():
            saving.save_now()
        if not (count := missing()):
            return True
        if self._asked == command:
            saving.forget()
            return True
        self._asked = command
        self._say(f"{_messages(count)} could not be saved: {saving.problem}. {self._ways()}")
        self._say(f"/{command} once more leaves without them.")
        return False

    def export(self, place: str) -> None:
        """Write the conversation to a folder or a new file, as it is now, saved or not."""
        tree, store = self._session.tree, self._session.store
        try:
            if tree.problem or tree.conversation_id is None:
                path = write_copy_at(tree, place) if place else write_copy(tree, usual_folders())
            else:
                path = write_stored_at(store, tree.conversation_id, place or str(usual_folders()[0]))
        except LacieError as error:
            self._say(f"{str(error).rstrip('.')}.")
        else:
            self._say(f"Exported to {path}")

    def keep(self) -> None:
        """Keep a conversation that another chat deleted as a new one."""
        saving = self._session.saving
        if not saving.deleted_elsewhere:
            self._say("No other chat has deleted this conversation.")
        elif saving.keep_anew():
            self._say("Kept as a new conversation.")
        else:
            self._say(f"It can't be kept now: {saving.problem}.")

    def _ways(self) -> str:
        anew = "/keep keeps it as a new one; " if self._session.saving.deleted_elsewhere else ""
        return f"{anew}/export writes a copy, /export FOLDER elsewhere."


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
