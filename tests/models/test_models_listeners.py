"""From a `--listener` REF to files: the one that comes with the program, an adapter of one's own, any model."""

from pathlib import Path

import pytest

from lacie_chat import paths
from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.confidence.version import PROMPTED
from lacie_chat.models import ModelError, embedded_model_path, find_listener, listeners, prompted_listener
from lacie_chat.models.gguf_file import fingerprint, read_metadata
from lacie_chat.models.listeners import EXTRACTING, FORM_KEY, HEARING, TASK_KEY, tuned_listener

FORM = read_metadata(HEARING).get(FORM_KEY)


@pytest.fixture
def make_listener(make_gguf):  # type: ignore[no-untyped-def]
    """A listener's adapter by its header; `form` None: in the form that is read here."""

    def make(name: str, *, task: str = "listener", form: str | None = None) -> Path:
        keys = {TASK_KEY: task, FORM_KEY: form or FORM}
        facts = {key.replace(".", "__"): value for key, value in keys.items() if value is not None}
        return make_gguf(name, kind="adapter", **facts)

    return make


@pytest.fixture
def no_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lacie_chat.models.listeners.embedded_model_path", lambda: None)


def refused(ref: str | None, speaker: Path) -> str:
    with pytest.raises(ModelError) as caught:
        find_listener(ref, speaker, download=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ref", [None, "tuned"])
def test_the_one_that_comes_with_the_program(make_gguf, monkeypatch: pytest.MonkeyPatch, ref: str | None) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("LACIE_CACHE_DIR", raising=False)
    speaker = make_gguf("speaker.gguf")
    files, note = find_listener(ref, speaker)
    assert note == "" and files == tuned_listener()
    assert files.tuned and files.version == ASSESSMENT_VERSION
    assert (files.model_path, files.hearing, files.extracting) == (embedded_model_path(), HEARING, EXTRACTING)
    for copy, adapter in ((files.hearing_copy, HEARING), (files.extracting_copy, EXTRACTING)):
        assert copy is not None and copy.parent == paths.cache_dir()
        assert fingerprint(files.model_path) in copy.name and fingerprint(adapter) in copy.name, "of others, another"
    assert paths.cache_dir() == paths.data_dir() / "cache"
    monkeypatch.setenv("LACIE_CACHE_DIR", str(speaker.parent / "elsewhere"))
    moved = tuned_listener()
    assert moved is not None and moved.hearing_copy is not None
    assert moved.hearing_copy.parent == speaker.parent / "elsewhere"


def test_any_model_takes_the_part_by_a_prompt(make_gguf) -> None:  # type: ignore[no-untyped-def]
    speaker, other = make_gguf("speaker.gguf"), make_gguf("other.gguf", kilobytes=5)
    files, note = find_listener(str(other), speaker)
    assert note == "" and files == prompted_listener(other)
    assert files.model_path == other and not files.tuned and files.hearing_copy is None
    assert files.version.startswith(PROMPTED) and fingerprint(other)[:8] in files.version
    assert prompted_listener(speaker).version != files.version != ASSESSMENT_VERSION
    by_itself, _ = find_listener("embedded", speaker)
    assert by_itself.model_path == embedded_model_path() and not by_itself.tuned


def test_an_adapter_of_ones_own_hears_in_a_version_of_its_own(make_gguf, make_listener) -> None:  # type: ignore[no-untyped-def]
    speaker, mine = make_gguf("speaker.gguf"), make_listener("mine-LoRA.gguf")
    files, note = find_listener(str(mine), speaker)
    assert note == "" and files.tuned
    assert (files.model_path, files.hearing, files.extracting) == (embedded_model_path(), mine, EXTRACTING)
    assert files.version not in (ASSESSMENT_VERSION, prompted_listener(speaker).version)
    assert fingerprint(mine)[:8] in files.version and not files.version.startswith(PROMPTED)


def test_an_adapter_that_is_no_listeners_or_reads_otherwise_is_refused(make_gguf, make_listener) -> None:  # type: ignore[no-untyped-def]
    speaker = make_gguf("speaker.gguf")
    for adapter in (make_gguf("lacie-LoRA.gguf", kind="adapter"), make_listener("extractor.gguf", task="extractor")):
        message = refused(str(adapter), speaker)
        assert str(adapter) in message and "no listener's" in message and "lacie train listener" in message
    other = make_listener("older-LoRA.gguf", form="of yore")
    message = refused(str(other), speaker)
    assert str(other) in message and "form of yore" in message and "train it again" in message


def test_what_is_not_there_is_refused(make_gguf) -> None:  # type: ignore[no-untyped-def]
    speaker = make_gguf("speaker.gguf")
    assert "nothing-here.gguf" in refused(str(speaker.parent / "nothing-here.gguf"), speaker)
    assert refused("no such thing", speaker)


@pytest.mark.usefixtures("no_embedded_model")
def test_without_the_embedded_model_the_speaker_hears_itself_and_a_line_says_so(make_gguf, make_listener) -> None:  # type: ignore[no-untyped-def]
    speaker, mine = make_gguf("speaker.gguf"), make_listener("mine-LoRA.gguf")
    files, note = find_listener(None, speaker)
    assert files == prompted_listener(speaker)
    assert "pip install 'lacie-chat[embedded]'" in note and "listens to itself" in note and "\n" not in note
    for ref in ("tuned", str(mine)):
        assert "pip install 'lacie-chat[embedded]'" in refused(ref, speaker)
    assert find_listener(str(speaker), speaker) == (prompted_listener(speaker), ""), "asked for: nothing to say"


def test_without_its_adapter_there_is_no_tuned_listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tuned_listener(tmp_path / "gone.gguf") is None
    monkeypatch.setattr(listeners, "EXTRACTING", tmp_path / "gone.gguf")
    assert tuned_listener() is None


def test_the_adapters_that_come_with_it_are_small() -> None:
    assert all(path.stat().st_size < 12_000_000 for path in (HEARING, EXTRACTING))
    assert read_metadata(HEARING)["general.type"] == read_metadata(EXTRACTING)["general.type"] == "adapter"
