"""What the model thinks before its answers, on the chat screen: opened, folded and copied, cut short, switched off.

A room of the chat screen (chat.py), which shows the conversation and does everything else.
"""

from dataclasses import replace

from lacie_chat.chat.answering import thinking_of
from lacie_chat.chat.thinking import choice_sentence, choice_text, next_choice
from lacie_chat.tui.actions import ACTIONS
from lacie_chat.tui.messages import ThoughtWanted
from lacie_chat.tui.screens.answers import AnswersScreen
from lacie_chat.tui.screens.help import keys_of


class ThoughtsScreen(AnswersScreen):
    """What the chat screen has of this."""

    def show_strip(self) -> None:
        """Also say which key opens the thought that it would open."""
        super().show_strip()
        action = next(action for action in ACTIONS if action.name == "answer.thought")
        self.transcript.hint_thought(self._answer(), keys_of(action, self.state.keys).split()[0])

    def settings_shown(self) -> list[str]:
        return [*super().settings_shown(), choice_text(self.session.sampling.reasoning)]

    def on_thought_wanted(self, message: ThoughtWanted) -> None:
        if view := self.transcript.answer_view(message.turn):
            self.transcript.toggle_thought(view)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "answer_now":
            return bool(thinking_of(self.session.pending[:1]))
        if action in ("answer_thought", "answer_copy_thought"):
            turn = self._answer()
            return turn is not None and bool(turn.reasoning.strip())
        if action == "chat_thinking":
            return self.session.info is not None and self.session.info.thinks
        return True

    def action_answer_now(self) -> None:
        self.session.answer_now()

    async def action_answer_thought(self) -> None:
        if (turn := self._answer()) is not None:
            await self.transcript.reach(turn)
            self.post_message(ThoughtWanted(turn))

    def action_answer_copy_thought(self) -> None:
        if (turn := self._answer()) is not None:
            self.app.copy_to_clipboard(turn.reasoning)
            self.notify("Copied the thought.", timeout=2)

    def action_chat_thinking(self) -> None:
        session = self.session
        choice = next_choice(session.sampling.reasoning, session.reasoning_at_first)
        session.sampling = replace(session.sampling, reasoning=choice)
        self.show_setting()
        self.notify(choice_sentence(choice), timeout=3)
