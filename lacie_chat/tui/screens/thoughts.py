"""What the model thinks before its answers, on the chat screen: how it is opened and named.

A room of the chat screen (chat.py), which shows the conversation and does everything else.
"""

from lacie_chat.chat.going_on import stopped_early, why_it_stays
from lacie_chat.chat.thinking import choice_text
from lacie_chat.tui.messages import ThoughtWanted
from lacie_chat.tui.screens.answers import AnswersScreen


class ThoughtsScreen(AnswersScreen):
    """What the chat screen has of this."""

    def show_strip(self) -> None:
        """Also say which keys open the thought that they would open, and let the answer go on that would."""
        super().show_strip()
        answer = self.answer
        self.transcript.hint_thought(answer, self.key_of("answer.thought"))
        goes_on = answer is not None and stopped_early(answer) and not why_it_stays(self.session, answer)
        self.transcript.hint_going_on(answer if goes_on else None, self.key_of("answer.go_on"))

    def settings_shown(self) -> list[str]:
        return [*super().settings_shown(), choice_text(self.session.sampling.reasoning)]

    def on_thought_wanted(self, message: ThoughtWanted) -> None:
        if view := self.transcript.answer_view(message.turn):
            self.transcript.toggle_thought(view)
