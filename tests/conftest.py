"""What every test may ask for: the embedded model, an engine on it, and a data folder of its own."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Where the tests are run in a shell's background, ctrl+c is ignored by them and by all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# The same examples each time: a change is judged by what it changed. `HYPOTHESIS_PROFILE=search` looks for new ones.
# How long one takes says nothing, on a machine full of work.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# One engine at full threads beside another busy process collapses (OpenMP spins), so the tests leave a core alone.
os.environ.setdefault("LACIE_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# The listener's copy of the weights is made once for all tests, also for the programs that they start.
os.environ.setdefault("LACIE_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"lacie-tests-{os.getuid()}"))


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The GGUF of the extra `embedded`."""
    from lacie_chat.models import embedded_model_path

    path = embedded_model_path()
    assert path is not None, "the extra 'embedded' is not installed"
    return path


@pytest.fixture(scope="session", autouse=True)
def listeners_copies(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The listener's copies of the weights, made before any test's clock runs."""
    from lacie_chat.engine import native
    from lacie_chat.engine.merging import merged_copy
    from lacie_chat.models import tuned_listener

    files = tuned_listener()
    if files is not None:
        native.start(tmp_path_factory.mktemp("log") / "native.log")
        for adapter, copy in ((files.hearing, files.hearing_copy), (files.extracting, files.extracting_copy)):
            assert adapter is not None and copy is not None
            merged_copy(files.model_path, adapter, copy)


@pytest.fixture(scope="session")
def llama_cpp_models() -> Path:
    """llama.cpp's folder `models`: the chat templates of 70 families (`templates/*.jinja`) and a score of vocabularies
    (`ggml-vocab-*.gguf`), out of the source distribution that the runtime was built from.

    They are what people run, written by nobody here, so templates are tested on them; their text and 77 MB of
    vocabularies don't belong into the repository. pip fetches the distribution and it is checked by its hash, as for
    the export (lacie_export/scripts.py), once for all runs. No test that wants it is skipped: what can't be fetched is
    a failure with its reason.
    """
    from lacie_export.scripts import VERSION, cache_folder, unpack_source

    folder = cache_folder() / f"llama.cpp-{VERSION}-models"
    if not (folder / "models" / "templates").is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpack_source(folder, ("LICENSE", "models/"))
    return folder / "models"


@pytest.fixture
def no_own_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded model as any other: without the adapter and the calibrator that come with it."""
    monkeypatch.setattr("lacie_chat.models.embedded._ADAPTER", Path("/no/such/adapter.gguf"))
    monkeypatch.setattr("lacie_chat.models.calibrators.BASELINE_CALIBRATOR", Path("/no/such/calibrator.json"))


@pytest.fixture(autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder for this test alone, so that no test sees the user's conversations."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("LACIE_DATA_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def engine(embedded_model: Path) -> Iterator["Engine"]:  # noqa: F821
    """The engine in this process on the embedded model, loaded once for the whole run."""
    from lacie_chat.engine import Engine, EngineSettings
    from lacie_chat.models import tuned_listener

    engine = Engine(EngineSettings(embedded_model, listener=tuned_listener()))
    engine.load()
    yield engine
    engine.close()
