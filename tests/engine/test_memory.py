"""What is said to be needed is what is then allocated, and settings and refusals go by it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import tiny_architectures
from llama_cpp import llama_cpp as low

from lacie_chat.confidence import assess
from lacie_chat.engine import ChatTurn, Engine, EngineError, EngineSettings, Machine, Sampling, memory, native
from lacie_chat.engine.devices import Device
from lacie_chat.engine.dry_run import DryRun, bytes_by_layer, bytes_of_file, parts_of
from lacie_chat.engine.fitting import WANTED_CTX, ContextNeed, Fit, Fitting, refuse_weights
from lacie_chat.engine.memory import GIB, MIB, available_bytes
from lacie_chat.engine.model import look_at
from lacie_chat.engine.parameters import ContextForm
from lacie_chat.gguf_header import read_header

FORMS = (
    ContextForm(2048, 64),
    ContextForm(8192, 64),
    ContextForm(2048, 64, sequences=17, outputs=17),
    ContextForm(4096, 512),
    ContextForm(4096, 64, machine=Machine(kv_type="q8_0")),
    ContextForm(4096, 64, machine=Machine(flash_attention="off")),
    ContextForm(4096, 256, machine=Machine(ubatch=32)),
)
_LATENT = {  # multi-head latent attention, with the figures of llama.cpp's own tests
    "attention.head_count_kv": 1,
    "attention.key_length": 576,
    "attention.value_length": 512,
    "attention.key_length_mla": 192,
    "attention.value_length_mla": 128,
    "attention.q_lora_rank": 512,
    "attention.kv_lora_rank": 512,
    "rope.dimension_count": 64,
    "leading_dense_block_count": 1,
    "expert_count": 4,
    "expert_used_count": 2,
    "expert_feed_forward_length": 384,
    "expert_shared_count": 1,
    "expert_weights_scale": 1.0,
    "expert_gating_func": 2,
}


def dry_run(path: Path, layers: int = 0) -> DryRun:
    native.start(None)
    return DryRun(path, gpu_layers=layers, reason=lambda lines: " ".join(lines))


def allocated(path: Path, form: ContextForm) -> float:
    """MiB that a real context's buffers have, by llama.cpp's log."""
    model = low.llama_model_load_from_file(os.fsencode(path), native.model_params())
    with native.lines_of() as lines:
        context = low.llama_init_from_model(model, form.parameters())
    assert context
    low.llama_free(context)
    low.llama_model_free(model)
    sizes = [float(size) for line in lines for size in re.findall(r"buffer size = +([\d.]+) MiB", line)]
    assert len(sizes) >= 3, lines  # a cache, a row of logits, room to compute
    return sum(sizes)


@pytest.mark.parametrize("name", [*tiny_architectures.ARCHITECTURES, "deepseek2"])
def test_dry_run_says_what_is_allocated(
    name: str, embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    native.start(None)
    monkeypatch.setitem(tiny_architectures.ARCHITECTURES, "deepseek2", ("deepseek2", "tekken", _LATENT))
    path = tiny_architectures.write_tiny(tmp_path / f"{name}.gguf", name, embedded_model)
    run = dry_run(path)
    for form in FORMS:
        assert run.size(form).total / MIB == pytest.approx(allocated(path, form), abs=0.05), form
    if name != "lfm2":  # 2 KiB, less than the log's figures show
        assert (run.size(FORMS[0]).state > 0) == (name in tiny_architectures.FORGETFUL)
    header = look_at(path)
    assert run.weights == pytest.approx(bytes_of_file(path, header), rel=0.02)
    shares = bytes_by_layer(path, header)
    tied = all(tensor.name != "output.weight" for tensor in read_header(path).tensors)
    assert run.weights == sum(shares.values()) - tied * shares[-1]  # a GPU gets a second copy of a tied input
    run.close()


def test_dry_run_of_the_embedded_model(embedded_model: Path) -> None:
    run = dry_run(embedded_model)
    assert run.size(FORMS[0]).cache == 30 * 2048 * 3 * (64 + 64) * 2  # layers, tokens, heads, keys and values, f16
    for form in FORMS:
        assert run.size(form).total / MIB == pytest.approx(allocated(embedded_model, form), abs=0.05), form
    assert run.size(FORMS[0]).flashes
    with pytest.raises(EngineError, match=r"can't be run like this: .*requires flash_attn"):
        run.size(replace(FORMS[0], machine=Machine(kv_type="q4_0", flash_attention="off")))
    run.close()


_WATCHED = """
import json, sys
from pathlib import Path
import psutil
import lacie_chat.engine.engine
from lacie_chat.confidence import assess
from lacie_chat.engine import ChatTurn, Engine, EngineSettings, Sampling
from lacie_chat.confidence import assess, with_sentences
from lacie_chat.models import embedded_adapter_path, tuned_listener

