"""How long people wait: for the first keystroke to show, for the first word, and for the assessment.

    PYTHONPATH=tests python tests/benchmarks/chat_speed.py [--rounds 5]

The installed `lacie chat` in a pseudo-terminal at 80x24, the embedded model, an empty data folder each time.
"Keystroke": from the start of the process until a typed letter stands on the screen. "First word": a question typed at
once, until the first text of the answer. The assessment's share is measured in one process, on answers of real
questions: the time of `assess()` over the time of the whole answer, prompt included.
"""

import argparse
import os
import re
import statistics
import tempfile
import time

from terminal import Terminal

from lacie_chat.confidence import assess
from lacie_chat.engine import ChatTurn, Delta, Engine, EngineSettings, Sampling
from lacie_chat.models import embedded_model_path

QUESTIONS = (
    "What is the capital of Japan?",
    "Why is the sky blue?",
    "Who painted the Mona Lisa?",
    "How do vaccines work?",
    "Which planet is known as the Red Planet?",
    "What causes the tides?",
    "Tell me about the history of coffee.",
    "How many legs does a spider have?",
)


def start_up() -> tuple[float, float]:
    """Seconds until the first keystroke shows, and until the first word of an answer."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LACIE_DATA_DIR"] = folder
        with Terminal("chat") as terminal:
            terminal.wait_for("Ask something")
            terminal.type("W")
            terminal.wait_for(lambda screen: "│ W" in screen)
            keystroke = time.monotonic() - terminal.started
            terminal.type("hy is the sky blue?")
            terminal.wait_for("│ Why is the sky blue?")
            terminal.type("\r")
            terminal.wait_for(lambda screen: bool(re.search(r"▌ Why is the sky blue\?\s+\n\s*\w+", screen)))
            return keystroke, time.monotonic() - terminal.started


def assessment_share(rounds: int) -> list[tuple[float, float]]:
    """(seconds of the answer, seconds of its assessment), one a question and round."""
    path = embedded_model_path()
    assert path is not None, "the extra 'embedded' is not installed"
    with Engine(EngineSettings(path)) as engine:
        engine.load()
        assess("Is it so?", "It is so.", reader=engine.reader)  # as the chat does while the user types
        times = []
        for _ in range(rounds):
            for question in QUESTIONS:
                start = time.monotonic()
                events = list(engine.generate([ChatTurn("user", question)], Sampling()))
                response = "".join(event.text for event in events if isinstance(event, Delta))
                answered = time.monotonic()
                assess(question, response, reader=engine.reader)
                times.append((answered - start, time.monotonic() - answered))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    waits = [start_up() for _ in range(rounds)]
    for name, values in zip(("first keystroke", "first word"), zip(*waits, strict=True), strict=True):
        print(f"start to {name}: median {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})")
    times = assessment_share(rounds)
    answer, added = (statistics.median(values) for values in zip(*times, strict=True))
    share = sum(extra for _, extra in times) / sum(spent for spent, _ in times)
    print(f"answer {answer:.2f} s, assessment {added:.2f} s (medians of {len(times)}); it adds {share:.1%} in all")


if __name__ == "__main__":
    main()
