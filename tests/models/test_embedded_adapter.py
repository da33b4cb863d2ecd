"""The LACIE adapter that comes with the package: there, small, described, found by default, and doing its work."""

import json
import subprocess
from pathlib import Path
from statistics import mean

import pytest
from lacie_training.recipes.files import load_recipe
from terminal import LACIE

from lacie_chat.confidence import assess_many
from lacie_chat.engine import Engine, EngineSettings
from lacie_chat.engine.events import Delta
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.models import (
    ModelError,
    default_adapter,
    embedded_adapter_path,
    find_calibrator,
    inspect_gguf,
    resolve_adapter,
    tuned_listener,
)

KNOWN = (
    "What is the capital of France?",
    "What is the capital of Japan?",
    "What is the capital of Italy?",
    "What is the official language of Brazil?",
    "Who wrote Romeo and Juliet?",
    "Which planet is known as the Red Planet?",
    "What is the capital of Greece?",
    "In which year did the French Revolution begin?",
)
UNKNOWN = (
    "Who was the second mayor of Little Snoring?",
    "Which horse came ninth at the Dingwell fair of 1911?",
    "Who sang the theme of the 1974 film The Copper Orchard?",
    "What was the maiden name of the wife of the cyclist Jan Overmars?",
    "Which striker scored first in the 1958 Carrow cup final?",
    "In which village was the poet Ilse Grauvogel born?",
    "Who directed the 1983 television play The Tin Harbour?",
    "What was the name of the dog in the comic strip Penny and Pike?",
)


def test_it_is_small_and_says_where_it_comes_from() -> None:
    path = embedded_adapter_path()
    assert path is not None and path.stat().st_size < 12_000_000
    assert inspect_gguf(path).kind == "adapter"
    assert {"MODEL_CARD.md", "NOTICE", "figures.json"} <= {file.name for file in path.parent.iterdir()}
    figures = json.loads((path.parent / "figures.json").read_text(encoding="utf-8"))
    for name in ("triviaqa_dev", "nq_open_dev"):
        for side in ("baseline", "truthful_only", "lacie"):
            assert (
                figures["sets"][name][side]["n"] >= 300 and len(figures["sets"][name][side]["intervals"]["auroc"]) == 2
            )


def test_its_figures_and_its_card_are_of_today_s_recipe() -> None:
    digest = load_recipe("embedded").digest()
    path = embedded_adapter_path()
    assert path is not None
    assert json.loads((path.parent / "figures.json").read_text(encoding="utf-8"))["recipe_digest"] == digest
    assert f"digest `{digest}`" in (path.parent / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("baseline", [False, True])
def test_its_calibrator_is_for_today_s_listener_and_rises(embedded_model: Path, baseline: bool) -> None:
    calibrator = find_calibrator(embedded_model, None if baseline else embedded_adapter_path())
    assert calibrator is not None and calibrator.n >= 400 and "span_sum" in calibrator.signals
    for name in calibrator.forms[0].weights:
        said = [calibrator(_signals(**{name: value})) for value in _RISING[name in ("acceptance", "agreement")]]
        assert None not in said and said == sorted(said) and said[-1] > said[0], name


_RISING = ([-9.0, -4.0, -1.0, -0.1], [0.1, 0.4, 0.7, 0.95])


def _signals(**given: float) -> dict[str, float]:
    """Those of a middling answer, but for what is given."""
    return {"acceptance": 0.6, "span_sum": -2.0, "span_lowest": -1.0, "span_first": -0.5, "mean": -0.5, **given}


def test_it_goes_with_the_embedded_model_alone() -> None:
    assert default_adapter("embedded") == "embedded"
    assert default_adapter("/some/other.gguf") is None and default_adapter("owner/repo") is None
    assert resolve_adapter("embedded").path == embedded_adapter_path()


def test_an_installation_without_it_says_so(no_own_adapter: None) -> None:
    assert default_adapter("embedded") is None
    with pytest.raises(ModelError, match="adapter is missing"):
        resolve_adapter("embedded")


def test_ask_uses_it_unless_told_otherwise() -> None:
    words = [LACIE, "ask", KNOWN[0], "--json", "--max-tokens", "24"]
    with_it = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert (with_it["model"], with_it["adapter"]) == ("embedded", "embedded")
    assert with_it["confidence"] == {"value": with_it["p_right"], "kind": "calibrated"}
    without = json.loads(subprocess.run([*words, "--baseline"], capture_output=True, check=True).stdout)
    assert (without["adapter"], without["confidence"]["kind"]) == (None, "calibrated"), "the baseline has its own"
    assert without["p_right"] != with_it["p_right"]


def test_it_sounds_surer_of_what_it_knows(embedded_model: Path) -> None:
    """Not its quality, which the model card tells with its intervals; only that the file does what it is for."""
    engine = Engine(EngineSettings(embedded_model, embedded_adapter_path(), n_ctx=1024, listener=tuned_listener()))
    engine.load()
    try:
        gaps = {}
        for baseline in (True, False):
            heard = []
            for questions in (KNOWN, UNKNOWN):
                items = [(question, _answer(engine, question, baseline)) for question in questions]
                assessments = assess_many(items, listener=engine.listener)
                heard.append(mean(each.acceptance or 0.0 for each in assessments))
            gaps[baseline] = heard[0] - heard[1]
    finally:
        engine.close()
    assert gaps[False] > gaps[True] + 0.1, gaps


def _answer(engine: Engine, question: str, baseline: bool) -> str:
    sampling = Sampling(temperature=0.0, max_tokens=40, seed=0)
    events = engine.generate([ChatTurn("user", question)], sampling, baseline=baseline)
    return "".join(event.text for event in events if isinstance(event, Delta))
