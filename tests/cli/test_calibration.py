"""`lacie calibration show|plot|fit` on real marks, and on answers of the real embedded model."""

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from scripted_speaker import one_line, quick_fits

from lacie_chat import cli
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, Form, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.models import calibrator_path, calibrators, find_calibrator, pair_fingerprint
from lacie_chat.models.embedded import EMBEDDED_NAME
from lacie_chat.statistics.fitting import MINIMUM

WAY = WayOfDrawing.of(Sampling())

pytestmark = pytest.mark.usefixtures("no_own_adapter")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_fits(monkeypatch)


SHIPPED = Calibrator(
    500, 200, "the maker's questions", "made there", ASSESSMENT_VERSION, WAY, (Form(1.0, {"acceptance": 1.0}),)
)


def mark(n: int, fingerprint: str | None, *, right: float = 0.5, agreement: bool = False, **more: Any) -> None:
    """n marked answers: the surer one sounds and the more probable it was, the more often it is right; of right ones
    more samples agree."""
    draw = random.Random(f"{n} {fingerprint}")
    params = {"model": EMBEDDED_NAME, "adapter": None, "model_ref": "embedded", "fingerprint": fingerprint} | more
    with Store.open() as store:
        conversation = store.create_conversation(EMBEDDED_NAME)
        for _ in range(n):
            made = store.add_message(conversation.id, None, "assistant", "So it is.", params=params)
            acceptance = draw.uniform(0.2, 1)
            correct = draw.random() < right * acceptance
            logprob = -draw.uniform(0, 2) - (0 if correct else 1.5)
            read = {
                "state": "answered",
                "acceptance": acceptance,
                "answer_span": "So",
                "assessment_version": ASSESSMENT_VERSION,
                "signals": dict.fromkeys(("span_sum", "span_lowest", "span_first", "mean"), logprob),
            }
            if agreement:
                read["agreement"] = {"value": draw.choice((0.6, 0.8, 1.0) if correct else (0.0, 0.2, 0.6)), "k": 5}
            store.attach_assessment(made.id, read)
            store.mark(made.id, correct)


@pytest.fixture
def embedded(embedded_model: Path) -> str:
    return pair_fingerprint(embedded_model)


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, embedded_model: Path) -> Calibrator:
    """The embedded model's file says that it came with a calibrator."""
    read = calibrators.read_metadata

    def with_calibrator(path: Path) -> dict[str, Any]:
        return read(path) | {"lacie.calibrator": json.dumps(SHIPPED.to_dict())}

    monkeypatch.setattr(calibrators, "read_metadata", with_calibrator)
    return SHIPPED


