"""What hears, loaded: the merged copies of its weights, adapters that don't fit, weights that are shared."""

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from random_adapter import write_random_adapter
from scripted import wait_for

from lacie_chat.confidence import PromptedListener, TunedListener
from lacie_chat.engine import Engine, EngineError, EngineSettings, merging
from lacie_chat.engine import ears as module
from lacie_chat.engine.ears import Ears
from lacie_chat.listener_files import ListenerFiles
from lacie_chat.models import prompted_listener, tuned_listener

TEXTS = ["Perhaps it is [answer]? I'm not sure.", "It is [answer]."]
ITEMS = [("Who wrote it?", "I believe that Anna Berg wrote it.")]


def made(copy: Path | None) -> Path:
    """The file that a copy is kept in."""
    assert copy is not None
    return copy.with_name(f"{copy.name}-{merging.fast_format()}.gguf")


@pytest.fixture
def files(tmp_path: Path) -> ListenerFiles:
    """The tuned listener with a place of its own for the copies, where those of the tests' cache lie already."""
    shared = tuned_listener()
    assert shared is not None
    with Ears(shared):
        pass  # makes them, if no test has before
    found = replace(shared, hearing_copy=tmp_path / "cache" / "h", extracting_copy=tmp_path / "cache" / "e")
    (tmp_path / "cache").mkdir()
    for ours, theirs in ((found.hearing_copy, shared.hearing_copy), (found.extracting_copy, shared.extracting_copy)):
        shutil.copyfile(made(theirs), made(ours))
    return found


def heard(files: ListenerFiles) -> tuple[list[float], Path]:
    """What it makes of TEXTS, and the weights that it read."""
    with Ears(files) as ears:
        return ears.listener.acceptances(TEXTS), ears._parts["hearing"][0].path


def test_a_copy_is_made_once_and_hears_as_the_adapter_over_the_weights_does(files: ListenerFiles) -> None:
    copy = made(files.hearing_copy)
    copy.unlink()
    (hedged, plain), path = heard(files)
    assert path == copy
    assert sorted(each.name for each in copy.parent.iterdir()) == sorted(
        each.name for each in (copy, made(files.extracting_copy))
    ), "nothing else is left there"
    os.utime(copy, (0, 0))
    before = copy.stat()
    assert heard(files) == ([hedged, plain], path)
    after = copy.stat()
    assert after.st_ino == before.st_ino and after.st_mtime > 0, "the same, and no longer the oldest"
    with Ears(replace(files, hearing_copy=None, extracting_copy=None)) as bare, Ears(files) as merged:
        assert bare._parts["hearing"][0].path == files.model_path
        assert bare.listener.acceptances(TEXTS) == pytest.approx([hedged, plain], abs=0.08)
        assert bare.listener.answer_spans(ITEMS) == merged.listener.answer_spans(ITEMS)


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
def test_a_damaged_copy_is_made_anew(
    files: ListenerFiles, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes]
) -> None:
    sound, copy, count = heard(files), made(files.hearing_copy), []
    whole = copy.read_bytes()

    def make(model: Path, adapter: Path, kept: Path) -> Path:
        if not made(kept).is_file():
            made(kept).write_bytes(whole)
            count.append(kept)
        return made(kept)

    monkeypatch.setattr(module, "merged_copy", make)
    copy.write_bytes(spoil(whole))
    assert heard(files) == sound
    assert count == [files.hearing_copy]


def test_where_no_copy_can_be_kept_the_weights_are_read_as_they_are(files: ListenerFiles, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    unwritable = replace(files, hearing_copy=tmp_path / "file" / "h", extracting_copy=tmp_path / "file" / "e")
    (hedged, plain), path = heard(unwritable)
    assert path == files.model_path and hedged < plain


def test_where_llama_cpp_cant_make_it_the_weights_are_read_as_they_are(
    files: ListenerFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging.low, "llama_model_quantize", lambda *_arguments: 1)
    copy = made(files.hearing_copy)
    copy.unlink()
    assert files.hearing is not None and files.hearing_copy is not None
    with pytest.raises(EngineError, match="can't be written anew: code 1") as caught:
        merging.merged_copy(files.model_path, files.hearing, files.hearing_copy)
    assert "\n" not in str(caught.value)
    assert heard(files)[1] == files.model_path
    assert list(copy.parent.iterdir()) == [made(files.extracting_copy)], "nor is half a copy left"


def test_only_a_few_copies_are_kept(files: ListenerFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(source: Path, target: Path, ftype: int) -> None:
        target.write_bytes(b"GGUF")

    monkeypatch.setattr(merging, "_quantised", write)
    monkeypatch.setattr(merging, "_merge", lambda model, adapter: None)
    assert files.hearing is not None and files.hearing_copy is not None
    folder = files.hearing_copy.parent
    for number in range(6):
        last = merging.merged_copy(files.model_path, files.hearing, folder / f"other-{number}")
        os.utime(last, (number + 2e9, number + 2e9))
    assert last.is_file() and len(list(folder.glob("*.gguf"))) == 4


@pytest.mark.parametrize("part", ["hearing", "extracting"])
def test_an_adapter_of_another_model_is_refused_in_one_line(
    embedded_model: Path, files: ListenerFiles, tmp_path: Path, part: str
) -> None:
    narrow = write_random_adapter(tmp_path / "narrow-LoRA.gguf", width=64)
    wrong = replace(files, **{part: narrow, f"{part}_copy": tmp_path / "cache" / "narrow"})
    with pytest.raises(EngineError, match="doesn't fit") as caught:
        Ears(wrong)
    assert str(narrow) in str(caught.value) and "\n" not in str(caught.value)
    with Engine(EngineSettings(embedded_model, n_ctx=256, listener=wrong)) as engine:
        engine.load()  # the speaker speaks, whoever hears
        for name in ("listener", "patient_listener"):
            with pytest.raises(EngineError, match="doesn't fit"):
                getattr(engine, name).acceptances(TEXTS)


def test_weights_that_are_gone_are_refused_in_one_line(files: ListenerFiles, tmp_path: Path) -> None:
    gone = tmp_path / "gone.gguf"
    for wrong in (replace(files, model_path=gone, hearing_copy=tmp_path / "new"), ListenerFiles(gone, "prompt-x")):
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
        assert engine._ears is not None and engine._ears._parts["hearing"][0] is engine._model
    assert loads == []
    with Ears(files) as ears:
        assert ears.listener.acceptances(TEXTS) == shared
    assert loads == [embedded_model]


def test_a_tuned_listener_has_weights_of_its_own_and_a_context_a_part(engine: Engine) -> None:
    assert isinstance(engine.listener, TunedListener)
    engine.listener.acceptances(TEXTS)
    assert engine._ears is not None and engine._ears._parts["hearing"][0] is not engine._model
    assert engine.reader("hearing") is not engine.reader("extracting")
    assert engine.reader("hearing") is engine.reader("hearing")


def test_an_adapter_of_the_speaker_changes_nothing_of_what_is_heard(
    embedded_model: Path, engine: Engine, tmp_path: Path
) -> None:
    adapter = write_random_adapter(tmp_path / "random-LoRA.gguf")
    settings = EngineSettings(embedded_model, adapter, n_ctx=256, listener=tuned_listener())
    with Engine(settings) as other:
        for there, here in ((other.listener, engine.listener), (other.patient_listener, engine.patient_listener)):
            assert there.acceptances(TEXTS) == here.acceptances(TEXTS)
            assert there.answer_spans(ITEMS) == here.answer_spans(ITEMS)


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
