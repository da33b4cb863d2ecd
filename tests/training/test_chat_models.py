"""Chat models: asked through their own templates without a thought, ended as these end a turn, and trained in their
language part alone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lacie_training.errors import TrainingError
from lacie_training.generators.chat_prompts import chat_prompt, turn_end
from lacie_training.generators.loading import load_model, load_tokenizer
from lacie_training.learning.lora import check_targets, lora_config
from lacie_training.learning.tokens import tokenise_pairs
from lacie_training.recipes.files import load_recipe
from lacie_training.recipes.models import ModelSettings
from lacie_training.recipes.schema import LoraSettings

from lacie_chat.engine.settings import ChatTurn

ASKED = [ChatTurn("user", "Who wrote Emma?")]
MARKS = (
    *("<end_of_turn>", "<start_of_turn>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "</s>", "[INST]"),
    *("[/INST]", "<|start|>", "<|message|>", "<|channel|>", "<|end|>", "<|return|>", "<|start_of_role|>"),
    *("<|end_of_role|>", "<|end_of_text|>"),
)
FAMILIES = {
    "Qwen-Qwen3-0.6B": ("<|im_end|>", "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
    "HuggingFaceTB-SmolLM3-3B": ("<|im_end|>", "<|im_start|>assistant\n<think>\n\n</think>\n"),
    "google-gemma-2-2b-it": ("<end_of_turn>", "<start_of_turn>model\n"),
    "meta-llama-Llama-3.1-8B-Instruct": ("<|eot_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n"),
    "mistralai-Mistral-Nemo-Instruct-2407": ("</s>", "Emma?[/INST]"),
    "mistralai-Ministral-3-14B-Reasoning-2512": ("</s>", "Emma?[/INST]"),
    "ibm-granite-granite-4.0": ("<|end_of_text|>", "<|start_of_role|>assistant<|end_of_role|>"),
    "openai-gpt-oss-120b": ("<|return|>", "<|start|>assistant<|channel|>final<|message|>"),
    "Qwen-QwQ-32B": ("<|im_end|>", "<|im_start|>assistant\n<think>\n</think>"),
}
"""By its template: what ends a turn, and what a prompt ends with from the assistant's turn on."""


@pytest.fixture(scope="module")
def tokenizer_of(llama_cpp_models: Path) -> Callable[[str], Any]:
    """A tokenizer with a family's template and all families' marks; its end token is none that ends a turn."""

    def make(name: str) -> Any:
        tokenizer = load_tokenizer("embedded")
        tokenizer.add_special_tokens({"additional_special_tokens": list(MARKS), "eos_token": "<|endoftext|>"})
        if "istral" in name:  # which writes its end token by its name
            tokenizer.eos_token = "</s>"
        tokenizer.chat_template = (llama_cpp_models / "templates" / f"{name}.jinja").read_text()
        return tokenizer

    return make


@pytest.mark.parametrize("family", FAMILIES)
def test_what_ends_a_turn_is_trained_and_no_thought_is(family: str, tokenizer_of: Callable[[str], Any]) -> None:
    tokenizer = tokenizer_of(family)
    end, opening = FAMILIES[family]
    prompt = chat_prompt(tokenizer, ASKED, {})
    assert prompt.endswith(opening)
    texts = {"chosen": "Jane Austen.", "rejected": "Perhaps Jane Austen"}
    pair = {"id": "1", "prompt": prompt, **texts, "chosen_finished": True, "rejected_finished": False}
    [row] = tokenise_pairs([pair], tokenizer, 4000, end=turn_end(tokenizer))
    assert row["chosen_ids"][-1] == tokenizer.convert_tokens_to_ids(end)
    assert tokenizer.decode(row["chosen_ids"][:-1]) == "Jane Austen."
    assert tokenizer.decode(row["rejected_ids"]) == "Perhaps Jane Austen"


