"""What the model thinks before its answers, on the chat screen: how it is opened and named.

A room of the chat screen (chat.py), which shows the conversation and does everything else.
"""

from lacie_chat.chat.thinking import choice_text
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.key_names import names_of
from lacie_chat.tui.messages import ThoughtWanted
from lacie_chat.tui.screens.answers import AnswersScreen


class ThoughtsScreen(AnswersScreen):
    """What the chat screen has of this."""

    def show_strip(self) -> None:
        """Also say which key opens the thought that it would open."""
        super().show_strip()
        action = next(action for action in ACTIONS if action.name == "answer.thought")
        self.transcript.hint_thought(self.answer, names_of(action, self.state.keymap)[0])

    def settings_shown(self) -> list[str]:
        return [*super().settings_shown(), choice_text(self.session.sampling.reasoning)]

    def on_thought_wanted(self, message: ThoughtWanted) -> None:
        if view := self.transcript.answer_view(message.turn):
            self.transcript.toggle_thought(view)
