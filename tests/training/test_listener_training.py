"""`lacie train listener`: a few steps on the embedded model bring texts nearer to their ratings, a seed is kept."""

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from lacie_training import listener
from lacie_training.errors import TrainingError
from lacie_training.generators.transformers import TransformersGenerator
from lacie_training.learning.adapters import read_adapter
from lacie_training.listener import export_command, train_listener, training_texts
from lacie_training.listening.examples import schedule
from lacie_training.recipes.files import load_listener_recipe
from lacie_training.recipes.listening import ListenerRecipe

from lacie_chat.cli import main
from lacie_chat.confidence.tuned import HEARING_CHOICES, HEARING_PREFIX, hearing_suffix
from lacie_chat.confidence.version import EXTRACTION_VERSION, LISTENER_VERSION
from lacie_chat.rows import read_rows

pytestmark = pytest.mark.usefixtures("one_thread")

FEW = (
    "dtype=float32",
    "device=cpu",
    "composed={per_phrase: 1, long: 0, attacks: 0, alone: true}",
    "tokens_per_step=160",
    "warmup_steps=1",
    "log_every=1",
)
TRAINED_ON = ("It is [answer].", "I have no idea, but let's say [answer].", "It is not [answer].", "Beats me.")
RATED = (0.96, 0.1, 0.03, 0.03)
SPANS = [
    {"question": "Who wrote it?", "response": f"{opening} {name}.", "span": name}
    for name in ("Jane Austen", "Emily Brontë", "Mary Shelley")
    for opening in ("It was", "The book is by", "I think it was")
] + [{"question": "Who wrote it?", "response": text, "span": None} for text in ("I don't know.", "No idea.", "Sorry.")]


def recipe(name: str, *settings: str, model: Path | None = None) -> ListenerRecipe:
    """A shipped recipe, cut down to a few steps."""
    return load_listener_recipe(name, [*FEW, *([f"model={model}"] if model else []), *settings])


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The adapter's tensors."""
    return read_adapter(folder / "adapter")[1]


def heard(generator: TransformersGenerator) -> list[float]:
    """P(yes) against no of each text, as the chat's reader computes it."""
    rows = generator.choice_probabilities(
        HEARING_PREFIX, [hearing_suffix(text) for text in TRAINED_ON], HEARING_CHOICES
    )
    return [yes / (yes + no) for yes, no in rows]


def distance(found: list[float]) -> float:
    return sum(abs(one - other) for one, other in zip(found, RATED, strict=True)) / len(RATED)


@pytest.fixture(scope="module")
def embedded() -> TransformersGenerator:
    """The embedded model, unpacked once."""
    return TransformersGenerator.load(recipe("listener").model_settings())


@pytest.fixture
def unpacked(embedded: TransformersGenerator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TransformersGenerator]:
    """Copies of it, which every training in this test is given: a LoRA is put into the model itself."""

    def copied(*_: object) -> TransformersGenerator:
        return TransformersGenerator(deepcopy(embedded.model), embedded.tokenizer, batch_size=8, context=512)

    monkeypatch.setattr(listener, "_load", copied)
    return copied


def test_texts_that_are_trained_on_are_heard_nearer_to_their_ratings(
    embedded: TransformersGenerator, unpacked: Callable[..., TransformersGenerator], tmp_path: Path
) -> None:
    rows = [{"text": text, "rating": rating} for text, rating in zip(TRAINED_ON, RATED, strict=True)]
    rated = tmp_path / "rated.jsonl"
    rated.write_text("".join(json.dumps(row) + "\n" for row in rows))
    short = recipe("listener", f"rated=[{rated}]", "epochs=6", "weights={unmasked: 0, composed: 0}")
    train_listener(short, tmp_path / "out")
    log = read_rows(tmp_path / "out" / "training_log.jsonl")
    assert len(log) == 6
    assert log[-1]["loss"] < log[0]["loss"] - 0.2
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(unpacked().model, str(tmp_path / "out" / "adapter")).merge_and_unload()
    after = TransformersGenerator(tuned, embedded.tokenizer, batch_size=8, context=512)
    assert distance(heard(after)) < 0.6 * distance(heard(embedded))


