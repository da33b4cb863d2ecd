"""How 70 families' templates have their models think, and what llama.cpp says is thought and what is answer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from llama_cpp_cases import cases
from vocabularies import vocabulary

from lacie_chat.engine import ChatTurn, ReasoningChoice
from lacie_chat.engine.draft import Thinker
from lacie_chat.engine.model import Model
from lacie_chat.engine.reasoning import Habit, _Probe, habit_of, habit_of_file, habit_of_tags, settled
from lacie_chat.engine.splitting import Splitter
from lacie_chat.engine.template import ChatTemplate

OPENED = (
    *("Apriel-1.6-15b-Thinker-fixed", "Cohere2MoE", "GLM-4.7-Flash", "Kimi-K3", "MiniMax-M2", "Qwen3.5-4B"),
    *("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "NVIDIA-Nemotron-Nano-v2", "Spark2.5", "StepFun3.5-Flash"),
    *("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "inclusionai-ling-3.0-flash", "llama-cpp-deepseek-r1"),
    "poolside-Laguna-S-2.1",
)
"""The template itself begins the thought."""
QUIET = (
    *("Apertus-8B-Instruct", "Bielik-11B-v3.0-Instruct", "CohereForAI-c4ai-command-r7b-12-2024-tool_use"),
    *("Qwen-QwQ-32B", "Reka-Edge", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek-ai-DeepSeek-V3.1"),
    *("deepseek-ai-DeepSeek-V3.2", "deepseek-ai-DeepSeek-V4", "deepseek-ai-DeepSeek-V4-Flash-0731"),
    *("google-gemma-4-31B-it", "google-gemma-4-31B-it-interleaved", "ibm-granite-granite-3.3-2B-Instruct"),
    *("poolside-Laguna-XS-2.1", "poolside-Laguna-XS.2", "tencent-Hy3"),
)
"""It doesn't have its model think unless it is told to."""
LEFT = (
    *("ByteDance-Seed-OSS", "GLM-4.6", "HuggingFaceTB-SmolLM3-3B", "Kimi-K2-Thinking", "LFM2.5-8B-A1B"),
    *("LFM2.5-Instruct", "MiniMax-M3", "Qwen-Qwen3-0.6B", "llama-cpp-rwkv-world", "muse-glimmer"),
    *("mistralai-Ministral-3-14B-Reasoning-2512", "openai-gpt-oss-120b", "openbmb-MiniCPM5-1B"),
    *("unsloth-Apriel-1.5", "upstage-Solar-Open-100B"),
)
"""It leaves the thought to its model."""
NO_SWITCH = (
    *("Apriel-1.6-15b-Thinker-fixed", "Kimi-K2-Thinking", "LFM2.5-8B-A1B", "LFM2.5-Instruct", "MiniMax-M2"),
    *("NVIDIA-Nemotron-Nano-v2", "StepFun3.5-Flash", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B"),
    *("llama-cpp-deepseek-r1", "mistralai-Ministral-3-14B-Reasoning-2512", "muse-glimmer", "openai-gpt-oss-120b"),
    "unsloth-Apriel-1.5",
)
CHOICES: tuple[ReasoningChoice, ...] = (None, "on", "off", 100)
TAGGED = (
    "Write <think>x</think> first.\n[THINK]y[/THINK] <|channel>thought z<channel|> and <|START_THINKING|>q"
    "<|END_THINKING|> <|channel|>analysis<|message|>w<|end|>, so."
)


@pytest.fixture(scope="module")
def sources(llama_cpp_models: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in (llama_cpp_models / "templates").glob("*.jinja")}


@pytest.fixture(scope="module")
def habits(sources: dict[str, str]) -> dict[str, Habit]:
    return {name: habit for name, source in sources.items() if (habit := habit_of(source)) is not None}


@pytest.fixture(scope="module")
def words(llama_cpp_models: Path) -> Iterator[Model]:
    """A vocabulary to render with."""
    model = vocabulary(llama_cpp_models / "ggml-vocab-qwen35.gguf")
    yield model
    model.free()


def test_every_template_that_thinks_is_known_for_what_it_does(habits: dict[str, Habit]) -> None:
    assert set(habits) == {*OPENED, *QUIET, *LEFT}
    assert {name for name, habit in habits.items() if habit.default == "opens"} == set(OPENED)
    assert {name for name, habit in habits.items() if habit.quiet} == set(QUIET)
    assert {name for name, habit in habits.items() if habit.off is None} == set(NO_SWITCH)


def test_the_switch_is_the_templates_own_and_works_or_the_block_is_closed(
    sources: dict[str, str], habits: dict[str, Habit]
) -> None:
    for name, habit in habits.items():
        probe = _Probe(sources[name])
        for choice in CHOICES:
            opening = probe.opening(**habit.variables(choice))
            assert opening is not None, (name, choice)
            split = Splitter(habit.form, opening + habit.added(choice, opening))
            if choice == "off":
                assert not split.thinking, (name, opening)
                if habit.off is None:
                    assert split.feed("Paris.") == ("", "Paris."), (name, opening)
            elif choice is not None and habit.on is None:
                assert split.thinking, (name, opening)
                assert split.feed("Hm. " + habit.form.closing + "Paris.")[0] == "Hm.", name


def test_what_was_said_before_is_sent_whole_and_nothing_of_what_was_thought(
    sources: dict[str, str], words: Model
) -> None:
    turns = [
        ChatTurn("user", "One?"),
        ChatTurn("assistant", TAGGED),
        ChatTurn("user", "Two? <think>u</think>"),
        ChatTurn("assistant", "Plain."),
        ChatTurn("user", "Three?"),
    ]
    for name, source in sources.items():
        thinker = Thinker(words, ChatTemplate(words, source))
        for choice in CHOICES:
            opened = thinker.opened(turns, choice)
            tokens = opened.template.tokens(turns)
            text = b"".join(words.piece(token, special=True) for token in tokens).decode()
            assert TAGGED in text and "Two? <think>u</think>" in text, (name, choice)
            assert text.endswith(opened.opening[-20:]), (name, choice)


def test_llama_cpps_own_cases_come_out_the_same(sources: dict[str, str], llama_cpp_tests: Path) -> None:
    """Apriel's opening sentence is the template's, so it is no part of the thought here; a text that ends with the
    mark of a turn's end is the engine's to cut."""
    seen = 0
    for case in cases(llama_cpp_tests / "test-chat.cpp"):
        habit = habit_of(sources[case.template])
        if habit is None:
            continue
        opening = _Probe(sources[case.template]).opening(enable_thinking=case.thinking) or ""
        written = re.sub(r"<\|(role_end|eot)\|>$", "", case.written)
        for pieces in ([written], list(written)):
            split = Splitter(habit.form, opening)
            parts = [*map(split.feed, pieces), split.end()]
            thought, answer = ("".join(part[index] for part in parts).strip() for index in (0, 1))
            expected = case.thought.strip().removeprefix("Here are my reasoning steps:\n")
            assert (thought, answer) == (expected, case.answer.strip()), str(case)
        seen += 1
    assert seen > 60


def test_an_older_kind_of_model_is_known_by_its_vocabulary(llama_cpp_models: Path, embedded_model: Path) -> None:
    assert habit_of_file(embedded_model) is None
    thinking = llama_cpp_models / "ggml-vocab-qwen35.gguf"
    assert habit_of_file(thinking) == Thinker(vocabulary(thinking), ChatTemplate(vocabulary(thinking))).habit


def test_what_comes_to_the_same_is_kept_as_the_same(habits: dict[str, Habit]) -> None:
    assert settled("on", None) is settled("off", None) is settled(300, None) is None
    assert [settled(each, habits["Qwen3.5-4B"]) for each in CHOICES] == ["on", "on", "off", 100]
    assert [settled(each, habits["deepseek-ai-DeepSeek-V3.1"]) for each in CHOICES] == ["off", "on", "off", 100]
    assert [settled(each, habits["openai-gpt-oss-120b"]) for each in (*CHOICES, 0)] == [None, "on", "off", 100, "off"]
    assert settled(None, habit_of_tags("<think>", "</think>")) is None