def test_arguments_reach_the_template_and_are_checked(tokenizer_of: Callable[[str], Any]) -> None:
    qwen = tokenizer_of("Qwen-Qwen3-0.6B")
    assert chat_prompt(qwen, ASKED, {"enable_thinking": False}) == chat_prompt(qwen, ASKED, {})
    assert chat_prompt(qwen, ASKED, None).endswith("<|im_start|>assistant\n")
    with pytest.raises(TrainingError, match=r"doesn't read enable_thinkin; it reads .*enable_thinking"):
        chat_prompt(qwen, ASKED, {"enable_thinkin": False})
    granite = tokenizer_of("meta-llama-Llama-3.1-8B-Instruct")
    assert "Today Date: 1 Jan 2026" in chat_prompt(granite, ASKED, {"date_string": "1 Jan 2026"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("speaker.format=plain", "speaker.template_arguments={a: 1}"), "template_arguments go with format: chat"),
        (("speaker.template_arguments={messages: []}",), "speaker.template_arguments.messages"),
        (("speaker.template_arguments={messages: 1}",), "template_arguments can't set 'messages'"),
    ],
)
def test_a_recipes_bad_arguments_are_one_line(settings: tuple[str, ...], message: str) -> None:
    with pytest.raises(TrainingError) as error:
        load_recipe("chat-model", settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_arguments_are_part_of_a_runs_identity() -> None:
    plain, other = load_recipe("chat-model"), load_recipe("chat-model", ["speaker.template_arguments={a: true}"])
    assert "template_arguments" not in plain.identity()["speaker"]
    assert plain.digest() != other.digest()
    assert other.speaker.form().arguments == {"a": True}


def seeing(kind: str) -> Any:
    """A tiny model of a family that sees, by transformers' own classes."""
    import torch
    from transformers import (
        Gemma3Config,
        Gemma3ForConditionalGeneration,
        Mistral3Config,
        Mistral3ForConditionalGeneration,
    )

    torch.manual_seed(0)
    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {**layers, "num_key_value_heads": 2, "vocab_size": 128, "head_dim": 8}
    vision = {**layers, "image_size": 28, "patch_size": 14}
    if kind == "gemma3":
        gemma = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
        return Gemma3ForConditionalGeneration(gemma)
    written = {**text, "model_type": "ministral3" if kind == "ministral3" else "mistral"}
    mistral = Mistral3Config(text_config=written, vision_config={**vision, "model_type": "pixtral"})
    return Mistral3ForConditionalGeneration(mistral)


@pytest.mark.parametrize("kind", ["gemma3", "mistral3", "ministral3"])
def test_a_model_that_sees_is_trained_in_its_language_part(kind: str, tmp_path: Path) -> None:
    import torch
    from peft import get_peft_model

    seeing(kind).save_pretrained(tmp_path)
    model = load_model(
        ModelSettings(model=str(tmp_path)), dtype=torch.float32, device=torch.device("cpu"), quantize="none"
    )
    assert any("vision" in name and name.endswith("q_proj") for name, _ in model.named_modules())
    settings = LoraSettings()
    check_targets(model, settings.targets, setting="dpo.lora.targets")
    tuned = get_peft_model(model, lora_config(settings, model))
    trained = [name for name, each in tuned.named_parameters() if each.requires_grad]
    assert len(trained) == 2 * 7 * 2  # layers, targets, A and B
    assert all(".language_model." in name for name in trained)
    loss = tuned(input_ids=torch.tensor([[1, 2, 3, 4]]), labels=torch.tensor([[1, 2, 3, 4]])).loss
    loss.backward()
    gradients = {name: each.grad for name, each in tuned.named_parameters() if name in trained}
    assert all(each is not None for each in gradients.values())
    with pytest.raises(TrainingError, match=r"patch_conv|patch_embedding"):  # there, but not in the language part
        check_targets(model, ["patch_conv", "patch_embedding"], setting="dpo.lora.targets")
