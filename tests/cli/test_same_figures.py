"""One answer of the real model has the same figures in every front end: ask, compare, evaluate, study and the chat.

It is drawn greedily, so that all of them draw the same; what is computed in a batch may differ in the last digits.
"""

import argparse
import io
import json
import sys
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from fitted import calibrator
from random_adapter import write_random_adapter

from lacie_chat import cli
from lacie_chat.chat.events import ChatEvent, TurnChanged
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.commands.settled import fill
from lacie_chat.commands.speaker import add_speaker_arguments, find_speaker
from lacie_chat.confidence import Form, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine import Sampling
from lacie_chat.models import keep_calibrator

QUESTION = "What is the capital of Japan?"
GREEDY = Sampling(temperature=0.0, max_tokens=24)
DRAWN = ["--temperature", "0", "--max-tokens", "24"]


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main([*words, *DRAWN, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def in_the_chat() -> dict[str, Any]:
    """What the chat stores of its answer."""
    parser = argparse.ArgumentParser()
    add_speaker_arguments(parser)
    args = parser.parse_args(["--baseline"])
    args.temperature = 0.0
    fill(args)
    speaker = find_speaker(args)
    events: Queue[ChatEvent] = Queue()
    store = Store.open()
    answers = ChatSpeaker(speaker.engine, "embedded", calibrator=speaker.calibrator, sampling=GREEDY)
    session = ChatSession(answers, store, events.put)
    try:
        turn = session.send(QUESTION)
        while not (isinstance(events.get(timeout=300), TurnChanged) and turn.phase == "done"):
            pass
        assert turn.stored_id is not None, turn.problem
        assessment = store.message(turn.stored_id).assessment
        assert assessment is not None, turn.problem
        return assessment
    finally:
        session.close()
        store.close()


def test_one_answer_has_the_same_figures_in_every_front_end(
    embedded_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    weights = {"acceptance": 0.3, "span_sum": 0.4, "span_lowest": 0.2, "span_first": 0.1, "mean": 1.0}
    by_wording = Form(-1.0, {"acceptance": 0.2})
    keep_calibrator(calibrator(-1.0, by_wording, sampling=WayOfDrawing.of(GREEDY), **weights), embedded_model)
    adapter = str(write_random_adapter(tmp_path / "random-LoRA.gguf"))
    questions = tmp_path / "q.jsonl"
    questions.write_text(json.dumps({"id": "a", "question": QUESTION, "answers": ["Tokyo"]}) + "\n")

    asked = printed(capsys, "ask", QUESTION, "--baseline")
    assert asked["answer_span"] == "Tokyo" and asked["p_right"] is not None and asked["verdict"] is not None
    assert asked["confidence"] == {"value": asked["p_right"], "kind": "calibrated"}
    found = {"compare": printed(capsys, "compare", QUESTION, "--adapter", adapter)["left"]}
    out = str(tmp_path / "out")
    printed(capsys, "evaluate", "--baseline", "--questions", str(questions), "--out", out, "--batch-size", "1")
    [found["evaluate"]] = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").open()]
    study = ["study", "run", "--questions", str(questions), "--out", str(tmp_path / "s"), "--adapter", adapter]
    assert cli.main([*study, *DRAWN, "--answers-only"]) == 0
    found["study"], _ = [json.loads(line) for line in (tmp_path / "s" / "answers.jsonl").open()]
    found["chat"] = in_the_chat()

    for where, row in found.items():
        assert row["response"] == asked["response"], where
        for key in ("state", "answer_span", "answer_offsets", "verdict", "masked_response", "assessment_version"):
            assert row[key] == asked[key], (where, key)
        for key in ("acceptance", "p_right"):
            assert row[key] == pytest.approx(asked[key], abs=2e-3), (where, key)
        assert row["signals"] == pytest.approx(asked["signals"], abs=1e-2), where
        assert row["confidence"] == {"value": row["p_right"], "kind": "calibrated"}
