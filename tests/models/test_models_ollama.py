"""What Ollama fetched, used where it lies: names, both places of manifests, and what is damaged or no model for us."""

import json
from pathlib import Path

import pytest
from ollama_store import MANIFEST, MANIFEST_LIST, OllamaStore
from refusals import refused

from lacie_chat.models import ModelError, default_adapter, local_index, remove, resolve, resolve_adapter


@pytest.fixture
def store(home: Path) -> OllamaStore:
    return OllamaStore(home / ".ollama" / "models")


@pytest.fixture
def weights(make_gguf) -> bytes:  # type: ignore[no-untyped-def]
    return make_gguf("weights.gguf", kilobytes=3).read_bytes()


def test_a_model_is_found_by_every_name_that_ollama_takes(store: OllamaStore, weights: bytes) -> None:
    store.add("llama3.2/1b", model=weights, template=b"{{ .Prompt }}", params=b'{"stop":["<|eot|>"]}')
    store.add("llama3.2/latest", model=weights)
    store.add("someone/tuned/8b-q4_K_M", model=weights)
    for ref, shown in (
        ("ollama:llama3.2:1b", "llama3.2:1b"),
        ("llama3.2:1b", "llama3.2:1b"),
        ("Llama3.2:1B", "llama3.2:1b"),
        ("ollama:llama3.2", "llama3.2"),
        ("ollama:llama3.2:latest", "llama3.2"),
        ("ollama:registry.ollama.ai/library/llama3.2:1b", "llama3.2:1b"),
        ("llama3.2", "llama3.2"),
        ("ollama:someone/tuned:8b-q4_k_m", "someone/tuned:8b-q4_K_M"),
        ("ollama run llama3.2:1b", "llama3.2:1b"),
        ("https://ollama.com/library/llama3.2:1b", "llama3.2:1b"),
        ("ollama.com/someone/tuned:8b-q4_K_M", "someone/tuned:8b-q4_K_M"),
    ):
        found = resolve(ref, download=False)
        assert found.path.read_bytes() == weights
        assert (found.name, found.ref) == (shown, f"ollama:{shown}")
        assert resolve(found.ref, download=False) == found


def test_the_list_has_them_with_size_and_quantisation(store: OllamaStore, weights: bytes) -> None:
    store.add("qwen3/4b", {"model_family": "qwen3", "file_type": "Q8_0"}, model=weights)
    store.add("someone/tuned/latest", model=weights)
    listed = {model.ref: model for model in local_index().models if model.source == "Ollama"}
    assert list(listed) == ["ollama:qwen3:4b", "ollama:someone/tuned"]  # the same weights, two models
    assert listed["ollama:qwen3:4b"].quantisation == "Q8_0"
    assert listed["ollama:qwen3:4b"].size_bytes == len(weights)


def test_newer_versions_link_into_the_blobs(store: OllamaStore, weights: bytes) -> None:
    manifest = store.manifest({"model_family": "gemma4", "file_type": "Q4_K_M"}, model=weights)
    store.link("gemma4/e4b", manifest)
    assert resolve("ollama:gemma4:e4b").path.read_bytes() == weights
    other = store.manifest({"model_format": "safetensors"}, tensor=b"not for llama.cpp")
    whole = store.blob(json.dumps(manifest).encode())
    store.link(
        "qwen3.5/9b",
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_LIST,
            "manifests": [
                {**other, "runner": "mlx"},
                {"mediaType": MANIFEST, "digest": whole, "runner": "ollama", "format": "gguf"},
            ],
        },
    )
    assert resolve("qwen3.5:9b").path.read_bytes() == weights
    assert [model.ref for model in local_index().models][1:] == ["ollama:gemma4:e4b", "ollama:qwen3.5:9b"]


def test_what_it_fetched_from_the_hub_is_not_fetched_again(store: OllamaStore, weights: bytes) -> None:
    store.add("hf.co/bartowski/Tiny-1B-GGUF/Q4_K_M", model=weights)
    for ref in (
        "bartowski/Tiny-1B-GGUF:Q4_K_M",
        "bartowski/tiny-1b-gguf",
        "hf.co/bartowski/Tiny-1B-GGUF:Q4_K_M",
        "ollama:hf.co/bartowski/Tiny-1B-GGUF:Q4_K_M",
        "ollama:huggingface.co/bartowski/Tiny-1B-GGUF:q4_k_m",
    ):
        assert resolve(ref, download=False).ref == "ollama:hf.co/bartowski/Tiny-1B-GGUF:Q4_K_M"
    assert "isn't on this machine" in refused("bartowski/Tiny-1B-GGUF:Q8_0")


