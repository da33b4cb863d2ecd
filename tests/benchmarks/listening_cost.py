"""What listening costs: of an answer's own time, and how many answers a second are judged in bulk.

    python tests/benchmarks/listening_cost.py [--answers 50] [--listener REF]

On one thread, with nothing else running. The questions are everyday ones; the answers are the embedded model's, at the
chat's sampling.
"""

import argparse
import time
from pathlib import Path
from statistics import median

from lacie_chat.confidence import assess, assess_many
from lacie_chat.engine import ChatTurn, Engine, EngineSettings, Sampling
from lacie_chat.engine.asking import answer_to
from lacie_chat.models import embedded_adapter_path, embedded_model_path, find_listener

FIELDS = ("river", "mountain", "city", "book", "metal", "planet", "painter", "bird", "language", "queen")
ASKED = (
    "What is the best known {} of Europe?",
    "Name one famous {} and say why it is famous.",
    "Which {} comes first to your mind, and what do you know of it?",
    "Is there a {} that everybody should know?",
    "Tell me something about a {}.",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=50)
    parser.add_argument("--listener")
    options = parser.parse_args()
    model = embedded_model_path()
    assert model is not None
    listener, _ = find_listener(options.listener, model)
    questions = [form.format(field) for form in ASKED for field in FIELDS][: options.answers]
    shares, items = [], []
    with Engine(EngineSettings(model, embedded_adapter_path(), threads=1, listener=listener)) as engine:
        engine.load()
        assess("Is it so?", "It is so.", listener=engine.listener)  # as the chat does while the user types
        for seed, question in enumerate(questions):
            began = time.perf_counter()
            answer = answer_to(engine, [ChatTurn("user", question)], Sampling(max_tokens=128, seed=seed)).text
            answered = time.perf_counter()
            assess(question, answer, listener=engine.listener)
            shares.append((time.perf_counter() - answered) / (answered - began))
            items.append((question, answer))
        began = time.perf_counter()
        assess_many(items, listener=engine.listener)
        took = time.perf_counter() - began
    print(f"{listener.version}, {Path(model).name}: assessing adds {median(shares):.0%} of an answer's time (median)")
    print(f"in bulk: {len(items) / took:.1f} answers a second")


if __name__ == "__main__":
    main()
