"""What hears, loaded: the fast copy of its weights, adapters that don't fit, weights that are shared."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from random_adapter import write_random_adapter
from scripted import wait_for

from lacie_chat.confidence import PromptedListener, TunedListener
from lacie_chat.engine import Engine, EngineError, EngineSettings
from lacie_chat.engine import ears as module
from lacie_chat.engine.ears import Ears
from lacie_chat.listener_files import ListenerFiles
from lacie_chat.models import prompted_listener, tuned_listener

TEXTS = ["Perhaps it is [answer]? I'm not sure.", "It is [answer]."]


@pytest.fixture
def files(tmp_path: Path) -> ListenerFiles:
    """The tuned listener with a place of its own for the copy."""
    found = tuned_listener()
    assert found is not None
    return replace(found, fast_path=tmp_path / "cache" / "fast.gguf")


@pytest.fixture
def copies(files: ListenerFiles, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which copies were made: that of the tests' own cache is handed out instead of a new one."""
    shared = tuned_listener()
    assert shared is not None and shared.fast_path is not None
    module.make_fast_copy(shared.model_path, shared.fast_path)
    content, made = shared.fast_path.read_bytes(), []

    def quantize(source: bytes, target: bytes, _params: object) -> int:
        Path(target.decode()).write_bytes(content)
        made.append(Path(target.decode()))
        return 0

    monkeypatch.setattr(module.low, "llama_model_quantize", quantize)
    return made


def heard(files: ListenerFiles) -> tuple[list[float], Path]:
    """What it makes of TEXTS, and the weights that it read."""
    with Ears(files) as ears:
        return ears.listener.acceptances(TEXTS), ears._model.path


def test_the_copy_is_made_by_llama_cpp_once(files: ListenerFiles) -> None:
    assert files.fast_path is not None
    hedged_and_plain, path = heard(files)
    assert path == files.fast_path and hedged_and_plain[0] < hedged_and_plain[1]
    assert [each.name for each in files.fast_path.parent.iterdir()] == ["fast.gguf"], "nothing else is left there"
    before = files.fast_path.stat()
    assert heard(files) == (hedged_and_plain, path)
    after = files.fast_path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: b"",
        lambda whole: b"once upon a time" * 99,
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-4096],
    ],
    ids=["empty", "text", "half", "end"],
)
def test_a_damaged_copy_is_made_anew(files: ListenerFiles, copies: list[Path], spoil: Callable[[bytes], bytes]) -> None:
    assert files.fast_path is not None
    sound = heard(files)
    files.fast_path.write_bytes(spoil(files.fast_path.read_bytes()))
    assert heard(files) == sound
    assert len(copies) == 2, "once, and again when it was damaged"


