"""One copy of the weights for baseline, adapters and listener says what a copy of its own would say for each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lacie_training.errors import TrainingError
from lacie_training.generators import Generator, load_generator, load_listener
from lacie_training.generators.choosing import load_shared
from lacie_training.generators.sharing import Models
from lacie_training.generators.transformers import TransformersGenerator
from lacie_training.recipes.models import ModelSettings
from tiny_adapters import write_adapter
from tiny_recipes import small

from lacie_chat.engine.settings import Sampling

PROMPTS = ["The capital of Norway is", "Who wrote Emma? It was", "A spider has"]
SEEDS = [[1, 2], [3], [4, 5]]
DRAW = Sampling(temperature=0.8, top_p=1.0, top_k=0, repeat_penalty=1.0, max_tokens=8)
CHOICES = ((" yes",), (" no",))

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def adapters(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [write_adapter(tmp_path_factory.mktemp("adapter"), tiny("mistral"), seed=seed) for seed in (3, 4)]


def settings(model: Path, **more: int) -> ModelSettings:
    found = {"model": str(model), "dtype": "float32", "device": "cpu", "batch_size": 8, "context": 128, **more}
    return ModelSettings.model_validate(found)


def said(generator: Generator) -> list[list[str]]:
    return [[each.text for each in row] for row in generator.respond(PROMPTS, DRAW, SEEDS)]


def test_each_side_is_as_if_it_were_alone(tiny: Callable[[str], Path], adapters: list[Path]) -> None:
    own = settings(tiny("mistral"))
    alone = {each: said(load_generator(own, adapter=each)) for each in (None, *adapters)}
    assert len({str(texts) for texts in alone.values()}) == 3
    read = load_generator(own).reader.choice_probabilities("Say: ", PROMPTS, CHOICES)
    weights = load_shared(own, adapters)
    views = {each: weights.sharing(own, adapter=each) for each in alone}
    for each in (None, *adapters, None, *reversed(adapters)):
        assert said(views[each]) == alone[each]
        for row, expected in zip(views[each].reader.choice_probabilities("Say: ", PROMPTS, CHOICES), read, strict=True):
            assert row == pytest.approx(expected, rel=1e-5)


def test_a_view_has_its_own_batch_and_context(tiny: Callable[[str], Path]) -> None:
    weights = load_shared(settings(tiny("mistral")), [])
    view = weights.sharing(settings(tiny("mistral"), batch_size=2, context=64))
    assert isinstance(view, TransformersGenerator) and isinstance(weights, TransformersGenerator)
    assert (view.batch_size, view.context, weights.batch_size) == (2, 64, 8)
    assert view.model is weights.model


def test_copies_in_processes_of_their_own_share_as_well(tiny: Callable[[str], Path], adapters: list[Path]) -> None:
    one, two = (load_shared(settings(tiny("mistral"), data_parallel=copies), adapters) for copies in (1, 2))
    try:
        for each in (adapters[0], None, adapters[1]):
            own = settings(tiny("mistral"), data_parallel=2)
            assert said(two.sharing(own, adapter=each)) == said(one.sharing(own, adapter=each))
    finally:
        two.close()


def test_an_adapter_that_doesnt_fit_is_one_line(
    tiny: Callable[..., Path], adapters: list[Path], tmp_path: Path
) -> None:
    other = write_adapter(tmp_path, tiny("mistral", 64), seed=1)
    weights = load_shared(settings(tiny("mistral")), [])
    for _ in range(2):
        with pytest.raises(TrainingError, match="can't be loaded onto") as error:
            weights.sharing(settings(tiny("mistral")), adapter=other)
        assert "\n" not in str(error.value)
        assert said(weights.sharing(settings(tiny("mistral")), adapter=adapters[0]))


def test_a_listener_of_the_same_weights_is_no_second_copy(
    tiny: Callable[..., Path], adapters: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    load = TransformersGenerator.load

    def counted(*args: object, **options: object) -> TransformersGenerator:
        loads.append(args)
        return load(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(TransformersGenerator, "load", counted)
    same = small("mistral-7b", tiny("mistral"), "speaker.dtype=float32")
    texts = ["I am certain that it is [answer].", "Perhaps it is [answer]."]
    with Models(same, adapters) as models:
        said(models.speaker(adapters[0]))
        heard = models.listener.acceptances(texts)
        said(models.speaker(None))
    assert len(loads) == 1
    listener, loaded = load_listener(same)
    assert heard == pytest.approx(listener.acceptances(texts), rel=1e-5)
    loaded.close()
    with Models(small("mistral-7b", tiny("mistral"), f"listener.model={tiny('mistral', 64)}"), adapters) as models:
        said(models.speaker(None))
        assert models.listener.acceptances(texts) != pytest.approx(heard, rel=1e-5)
    assert len(loads) == 2 + 2