own = sys.argv[2] == "own"
adapter = embedded_adapter_path()
before = psutil.Process().memory_info().rss
engine = Engine(EngineSettings(
    Path(sys.argv[1]), adapter, n_ctx=int(sys.argv[3]), kv_type=sys.argv[4], listener=None if own else tuned_listener()
))
engine.load()
for baseline in (False, True):
    for aside in (False, True):
        turns = [ChatTurn("user", "Name a fruit.")]
        list(engine.generate(turns, Sampling(max_tokens=4), baseline=baseline, aside=aside))
heard = assess("Who wrote Emma?", "Jane Austen wrote it, I think. It is a novel.", listener=engine.listener)
with_sentences(heard, listener=engine.patient_listener)
taken = psutil.Process().memory_info().rss - before
print(json.dumps({"taken": taken, "needed": engine._model.fit.needed}))
"""


@pytest.mark.parametrize(
    "listener, n_ctx, kv_type", [("tuned", 2048, "f16"), ("own", 8192, "f16"), ("own", 8192, "q8_0")]
)
def test_what_is_counted_is_what_a_whole_engine_takes(
    embedded_model: Path, listener: str, n_ctx: int, kv_type: str
) -> None:
    """Every context made and used: both sides, aside, the listener by itself and side by side."""
    command = [sys.executable, "-c", _WATCHED, str(embedded_model), listener, str(n_ctx), kv_type]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    assert sum(found["needed"].values()) / found["taken"] == pytest.approx(1.05, abs=0.15), found


# -- the rule, on the embedded model's own figures ----------------------------------------------------------------


@pytest.fixture
def fit(embedded_model: Path) -> Iterator["Fits"]:
    yield (found := Fits(embedded_model))
    found.run.close()


class Fits:
    def __init__(self, path: Path) -> None:
        self.path, self.run = path, dry_run(path)

    def __call__(self, available: int, *, gpus: tuple[Device, ...] = (), beside: int = 0, **settings: object) -> Fit:
        needs = [ContextNeed("answers"), ContextNeed("answers aside", 2048, follows=True)]
        asked = EngineSettings(self.path, **settings)  # type: ignore[arg-type]
        run = lambda _layers: self.run  # noqa: E731
        return Fitting(asked, look_at(self.path), needs, run, gpus=gpus, beside=beside, available=available).fit()


def test_context_is_the_models_own_length_where_there_is_room(fit: "Fits") -> None:
    found = fit(4 * GIB)
    assert found.n_ctx == 8192 and found.why["context"] == "8,192 tokens, the model's own length"
    assert found.needed["answers"] == fit.run.size(ContextForm(8192, 64)).total


def test_context_takes_half_of_what_is_free(fit: "Fits") -> None:
    fixed = sum(fit(4 * GIB, n_ctx=512).needed.values())
    for free in (260 * MIB, 300 * MIB):
        found = fit(fixed + free)
        assert WANTED_CTX <= found.n_ctx < 8192
        grown = sum(found.needed.values()) - fixed
        assert free * 0.4 < grown <= free * 0.5
        assert "half of what is free" in found.why["context"] and "8,192" in found.why["context"]


def test_context_is_shortened_rather_than_refused(fit: "Fits") -> None:
    fixed = sum(fit(4 * GIB, n_ctx=512).needed.values())
    found = fit(fixed + 100 * MIB)
    assert 512 < found.n_ctx < WANTED_CTX and "all that is free" in found.why["context"]
    assert sum(found.needed.values()) <= fixed + 100 * MIB
    with pytest.raises(EngineError):
        fit(fixed - 1)


def test_refusal_has_figures_and_the_nearest_settings(fit: "Fits") -> None:
    available = sum(fit(4 * GIB, n_ctx=4096).needed.values())
    with pytest.raises(EngineError) as caught:
        fit(available, n_ctx=8192)
    line = str(caught.value)
    assert re.search(r"needs \d+ MB \(weights 98 MB, answers with a context of 8,192 tokens 192 MB, ", line)
    assert line.endswith("--context 4096 or --kv-type q8_0 would fit.")
    assert fit(available, n_ctx=4096).n_ctx == 4096  # what it names is taken
    assert fit(available, n_ctx=8192, kv_type="q8_0").n_ctx == 8192
    with pytest.raises(EngineError, match=r"are available; use a smaller model or quantisation\.$"):
        fit(100 * MIB, n_ctx=8192)


def test_listener_and_adapter_are_counted(fit: "Fits", tmp_path: Path) -> None:
    adapter = tmp_path / "a.gguf"
    adapter.write_bytes(bytes(5 * MIB))
    found = fit(4 * GIB, beside=300 * MIB, adapter_path=adapter)
    assert found.needed["listener"] == 300 * MIB and found.needed["adapter"] == 5 * MIB


def test_longer_than_the_model_is_cut_to_its_own_length(fit: "Fits") -> None:
    found = fit(4 * GIB, n_ctx=100_000)
    assert found.n_ctx == 8192 and "all that the model was made for" in found.why["context"]


def gpu(free: int, kind: str = "gpu") -> Device:
    return Device("GPU0", "a card", "CUDA", kind, free, 24 * GIB)  # type: ignore[arg-type]


def test_all_layers_go_to_a_gpu_that_holds_them(fit: "Fits") -> None:
    found = fit(4 * GIB, gpus=(gpu(8 * GIB),))
    assert found.gpu_layers == 31 and found.n_ctx == 8192  # 30 and the output
    assert found.why["GPU layers"] == "all 31 on a card: they fit"
    assert fit(4 * GIB, gpus=(gpu(8 * GIB),), gpu_layers=0).gpu_layers == 0
    assert fit(4 * GIB, gpus=(gpu(8 * GIB),), gpu_layers=7).gpu_layers == 7


def test_some_layers_go_to_a_gpu_that_holds_no_more(fit: "Fits") -> None:
    """A GiB stays free; what the layers there take, with their share of the caches, is under the rest."""
    counts = [fit(4 * GIB, gpus=(gpu(GIB + taken * MIB),)).gpu_layers for taken in (0, 60, 120, 180, 2000)]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == 31
    assert len(set(counts)) == 5
    with pytest.raises(EngineError, match=r"of it on the GPU, where 63 MB can be taken; .*--gpu-layers \d+ would fit"):
        fit(4 * GIB, gpus=(gpu(GIB + 60 * MIB),), gpu_layers=31)


def test_shared_memory_is_counted_once(fit: "Fits") -> None:
    """An integrated GPU takes the system's memory: what lies there is not free beside it."""
    needed = sum(fit(4 * GIB).needed.values())
    assert fit(needed, gpus=(gpu(4 * GIB),), n_ctx=8192).gpu_layers == 31
    with pytest.raises(EngineError):
        fit(needed - MIB, gpus=(gpu(4 * GIB, "integrated gpu"),), n_ctx=8192)


