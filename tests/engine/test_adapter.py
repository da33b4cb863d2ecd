"""An adapter changes the speaker and nobody else; one that doesn't fit is refused."""

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from answers import GREEDY, QUESTION, ask

from lacie_chat.engine import Engine, EngineError, EngineSettings

CHOICES = [[" yes"], [" no"]]


def write_adapter(path: Path, *, architecture: str = "llama", width: int = 576, kind: str = "adapter") -> Path:
    """A random LoRA of rank 4 on the first two layers' query weights, strong enough to be noticed."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(kind)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for layer in range(2):
        name = f"blk.{layer}.attn_q.weight"
        writer.add_tensor(f"{name}.lora_a", random.normal(0, 0.3, (4, width)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", random.normal(0, 0.3, (width, 4)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def adapted(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = write_adapter(tmp_path_factory.mktemp("adapter") / "random-LoRA.gguf")
    engine = Engine(EngineSettings(embedded_model, adapter_path=path, n_ctx=1024))
    assert engine.load().adapter == str(path)
    yield engine
    engine.close()


def test_only_the_speaker_changes(by_itself: Engine, adapted: Engine) -> None:
    without = ask(by_itself).text
    assert ask(adapted).text != without
    assert ask(adapted, baseline=True).text == without
    read = ("Is it wet?\n", ["It rains. Wet:", "It is dry. Wet:"], CHOICES)
    for patient in (False, True):
        alone, beside = (each.reader("hearing", patient=patient) for each in (by_itself, adapted))
        assert beside.choice_probabilities(*read) == alone.choice_probabilities(*read)


def test_with_and_without_alternate_without_stale_caches(adapted: Engine) -> None:
    first = {baseline: ask(adapted, baseline=baseline).text for baseline in (False, True)}
    for baseline in (False, True, True, False):
        assert ask(adapted, baseline=baseline).text == first[baseline]
    # and token by token in turn
    from lacie_chat.engine import ChatTurn, Delta

    turns = [ChatTurn("user", QUESTION)]
    texts = dict.fromkeys(first, "")
    answers = {baseline: adapted.generate(turns, GREEDY, baseline=baseline) for baseline in first}
    while answers:
        for baseline, events in list(answers.items()):
            event = next(events, None)
            if event is None:
                del answers[baseline]
            elif isinstance(event, Delta):
                texts[baseline] += event.text
    assert texts == first


def test_without_an_adapter_the_two_are_one_context(engine: Engine) -> None:
    assert ask(engine, baseline=True).text == ask(engine).text
    assert len(engine._contexts) == 1


def test_adapters_that_do_not_fit_are_refused_in_one_line(embedded_model: Path, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("not an adapter")
    whole = write_adapter(tmp_path / "whole.gguf").read_bytes()
    (tmp_path / "short.gguf").write_bytes(whole[: len(whole) // 2])
    cases = {
        write_adapter(tmp_path / "other.gguf", architecture="gemma3"): "architecture gemma3",
        write_adapter(tmp_path / "narrow.gguf", width=64): "doesn't fit",
        tmp_path / "text.gguf": "not a GGUF",
        tmp_path / "short.gguf": "doesn't fit",
        tmp_path / "none.gguf": "no adapter file",
        embedded_model: "not an adapter",
    }
    for path, reason in cases.items():
        engine = Engine(EngineSettings(embedded_model, adapter_path=path, n_ctx=256))
        with pytest.raises(EngineError, match=reason) as caught:
            engine.load()
        print(caught.value)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
        engine.close()


def test_adapter_given_as_model_is_refused(tmp_path: Path) -> None:
    path = write_adapter(tmp_path / "adapter.gguf")
    with pytest.raises(EngineError, match="is an adapter, not a model"):
        Engine(EngineSettings(path)).load()