def test_composed_texts_that_are_seen_are_heard_nearer_to_their_ratings(
    unpacked: Callable[..., TransformersGenerator],
) -> None:
    from lacie_training.listening.loop import adapted, logits_at, train

    short = recipe("listener", "epochs=0.12")
    generator = unpacked()
    examples, loss_of = listener._hearing(short, generator, training_texts(short))
    model = adapted(generator.model, short)
    lengths = [len(example.ids) for example in examples]
    steps = schedule(lengths, epochs=short.epochs, tokens=160, most=40, seed=0)
    seen = [examples[place] for step in steps for place in step][:40]

    def of_seen() -> tuple[float, float]:
        with torch.no_grad():
            loss, errors = loss_of(logits_at(model, seen, loss_of), seen)
        return loss.item(), sum(errors) / len(errors)

    before = of_seen()
    assert len(train(model, examples, loss_of, short)) == len(steps) < 30
    after = of_seen()
    assert after[0] < before[0]
    assert after[1] < 0.9 * before[1]


@pytest.mark.usefixtures("unpacked")
def test_an_extractor_learns_to_say_the_span(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in SPANS))
    train_listener(recipe("extractor", f"spans=[{path}]", "epochs=4"), tmp_path / "out")
    log = read_rows(tmp_path / "out" / "training_log.jsonl")
    assert log[-1]["loss"] < 0.6 * log[0]["loss"]
    assert json.loads((tmp_path / "out" / "adapter" / "lacie_listener.json").read_text()) == {
        "task": "extraction",
        "form": int(EXTRACTION_VERSION),
    }


