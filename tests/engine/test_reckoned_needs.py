"""What a model is said to need before it is loaded is what the engine counts when it loads it."""

from pathlib import Path

import pytest

from lacie_chat.engine import EngineSettings, native
from lacie_chat.engine.dry_run import DryRuns
from lacie_chat.engine.ears import bytes_beside, needs_over_speaker
from lacie_chat.engine.engine import _speaking
from lacie_chat.engine.fitting import Fitting
from lacie_chat.gguf_header import read_header
from lacie_chat.models import embedded_adapter_path, find_listener
from lacie_chat.models.needs import needed, needed_of


def counted(path: Path, context: int, adapter: Path | None = None) -> dict[str, int]:
    """By purpose, as llama.cpp reckons it for the engine."""
    native.start(None)
    settings = EngineSettings(path, adapter, listener=find_listener(None, path)[0], n_ctx=context)
    needs = [*_speaking(settings), *needs_over_speaker(settings)]
    with DryRuns(" ".join) as runs:
        return Fitting(
            settings, read_header(path), needs, lambda layers: runs.of(path, gpu_layers=layers),
            gpus=(), beside=bytes_beside(settings, runs), available=1 << 40,
        ).fit().needed  # fmt: skip


@pytest.mark.parametrize("with_adapter", [False, True])
@pytest.mark.parametrize("context", [512, 4096, 8192])
def test_it_is_what_the_engine_counts(embedded_model: Path, context: int, with_adapter: bool) -> None:
    adapter = embedded_adapter_path() if with_adapter else None
    size = embedded_model.stat().st_size
    engine = counted(embedded_model, context, adapter)
    reckoned = needed_of(embedded_model, size, context=context, adapter=adapter)
    assert reckoned == pytest.approx(sum(engine.values()), rel=0.05)
    if with_adapter:
        return
    one, fixed = needed_of(embedded_model, size, context=context), needed_of(embedded_model, size, context=1)
    of_context = engine["answers"] + engine["answers aside"]
    assert one - fixed == pytest.approx(of_context, rel=0.1, abs=4 << 20), "not by the listener alone"


def test_a_file_whose_header_says_nothing_is_reckoned_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(b"nothing")
    assert needed_of(path, 4_000_000_000) == needed(4_000_000_000)


def test_layers_without_keys_and_values_keep_none(embedded_model: Path, tmp_path: Path) -> None:
    """Of hybrid models only every few layers has a cache: by their own numbers, or by the interval."""
    header = read_header(embedded_model, tensors=False)
    kv = "llama.attention.head_count_kv"

    def with_keys(keys: dict[str, int], lists: dict[str, list[int]]) -> int:
        from dataclasses import replace

        return needed(0, replace(header, keys={**header.keys, **keys}, lists=lists))

    full = with_keys({}, {kv: [3] * 30})
    assert full == needed(0, header)
    some = with_keys({}, {kv: [3, 0, 0] * 10})
    assert full - some == pytest.approx(20 * 3 * 128 * 2 * (4096 + 2048))
    assert with_keys({"llama.full_attention_interval": 3}, {}) == some