def test_where_no_copy_can_be_kept_the_weights_are_read_as_they_are(files: ListenerFiles, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    unwritable = replace(files, fast_path=tmp_path / "file" / "fast.gguf")
    (hedged, plain), path = heard(unwritable)
    assert path == files.model_path and hedged < plain
    assert heard(replace(files, fast_path=None))[1] == files.model_path


def test_where_llama_cpp_cant_make_it_the_weights_are_read_as_they_are(
    files: ListenerFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.low, "llama_model_quantize", lambda *_arguments: 1)
    assert files.fast_path is not None
    with pytest.raises(EngineError, match="can't be written as Q8_0: code 1") as caught:
        module.make_fast_copy(files.model_path, files.fast_path)
    assert "\n" not in str(caught.value)
    assert heard(files)[1] == files.model_path
    assert list(files.fast_path.parent.iterdir()) == [], "nor is half a copy left"


@pytest.mark.parametrize("part", ["hearing", "extracting"])
def test_an_adapter_of_another_model_is_refused_in_one_line(
    embedded_model: Path, files: ListenerFiles, copies: list[Path], tmp_path: Path, part: str
) -> None:
    narrow = write_random_adapter(tmp_path / "narrow-LoRA.gguf", width=64)
    wrong = replace(files, **{part: narrow})
    with pytest.raises(EngineError, match="doesn't fit") as caught:
        Ears(wrong)
    assert str(narrow) in str(caught.value) and "\n" not in str(caught.value)
    with Engine(EngineSettings(embedded_model, n_ctx=256, listener=wrong)) as engine:
        engine.load()  # the speaker speaks, whoever hears
        for name in ("listener", "patient_listener"):
            with pytest.raises(EngineError, match="doesn't fit"):
                getattr(engine, name).acceptances(TEXTS)


def test_weights_that_are_gone_are_refused_in_one_line(files: ListenerFiles, tmp_path: Path) -> None:
    for wrong in (replace(files, model_path=tmp_path / "gone.gguf"), ListenerFiles(tmp_path / "gone.gguf", "prompt-x")):
        with pytest.raises(EngineError, match=r"gone\.gguf") as caught:
            Ears(wrong)
        assert "\n" not in str(caught.value)


def test_a_prompted_listener_that_is_the_speaker_shares_its_weights(
    embedded_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Path] = []
    real = module.Model
    monkeypatch.setattr(
        module, "Model", lambda settings, report: loads.append(settings.model_path) or real(settings, report)
    )
    files = prompted_listener(embedded_model)
    with Engine(EngineSettings(embedded_model, n_ctx=256, listener=files)) as engine:
        assert isinstance(engine.listener, PromptedListener) and engine.listener.version == files.version
        shared = engine.listener.acceptances(TEXTS)
        assert engine.reader("hearing") is engine.reader("extracting"), "one context for both prompts"
        assert engine._ears is not None and engine._ears._model is engine._model
    assert loads == []
    with Ears(files) as ears:
        assert ears.listener.acceptances(TEXTS) == shared
    assert loads == [embedded_model]


def test_a_tuned_listener_has_weights_of_its_own_and_a_context_a_part(engine: Engine) -> None:
    assert isinstance(engine.listener, TunedListener)
    engine.listener.acceptances(TEXTS)
    assert engine._ears is not None and engine._ears._model is not engine._model
    assert engine.reader("hearing") is not engine.reader("extracting")
    assert engine.reader("hearing") is engine.reader("hearing")


def test_an_adapter_of_the_speaker_changes_nothing_of_what_is_heard(
    embedded_model: Path, engine: Engine, tmp_path: Path
) -> None:
    adapter = write_random_adapter(tmp_path / "random-LoRA.gguf")
    items = [("Who wrote it?", "I believe that Anna Berg wrote it.")]
    settings = EngineSettings(embedded_model, adapter, n_ctx=256, listener=tuned_listener())
    with Engine(settings) as other:
        for there, here in ((other.listener, engine.listener), (other.patient_listener, engine.patient_listener)):
            assert there.acceptances(TEXTS) == here.acceptances(TEXTS)
            assert there.answer_spans(items) == here.answer_spans(items)


@pytest.mark.parametrize("moment", range(4))
def test_closing_under_a_reading_ends_it_and_takes_nobody_down(embedded_model: Path, moment: int) -> None:
    ears = Ears(prompted_listener(embedded_model))
    read = ears.patient_reader("hearing")
    before, begun, ended = read._flag, threading.Event(), threading.Event()
    many = [f"Perhaps it is number {number}, or so they say." for number in range(400)]

    def listen() -> None:
        listener = ears.patient_listener
        begun.set()
        with pytest.raises(EngineError):
            listener.acceptances(many)
        ended.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert begun.wait(120)
    if moment > 1:
        wait_for(lambda: read._flag is not before)  # a call has a flag of its own once its texts are tokenised
    if moment > 2:
        wait_for(lambda: read._handle is not None, 120)
    ears.close()
    assert ended.wait(120)
    thread.join()
    with pytest.raises(EngineError, match="closed"):
        _ = ears.listener
