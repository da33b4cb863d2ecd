"""Adapters that would make nonsense of every answer, or nothing at all, are refused when they are loaded."""

import math
from pathlib import Path

import gguf
import numpy as np
import pytest
from tiny_architectures import write_tiny, write_tiny_adapter

from lacie_chat import cli
from lacie_chat.engine import EngineError, EngineProcess, EngineSettings
from lacie_chat.engine.merging import merged_copy


@pytest.fixture(scope="module")
def tiny(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf", "qwen2", embedded_model)


def write(
    path: Path, tiny: Path, *, last: float = 0.1, alpha: float = 8.0, empty: bool = False, kind: str = "F32"
) -> Path:
    """An adapter of rank 32 for the first layer's query weights of `tiny`; its last value is `last`."""
    query = next(tensor for tensor in gguf.GGUFReader(tiny).tensors if tensor.name == "blk.0.attn_q.weight")
    width, rows = (int(each) for each in query.shape)
    form = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for part, shape in (("a", (32, width)), ("b", (rows, 32))) if not empty else ():
        values = np.full(shape, 0.1, np.float32)
        values.flat[-1] = last if part == "b" else 0.1
        raw = gguf.quants.quantize(values, form)
        if form == gguf.GGMLQuantizationType.Q8_0 and part == "b" and not math.isfinite(last):
            raw.reshape(-1, 34)[-1, :2] = np.frombuffer(np.float16(last).tobytes(), np.uint8)
        writer.add_tensor(f"{query.name}.lora_{part}", raw, raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def refusal(tiny: Path, adapter: Path, tmp_path: Path) -> str:
    settings = EngineSettings(tiny, adapter, n_ctx=256)
    with EngineProcess(settings, log_path=tmp_path / "engine.log") as engine, pytest.raises(EngineError) as caught:
        engine.load()
    assert "\n" not in str(caught.value) and str(adapter) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
@pytest.mark.parametrize("last", [math.nan, math.inf])
def test_no_numbers(kind: str, last: float, tiny: Path, tmp_path: Path) -> None:
    adapter = write(tmp_path / "bad.gguf", tiny, last=last, kind=kind)
    assert "no finite numbers (in blk.0.attn_q.weight.lora_b)" in refusal(tiny, adapter, tmp_path)


def test_an_alpha_that_is_no_number_and_a_file_without_matrices(tiny: Path, tmp_path: Path) -> None:
    assert "alpha" in refusal(tiny, write(tmp_path / "alpha.gguf", tiny, alpha=math.nan), tmp_path)
    assert "no LoRA matrices" in refusal(tiny, write(tmp_path / "empty.gguf", tiny, empty=True), tmp_path)


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
def test_numbers_are_taken(kind: str, tiny: Path, tmp_path: Path) -> None:
    settings = EngineSettings(tiny, write(tmp_path / "good.gguf", tiny, kind=kind), n_ctx=256)
    with EngineProcess(settings, log_path=tmp_path / "engine.log") as engine:
        assert engine.load().adapter == str(tmp_path / "good.gguf")


def test_a_command_says_so(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = write(tmp_path / "bad.gguf", tiny, last=math.nan)
    assert cli.main(["ask", "--model", str(tiny), "--adapter", str(adapter), "Is it so?"]) == 1
    shown = capsys.readouterr().err.splitlines()
    assert shown[-1].startswith("lacie: ") and "no finite numbers" in shown[-1] and "Traceback" not in "".join(shown)


def test_a_listeners_copy_is_not_made_of_it(tiny: Path, tmp_path: Path) -> None:
    good = write_tiny_adapter(tmp_path / "good.gguf", tiny)
    assert good is not None and merged_copy(tiny, good, tmp_path / "copies" / "good").is_file()
    bad = write(tmp_path / "bad.gguf", tiny, last=math.inf)
    with pytest.raises(EngineError, match="no finite numbers"):
        merged_copy(tiny, bad, tmp_path / "copies" / "bad")
