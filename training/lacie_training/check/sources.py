"""Everything a run reads: models and data sets on the Hub, files, folders; asked for before anything large is fetched.

The Hub is asked as `lacie models pull` asks it: what is in the repository, and whether this account may have a file of
it. So a gated model, a private one and a name that doesn't exist are one line each.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import NoJSON, read_json
from lacie_chat.models import ModelError, hub_http, look_up, resolve
from lacie_chat.sizes import size_text
from lacie_training.check.findings import Findings
from lacie_training.errors import TrainingError
from lacie_training.evaluation import truthfulqa
from lacie_training.evaluation.other_listeners import LEXICON
from lacie_training.generators.loading import gguf_path
from lacie_training.learning.adapters import starting_weights
from lacie_training.questions.splits import data_set_name, make_splits, read_source
from lacie_training.recipes.models import TUNED, ModelSettings
from lacie_training.recipes.question_sets import QuestionSet
from lacie_training.recipes.schema import Recipe


def check_sources(recipe: Recipe, findings: Findings) -> int:
    """A line for each model and each set of questions; returns how many bytes of models are still to be fetched."""
    missing = 0
    for name, settings in _distinct({"speaker": recipe.speaker, "listener": recipe.listener}):
        with findings.attempt(name):
            fetch = _model_bytes(settings)
            missing += fetch
            findings.ok(name, f"{settings.model} is {f'{size_text(fetch)} to fetch' if fetch else 'here'}")
    for ref in recipe.evaluate.other_listeners:
        if ref not in (LEXICON, TUNED):
            with findings.attempt("evaluate.other_listeners"):
                offer = look_up(ref)
                missing += offer.missing_bytes if offer else 0
                findings.ok("evaluate.other_listeners", f"{ref} {'can be fetched' if offer else 'is here'}")
    if recipe.start is not None:
        with findings.attempt("start"):
            starting_weights(recipe)
            findings.ok("start", f"{recipe.start} fits dpo.lora")
    _check_questions(recipe, findings)
    _check_truthfulqa(recipe, findings)
    return missing


def _distinct(models: dict[str, ModelSettings]) -> Iterator[tuple[str, ModelSettings]]:
    seen: set[tuple[str, str | None]] = set()
    for name, settings in models.items():
        if (settings.model, settings.revision) not in seen:
            seen.add((settings.model, settings.revision))
            yield name, settings


def _model_bytes(settings: ModelSettings) -> int:
    """Bytes of a model that are still to be fetched. Raises LacieError where it can't be had."""
    if settings.model == TUNED:
        resolve("embedded")
        return 0
    if settings.generator == "llama_cpp":
        offer = look_up(settings.model)
        return offer.missing_bytes if offer else 0
    if gguf_path(settings.model) is not None:
        return 0
    if Path(settings.model).is_dir():
        if not (Path(settings.model) / "config.json").is_file():
            raise TrainingError(f"the folder {settings.model} holds no model: it has no config.json")
        return 0
    if settings.model.count("/") != 1:
        raise TrainingError(f"there is no model {settings.model!r}: no folder, no GGUF, no owner/repo on the Hub")
    return hub_bytes(settings.model, settings.revision)


def hub_bytes(name: str, revision: str | None = None) -> int:
    """Bytes of a Hub model's weights that this machine doesn't have. Raises ModelError: gated, private, none, no such
    revision, no network.
    """
    if _cached(name, revision):
        return 0
    hub_http.get_json(f"/api/models/{quote(name)}", name)  # for its error, where there is no such model
    commit = quote(revision or "main", safe="")
    try:
        listed = hub_http.get_json(f"/api/models/{quote(name)}/revision/{commit}?blobs=true", name)
    except ModelError as error:
        if revision is None:
            raise
        raise TrainingError(f"revision {revision}: {error}") from error
    entries = listed.get("siblings") if isinstance(listed, dict) else None
    sizes = {
        each["rfilename"]: each["size"] if isinstance(each.get("size"), int) else 0
        for each in (entries if isinstance(entries, list) else [])
        if isinstance(each, dict) and isinstance(each.get("rfilename"), str)
    }
    if "config.json" not in sizes:
        raise TrainingError(f"{name} has no config.json: it is no model for transformers or vLLM; name another one")
    hub_http.head(f"/{quote(name)}/resolve/{commit}/config.json", name)  # what is gated is listed all the same
    weights = [file for file in sizes if file.endswith(".safetensors")] or [
        file for file in sizes if file.endswith(".bin")
    ]
    return sum(sizes[file] for file in weights if _cached_file(name, file, revision) is None)