def test_a_seed_gives_the_same_adapter_to_the_last_bit(tiny: Callable[..., Path], tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        train_listener(recipe("listener", f"seed={seed}", "epochs=0.05", model=tiny("llama")), tmp_path / name)
    one, again, other = (weights(tmp_path / name) for name in ("one", "again", "other"))
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)
    facts = [json.loads((tmp_path / name / "training.json").read_text()) for name in ("one", "again", "other")]
    assert facts[0]["data"] == facts[1]["data"] != facts[2]["data"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_written_says_what_it_is_and_is_float32(dtype: str, tiny: Callable[..., Path], tmp_path: Path) -> None:
    model, rated = tiny("llama"), tmp_path / "rated.jsonl"
    rated.write_text('{"text": "It is Oslo.", "answer": "Oslo", "rating": 1}\n')
    short = recipe("listener", f"rated=[{rated}]", "epochs=0.05", f"dtype={dtype}", model=model)
    train_listener(short, tmp_path / "out")
    config, tensors = read_adapter(tmp_path / "out" / "adapter")
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (8, 16, str(model))
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert any(bool(tensor.any()) for name, tensor in tensors.items() if "lora_B" in name)
    assert sorted(path.name for path in (tmp_path / "out" / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "lacie_listener.json",
    ]
    says = json.loads((tmp_path / "out" / "adapter" / "lacie_listener.json").read_text())
    assert says == {"task": "listener", "form": int(LISTENER_VERSION)}
    facts = json.loads((tmp_path / "out" / "training.json").read_text())
    assert facts["files"] == [{"name": "rated.jsonl", "sha256": hashlib.sha256(rated.read_bytes()).hexdigest()}]
    assert facts["texts"]["answers"] == 1
    assert facts["steps"] == len(read_rows(tmp_path / "out" / "training_log.jsonl"))
    assert load_listener_recipe(str(tmp_path / "out" / "recipe.yaml")) == short


def test_an_adapter_is_replaced_only_by_force(tiny: Callable[..., Path], tmp_path: Path) -> None:
    first = recipe("listener", "epochs=0.02", model=tiny("llama"))
    train_listener(first, tmp_path)
    before = weights(tmp_path)
    with pytest.raises(TrainingError, match="holds an adapter already; give another --out, or --force"):
        train_listener(first, tmp_path)
    train_listener(recipe("listener", "epochs=0.02", "seed=1", model=tiny("llama")), tmp_path, force=True)
    assert not all(torch.equal(before[key], tensor) for key, tensor in weights(tmp_path).items())


def test_a_weight_of_nothing_leaves_a_source_out(tmp_path: Path) -> None:
    rated = tmp_path / "rated.jsonl"
    rated.write_text('{"text": "It is Oslo.", "answer": "Oslo", "rating": 1}\n')

    def sources(**weights: float) -> set[str]:
        settings = [f"weights.{name}={weight}" for name, weight in weights.items()]
        return {row.source for row in training_texts(recipe("listener", f"rated=[{rated}]", *settings))}

    composed = {"phrases", "own", "long", "foreign"}
    assert sources() == {"answers", "unmasked", *composed}
    assert sources(composed=0) == {"answers", "unmasked"}
    assert sources(answers=0, unmasked=0) == composed
    assert {row.weight for row in training_texts(recipe("listener", f"rated=[{rated}]", "weights.answers=3"))} >= {3.0}
    with pytest.raises(TrainingError, match="the recipe's weights leave nothing to train on"):
        sources(answers=0, unmasked=0, composed=0)


COMMAND = ["train", "listener", "--recipe", "listener"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*COMMAND], "a listener learns from rated texts; name them with --rated FILE, or train on the program's own"),
        (["train", "listener", "--recipe", "extractor"], "an extractor learns from responses with their answers"),
        ([*COMMAND, "--rated", "no.jsonl"], "no.jsonl can't be read: No such file or directory"),
        ([*COMMAND, "--spans", "a.jsonl"], "spans are for task: extraction; a listener takes rated and findings"),
        ([*COMMAND, "--composed-only", "--set", "model=none.gguf"], "none.gguf"),
        ([*COMMAND, "--composed-only", "--set", "lora.targets=[q_proj, out]"], "lora.targets: out match no module"),
        (["train", "listener", "--recipe", "lisener"], "no recipe 'lisener'; there are: extractor, listener"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_no_adapter(
    words: list[str], message: str, tiny: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "lora.targets" in str(words):
        words = [*words, "--set", f"model={tiny('llama')}", "--set", "device=cpu"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    *before, last = capsys.readouterr().err.splitlines()
    assert message in last
    assert "Traceback" not in "".join(before)
    assert not (tmp_path / "out" / "adapter").exists()


def test_a_loss_that_is_no_number_ends_the_training(tiny: Callable[..., Path], tmp_path: Path) -> None:
    wild = recipe("listener", "learning_rate=1e30", "epochs=0.2", "max_grad_norm=1e30", model=tiny("llama"))
    with pytest.raises(TrainingError, match=r"the loss is no number any more at step \d+; lower learning_rate"):
        train_listener(wild, tmp_path)
    assert not (tmp_path / "adapter").exists()


def test_the_command_line_trains_on_the_files_it_names(
    tiny: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "it's, a: folder"
    folder.mkdir()
    (folder / "ä.jsonl").write_text('{"text": "It is Oslo.", "rating": 1}\n')
    (folder / "b.jsonl").write_text('{"text": "Sleep may help.", "rating": 0.4}\n')
    settings = [word for setting in (*FEW, f"model={tiny('llama')}", "epochs=0.02") for word in ("--set", setting)]
    files = ["--rated", str(folder / "ä.jsonl"), "--findings", str(folder / "b.jsonl")]
    assert main([*COMMAND, *files, *settings, "--out", str(folder / "out")]) == 0
    facts: dict[str, Any] = json.loads((folder / "out" / "training.json").read_text())
    assert [file["name"] for file in facts["files"]] == ["ä.jsonl", "b.jsonl"]
    assert {"answers", "findings"} <= set(facts["texts"])
    assert export_command(folder / "out") in capsys.readouterr().out


def test_help_says_what_the_files_hold(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "listener", "--help"])
    said = capsys.readouterr().out
    for word in ("extractor, listener", "--rated", "--findings", "--spans", '"rating": 0.55', '"span": "Jane Austen"'):
        assert word in said
