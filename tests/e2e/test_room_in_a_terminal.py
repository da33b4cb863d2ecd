"""In a terminal, with a real model: an answer that stopped goes on by f5, and what doesn't fit is said before it is
sent."""

from terminal import Terminal, ask

F5, ESCAPE = "\x1b[15~", "\x1b"
PASTE = "\x1b[200~{}\x1b[201~"


def test_going_on_and_a_question_that_does_not_fit(embedded_model: object) -> None:
    words = ("chat", "--baseline", "--context", "512", "--max-tokens", "8")
    with Terminal(*words, columns=110, rows=40) as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, "Explain in detail how a steam engine works, step by step.")
        terminal.wait_for("stopped at 8 tokens · f5 goes on")
        terminal.wait_for(" of 512 tokens")
        terminal.type(F5)
        terminal.wait_for("stopped at 16 tokens · f5 goes on")
        terminal.type(F5)
        terminal.wait_for("stopped at 32 tokens · f5 goes on")
        terminal.type(PASTE.format("START " + "the gulls cried over the grey water " * 200 + "END"))
        terminal.wait_for("[pasted: 1 line, ")
        terminal.type("\r")
        terminal.wait_for("It doesn't fit · f5 sends it without its middle (")
        terminal.wait_for("tokens; the model's context holds 512, of which 8 are kept for")
        terminal.type(ESCAPE)
        terminal.wait_for("■ not sent: ")
        ask(terminal, "And a boat?")
        terminal.wait_for(lambda screen: "And a boat?" in screen and "stopped at 8 tokens" in screen)