def test_engine_gets_the_settings_it_is_given(embedded_model: Path) -> None:
    settings = EngineSettings(
        embedded_model, n_ctx=1024, threads=1, reading_threads=2, kv_type="q8_0", batch=32, ubatch=16, mmap=False
    )
    with Engine(settings) as engine:
        info = engine.load()
        answered = list(engine.generate([ChatTurn("user", "Name a fruit.")], Sampling(max_tokens=8)))
    assert info.n_ctx == 1024 and answered[-1].completion_tokens > 0  # type: ignore[union-attr]
    said = info.machine
    assert said["context"].startswith("1,024 tokens, as asked")
    assert said["KV cache"] == "q8_0, as asked" and said["flash attention"] == "on: a cache of q8_0 needs it"
    assert said["threads"] == "1 to generate (as asked), 2 to read"
    assert said["batch"] == "32 tokens at a time (as asked), 16 computed at a time"
    assert said["weights"].startswith("read into memory")


def test_cache_of_the_listener_is_its_own(embedded_model: Path) -> None:
    """What is heard hangs on no setting of the speaker's."""
    heard = []
    for settings in (EngineSettings(embedded_model), EngineSettings(embedded_model, kv_type="q4_0", batch=16)):
        with Engine(settings) as engine:
            heard.append(assess("Who wrote Emma?", "I think it was Jane Austen.", listener=engine.listener))
    assert heard[0].acceptance is not None and heard[0] == heard[1]


