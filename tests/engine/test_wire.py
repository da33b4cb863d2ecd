"""What goes to the child comes out of the pipe as it went in."""

import json
from pathlib import Path

import pytest

from lacie_chat.engine import EngineSettings, Finished, ModelInfo
from lacie_chat.engine.events import Alternatives, Cut, Delta, Failed, LoadProgress, PromptProgress, PromptSize
from lacie_chat.engine.wire import (
    Event,
    event_message,
    line,
    read_event,
    read_settings,
    read_size,
    settings_data,
    size_data,
)
from lacie_chat.listener_files import ListenerFiles

ROOT = Path("/models")
TUNED = ListenerFiles(ROOT / "m.gguf", "4.2.2", ROOT / "h.gguf", ROOT / "e.gguf", ROOT / "fast.gguf")


@pytest.mark.parametrize(
    "settings",
    [
        EngineSettings(ROOT / "m.gguf"),
        EngineSettings(ROOT / "m.gguf", ROOT / "a.gguf", n_ctx=512, threads=2, gpu_layers=0, listener=TUNED),
        EngineSettings(ROOT / "m.gguf", listener=ListenerFiles(ROOT / "other.gguf", "prompt-3.2-0123abcd.2")),
        EngineSettings(ROOT / "\udce9.gguf", listener=ListenerFiles(ROOT / "é 🦜.gguf", "prompt-x")),
    ],
)
def test_settings_come_over_whole(settings: EngineSettings) -> None:
    assert read_settings(json.loads(line(settings_data(settings)))) == settings


def test_paths_are_made_absolute_also_the_listeners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a, b = Path("a.gguf"), Path("b.gguf")
    sent = EngineSettings(a, b, listener=ListenerFiles(a, "7", hearing=b, extracting=b, hearing_copy=a))
    found = read_settings(json.loads(line(settings_data(sent))))
    assert (found.model_path, found.adapter_path) == (tmp_path / a, tmp_path / b)
    whole = ListenerFiles(tmp_path / a, "7", hearing=tmp_path / b, extracting=tmp_path / b, hearing_copy=tmp_path / a)
    assert found.listener == whole


def test_without_a_listener_the_model_hears_itself_by_a_prompt() -> None:
    ears = EngineSettings(ROOT / "m.gguf", ROOT / "a.gguf").ears
    assert ears.model_path == ROOT / "m.gguf" and not ears.tuned and ears.version.startswith("prompt-")
    assert EngineSettings(ROOT / "m.gguf", listener=TUNED).ears is TUNED


@pytest.mark.parametrize(
    "event",
    [
        Finished("stop", 41, 12, 0, None, 0.2, 0.0),
        Finished(
            *("length", 41, 12, 2, 0.21, 0.2, 0.05, -0.55),
            tokens=((0, 1, -0.1), (0, 1, -1.0)),
            alternatives=(
                Alternatives("‹0xE6›", (("‹0xE6›", -0.1), ("<|im_end|>", -2.5)), 0),
                Alternatives("\ud800\0 🎉", ((" ", -0.2), ("\n", -2.0)), None),
            ),
        ),
        Delta("東\ud800\0"),
        Cut(1, 20, 300),
        Cut(1, 20, 300, system=True, question=(12, 900), question_tokens=250),
        PromptProgress(3, 4),
        Failed("It died.", engine_died=True),
        LoadProgress(0.5),
        ModelInfo("n", "llama", 1, 2, 3, 4, 5, 6, None, {"general.name": "n"}),
    ],
)
def test_events_come_over_whole(event: Event) -> None:
    assert read_event(json.loads(line(event_message(7, event)))) == event


@pytest.mark.parametrize("cut", [None, Cut(3, 900, 100), Cut(0, 20, 300, question=(12, 900), question_tokens=250)])
def test_a_measure_comes_over_whole(cut: Cut | None) -> None:
    size = PromptSize(1000, 40, 1536, 2048, cut)
    assert read_size(json.loads(line(size_data(size)))) == size
