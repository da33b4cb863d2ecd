"""Our side of vLLM (see `vllm_stand_in`): what is asked of it, of how many engines, and with which adapter."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lacie_training import evaluate, sample
from lacie_training.generators import Generator, load_generator
from lacie_training.generators.transformers import TransformersGenerator
from lacie_training.questions.splits import load_questions
from lacie_training.recipes.models import ModelSettings
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RunFolder, read_rows, write_rows
from packaging.requirements import Requirement
from tiny_adapters import write_adapter
from tiny_recipes import small
from vllm_stand_in import LLM, NAMES, install

from lacie_chat.engine.generator import Response
from lacie_chat.engine.settings import Sampling

ROOT = Path(__file__).parents[2]
VLLM = ("speaker.generator=vllm", "listener.generator=vllm", "dpo.select=after", "listener.context=512")
PROMPTS = ["The capital of Norway is", "Who wrote Emma? It was", "A spider has"]
DRAW = Sampling(temperature=0.8, top_p=1.0, top_k=0, repeat_penalty=1.0, max_tokens=10)
SEEDS = [[1, 2], [3], [4, 5, 6]]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[LLM]:
    return install(monkeypatch).started


@pytest.fixture(scope="module")
def adapter(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_adapter(tmp_path_factory.mktemp("adapter"), tiny("mistral"), seed=3)


def both(model: Path, adapter: Path | None) -> tuple[Generator, TransformersGenerator]:
    settings = ModelSettings(model=str(model), dtype="float32", device="cpu", batch_size=8, context=128)
    ours = load_generator(settings.model_copy(update={"generator": "vllm"}), adapter=adapter)
    return ours, TransformersGenerator.load(settings, adapter=adapter)


def said(responses: list[list[Response]]) -> list[list[Response]]:
    """Without the tokens' probabilities, which vLLM isn't asked for."""
    return [[replace(each, probabilities=()) for each in of] for of in responses]


@pytest.mark.parametrize("with_adapter", [False, True])
def test_it_says_and_reads_what_transformers_does(
    with_adapter: bool, tiny: Callable[[str], Path], adapter: Path, engines: list[LLM]
) -> None:
    ours, theirs = both(tiny("mistral"), adapter if with_adapter else None)
    plain = said(theirs.respond(PROMPTS, DRAW, SEEDS))
    assert ours.respond(PROMPTS, DRAW, SEEDS) == plain
    for stop in (["\n"], [plain[0][0].text[:2]], [plain[2][1].text[3:5]]):
        assert ours.respond(PROMPTS, DRAW, SEEDS, stop=stop) == said(theirs.respond(PROMPTS, DRAW, SEEDS, stop=stop))
    choices = ((" yes", " Yes"), (" no",), (" yes no",))
    left, right = (each.reader.choice_probabilities("Say: ", PROMPTS, choices) for each in (ours, theirs))
    for one, other in zip(left, right, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    spoken = [each.reader.complete("Say: ", PROMPTS, max_tokens=6, stop=["\n"]) for each in (ours, theirs)]
    assert spoken[0] == spoken[1]
    [engine] = engines
    read = 2 * len(PROMPTS)
    assert engine.requests[-read:] == [None] * read, "the listener never has the adapter"
    assert engine.max_lora_rank == (8 if with_adapter else None)


def test_a_stop_string_that_an_answer_begins_with_doesnt_end_it(
    tiny: Callable[[str], Path], engines: list[LLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A base model often begins with a line break; transformers and vLLM go on behind it alike."""
    ours, theirs = both(tiny("mistral"), None)
    from lacie_training.generators.drawing import Rows

    real = Rows._decoded
    monkeypatch.setattr(Rows, "_decoded", lambda self, tokens: "\n" + real(self, tokens))
    spoken = said(theirs.respond(PROMPTS, DRAW, SEEDS, stop=["\n"]))
    assert ours.respond(PROMPTS, DRAW, SEEDS, stop=["\n"]) == spoken
    assert all(response.text for each in spoken for response in each)
    assert engines[0].calls == [6, 6], "those that ended before they began are drawn once more, with their seeds"


def folder_of(tmp_path: Path, model: Path, *settings: str) -> RunFolder:
    return RunFolder.open(tmp_path, small("mistral-7b", model, *VLLM, *settings))


def answer(folder: RunFolder, adapter: Path) -> None:
    tests = load_questions(folder.path, folder.recipe).test
    asked = [evaluate.Asked(name, questions, folder.path / name, "") for name, questions in tests.items()]
    evaluate._answer_with_both(folder, asked, adapter)


