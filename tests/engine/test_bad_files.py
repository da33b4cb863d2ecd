"""Whatever is not a whole model is refused with one clear line, and takes nobody down."""

import os
import struct
from pathlib import Path

import gguf
import pytest

from lacie_chat.engine import EngineError, EngineProcess, EngineSettings
from lacie_chat.engine.model import cores_of_its_own, look_at, thread_count


def refusal(path: Path, log: Path) -> str:
    """The one line that loading `path` in a child process ends with."""
    process = EngineProcess(EngineSettings(path, n_ctx=256), log_path=log / "engine.log")
    try:
        with pytest.raises(EngineError) as caught:
            process.load()
    finally:
        process.close()
    message = str(caught.value)
    print(message)
    assert "\n" not in message and str(path) in message
    return message


def header(tensors: int, keys: int, *, blocks: int | None = None, architecture: str = "llama") -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    data = b"GGUF" + struct.pack("<IQQ", 3, tensors, keys)
    data += text("general.architecture") + struct.pack("<I", 8) + text(architecture)
    if blocks is not None:
        data += text(f"{architecture}.block_count") + struct.pack("<II", 4, blocks)
    return data


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.gguf", b"", "not a GGUF"),
        ("text.gguf", b"Once upon a time there was a model.\n" * 50, "not a GGUF"),
        ("magic.gguf", b"GGUF", "damaged or incomplete"),
        ("version.gguf", b"GGUF" + struct.pack("<IQQ", 77, 0, 0), "version 77"),
        ("counts.gguf", header(2**60, 2**60), "claims"),
        ("blocks.gguf", header(1, 2, blocks=2**31), "claims 2147483648 layers"),
        ("string.gguf", b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 2**62), "absurd length"),
        ("bare.gguf", header(0, 2, blocks=2), "key not found"),
        ("alien.gguf", header(0, 1, architecture="abacus"), "abacus"),
    ],
    ids=lambda value: value.removesuffix(".gguf") if isinstance(value, str) and value.endswith(".gguf") else "",
)
def test_files_that_are_no_models(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert reason in refusal(tmp_path / name, tmp_path)


@pytest.mark.parametrize("share", [0.00001, 0.002, 0.02, 0.5, 0.999])
def test_truncated_models(embedded_model: Path, tmp_path: Path, share: float) -> None:
    data = embedded_model.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(data[: int(len(data) * share)])
    message = refusal(path, tmp_path)
    assert "damaged or incomplete" in message or "can't be loaded: " in message
    assert "no reason" not in message and "failed to load model" not in message


def test_nan_in_a_tensor(embedded_model: Path, tmp_path: Path) -> None:
    data = bytearray(embedded_model.read_bytes())
    tensor = next(t for t in gguf.GGUFReader(embedded_model).tensors if t.name == "blk.3.ffn_norm.weight")
    data[tensor.data_offset : tensor.data_offset + 4] = struct.pack("<f", float("nan"))
    path = tmp_path / "nan.gguf"
    path.write_bytes(data)
    assert "invalid data" in refusal(path, tmp_path)


def test_missing_folder_and_unreadable(tmp_path: Path) -> None:
    assert "no model file" in refusal(tmp_path / "none.gguf", tmp_path)
    assert "a folder" in refusal(tmp_path, tmp_path)
    loop = tmp_path / "loop.gguf"
    loop.symlink_to(loop)
    assert str(loop) in refusal(loop, tmp_path)


def test_header_of_the_embedded_model(embedded_model: Path) -> None:
    header = look_at(embedded_model)
    assert header.keys["general.architecture"] == "llama" and header.keys["llama.block_count"] == 30


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LACIE_THREADS", "3")
    assert thread_count(None) == 3 and thread_count(2) == 2
    monkeypatch.setenv("LACIE_THREADS", "many")
    with pytest.raises(EngineError, match="LACIE_THREADS"):
        thread_count(None)
    monkeypatch.delenv("LACIE_THREADS")
    assert thread_count(None) >= 1


def test_cores_that_one_has_not_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    quota = tmp_path / "cpu.max"
    assert cores_of_its_own(quota) == 16
    for text, cores in (("max 100000", 16), ("250000 100000", 3), ("10000 100000", 1), ("6400000 100000", 16)):
        quota.write_text(text + "\n")
        assert cores_of_its_own(quota) == cores
