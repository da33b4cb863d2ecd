"""Files that are no models to chat with are named for what they are, before native code sees them."""

import io
import json
from pathlib import Path

import gguf
import numpy as np
import pytest

from lacie_chat import cli
from lacie_chat.models import ModelError, gguf_kind, inspect_gguf, resolve, resolve_adapter


def write(path: Path, architecture: str, kind: str | None = None, *, tensors: bool = True, **keys: object) -> Path:
    """A GGUF of `architecture` with one small tensor or none; `__` in a key's name stands for a dot."""
    writer = gguf.GGUFWriter(path, architecture)
    if kind:
        writer.add_type(kind)
    for name, value in keys.items():
        key = name.replace("__", ".")
        if isinstance(value, list):
            writer.add_array(key, value)
        elif isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        else:
            writer.add_string(key, str(value))
    if tensors:
        writer.add_tensor("token_embd.weight", np.ones((4, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


NO_MODELS = {
    "bert": ("bert", None, {}, "embedding model", "is an embedding model (bert): it can't chat"),
    "nomic": ("nomic-bert-moe", "model", {}, "embedding model", "is an embedding model (nomic-bert-moe)"),
    "gemma-embedding": ("gemma-embedding", "model", {}, "embedding model", "is an embedding model (gemma-embedding)"),
    "qwen3-embedding": ("qwen3", "model", {"qwen3__pooling_type": 3}, "embedding model", "an embedding model (qwen3)"),
    "bidirectional": ("llama", "model", {"llama__attention__causal": False}, "embedding model", "an embedding model"),
    "qwen3-reranker": ("qwen3", "model", {"qwen3__pooling_type": 4}, "reranker", "is a reranker (qwen3)"),
    "bge-reranker": (
        "bert",
        "model",
        {"bert__classifier__output_labels": ["LABEL_0"]},
        "reranker",
        "is a reranker (bert): it gives texts a score and can't chat",
    ),
    "mmproj": ("clip", "mmproj", {"clip__has_vision_encoder": True}, "mmproj", "name the model's own file"),
    "old-mmproj": ("clip", None, {}, "mmproj", "name the model's own file"),
    "imatrix": ("llama", "imatrix", {"imatrix__chunk_count": 9}, "imatrix", "is an importance matrix"),
    "vector": ("controlvector", None, {"controlvector__model_hint": "qwen2"}, "control vector", "is a control vector"),
    "voice": ("wavtokenizer-dec", "model", {}, "speech model", "is a model that makes speech (wavtokenizer-dec)"),
    "dream": ("dream", "model", {}, "diffusion model", "writes by diffusion (dream)"),
    "t5": ("t5", "model", {}, "encoder-decoder model", "is an encoder-decoder model (t5)"),
    "draft": ("eagle3", "model", {}, "draft model", "guesses ahead for another model (eagle3)"),
    "picture": ("flux", None, {}, "image model", "makes pictures or films (flux): it can't chat"),
}


@pytest.mark.parametrize(("name", "case"), NO_MODELS.items(), ids=NO_MODELS)
def test_what_is_no_model_is_named_for_what_it_is(
    name: str, case: tuple[str, str | None, dict[str, object], str, str], tmp_path: Path
) -> None:
    architecture, told, keys, kind, said = case
    path = write(tmp_path / f"{name}.gguf", architecture, told, **keys)
    assert inspect_gguf(path).kind == gguf_kind(path).name == kind
    with pytest.raises(ModelError) as caught:
        resolve(str(path))
    assert said in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="not an adapter"):
        resolve_adapter(str(path))


def test_only_a_vocabulary(tmp_path: Path) -> None:
    path = write(tmp_path / "vocab.gguf", "llama", tensors=False, tokenizer__ggml__model="gpt2")
    assert gguf_kind(path).name == "vocabulary"
    with pytest.raises(ModelError, match=r"holds only a vocabulary \(llama\): there are no weights in it"):
        resolve(str(path))
    first_part = write(tmp_path / "model.gguf", "llama", tensors=False, tokenizer__ggml__model="gpt2", split__count=2)
    assert gguf_kind(first_part).chats, "the first part of a split model may hold no tensor"


def test_a_model_is_one(tmp_path: Path, embedded_model: Path) -> None:
    assert gguf_kind(embedded_model).chats
    for architecture in ("mamba", "gpt-oss", "qwen35", "an architecture of tomorrow"):
        assert gguf_kind(write(tmp_path / f"{architecture}.gguf", architecture)).chats
    assert gguf_kind(write(tmp_path / "none.gguf", "qwen2", qwen2__pooling_type=0)).chats


def test_the_command_says_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "bert.gguf", "bert", "model")
    assert cli.main(["models", "info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["architecture"]) == ("embedding model", "bert")
    adapter = write(tmp_path / "lora.gguf", "llama", "adapter", adapter__type="lora")
    assert cli.main(["models", "info", str(adapter), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "adapter"
    for arguments in (["ask", "Who?", "--model", str(path)], ["ask", "Who?", "--listener", str(path)]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        assert cli.main(arguments) == 1
        error = capsys.readouterr().err
        assert len(error.strip().splitlines()) == 1 and "is an embedding model (bert): it can't chat" in error