def write_adapter(path: Path, value: float, calibrator: Calibrator | None = None) -> Path:
    """An adapter's file that comes with a calibrator."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    if calibrator is not None:
        writer.add_string("lacie.calibrator", json.dumps(calibrator.to_dict()))
    writer.add_tensor("blk.0.attn_q.weight.lora_a", np.full((4, 576), value, dtype=np.float32))
    writer.add_tensor("blk.0.attn_q.weight.lora_b", np.full((576, 4), value, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_show_draws_the_marks_of_each_model(embedded: str, capsys: pytest.CaptureFixture[str]) -> None:
    mark(40, embedded)
    mark(3, "gone", model="Another model", model_ref="/no/such/model.gguf")
    assert cli.main(["calibration", "show"]) == 0
    shown = capsys.readouterr().out
    assert shown.index(EMBEDDED_NAME) < shown.index("Another model")
    assert "of 40 marked answers are right" in shown
    assert "○" in shown
    assert "/no/such/model.gguf is not on this machine any more" in shown.replace("\n", " ")
    assert cli.main(["calibration", "show", "--model", "/no/such/model.gguf", "--json"]) == 0
    (gone,) = json.loads(capsys.readouterr().out)
    assert (gone["n"], gone["model"], gone["fingerprint"]) == (3, "Another model", "gone")
    assert cli.main(["calibration", "show", "--model", "embedded", "--json"]) == 0
    (own,) = json.loads(capsys.readouterr().out)
    bins = own["bins"]["acceptance"]
    assert own["n"] == sum(entry["n"] for entry in bins) == 40
    assert own["right"] == sum(entry["right"] for entry in bins)
    assert all(entry["interval"][0] <= entry["share"] <= entry["interval"][1] for entry in bins)


def test_show_sets_the_shipped_calibrator_beside(
    embedded: str, shipped: Calibrator, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(30, embedded)
    assert cli.main(["calibration", "show"]) == 0
    shown = capsys.readouterr().out
    assert "P(right), shipped (n = 500)" in shown
    assert "◆" in shown
    assert cli.main(["calibration", "show", "--json"]) == 0
    (own,) = json.loads(capsys.readouterr().out)
    assert set(own["auroc"]) == set(own["ece"]) == set(own["bins"]) == {"acceptance", "shipped"}


def test_nothing_marked_is_said(embedded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["calibration", "show"]) == 0
    assert "no answer is marked yet: in the chat, f6 marks an answer right" in one_line(capsys)
    assert cli.main(["calibration", "plot", "--out", str(tmp_path / "x.png")]) == 1
    assert "nothing to draw" in one_line(capsys)
    assert cli.main(["calibration", "fit", "--marks"]) == 1
    assert f"no answer of {EMBEDDED_NAME} is marked: in the chat, f6" in one_line(capsys)
    assert not (tmp_path / "x.png").exists()


def test_marks_on_others_are_not_this_models(embedded: str, capsys: pytest.CaptureFixture[str]) -> None:
    mark(9, "aa", model="Another model", model_ref="/no/such/model.gguf")
    assert cli.main(["calibration", "show", "--model", "embedded"]) == 0
    assert "no answer of embedded is marked" in one_line(capsys)
    assert cli.main(["calibration", "fit", "--marks"]) == 1
    assert "there are marks on Another model" in one_line(capsys)


def test_plot_writes_a_png(embedded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark(40, embedded)
    mark(5, "aa", model="Costs $5 and $6")
    out = tmp_path / "mine.png"
    assert cli.main(["calibration", "plot", "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert "Costs $5 and $6" in one_line(capsys)
    assert cli.main(["calibration", "plot", "--out", str(tmp_path / "no" / "folder.png")]) == 1
    assert "can't be written" in one_line(capsys)


def test_plot_without_matplotlib_names_the_extra(
    embedded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    mark(5, embedded)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cli.main(["calibration", "plot", "--out", str(tmp_path / "x.png")]) == 1
    assert "pip install 'lacie-chat[plots]'" in one_line(capsys)


def test_fit_on_marks_is_found_by_the_chat_and_taken_back(
    embedded: str, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(120, embedded)
    assert find_calibrator(embedded_model) is None
    assert cli.main(["calibration", "fit", "--marks"]) == 0
    report = capsys.readouterr()
    assert "fitted on 120 answers" in report.out
    assert "It goes by:" in report.out
    assert "until now" not in report.out
    assert str(calibrator_path(embedded_model)) in report.err.replace("\n", "")
    first = find_calibrator(embedded_model)
    assert first is not None
    assert (first.n, first.source, first.model_fingerprint) == (120, "own marks", embedded)
    assert first.signals

    assert cli.main(["calibration", "fit", "--marks"]) == 0, "the same again"
    assert "until now" in capsys.readouterr().out
    mark(60, embedded, right=0.3)
    assert cli.main(["calibration", "fit", "--marks", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["n"] == 180
    assert figures["until_now"] == first.to_dict()
    assert set(figures["figures"]) == {"p_right", "wording", "acceptance", "share"}
    assert figures["figures"]["p_right"]["log_loss"]["value"] < figures["figures"]["acceptance"]["log_loss"]["value"]
    assert (figures["marks"], figures["asked"], figures["source"]) == (180, 0, "own marks")
    assert find_calibrator(embedded_model) != first
    assert cli.main(["calibration", "fit", "--remove"]) == 0
    assert "your one before is in use again" in one_line(capsys)
    assert find_calibrator(embedded_model) == first
    assert cli.main(["calibration", "fit", "--remove"]) == 0
    assert "how likely its answers are right is not known again (lacie calibrate)" in one_line(capsys)
    assert find_calibrator(embedded_model) is None
    assert cli.main(["calibration", "fit", "--remove"]) == 1
    assert "nothing to remove" in one_line(capsys)


def test_agreement_of_samples_is_used_where_it_helps(
    embedded: str, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(80, embedded, agreement=True)
    mark(40, embedded)
    assert cli.main(["calibration", "fit", "--marks", "--json"]) == 0
    found = find_calibrator(embedded_model)
    assert found is not None and found.n == 120
    assert "agreement" in found.signals
    known = {"acceptance": 0.7} | dict.fromkeys(("span_sum", "span_lowest", "span_first", "mean"), -1.0)
    all_agree, none_agree = found(known | {"agreement": 1.0}), found(known | {"agreement": 0.0})
    assert all_agree is not None and none_agree is not None and all_agree > none_agree
    assert found(known) is not None, "without samples it goes by what is known"


def test_marks_without_an_answer_to_be_right_are_drawn_and_not_fitted_on(
    embedded: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(70, embedded)
    with Store.open() as store:
        for message in store.marks()[:8]:
            read = {"state": "answered", "acceptance": 0.5, "answer_span": None}
            store.attach_assessment(message.message_id, read | {"assessment_version": ASSESSMENT_VERSION})
    assert cli.main(["calibration", "fit", "--marks", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["n"] == 62
    assert figures["left_out"] == "8 more have no single answer to be right or wrong"
    assert cli.main(["calibration", "show"]) == 0
    shown = capsys.readouterr().out
    assert "of 70 marked answers" in shown
    assert "yours was fitted on marks, perhaps on these" in shown


def test_a_shipped_calibrator_is_not_replaced_silently(
    embedded: str, embedded_model: Path, shipped: Calibrator, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(80, embedded)
    assert find_calibrator(embedded_model) == shipped
    assert cli.main(["calibration", "fit", "--marks"]) == 1
    assert "came with a calibrator (n = 500); to let yours go before it add --replace" in one_line(capsys)
    assert find_calibrator(embedded_model) == shipped
    assert cli.main(["calibration", "fit", "--marks", "--replace"]) == 0
    assert "until now" in capsys.readouterr().out
    own = find_calibrator(embedded_model)
    assert own is not None
    assert own.source == "own marks"
    assert cli.main(["calibration", "show"]) == 0
    shown = capsys.readouterr().out
    assert "P(right), shipped (n = 500)" in shown
    assert "P(right), your own (n = 80)" in shown
    assert cli.main(["calibration", "fit", "--remove"]) == 0
    assert "the one that came with it is in use again" in one_line(capsys)
    assert find_calibrator(embedded_model) == shipped


def test_an_adapter_has_marks_and_a_calibrator_of_its_own(
    embedded: str, embedded_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = write_adapter(tmp_path / "mine-LoRA.gguf", 0.1, SHIPPED)
    pair = pair_fingerprint(embedded_model, adapter)
    mark(60, embedded)
    mark(70, pair, adapter="mine-LoRA", adapter_ref=str(adapter))
    assert find_calibrator(embedded_model, adapter) == SHIPPED
    words = ["--adapter", str(adapter)]
    assert cli.main(["calibration", "show", *words]) == 0
    shown = capsys.readouterr().out
    assert "of 70 marked answers are right" in shown
    assert "P(right), shipped (n = 500)" in shown
    assert "of 60" not in shown
    assert cli.main(["calibration", "fit", "--marks", *words]) == 1
    assert "add --replace" in one_line(capsys)
    assert cli.main(["calibration", "fit", "--marks", "--replace", *words]) == 0
    assert f"fit --remove --adapter {adapter}" in capsys.readouterr().err.replace("\n", "")
    own = find_calibrator(embedded_model, adapter)
    assert own is not None
    assert (own.n, own.model_fingerprint) == (70, pair)
    assert find_calibrator(embedded_model) is None, "the baseline is another speaker"
    assert cli.main(["calibration", "fit", "--marks", "--baseline"]) == 0
    assert "fitted on 60 answers" in capsys.readouterr().out

    write_adapter(adapter, 0.2)  # trained anew, under the same name
    assert find_calibrator(embedded_model, adapter) is None
    assert cli.main(["calibration", "fit", "--marks", *words]) == 1
    assert f"no answer of {EMBEDDED_NAME} + mine-LoRA is marked" in one_line(capsys)
    assert cli.main(["calibration", "show"]) == 0
    assert "mine-LoRA.gguf is another file by now" in " ".join(capsys.readouterr().out.split()).replace(" ", " ")


def test_a_damaged_calibrator_of_ones_own_can_be_fitted_anew(
    embedded: str, embedded_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(80, embedded)
    path = calibrator_path(embedded_model)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert cli.main(["calibration", "show"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "of 80 marked answers are right" in shown
    assert "fit it again: lacie calibrate" in shown
    assert cli.main(["calibration", "fit", "--marks"]) == 0
    assert find_calibrator(embedded_model) is not None


def test_what_cannot_be_fitted_is_one_line(embedded: str, capsys: pytest.CaptureFixture[str]) -> None:
    mark(MINIMUM - 1, embedded)
    assert cli.main(["calibration", "fit", "--marks"]) == 1
    assert f"{MINIMUM - 1} answers are too few to fit a calibrator: at least {MINIMUM} are needed" in one_line(capsys)
    mark(30, embedded, right=0.0)
    assert cli.main(["calibration", "fit", "--marks", "--model", "nosuch"]) == 1
    assert "no such model" in one_line(capsys)


def test_marks_on_a_deleted_model_stay_and_say_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mark(60, "gone", model="Deleted 1B Q4", model_ref=str(tmp_path / "deleted.gguf"))
    words = ["calibration", "fit", "--marks", "--model", str(tmp_path / "deleted.gguf")]
    assert cli.main(words) == 1
    assert "the files of Deleted 1B Q4 are gone" in (said := one_line(capsys))
    assert "your 60 marks on it are kept" in said
    assert cli.main(["calibration", "plot", "--model", "Deleted 1B Q4", "--out", str(tmp_path / "x.png")]) == 0


@pytest.mark.parametrize(
    "words",
    [["fit"], ["fit", "--marks", "--remove"], ["fit", "--marks", "--minimum", "3"], ["fit", "--questions"], []],
)
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["calibration", *words])
    assert stop.value.code == 2


def test_marks_of_another_version_are_left_out_and_counted(embedded: str, capsys: pytest.CaptureFixture[str]) -> None:
    mark(12, embedded)
    with Store.open() as store:
        for message in store.marks()[:5]:  # heard before the whole version was kept
            read = {"state": "answered", "acceptance": message.acceptance, "listener_version": "1"}
            store.attach_assessment(message.message_id, read)
    assert cli.main(["calibration", "show", "--json", "--baseline"]) == 0
    (own,) = json.loads(capsys.readouterr().out)
    assert (own["n"], own["left_out"]) == (7, 5)


def test_marks_on_answers_drawn_otherwise_are_left_out_and_counted(
    embedded: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(4, embedded)
    mark(3, embedded, sampling={"temperature": 0.7})
    mark(2, embedded, sampling=asdict(Sampling(seed=5, max_tokens=9)))
    assert cli.main(["calibration", "show", "--json", "--baseline"]) == 0
    (own,) = json.loads(capsys.readouterr().out)
    assert (own["n"], own["left_out"]) == (6, 3)
