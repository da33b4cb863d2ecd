"""What `lacie train check` finds wrong: all of it at once, each in one line, before anything is fetched or run."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from checking import checked
from hub_server import Answer, HubServer
from lacie_training.check.rehearsal import run_command, why
from lacie_training.check.sources import hub_bytes
from lacie_training.run_folder import RunFolder, write_rows
from tiny_recipes import small, small_settings

from lacie_chat.errors import LacieError

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = json.dumps({"model_type": "mistral", "architectures": ["MistralForCausalLM"]}).encode()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[], HubServer]:
    """A Hub of this machine, which the program takes for the real one."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def failed(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The failed lines by subject."""
    lines = [line[7:] for line in capsys.readouterr().out.splitlines() if line.startswith("failed ")]
    return {line.partition(": ")[0]: line.partition(": ")[2] for line in lines}


def test_gated_and_unknown_models_and_data_sets_are_a_line_each(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("owner/gated", {"config.json": CONFIG, "model.safetensors": b"0" * 9000}, gated=True)
    hub.add("datasets/mandarjoshi/trivia_qa", {})
    models = ("speaker.model=owner/gated", "listener.model=owner/nothing")
    assert checked(tmp_path / "run", *models, "questions.validation={source: nq_open}") == 1
    found = failed(capsys)
    assert found["speaker"].startswith("owner/gated is gated: accept its terms at ")
    assert found["listener"].startswith("there is no repository owner/nothing on the Hub, or it is private")
    assert found["questions"].startswith("there is no repository google-research-datasets/nq_open on the Hub")
    assert "GPU" in found, "what needs no model is looked at all the same"
    assert hub.contents_requests() == [], "nothing was fetched"


def test_what_is_to_be_fetched_is_counted(hub: HubServer) -> None:
    files = {"config.json": CONFIG, "a.safetensors": b"1" * 7000, "b.safetensors": b"2" * 500, "b.bin": b"3" * 9}
    hub.add("owner/open", files)
    assert hub_bytes("owner/open") == 7500
    hub.add("owner/only-gguf", {"model.gguf": b"GGUF"})
    with pytest.raises(LacieError, match=r"owner/only-gguf has no config\.json"):
        hub_bytes("owner/only-gguf")
    with pytest.raises(LacieError, match=r"^revision v9: "):
        hub_bytes("owner/open", "v9")
    hub.answers["look-up"] = Answer(403)
    with pytest.raises(LacieError, match=r"refuses access to owner/open \(403\)"):
        hub_bytes("owner/open")


ODD = ["[]", "7", "{}", '{"siblings": 7}', '{"siblings": [7, {}, {"rfilename": [1], "size": "x"}]}', "[" * 100_000]


@pytest.mark.parametrize("reply", ODD, ids=range(len(ODD)))
def test_a_reply_of_the_hub_that_is_none_is_a_line(hub: HubServer, reply: str) -> None:
    hub.add("owner/open", {"config.json": CONFIG})
    hub.answers["look-up"] = Answer(body=reply.encode())
    with pytest.raises(LacieError) as refused:
        hub_bytes("owner/open")
    assert len(str(refused.value).splitlines()) == 1


def test_all_that_is_wrong_is_said_at_once(
    tiny: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = (
        "speaker.quantize=nf4",
        "dpo.optimizer=paged_adamw_32bit",
        "dpo.pairs_per_step=3",
        "dpo.per_device_batch=2000000",
        "dpo.lora.targets=[q_proj, out_proj]",
        "dpo.report_to=nobody",
        "questions.train={source: file, path: missing.jsonl}",
        "listener.batch_size=90000000",
        "start=no/such/adapter",
    )
    status = checked(tmp_path / "run", *small_settings(tiny("mistral")), *wrong, more=["--gpus", "2"])
    assert status == 1
    said = capsys.readouterr()
    found = {}
    for line in said.out.splitlines():
        if line.startswith("failed "):
            subject, _, text = line[7:].partition(": ")
            found[subject] = text
    assert found.keys() == {
        "batches", "GPU", "dpo.report_to", "questions", "start", "LoRA", "memory, judge", "memory, evaluate",
    }  # fmt: skip
    assert "can't be shared out evenly over 2 processes" in found["batches"]
    assert "speaker.quantize=nf4, dpo.optimizer=paged_adamw_32bit" in found["GPU"]
    assert "out_proj match no module of the model" in found["LoRA"]
    assert "missing.jsonl" in found["questions"]
    assert found["memory, judge"].endswith("; lower listener.batch_size")
    assert "note   rehearsal: not tried, until what failed is mended" in said.out
    assert "failed" in said.err and "Traceback" not in said.err


def test_a_batch_that_memory_can_not_hold_is_found_by_the_estimate(
    tiny: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = ("dpo.per_device_batch=1000000", "dpo.pairs_per_step=1000000")
    assert checked(tmp_path / "run", *small_settings(tiny("mistral")), *batch) == 1
    found = failed(capsys)
    assert found.keys() == {"memory, dpo"}
    assert "activations" in found["memory, dpo"] and "lower dpo.per_device_batch" in found["memory, dpo"]


def test_what_only_a_stage_finds_is_its_own_line(
    tiny: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(tmp_path / "run", *small_settings(tiny("mistral")), "dpo.max_length=16") == 1
    found = failed(capsys)
    assert list(found) == ["rehearsal, dpo"]
    assert found["rehearsal, dpo"].startswith("no pairs are left: all 2 prompts are longer than dpo.max_length=16")


def test_a_stage_in_a_process_of_its_own_says_why_it_ended(tmp_path: Path) -> None:
    stage = [sys.executable, "-m", "lacie_training.pairs", "--recipe", "smoke", "--run", str(tmp_path)]
    outcome = run_command(stage)
    assert (outcome.status, why(outcome)) == (
        1,
        f"{tmp_path}/judged.jsonl is not there yet; run the stage 'judge' first",
    )
    killed = run_command([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
    assert why(killed) == "was ended by SIGKILL (is memory full?)"


def test_a_run_that_has_begun_is_not_rehearsed_again(
    tiny: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder.open(tmp_path / "run", small("mistral-7b", tiny("mistral")))
    write_rows(folder.path / "samples.jsonl", [{"id": "q#plain0"}])
    assert checked(folder.path, *small_settings(tiny("mistral"))) == 0
    said = capsys.readouterr().out
    assert "has rows: the run goes on" in said and "rehearsal: not needed" in said and "rehearsal, sample" not in said
    assert checked(folder.path, *small_settings(tiny("mistral")), "seed=9") == 1
    assert "is a run of another recipe" in failed(capsys)["run folder"]
