"""A cache is made when it is first used, and none of the speaker's is made for the listener."""

from pathlib import Path
from typing import Any

import pytest
from random_adapter import write_random_adapter

from lacie_chat.confidence import assess
from lacie_chat.engine import ChatTurn, Engine, EngineSettings, Sampling, context, parallel
from lacie_chat.engine.decoding import make_context
from lacie_chat.models import tuned_listener

TURNS = [ChatTurn("user", "Hello")]
ONE = Sampling(max_tokens=1)


def test_only_what_is_used_is_allocated(embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, int]] = []

    def making(model: Any, n_ctx: int, **options: Any) -> Any:
        made.append((model.path.name.partition("-")[0], n_ctx))
        return make_context(model, n_ctx, **options)

    for module in (context, parallel):
        monkeypatch.setattr(module, "make_context", making)
    adapter = write_random_adapter(tmp_path / "random-LoRA.gguf")
    settings = EngineSettings(embedded_model, adapter_path=adapter, n_ctx=4096, listener=tuned_listener())
    speaker, log = ("SmolLM2", 4096), tmp_path / "engine.log"
    with Engine(settings, log_path=log) as engine:
        engine.load()
        assert made == [speaker]
        list(engine.generate(TURNS, ONE))
        assess("Who?", "I think it is Ada, but I may be wrong.", listener=engine.listener)
        heard = [("extractor", 2048), ("listener", 4096)]
        assert sorted(made[1:]) == heard, "the listener's own, of its small model"
        engine.patient_listener.acceptances(["It is Ada.", "Perhaps."])
        assert made[3:] == [("listener", 2048)]
        list(engine.generate(TURNS, ONE, aside=True))
        assert made[4:] == [("SmolLM2", 2048)]
        list(engine.generate(TURNS, ONE, baseline=True))
        assert made[5:] == [speaker], "without the adapter: only once it is asked for"
        for baseline in (False, True):
            list(engine.generate(TURNS, ONE, baseline=baseline))
        assess("Who?", "It is Ada.", listener=engine.listener)
        assert len(made) == 6
    assert log.read_text(encoding="utf-8", errors="replace").count("KV buffer size") == 6, "as llama.cpp says itself"
