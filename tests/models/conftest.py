"""Small GGUFs that are real ones, and a Hub on this machine with a cache of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_in_use import hub_in_use
from hub_server import HubServer

from lacie_chat.models import ModelError, resolve
from lacie_chat.models import hub as hub_module

MakeGGUF = Callable[..., Path]


def write_gguf(
    path: Path, *, kind: str = "model", kilobytes: int = 4, vocabulary: int = 0, **keys: str | int | float | bool
) -> Path:
    """A GGUF with one tensor of F32 noise of that size, the usual keys, and `keys` besides (`__` stands for a dot)."""
    import gguf

    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(kind)
    writer.add_name(path.stem)
    writer.add_license("apache-2.0")
    writer.add_context_length(2048)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if vocabulary:
        writer.add_token_list([f"token-{number}" for number in range(vocabulary)])
        writer.add_token_types([1] * vocabulary)
        writer.add_token_merges([f"a{number} b" for number in range(vocabulary)])
    for key, value in keys.items():
        adders = {str: writer.add_string, bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32}
        adders[type(value)](key.replace("__", "."), value)
    noise = np.random.default_rng(kilobytes).random((kilobytes, 256), dtype=np.float32)
    writer.add_tensor("blk.0.ffn_up.weight", noise)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def make_gguf(tmp_path: Path) -> MakeGGUF:
    return lambda name, **facts: write_gguf(tmp_path / name, **facts)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for this test, so that what the developer's other programs fetched is not seen."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    for name in (
        *("OLLAMA_MODELS", "LLAMA_CACHE", "LACIE_MODELS_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
        *("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("lacie_chat.models.ollama._SYSTEM_STORE", folder / "no system service")
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub for this test, with an empty cache and nobody logged in."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with hub_in_use(monkeypatch) as server:
        yield server


TINY, TINY_FILE = "owner/Tiny-GGUF", "tiny-Q4_K_M.gguf"


@pytest.fixture
def tiny(hub: HubServer, make_gguf, monkeypatch: pytest.MonkeyPatch) -> HubServer:  # type: ignore[no-untyped-def]
    hub.add(TINY, {TINY_FILE: make_gguf("a.gguf", kilobytes=300), "README.md": b"# Tiny\n"})
    monkeypatch.setattr(hub_module, "_PAUSE_SECONDS", 0.001)
    return hub


@pytest.fixture
def refused(tiny: HubServer, capfd: pytest.CaptureFixture[str]) -> Any:
    """The line that fetching ends with. The right answers given again, the same command works."""

    def refused(*, then_works: bool = True) -> str:
        tiny.requests.clear()
        with pytest.raises(ModelError) as caught:
            resolve(TINY)
        line = str(caught.value)
        assert len(line.splitlines()) == 1 and line.isprintable() and 20 < len(line) < 330, line
        assert capfd.readouterr() == ("", "")
        assert len(tiny.requests) <= 30
        if then_works:
            tiny.answers.clear()
            assert resolve(TINY).path.read_bytes() == tiny.repos[TINY].files[TINY_FILE]
        return line

    return refused