@pytest.mark.parametrize(
    "settings, line",
    [
        ({"threads": 0}, "threads must be a whole number of at least 1, not 0"),
        ({"reading_threads": 0}, "reading_threads must be"),
        ({"batch": 0}, "batch must be"),
        ({"ubatch": 64, "batch": 32}, r"ubatch \(64\) can't be more than batch \(32\)"),
        ({"kv_type": "q9"}, "kv_type must be one of f32, f16"),
        ({"flash_attention": "yes"}, "flash_attention must be one of auto, on, off"),
        ({"flash_attention": "off", "kv_type": "q8_0"}, "A cache of q8_0 needs flash attention"),
        ({"n_ctx": 0}, "A context of 0 tokens is too short"),
        ({"gpu_layers": -2}, "gpu_layers must be 0 or more"),
    ],
)
def test_what_makes_no_sense_is_one_line(embedded_model: Path, settings: dict[str, object], line: str) -> None:
    with Engine(EngineSettings(embedded_model, **settings)) as engine, pytest.raises(EngineError, match=line) as caught:  # type: ignore[arg-type]
        engine.load()
    assert "\n" not in str(caught.value)


# -- how much there is ------------------------------------------------------------------------------------------------


def groups(tmp_path: Path, lines: str, files: dict[str, dict[str, str]]) -> list[int]:
    (tmp_path / "groups").write_text(lines)
    for folder, contents in files.items():
        (tmp_path / "mounted" / folder).mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (tmp_path / "mounted" / folder / name).write_text(content + "\n")
    return sorted(memory._left_in_groups(tmp_path / "groups", tmp_path / "mounted"))


def test_limits_of_containers_count(tmp_path: Path) -> None:
    """Of this group and of those above it; what it caches of files can be let go."""
    inner = {"memory.max": "1000", "memory.current": "400", "memory.stat": "anon 300\ninactive_file 60\nactive_file 40"}
    outer = {"memory.max": "5000", "memory.current": "4500", "memory.stat": "inactive_file 0"}
    root = {"memory.max": "max", "memory.current": "1", "memory.stat": "inactive_file 0"}
    assert groups(tmp_path, "0::/a/b\n", {"a/b": inner, "a": outer, ".": root}) == [500, 700]


def test_limits_of_older_containers_count(tmp_path: Path) -> None:
    """Version 1; inside a container the group is seen as the root, whatever path it has outside."""
    limits = {
        "memory.limit_in_bytes": "1000",
        "memory.usage_in_bytes": "400",
        "memory.stat": "total_inactive_file 30\ntotal_active_file 20\ninactive_file 7",
    }
    assert groups(tmp_path, "9:pids:/x\n4:memory:/docker/abc\n0::/\n", {"memory": limits}) == [650]


def test_available_memory_is_under_the_systems_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < available_bytes() <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "_left_in_groups", lambda *_: iter([123]))
    assert available_bytes() == 123


def test_weights_alone_can_be_too_much(embedded_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before native code sees the file, through the engine."""
    monkeypatch.setattr("lacie_chat.engine.fitting.available_bytes", lambda: 20 * MIB)
    with pytest.raises(EngineError, match=r"its weights alone are 98 MB and 21 MB are available; use a smaller model"):
        Engine(EngineSettings(embedded_model)).load()
    refuse_weights(embedded_model, 20 * MIB)


def test_all_parts_of_a_split_model_are_counted(embedded_model: Path, tmp_path: Path) -> None:
    import gguf

    for number in (1, 2, 3):
        writer = gguf.GGUFWriter(tmp_path / f"m-0000{number}-of-00003.gguf", "llama")
        writer.add_uint16("split.count", 3)
        writer.add_uint16("split.no", number - 1)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
    path = tmp_path / "m-00001-of-00003.gguf"
    header = look_at(path)
    assert [part.name[2:7] for part in parts_of(path, header)] == ["00001", "00002", "00003"]
    assert bytes_of_file(path, header) == sum(part.stat().st_size for part in tmp_path.iterdir())
    assert parts_of(embedded_model, look_at(embedded_model)) == [embedded_model]
