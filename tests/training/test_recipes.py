"""Recipes: the paper's settings, the switch to its baseline, and errors that say which key."""

from pathlib import Path

import pytest
import yaml
from lacie_training.errors import TrainingError
from lacie_training.recipes.files import available, available_listeners, load_listener_recipe, load_recipe
from lacie_training.recipes.schema import Recipe

PAPER = ("mistral-7b", "llama3-8b", "llama3-70b")


@pytest.mark.parametrize("name", available())
def test_every_recipe_reads_and_survives_being_written(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    copy = tmp_path / "copy.yaml"
    copy.write_text(recipe.to_yaml())
    assert load_recipe(str(copy)) == recipe


def test_the_recipes_are_those_that_the_documents_name() -> None:
    assert available() == [
        "chat-model",
        "embedded",
        "gemma3-270m-cpu",
        "llama3-70b",
        "llama3-70b-one-gpu",
        "llama3-8b",
        "mistral-7b",
        "smoke",
        "smollm2-135m",
        "smollm2-135m-cpu",
    ]


def test_the_recipes_of_listeners_are_a_kind_of_their_own(tmp_path: Path) -> None:
    assert available_listeners() == ["extractor", "listener"]
    for name in available_listeners():
        recipe = load_listener_recipe(name)
        assert recipe.name == name
        copy = tmp_path / "copy.yaml"
        copy.write_text(recipe.to_yaml())
        assert load_listener_recipe(str(copy)) == recipe
        with pytest.raises(TrainingError, match=f"'{name}' is no run's recipe: use it with `lacie train listener`"):
            load_recipe(name)
    with pytest.raises(TrainingError, match="'smoke' is the recipe of a run; there are: extractor, listener"):
        load_listener_recipe("smoke")


def test_the_settings_of_the_listeners_in_the_package() -> None:
    listener, extractor = load_listener_recipe("listener"), load_listener_recipe("extractor")
    assert (listener.task, extractor.task) == ("listener", "extraction")
    for recipe in (listener, extractor):
        assert (recipe.model, recipe.dtype, recipe.tokens_per_step, recipe.warmup_steps) == (
            "embedded",
            "bfloat16",
            1024,
            20,
        )
        assert (recipe.lora.r, recipe.lora.alpha, recipe.lora.dropout, len(recipe.lora.targets)) == (8, 16, 0, 7)
    assert (listener.epochs, listener.learning_rate, listener.longest) == (3, 1e-3, 700)
    assert (extractor.epochs, extractor.learning_rate, extractor.texts_per_step) == (3, 8e-4, 24)
    weights = {"answers": 1, "between": 2.5, "unmasked": 0.5, "findings": 0.5, "composed": 1}
    assert listener.weights.model_dump() == weights
    assert (listener.loss.square, listener.loss.mass) == (1, 0.02)
    assert (extractor.loss.rest, extractor.loss.smoothing) == (0.6, 0.02)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=1", "unknown key 'epoch'; did you mean 'epochs'?"),
        ("weights.compose=1", "unknown key 'weights.compose'; did you mean 'composed'?"),
        ("weights.composed=-1", "weights.composed: Input should be greater than or equal to 0"),
        ("task=hear", "task: Input should be 'listener' or 'extraction'"),
        ("spans=[a.jsonl]", "spans are for task: extraction; a listener takes rated and findings"),
        ("epochs=0", "epochs: Input should be greater than 0"),
    ],
)
def test_a_listeners_bad_settings_are_one_clear_line(setting: str, message: str) -> None:
    with pytest.raises(TrainingError) as error:
        load_listener_recipe("listener", [setting])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_settings(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.listener.model == "mistralai/Mistral-7B-v0.1"
    assert (recipe.questions.train.source, recipe.questions.train.count) == ("trivia_qa", 10_000)
    assert [(style.count, style.instruction) for style in recipe.sample.styles] == [(10, None)]
    sample = recipe.sample
    assert (sample.temperature, sample.top_p, sample.top_k, sample.max_new_tokens) == (0.7, 1.0, 0, 80)
    assert recipe.pairs.scores.model_dump() == {
        "correct_accepted": 1.0,
        "incorrect_rejected": 1.0,
        "correct_rejected": -0.5,
        "incorrect_accepted": -1.0,
    }
    pairs = recipe.pairs
    assert (pairs.threshold, pairs.margin, pairs.per_question, pairs.balance) == ("median", 0.1, 3, 1.0)
    dpo = recipe.dpo
    assert (dpo.beta, dpo.learning_rate, dpo.scheduler, dpo.warmup_steps) == (0.1, 5e-4, "cosine", 10)
    assert (dpo.steps, dpo.pairs_per_step, dpo.max_length) == (250, 60, 200)
    sharded = name == "llama3-70b"  # its optimiser's state isn't paged; it is in 32 bits as the adapter is
    assert dpo.optimizer == ("adamw_torch" if sharded else "paged_adamw_32bit")
    assert dpo.adapter_dtype == ("float32" if sharded else "bfloat16")
    assert (dpo.quantize, dpo.dtype) == ("nf4", "bfloat16")
    assert (dpo.lora.r, dpo.lora.alpha, dpo.lora.dropout) == (16, 32, 0), "TRL 0.8.3 switched the paper's .05 off"
    assert (recipe.evaluate.threshold, recipe.evaluate.bins) == ("training", 9), ".66 belongs to the paper's own words"
    assert (recipe.listener.prompt, recipe.listener.quantize) == ("paper", "nf4")
    assert dpo.save_every == (10 if name == "mistral-7b" else 40)
    assert (recipe.speaker.quantize, recipe.speaker.dtype) == ("nf4" if "70b" in name else "none", "bfloat16")
    assert recipe.questions.test["triviaqa"].count == 1000


def test_the_70b_on_one_gpu_differs_in_how_it_is_trained_alone() -> None:
    many, one = (load_recipe(name) for name in ("llama3-70b", "llama3-70b-one-gpu"))
    assert one.model_copy(update={"dpo": many.dpo, "name": many.name}) == many
    differing = {key for key, value in one.dpo if value != getattr(many.dpo, key)}
    assert differing == {"optimizer", "adapter_dtype", "quant_storage", "per_device_batch", "precompute_reference"}
    assert (one.dpo.optimizer, one.dpo.quantize, one.dpo.adapter_dtype) == ("paged_adamw_32bit", "nf4", "bfloat16")


@pytest.mark.parametrize("name", PAPER)
def test_one_switch_makes_the_baseline(name: str) -> None:
    main, baseline = load_recipe(name), load_recipe(name, ["objective=truthful_only"])
    assert main.digest() != baseline.digest()
    assert baseline.model_copy(update={"objective": "lacie"}) == main


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("dpo.learningrate=1", "unknown key 'dpo.learningrate'; did you mean 'learning_rate'?"),
        ("dpo.lora.rank=1", "unknown key 'dpo.lora.rank'; there are: r, alpha, dropout, targets"),
        ("learning_rate=1", "unknown key 'learning_rate'; did you mean 'dpo.learning_rate'?"),
        ("sample.styles=[{name: a, cout: 1}]", "unknown key 'sample.styles.0.cout'; did you mean 'count'?"),
        ("questions.test={vllm: {sorce: file}}", "unknown key 'questions.test.vllm.sorce'; did you mean 'source'?"),
        ("questions.calibration={sorce: file}", "unknown key 'questions.calibration.sorce'; did you mean 'source'?"),
        ("questions.test={../x: {source: sample}}", "questions: the test set '../x' needs another name"),
        ("questions.test={truthfulqa: {source: sample}}", "questions: the test set 'truthfulqa' needs another name"),
        ("questions.test={calibration: {source: sample}}", "questions: the test set 'calibration' needs another name"),
        ("questions.test={Threshold: {source: sample}}", "questions: the test set 'Threshold' needs another name"),
        ("questions.test={a: {source: sample}, A: {source: sample}}", "questions: the test sets 'a' and 'A' differ in"),
        (
            "sample.styles=[{name: s, count: 11}, {name: s1, count: 1}]",
            "sample: two samples of a question would be called 's10'",
        ),
        ("sample.styles=[{name: a, count: 1}, {name: a, count: 2}]", "sample: styles must have different names"),
        (
            "sample.styles=[{name: a, count: 1, instruction: Well}]",
            "sample.styles.0: a style's instruction must contain",
        ),
        ("pairs.threshold=high", "pairs.threshold: Input should be 'median'; or Input should be a valid number"),
        (
            "pairs.threshold=1.5",
            "pairs.threshold: Input should be 'median'; or Input should be less than or equal to 1",
        ),
        ("evaluate.threshold=median", "evaluate.threshold: Input should be 'training'; or"),
        ("dpo={strength: 0.5, select: during}", "dpo: strength goes with select=last"),
        ("smple.n=1", "unknown key 'smple'; did you mean 'sample'?"),
        ("questions.test.a={sorce: file}", "unknown key 'questions.test.a.sorce'; did you mean 'source'?"),
        ("dpo.beta=-1", "dpo.beta: Input should be greater than 0"),
        ("dpo.steps=many", "dpo.steps: Input should be a valid integer"),
        ("objective=truth", "objective: Input should be 'lacie' or 'truthful_only'"),
        ("questions.train={source: file}", "path goes with source: file"),
        ("speaker.instruction=Answer.", "instruction must contain {question}"),
        ("dpo.beta", "is not of the form key.path=value"),
        ("name.x=1", "'name' is not a section"),
        ("dpo=[", "not valid YAML"),
        (
            "listener.generator=transformers",
            "the tuned listener reads in llama.cpp: set listener.generator to llama_cpp, not transformers",
        ),
        ("listener.generator=vllm", "set listener.generator to llama_cpp, not vllm"),
    ],
)
def test_bad_settings_are_one_clear_line(setting: str, message: str) -> None:
    with pytest.raises(TrainingError) as error:
        load_recipe("smoke", [setting])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_any_field_can_be_set() -> None:
    recipe = load_recipe(
        "smoke", ["dpo.lora.r=8", "dpo.learning_rate=5e-4", "pairs.threshold=0.5", "speaker.model=a/b"]
    )
    assert recipe.dpo.lora.r == 8
    assert recipe.dpo.learning_rate == 5e-4
    assert recipe.pairs.threshold == 0.5
    assert recipe.speaker.model == "a/b"


