"""The chat asks an exported model as it was trained: the same prompt, the same end, drawn as its calibrator wants."""

import json
from pathlib import Path
from typing import Any

import pytest
from fitted import calibrator
from lacie_export.asking import chat_template
from lacie_training.generators.loading import load_tokenizer
from lacie_training.learning.tokens import tokenise_pairs
from lacie_training.recipes.files import load_recipe
from tiny_models import make_adapter, shapes

from lacie_chat.cli import main
from lacie_chat.confidence import Form, WayOfDrawing
from lacie_chat.engine import ChatTurn, EngineSettings
from lacie_chat.engine.model import Model
from lacie_chat.engine.reasoning import answer_at_once, habit_of, settled
from lacie_chat.engine.recommended import recommended
from lacie_chat.engine.rendering import Rendering
from lacie_chat.engine.template import ChatTemplate
from lacie_chat.evaluation.prompts import PLAIN_STOP, PromptForm, plain, separator, turns
from lacie_chat.models import look_for_calibrator
from lacie_chat.rows import Row

QUESTION = "Who wrote the {question} of 'Ivanhoe', in 1819?\nSay."
WAY = {"temperature": 0.5, "top_p": 1.0, "top_k": 0, "repeat_penalty": 1.0}


def pair(prompt: str) -> Row:
    texts = {"chosen": " Scott.", "rejected": " Scott, I think."}
    return {"id": "1", "prompt": prompt, **texts, "chosen_finished": True, "rejected_finished": True}


def exported(base: Path, folder: Path, *settings: str) -> Path:
    """The F16 GGUF of a run on `base` with the recipe `gemma3-270m-cpu`, changed by `settings`."""
    folder.mkdir()
    recipe = load_recipe("gemma3-270m-cpu", [f"speaker.model={base}", *settings])
    (folder / "recipe.yaml").write_text(recipe.to_yaml())
    make_adapter(folder / "adapter", shapes(base), str(base))
    fitted = calibrator(-0.3, Form(-0.2, {"acceptance": 0.8}), n=240, acceptance=0.5, span_sum=1.0)
    made = {**fitted.to_dict(), "sampling": {**WAY, "reasoning": None}}
    (folder / "calibrator.json").write_text(json.dumps(made))
    out = folder / "out"
    assert main(["export", "gguf", "--run", str(folder), "--out", str(out), "--quant", "f16", "--no-verify"]) == 0
    [file] = out.glob("*.gguf")
    return file


@pytest.mark.parametrize("name", ["mistral", "gemma"])
@pytest.mark.parametrize("settings", [(), ("speaker.system=You are terse. ", 'speaker.instruction="Q: {question}"')])
def test_a_base_model_is_asked_in_its_recipes_words(
    name: str, settings: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    base: Path = request.getfixturevalue(name)
    file = exported(base, tmp_path / "run", *settings)
    form = load_recipe("gemma3-270m-cpu", list(settings)).speaker.form()
    trained = plain(form, QUESTION)
    [row] = tokenise_pairs([pair(trained)], load_tokenizer(str(base)), 1000)

    model = Model(EngineSettings(file, None, gpu_layers=0), None)
    template = ChatTemplate(model)
    asked = [ChatTurn("user", QUESTION)]
    assert template.asked_as == ""
    assert template.text(asked) == trained
    assert template.tokens(asked) == row["prompt_ids"]
    assert PLAIN_STOP in template.stop
    again = [*asked, ChatTurn("assistant", "Scott."), ChatTurn("user", "And who 'Emma'?")]
    head, _, _ = form.instruction.rpartition("\n\n")
    more = plain(form, "And who 'Emma'?").removeprefix(f"{(form.system or '').strip()}\n\n").removeprefix(f"{head}\n\n")
    assert template.text(again) == f"{trained}{separator(form)}Scott.\n\n{more}"


def test_its_calibrator_is_in_use_in_the_chat(gemma: Path, tmp_path: Path) -> None:
    file = exported(gemma, tmp_path / "run")
    sampling = recommended(file)
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.repeat_penalty) == tuple(WAY.values())
    found, why = look_for_calibrator(file, None, WayOfDrawing.of(sampling))
    assert found is not None, why
    other, why = look_for_calibrator(file, None, WayOfDrawing.of(recommended(file, temperature=1.0)))
    assert other is None
    assert "temperature 0.5, not 1" in why


@pytest.mark.parametrize(
    "family",
    ["Qwen-Qwen3-0.6B", "HuggingFaceTB-SmolLM3-3B", "google-gemma-2-2b-it", "Qwen-QwQ-32B", "openai-gpt-oss-120b"],
)
@pytest.mark.parametrize(
    "speaker",
    [
        {"instruction": "{question}"},
        {"instruction": 'Be "brief".\n\n{question} Well?', "template_arguments": {}},
    ],
)
def test_a_chat_models_template_asks_as_the_training_did(
    family: str, speaker: dict[str, Any], llama_cpp_models: Path
) -> None:
    own = (llama_cpp_models / "templates" / f"{family}.jinja").read_text()
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    form = PromptForm("chat", None, speaker["instruction"], speaker.get("template_arguments", {}))
    variables, added = answer_at_once(own, form.arguments or {})
    trained = Rendering(own, family, tokens).render(turns(form, QUESTION), variables) + added
    written = chat_template({"format": "chat", **speaker}, own)
    exported = Rendering(written, family, tokens)
    assert exported.render([ChatTurn("user", QUESTION)]) == trained
    again = [ChatTurn("user", QUESTION), ChatTurn("assistant", "Scott."), ChatTurn("user", "Sure?")]
    shown = exported.render(again)
    assert shown.count(speaker["instruction"].partition("{question}")[0] or "Scott.") >= 1
    assert shown.index("Scott.") < shown.index("Sure?")
    habit = habit_of(written)
    if habit is not None and habit.on is not None:  # the chat can still have it think
        assert exported.render([ChatTurn("user", QUESTION)], habit.on) != trained
    if habit is not None:
        assert settled(None, habit) == "off"  # so the calibrator's answers and the chat's are drawn in one way


def test_a_chat_model_that_is_asked_as_the_chat_asks_keeps_its_template() -> None:
    own = "{{ messages[0]['content'] }}\n"
    assert chat_template({"format": "chat", "instruction": "{question}"}, own) == own
