"""Models that are asked otherwise: without a chat template, and with a maker's recommendation of how to draw."""

import argparse
import io
from pathlib import Path

import pytest
from fitted import calibrator
from gguf import GGUFWriter
from scripted import wait_for

from lacie_chat.chat.events import Notice
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.cli import main
from lacie_chat.commands.settled import fill
from lacie_chat.commands.speaker import add_speaker_arguments, find_speaker
from lacie_chat.conversations import Store
from lacie_chat.engine import EngineProcess, EngineSettings
from lacie_chat.models import keep_calibrator


@pytest.fixture(scope="module")
def untemplated(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model with its template under another name, as a base model's file is."""
    path = tmp_path_factory.mktemp("base") / "base.gguf"
    path.write_bytes(embedded_model.read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.chat_templatX", 1))
    return path


def test_ask_says_that_there_is_no_template(
    untemplated: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    assert main(["ask", "--model", str(untemplated), "--max-tokens", "4", "What is the capital of France?"]) == 0
    assert "lacie: no chat template: asked in ChatML\n" in capfd.readouterr().err


def test_models_info_says_so_too(untemplated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "info", str(untemplated)]) == 0
    assert "no chat template: asked as Question/Answer" in capsys.readouterr().out


def test_the_chat_says_so_once(untemplated: Path) -> None:
    said: list[object] = []
    with Store.open() as store:
        speaker = ChatSpeaker(lambda: EngineProcess(EngineSettings(untemplated, n_ctx=512)), "base")
        session = ChatSession(speaker, store, said.append)
        session.start()
        wait_for(lambda: session.info is not None and any(isinstance(each, Notice) for each in said))
        session.close()
    notices = [each.message for each in said if isinstance(each, Notice)]
    assert notices == ["base: no chat template: asked in ChatML"]


def test_a_calibrator_of_another_way_of_drawing_is_not_used_and_a_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_sampling_temp(0.6)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    keep_calibrator(calibrator(acceptance=1.0), path)

    def found(*words: str):
        parser = argparse.ArgumentParser()
        add_speaker_arguments(parser)
        parser.add_argument("--temperature", type=float)
        args = parser.parse_args(["--model", str(path), *words])
        fill(args)
        return find_speaker(args), capsys.readouterr().err

    speaker, said = found()
    assert speaker.sampling.temperature == 0.6 and speaker.calibrator is None
    assert "temperature 0.2, not 0.6" in said and len(said.splitlines()) == 1
    speaker, said = found("--temperature", "0.2")
    assert speaker.calibrator is not None and said == ""
