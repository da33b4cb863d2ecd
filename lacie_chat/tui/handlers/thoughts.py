"""What the model thinks before its answers: opened, folded and copied, cut short, switched off."""

from typing import TYPE_CHECKING

from lacie_chat.chat.answering import thinking_of
from lacie_chat.chat.thinking import choice_sentence, next_choice
from lacie_chat.tui.clipboard import copy
from lacie_chat.tui.handlers.registry import does
from lacie_chat.tui.messages import ThoughtWanted

if TYPE_CHECKING:
    from lacie_chat.tui.screens.chat import ChatScreen


def _thinks_now(chat: "ChatScreen") -> bool:
    return bool(thinking_of(chat.session.pending[:1]))


def _has_thought(chat: "ChatScreen") -> bool:
    return chat.answer is not None and bool(chat.answer.reasoning.strip())


def _can_think(chat: "ChatScreen") -> bool:
    return chat.session.info is not None and chat.session.info.thinks


@does("answer.now", _thinks_now)
def answer_now(chat: "ChatScreen") -> None:
    chat.session.answer_now()


@does("answer.thought", _has_thought)
async def show_thought(chat: "ChatScreen") -> None:
    if (turn := chat.answer) is not None:
        await chat.transcript.reach(turn)
        chat.post_message(ThoughtWanted(turn))


@does("answer.copy_thought", _has_thought)
def copy_thought(chat: "ChatScreen") -> None:
    if (turn := chat.answer) is not None:
        copy(chat, turn.reasoning, "the thought")


@does("chat.thinking", _can_think)
def switch_thinking(chat: "ChatScreen") -> None:
    making, speaker = chat.session.making, chat.session.speaker
    choice = next_choice(chat.session.sampling.reasoning, making.usual_sampling(speaker).reasoning)
    making.think(choice, speaker)
    chat.show_setting()
    chat.notify(choice_sentence(choice), timeout=3)