def test_unknown_recipe_and_broken_file(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no recipe 'smok'; there are: .*smoke"):
        load_recipe("smok")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1")
    with pytest.raises(TrainingError, match="is not valid YAML"):
        load_recipe(str(broken))
    broken.write_text("- a")
    with pytest.raises(TrainingError, match="is not a mapping"):
        load_recipe(str(broken))


def test_the_digest_ignores_what_only_trades_speed_for_memory() -> None:
    def digest(*settings: str) -> str:
        return load_recipe("smoke", settings).digest()

    assert digest() == digest("dpo.per_device_batch=1") == digest("dpo.gradient_checkpointing=true")
    assert digest() == digest("speaker.gpu_memory=0.4")
    assert digest() != digest("dpo.beta=0.2")
    assert digest() != digest("speaker.batch_size=16"), "what is drawn together moves a sample's last bits"


def test_the_digest_ignores_how_a_finished_run_is_looked_at() -> None:
    def digest(*settings: str) -> str:
        return load_recipe("smoke", settings).digest()

    assert digest() == digest("evaluate.other_listeners=[lexicon]", "questions.calibration={source: sample}")
    assert digest() == digest("evaluate.truthfulqa.judges=similarity", "evaluate.bootstrap=10")
    assert digest() != digest("evaluate.threshold=training"), "it chooses the checkpoint"
    assert digest() != digest("evaluate.truthfulqa.count=3")


def test_a_run_is_measured_in_its_own_number_format_or_in_a_stated_one() -> None:
    own, stated = load_recipe("smoke"), load_recipe("smoke", ["evaluate.dtype=bfloat16"])
    assert own.measured() == own
    measured = stated.measured()
    assert (measured.speaker.dtype, measured.listener.dtype) == ("bfloat16", "bfloat16")
    assert (stated.speaker, stated.listener) == (own.speaker, own.listener), "samples are drawn and judged as before"
    assert own.digest() != stated.digest()
    assert "dtype" not in own.identity()["evaluate"], "runs without it keep the digest that they had before"


def test_defaults_are_the_papers() -> None:
    bare = Recipe.model_validate({"name": "x", "speaker": {"model": "m"}, "listener": {"model": "m"}})
    mistral = load_recipe("mistral-7b")
    for section in ("sample", "pairs"):
        assert getattr(bare, section) == getattr(mistral, section)
    # as the paper's code has them; the defaults stay, for runs of recipes that leave these out go on
    of_the_code = {"save_every": bare.dpo.save_every, "lora": bare.dpo.lora}
    assert mistral.dpo.model_copy(update=of_the_code) == bare.dpo
    assert mistral.dpo.lora.model_copy(update={"dropout": bare.dpo.lora.dropout}) == bare.dpo.lora


@pytest.mark.parametrize("name", ["multi_gpu", "fsdp"])
def test_accelerate_reads_its_configs(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from lacie_training.run import accelerate_config

    path = accelerate_config(name)
    config = load_config_from_file(str(path))
    assert config.mixed_precision == "no", "it would win over the recipe's"
    raw = yaml.safe_load(path.read_text())
    assert str(config.distributed_type).endswith(raw["distributed_type"])


@pytest.mark.parametrize("architecture", ["Llama", "Mistral", "Qwen3", "Gemma3"])
def test_fsdp_shards_by_the_layers_of_any_model(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What accelerate makes of the config: FSDP's second version, and a policy that takes the model's own layers."""
    import torch
    import transformers
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils import FullyShardedDataParallelPlugin, prepare_multi_gpu_env
    from accelerate.utils.fsdp_utils import fsdp2_prepare_auto_wrap_policy
    from lacie_training.run import accelerate_config

    line = ["--config_file", str(accelerate_config("fsdp")), "--main_process_port", "0", "-m", "lacie_training.dpo"]
    arguments, _, _ = _validate_launch_command(launch_command_parser().parse_args(line))
    assert arguments.use_fsdp
    for key, value in prepare_multi_gpu_env(arguments).items():
        monkeypatch.setenv(key, str(value))
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward is True
    kind = "Gemma3Text" if architecture == "Gemma3" else architecture
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    with torch.device("meta"):
        model = getattr(transformers, f"{architecture}ForCausalLM")(config)
    plugin.set_auto_wrap_policy(model)
    policy = fsdp2_prepare_auto_wrap_policy(plugin, model)
    assert policy is not None
    assert [name for name, module in model.named_modules() if policy(module)] == [f"model.layers.{n}" for n in range(3)]


def test_a_repeat_penalty_of_one_is_no_part_of_the_identity() -> None:
    plain, stated = load_recipe("smoke"), load_recipe("smoke", ("sample.repeat_penalty=1.1",))
    assert plain.sample.sampling().repeat_penalty == 1, "the paper draws without one"
    assert not any("repeat_penalty" in plain.identity()[name] for name in ("sample", "evaluate"))
    assert stated.sample.sampling().repeat_penalty == stated.identity()["sample"]["repeat_penalty"] == 1.1
    assert stated.digest() != plain.digest()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "evaluate.repeat_penalty=1.05",
            "vllm counts the prompt's tokens as repeats, too: set evaluate.repeat_penalty to 1",
        ),
        ("sample.top_p=0.9", "vllm cuts by top_p after the temperature, the chat before: set sample.top_p to 1"),
    ],
)
def test_vllm_is_refused_what_it_draws_otherwise(setting: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        load_recipe("smoke", ["speaker.generator=vllm", setting])
    assert load_recipe("smoke", ["speaker.generator=vllm"]).speaker.generator == "vllm"
