"""Small GGUFs that are real ones, and a Hub on this machine with a cache of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hub_server import HubServer

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
    import huggingface_hub

    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        huggingface_hub.close_session()  # an earlier test's connections
        yield server
        huggingface_hub.close_session()
