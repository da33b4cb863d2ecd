"""A chat that is killed while it listens: the assessment is made when the conversation is opened again."""

import os
import signal

from terminal import CONFIDENCE, Terminal, answered, ask

from lacie_chat.conversations import Message, Store

QUESTIONS = [f"What is the capital of {country}?" for country in ("Japan", "Peru", "Norway", "Kenya", "Italy")]


def last_answer() -> Message:
    with Store.open() as store:
        conversation = store.conversation(store.list_conversations(1)[0].id)
        assert conversation.leaf_id is not None
        return store.message(conversation.leaf_id)


def test_killed_in_the_middle_of_listening(embedded_model: object) -> None:
    with Terminal("chat", "--baseline", "--context", "2048", columns=100, rows=40) as terminal:
        terminal.wait_for("Ask something")
        for question in QUESTIONS:
            ask(terminal, question)
            heard = answered(question)
            terminal.wait_for(lambda screen, heard=heard: "Listening…" in screen or heard(screen))  # type: ignore[misc]
            engine = terminal.engine_pid()
            assert engine is not None
            os.kill(engine, signal.SIGSTOP)
            if (left := last_answer()).assessment is None and left.status == "complete":
                break  # it may have been quicker than the signal
            os.kill(engine, signal.SIGCONT)
            terminal.wait_for(heard)
        assert left.assessment is None
        terminal.kill()
        os.kill(engine, signal.SIGKILL)
    with Terminal("--continue", "--baseline", "--context", "2048", columns=100, rows=40) as terminal:
        terminal.wait_for(answered(question))
        terminal.wait_for(lambda screen: "Ready" in screen)
        terminal.type("\x1b[17~")  # f6
        terminal.wait_for(lambda screen: bool(CONFIDENCE.search(screen)) and "✓ marked right" in screen)
    kept = last_answer()
    assert (kept.text, kept.correct) == (left.text, True) and kept.assessment is not None
