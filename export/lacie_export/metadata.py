"""What an exported GGUF says of itself: `general.*` as llama.cpp and the Hub read it, `lacie.*` as our chat does.

`lacie.*` are scalars, or JSON as text: `Llama.metadata` skips lists. The keys:

    lacie.version            1
    lacie.method             LACIE, or truthful-only (the baseline that ignores the listener); of a listener's adapter,
                             its task
    lacie.paper              arXiv:2405.21028
    lacie.recipe             name of the recipe
    lacie.recipe_digest      identity of the run's settings
    lacie.listener           model that listened in training
    lacie.listener.task      of a listener's adapter: listener (it hears) or extraction (it finds the answer)
    lacie.listener.form      of a listener's adapter: version of the form in which it reads
    lacie.assessment_version  version of extraction, listener and sampler in which the figures were measured
    lacie.accept_threshold   acceptance from which an answer counts as accepted
    lacie.calibrator         JSON of the calibrator: an answer's signals to P(right), with its n
    lacie.evaluation         JSON: test set -> adapter, baseline -> figures with their n, P(right)'s in p_right
    lacie.evaluation.*       n, accuracy, auroc, ece (of acceptance), abstention_rate of the adapter, first test set
    lacie.stop               JSON: texts at which an answer ends, besides the model's own ends (see asking.py)
    lacie.adapter_digest     SHA-256 of the PEFT adapter's weights
"""

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lacie_export.bases import Base
from lacie_export.gguf_layout import Value
from lacie_export.peft_adapter import Adapter
from lacie_export.run_facts import RunFacts

PAPER = "arXiv:2405.21028"
PAPER_URL = "https://arxiv.org/abs/2405.21028"
TAGS = ("lacie", "calibration", "confidence", "dpo", "text-generation")
_HUB = "https://huggingface.co"  # where `general.base_model.*.repo_url` points by convention, whatever HF_ENDPOINT is
_KEPT = (
    "general.architecture",
    "general.type",
    "general.file_type",
    "general.quantization_version",
    "general.alignment",
)
_KEPT_PREFIXES = ("general.sampling.", "general.size_label")
_LOCAL = re.compile(
    r"(?:^|[\s\"'=:(\[])(?:~/|file://|/(?:home|root|Users|tmp|var|mnt|data|opt|work|private)/|[A-Za-z]:\\)"
)


def keys_for(base: Base, adapter: Adapter, facts: RunFacts, name: str) -> dict[str, Value]:
    """All keys that an export writes into a file with the display name `name`."""
    keys: dict[str, Value] = {
        **base_keys(base),
        "general.name": name,
        "general.basename": base.name,
        "general.finetune": facts.method,
        "general.tags": list(TAGS),
        "general.base_model.count": 1,
        "general.base_model.0.name": base.name,
    }
    if base.repo:
        keys["general.base_model.0.organization"] = base.repo.split("/")[0]
        keys["general.base_model.0.repo_url"] = f"{_HUB}/{base.repo}"
    if facts.datasets:
        keys["general.dataset.count"] = len(facts.datasets)
        for index, dataset in enumerate(facts.datasets):
            keys[f"general.dataset.{index}.name"] = dataset.split("/")[1]
            keys[f"general.dataset.{index}.organization"] = dataset.split("/")[0]
            keys[f"general.dataset.{index}.repo_url"] = f"{_HUB}/datasets/{dataset}"
    keys |= {
        "lacie.version": 1,
        "lacie.method": facts.method,
        "lacie.paper": PAPER,
        "lacie.adapter_digest": adapter.digest,
    }
    known: dict[str, Value | None] = {
        "lacie.recipe": facts.recipe.get("name"),
        "lacie.recipe_digest": facts.digest,
        "lacie.listener": facts.listener,
        "lacie.assessment_version": facts.assessment_version,
        "lacie.accept_threshold": facts.accept_threshold,
        "lacie.calibrator": json.dumps(facts.calibrator.to_dict()) if facts.calibrator else None,
    }
    keys |= {key: value for key, value in known.items() if value is not None}
    if facts.reads_as is not None:
        keys |= {"lacie.listener.task": facts.reads_as.task, "lacie.listener.form": facts.reads_as.form}
    return keys | _evaluation(facts)


def base_keys(base: Base) -> dict[str, Value]:
    """What holds for the unchanged base and for all that is made of it: name, languages, licence."""
    keys: dict[str, Value] = {"general.name": base.name, **base.licence.gguf_keys()}
    if base.languages:
        keys["general.languages"] = list(base.languages)
    return keys


def _evaluation(facts: RunFacts) -> dict[str, Value]:
    if not facts.figures:
        return {}
    keys: dict[str, Value] = {"lacie.evaluation": json.dumps(facts.figures)}
    first = next(iter(facts.figures.values())).get("adapter", {})
    for key in ("n", "accuracy", "auroc", "ece", "abstention_rate"):
        if first.get(key) is not None:
            keys[f"lacie.evaluation.{key}"] = int(first[key]) if key == "n" else float(first[key])
    return keys


def guessed(key: str) -> bool:
    """Whether a key is one of those that the converter guesses (from names of folders, among others)."""
    return key.startswith("general.") and key not in _KEPT and not key.startswith(_KEPT_PREFIXES)


def leaked_path(metadata: Mapping[str, object]) -> str | None:
    """The first key of `general.*` and `lacie.*` that holds a path of this machine, with its value; None where none
    does."""
    roots = {str(path) for path in (Path.home(), Path.cwd(), Path(tempfile.gettempdir())) if len(path.parts) > 1}
    for key, value in metadata.items():
        if not key.startswith(("general.", "lacie.")) or not isinstance(value, str):
            continue
        if _LOCAL.search(value) or any(root in value for root in roots):
            return f"{key} = {value[:80]}"
    return None