def test_one_engine_measures_where_the_weights_are_the_same(
    tmp_path: Path, tiny: Callable[[str], Path], adapter: Path, engines: list[LLM]
) -> None:
    answer(folder_of(tmp_path, tiny("mistral")), adapter)
    [engine] = engines
    assert (engine.gpu_memory_utilization, engine.enable_lora, engine.max_loras) == (0.9, True, 1)
    assert engine.max_model_len == 512, "the longer one's of speaker and listener"
    sides = [read_rows(tmp_path / "sample" / side / "answers.jsonl") for side in ("baseline", "adapter")]
    assert [len(rows) for rows in sides] == [3, 3]
    assert [row["response"] for row in sides[0]] != [row["response"] for row in sides[1]]
    assert set(engine.requests) == {None, adapter}
    spoken = [request for request in engine.requests if request is not None]
    assert len(spoken) in range(3, 7), "three answers (some drawn again), and nothing that was read"


def test_two_models_are_two_engines_whose_memory_adds_up(
    tmp_path: Path, tiny: Callable[[str], Path], adapter: Path, engines: list[LLM]
) -> None:
    answer(folder_of(tmp_path, tiny("mistral"), f"listener.model={tiny('llama')}"), adapter)
    assert len(engines) == 2
    assert sum(engine.gpu_memory_utilization for engine in engines) <= 0.95
    assert [engine.enable_lora for engine in engines].count(True) == 1


def test_a_chunk_is_one_call_whatever_the_batch(
    tmp_path: Path, tiny: Callable[[str], Path], engines: list[LLM]
) -> None:
    chunk = ("speaker.chunk=18", "listener.chunk=18", "speaker.batch_size=auto", "listener.batch_size=auto")
    folder = folder_of(tmp_path, tiny("mistral"), *chunk)
    sample.run(folder)
    assert len(read_rows(tmp_path / "samples.jsonl")) == 18
    [engine] = engines
    assert engine.calls[0] == 18, "six questions, three samples of each"
    assert engine.max_num_seqs is None, "vLLM's own, by the memory that is there"


def test_a_second_rounds_screening_and_samples_are_one_engine(
    tmp_path: Path, tiny: Callable[[str], Path], adapter: Path, engines: list[LLM]
) -> None:
    screened = "questions.train={source: sample, count: 6, screen: {known: 1, unknown: 4}}"
    lora = "dpo.lora={r: 5, alpha: 10, targets: [q_proj, v_proj]}"
    folder = folder_of(tmp_path, tiny("mistral"), screened, lora, f"start={adapter}")
    questions = load_questions(tmp_path, folder.recipe).train
    rows = [{"id": each.id, "response": "", "known": each is questions[0]} for each in questions[:-1]]
    write_rows(tmp_path / "questions" / "screened-train.jsonl", rows)
    sample.run(folder)
    [engine] = engines
    assert {None, adapter} == set(engine.requests), "questions are screened by the model as it is"


def test_more_gpus_than_a_machine_has_are_rays(tiny: Callable[[str], Path], engines: list[LLM]) -> None:
    """vLLM refuses a tensor parallel size over the machine's GPUs unless it is told of Ray (config/parallel.py)."""
    for size in (1, 2):
        settings = ModelSettings(model=str(tiny("mistral")), generator="vllm", dtype="float32", tensor_parallel=size)
        load_generator(settings)
    assert [engine.distributed_executor_backend for engine in engines] == [None, "ray"]


def test_what_goes_together_is_in_both_ranges() -> None:
    """The versions of `.constraints-vllm.txt` are ones that pyproject allows, and that vLLM itself asks for."""
    lines = (ROOT / ".constraints-vllm.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert pins["vllm"] == NAMES["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["embedded"], *extras["train"], *extras["vllm"], *NAMES["requires"]]
    checked = 0
    for line in wanted:
        requirement = Requirement(line)
        name = requirement.name.replace("_", "-").lower()
        if name in pins:
            checked += 1
            assert requirement.specifier.contains(pins[name]), f"{line}, pinned to {pins[name]}"
    assert {"torch", "transformers", "vllm", "huggingface-hub", "trl", "peft"} <= pins.keys()
    assert checked > len(pins), "most are asked for by both"


def test_recipes_of_the_paper_run_in_vllm_as_their_readme_says() -> None:
    """What the README of the recipes says to set for bf16 in vLLM is accepted, and is the same run at every start."""
    from lacie_training.recipes.files import RECIPES, load_recipe

    text = (RECIPES / "README.md").read_text()
    block = text[text.index("```sh vllm") :].split("```")[1].replace("\\\n", " ")
    lines = [line for line in block.splitlines() if line.startswith("lacie train run")]
    assert len(lines) >= 3
    for line in lines:
        words = line.split()
        settings = [words[place + 1].strip("'") for place, word in enumerate(words) if word == "--set"]
        recipe: Recipe = load_recipe(words[words.index("--recipe") + 1], settings)
        assert recipe.speaker.generator == "vllm" and recipe.speaker.quantize == "none"
        assert recipe.dpo.select == "after" or recipe.listener.generator != "vllm"
        assert recipe.speaker.chunk is not None and recipe.speaker.chunk >= 1000
