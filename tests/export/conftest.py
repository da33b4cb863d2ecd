"""Tiny models and their adapters, once for the whole run."""

import os
from pathlib import Path

import pytest
import torch

os.environ.setdefault("TQDM_DISABLE", "1")

from tiny_models import make_adapter, sentencepiece_tokenizer, shapes, tiny_model


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def mistral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Mistral in bfloat16 with a SentencePiece tokenizer, in several shards."""
    folder = tmp_path_factory.mktemp("bases") / "Tiny-Mistral"
    folder.mkdir()
    sentencepiece_tokenizer(folder)
    return tiny_model(folder, "mistral", dtype=torch.bfloat16)


@pytest.fixture(scope="session")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Gemma in float32: tied embeddings, and rows that no k-quant can hold."""
    folder = tmp_path_factory.mktemp("bases") / "Tiny-Gemma"
    folder.mkdir()
    sentencepiece_tokenizer(folder, gemma=True)
    return tiny_model(folder, "gemma", dtype=torch.float32, width=96)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory, embedded_model: Path) -> Path:
    """A tiny Llama in float16 with the embedded model's vocabulary and chat template."""
    from lacie_export.bases import split_digits
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("bases") / "Tiny-Llama"
    folder.mkdir()
    tokenizer = AutoTokenizer.from_pretrained(str(embedded_model.parent), gguf_file=embedded_model.name)
    tokenizer.save_pretrained(str(folder))
    split_digits(folder / "tokenizer.json", "smollm")
    return tiny_model(folder, "llama", dtype=torch.float16, vocabulary=len(tokenizer), width=128)


@pytest.fixture(scope="session")
def mistral_adapter(mistral: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tmp_path_factory.mktemp("adapters") / "mistral", shapes(mistral), str(mistral))


@pytest.fixture(scope="session")
def gemma_adapter(gemma: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tmp_path_factory.mktemp("adapters") / "gemma", shapes(gemma), str(gemma))


@pytest.fixture(scope="session")
def llama_adapter(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An rslora one: another scale, the same mathematics."""
    return make_adapter(
        tmp_path_factory.mktemp("adapters") / "llama", shapes(llama), str(llama), alpha=4, use_rslora=True
    )