def _cached(name: str, revision: str | None) -> bool:
    """Whether configuration and all weights are in the Hub's cache."""
    if _cached_file(name, "config.json", revision) is None:
        return False
    if _cached_file(name, "model.safetensors", revision) is not None:
        return True
    index = _cached_file(name, "model.safetensors.index.json", revision)
    if index is None:
        return False
    try:
        shards = set(read_json(index)["weight_map"].values())
    except (OSError, NoJSON, KeyError, TypeError, AttributeError):
        return False  # broken: it is fetched anew
    return all(_cached_file(name, str(shard), revision) is not None for shard in shards)


def _cached_file(name: str, file: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, file, revision=revision)
    return Path(found) if isinstance(found, str) else None


def _check_questions(recipe: Recipe, findings: Findings) -> None:
    """The sets are cut where all their sources are here; else each source is asked for."""
    wanted = recipe.questions
    entries = [wanted.train, *wanted.more, wanted.validation, *wanted.test.values()]
    entries += [wanted.calibration] if wanted.calibration else []
    failures = len(findings.failures)
    far: set[str] = set()
    for entry in {(each.source, str(each.path)): each for each in entries}.values():
        with findings.attempt("questions"):
            if entry.source in ("file", "sample"):
                read_source(entry)
            elif not _data_set_is_here(entry):
                _ask_for_data_set(data_set_name(entry.source))
                far.add(data_set_name(entry.source))
    if len(findings.failures) > failures:
        return
    if far:
        findings.ok("questions", f"{', '.join(sorted(far))} can be fetched")
        return
    with findings.attempt("questions"):
        splits = make_splits(recipe)
        tests = ", ".join(f"{len(questions)} of {name}" for name, questions in splits.test.items())
        train = len(splits.train) + sum(map(len, splits.more))
        findings.ok("questions", f"{train} to train on, {len(splits.validation)} to validate, to test {tests}")


def _data_set_is_here(entry: QuestionSet) -> bool:
    from datasets import config

    folder = Path(config.HF_DATASETS_CACHE) / data_set_name(entry.source).replace("/", "___")
    return folder.is_dir()


def _ask_for_data_set(name: str) -> None:
    hub_http.get_json(f"/api/datasets/{quote(name)}", name)


def _check_truthfulqa(recipe: Recipe, findings: Findings) -> None:
    settings = recipe.evaluate.truthfulqa
    if settings.judges == "none":
        return
    with findings.attempt("evaluate.truthfulqa"):
        if settings.path is not None:
            truthfulqa.load(settings)
        elif not _data_set_is_here(QuestionSet(source="truthful_qa")):
            _ask_for_data_set(data_set_name("truthful_qa"))
        findings.ok("evaluate.truthfulqa", "its questions can be had")
    for judge in (settings.truth_judge, settings.info_judge) if settings.judges == "models" else ():
        try:
            fetch = hub_bytes(judge)
        except LacieError as error:
            findings.note("evaluate.truthfulqa", f"{error}; the similarity to the reference answers will stand in")
        else:
            findings.ok("evaluate.truthfulqa", f"{judge} {f'is {size_text(fetch)} to fetch' if fetch else 'is here'}")