def test_an_adapter_of_a_modelfile_comes_along(store: OllamaStore, weights: bytes, make_gguf) -> None:  # type: ignore[no-untyped-def]
    lora = make_gguf("a-LoRA.gguf", kind="adapter", kilobytes=1).read_bytes()
    store.add("mine/latest", model=weights, adapter=lora, system=b"You are mine.")
    store.add("plain/latest", model=weights)
    assert resolve("ollama:mine").path.read_bytes() == weights
    assert default_adapter("ollama:mine") == default_adapter("mine") == "ollama:mine"
    assert resolve_adapter("ollama:mine").path.read_bytes() == lora
    assert default_adapter("ollama:plain") is None
    with pytest.raises(ModelError, match="ollama:plain has no adapter"):
        resolve_adapter("ollama:plain")


def test_ollama_models_names_another_folder(
    home: Path, tmp_path: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    OllamaStore(home / "elsewhere").add("qwen3/latest", model=weights)
    monkeypatch.setenv("OLLAMA_MODELS", "~/elsewhere")
    assert resolve("qwen3").path.read_bytes() == weights
    service = OllamaStore(tmp_path / "service")
    service.add("phi4/latest", model=weights)
    monkeypatch.setattr("lacie_chat.models.ollama._SYSTEM_STORE", service.folder)
    assert resolve("phi4").path.is_relative_to(service.folder)


def test_what_is_not_there_says_what_to_do(store: OllamaStore, weights: bytes) -> None:
    store.add("llama3.2/1b", model=weights)
    assert refused("ollama:llama3.1:1b") == "Ollama has no llama3.1:1b on this machine; did you mean llama3.2:1b?"
    assert refused("ollama:mixtral") == "Ollama has no mixtral on this machine; fetch it with: ollama pull mixtral"
    assert "did you mean ollama:llama3.2:1b?" in refused("llama3.3:1b")
    assert "if it is Ollama's, fetch it first: ollama pull deepseek-r1:8b" in refused("deepseek-r1:8b")
    assert refused("ollama:../../etc/passwd").startswith("Ollama has no ../../etc/passwd")
    assert refused("ollama:") == "`ollama:` names no model; write it as `ollama list` shows it: ollama:NAME"
    with pytest.raises(ModelError, match="is Ollama's; remove it there: ollama rm llama3"):
        remove("ollama:llama3.2:1b")


def test_what_is_damaged_is_a_line_and_hides_nothing(store: OllamaStore, weights: bytes) -> None:
    store.add("good/latest", model=weights)
    path = store.add("cut/latest", model=weights)
    path.write_text(path.read_text()[:40])
    store.write("alist/latest", [])  # type: ignore[arg-type]
    gone = store.add("gone/latest", model=weights + b"more")
    blob = json.loads(gone.read_text())["layers"][0]["digest"].replace(":", "-")
    (store.folder / "blobs" / blob).unlink()
    store.write("odd/latest", {"layers": [{"mediaType": 3}, 7, {"mediaType": "application/vnd.ollama.image.model"}]})
    store.write(
        "climbs/latest",
        {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}]},
    )
    index = local_index()
    assert [model.ref for model in index.models] == ["embedded", "ollama:good"]
    assert len(index.notes) == 4 and all(len(note.splitlines()) == 1 for note in index.notes)
    assert f"Ollama's {path} is damaged; fetch the model again with `ollama pull`" in index.notes
    assert refused("ollama:gone") == "the weights of ollama:gone are missing; fetch them with: ollama pull gone"
    assert "is damaged" in refused("ollama:cut")
    assert "holds no GGUF" in refused("ollama:odd")
    assert "are missing" in refused("ollama:climbs")
    store.add("text/latest", model=b"not a GGUF at all, but long enough to look at")
    assert "is not a GGUF file" in refused("ollama:text")


def test_what_cannot_chat_here_is_left_out_and_explained(store: OllamaStore, weights: bytes) -> None:
    store.add("nomic-embed-text/latest", {"model_family": "nomic-bert"}, model=weights)
    store.add("embeddinggemma/latest", {"model_family": "gemma3", "capabilities": ["embedding"]}, model=weights)
    store.add("gpt-oss/120b-cloud", {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"})
    store.add("mlx/latest", {"model_format": "safetensors"}, tensor=b"x")
    index = local_index()
    assert [model.ref for model in index.models] == ["embedded"]
    assert index.notes == ()
    assert "runs on Ollama's own servers" in refused("gpt-oss:120b-cloud")
    assert "holds no GGUF" in refused("ollama:mlx")


def test_a_store_that_cannot_be_read_is_a_line(store: OllamaStore, weights: bytes) -> None:
    store.add("good/latest", model=weights)
    (store.folder / "manifests").rename(store.folder / "was")
    (store.folder / "manifests").symlink_to("manifests")  # leads to itself: no one can read it, not even root
    index = local_index()
    assert [model.ref for model in index.models] == ["embedded"]
    (note,) = index.notes
    assert note.startswith(f"Ollama's models in {store.folder} can't be read: ")
    assert note in refused("ollama:good")
