"""Helpers of the engine's tests: collect an answer, and a plain llama-cpp-python model to compare with."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from lacie_chat.engine import Engine, EngineSettings


@pytest.fixture(scope="module")
def plain(embedded_model: Path) -> Iterator["PlainLlama"]:
    """The same model through llama-cpp-python's own high-level class, set up as our contexts are."""
    reference = PlainLlama(embedded_model)
    yield reference
    reference.llama.close()


class PlainLlama:
    def __init__(self, path: Path) -> None:
        import llama_cpp
        from llama_cpp import llama_cpp as low

        from lacie_chat.engine import native

        # verbose=True: it installs no log callback and redirects nothing, so our own callback stays in place
        with mock.patch.object(low, "llama_model_default_params", return_value=native.model_params()):
            self.llama = llama_cpp.Llama(
                str(path),
                n_ctx=2048,
                n_threads=1,
                n_threads_batch=1,
                n_batch=64,
                n_ubatch=64,
                flash_attn=True,
                verbose=True,
            )

    def tokens(self, text: str, special: bool = False) -> list[int]:
        return self.llama.tokenize(text.encode(), add_bos=False, special=special)

    def after(self, token: int) -> np.ndarray:
        """Probabilities after one more token."""
        self.llama.eval([token])
        return self._last()

    def probabilities(self, tokens: list[int]) -> np.ndarray:
        self.llama.reset()
        self.llama.eval(tokens)
        return self._last()

    def _last(self) -> np.ndarray:
        from llama_cpp import llama_cpp as low

        logits = low.llama_get_logits_ith(self.llama.ctx, -1)
        row = np.ctypeslib.as_array(logits, shape=(self.llama.n_vocab(),)).astype(float)
        values = np.exp(row - row.max())
        return values / values.sum()


@pytest.fixture(scope="session")
def by_itself(embedded_model: Path) -> Iterator[Engine]:
    """An engine whose model hears itself, by a prompt: its readers read the embedded weights as they are."""
    with Engine(EngineSettings(embedded_model)) as engine:
        engine.load()
        yield engine


@pytest.fixture
def settings(embedded_model: Path) -> EngineSettings:
    return EngineSettings(embedded_model, n_ctx=2048)


@pytest.fixture(scope="session")
def llama_cpp_tests() -> Path:
    """llama.cpp's folder `tests`, of the same distribution as `llama_cpp_models`: of it, test-chat.cpp."""
    from lacie_export.scripts import VERSION, cache_folder, unpack_source

    folder = cache_folder() / f"llama.cpp-{VERSION}-tests"
    if not (folder / "tests" / "test-chat.cpp").is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpack_source(folder, ("LICENSE", "tests/test-chat.cpp"))
    return folder / "tests"
