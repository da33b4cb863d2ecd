"""The model card (README.md for the Hub): what it is, what it was made of, what was measured, how to run it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lacie_chat.sizes import size_text
from lacie_export.bases import Base
from lacie_export.files import write_whole
from lacie_export.metadata import PAPER, PAPER_URL, TAGS
from lacie_export.peft_adapter import Adapter
from lacie_export.run_facts import RunFacts
from lacie_export.verify import Verification

_ABOUT = {
    "LACIE": (
        "trained with LACIE so that the wording of its answers shows how sure it can be: a simulated listener accepts "
        "or rejects an answer from its phrasing alone, and the model is taught, by preference optimisation, to be "
        "accepted when it is right and doubted when it is wrong."
    ),
    "truthful-only": (
        "the baseline of LACIE: trained by preference optimisation to prefer right answers over wrong ones, whatever "
        "they sound like to a listener."
    ),
}
_FIGURES = (
    *(("n", "n"), ("accuracy", "accuracy"), ("auroc", "AUROC of acceptance"), ("ece", "ECE of acceptance")),
    *(("precision", "precision"), ("recall", "recall"), ("f1", "F1"), ("abstention_rate", "abstention")),
)
_OF_P_RIGHT = (("auroc", "AUROC of P(right)"), ("ece", "ECE of P(right)"))


def write_card(
    base: Base,
    adapter: Adapter,
    facts: RunFacts,
    out: Path,
    files: Sequence[Path],
    results: Sequence[Verification],
    *,
    repo: str | None,
) -> Path:
    """Write OUT/README.md, whole; returns its path."""
    title = f"{base.name} {facts.method}"
    parts = [
        _front_matter(base, facts),
        f"# {title}\n\n{_base_link(base)}, {_ABOUT[facts.method]}\n",
        "These are GGUF files for llama.cpp, and for the terminal chat lacie-chat, which shows under each answer how "
        "sure it sounds (acceptance) and, where a calibrator is known, how likely it is right (P(right)).\n",
        _files(files, results),
        _running(base, files, repo),
        _recipe(adapter, facts),
        _metrics(facts),
        _limits(),
    ]
    path = out / "README.md"
    write_whole(path, "\n".join(part for part in parts if part))
    return path


def _front_matter(base: Base, facts: RunFacts) -> str:
    import yaml

    front: dict[str, Any] = {**base.licence.card(), "library_name": "gguf", "pipeline_tag": "text-generation"}
    if base.languages:
        front["language"] = list(base.languages)
    if base.repo:
        front |= {"base_model": base.repo, "base_model_relation": "finetune"}
    if facts.datasets:
        front["datasets"] = list(facts.datasets)
    front["tags"] = [tag for tag in TAGS if tag != "text-generation"] + ["llama.cpp", PAPER.replace("arXiv", "arxiv")]
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n"


def _base_link(base: Base) -> str:
    name = f"[{base.name}](https://huggingface.co/{base.repo})" if base.repo else base.name
    licence = base.licence.name or base.licence.identifier
    return (
        f"{name} (licence: {licence}, which holds for these files too)" if licence else f"{name} (of unknown licence)"
    )


def _files(files: Sequence[Path], results: Sequence[Verification]) -> str:
    checked = {result.file: result for result in results}
    lines = [
        "## Files\n",
        "| file | size | best token agrees | mean KL | largest difference |",
        "|---|---|---|---|---|",
    ]
    for file in files:
        result = checked.get(file)
        figures = "not verified | | "
        if result:
            close = result.closeness
            figures = f"{close.agreed} of {close.positions} | {close.kl:.1e} | {close.largest:.2f}"
        lines.append(f"| `{file.name}` | {size_text(file.stat().st_size)} | {figures} |")
    if results:
        lines.append(
            "\nAgainst the trained model in transformers, over all positions of twenty fixed prompts (KL in nats, "
            "differences of logits). The whole table of each file is in its `.verify.md`; token ids were equal "
            "on all of a set of hostile texts."
        )
    return "\n".join(lines) + "\n"


def _running(base: Base, files: Sequence[Path], repo: str | None) -> str:
    models = [file.name for file in files if not file.stem.endswith("-LoRA")]
    loras = [file.name for file in files if file.stem.endswith("-LoRA")]
    lines = ["## How to run it\n", "```sh", "pip install lacie-chat"]
    for name in models[:1]:
        ref = f"{repo}:{Path(name).stem.rpartition('-')[2]}" if repo else name
        lines += [f"lacie --model {ref}", f"llama-cli -m {name} -cnv"]
    for name in loras[:1]:
        under = "embedded" if base.ref.ref == "embedded" else f"{base.name}.gguf"
        lines += [
            "# the adapter alone, over the unchanged base: both can then be compared from one copy of the weights"
        ]
        lines += [f"lacie --model {under} --adapter {name}", f"llama-cli -m {base.name}.gguf --lora {name} -cnv"]
    return "\n".join([*lines, "```"]) + "\n"


def _recipe(adapter: Adapter, facts: RunFacts) -> str:
    lines = ["## How it was made\n", f"- Method: {facts.method}, after [{PAPER}]({PAPER_URL})"]
    lines.append(f"- LoRA: rank {adapter.r}, scale {adapter.scale:g}, on {_targets(adapter)}")
    recipe = facts.recipe
    if recipe:
        dpo, sample = recipe.get("dpo", {}), recipe.get("sample", {})
        lines += [
            f"- Recipe: `{recipe.get('name')}` (digest `{facts.digest}`), seed {recipe.get('seed')}",
            f"- Listener: {facts.listener}",
            f"- DPO: beta {dpo.get('beta')}, learning rate {dpo.get('learning_rate')}, {dpo.get('steps')} steps of "
            f"{dpo.get('pairs_per_step')} pairs",
            f"- Samples: temperature {sample.get('temperature')}, questions of {facts.questions}",
        ]
    if facts.calibrator:
        lines.append(
            f"- Calibrator: from {', '.join(facts.calibrator.signals) or 'the share of right answers alone'}, "
            f"fitted on {facts.calibrator.n} answers; it is in the files"
        )
    return "\n".join(lines) + "\n"


def _targets(adapter: Adapter) -> str:
    names = {name.removesuffix(".weight").rpartition(".")[2] for name in adapter.pairs}
    return ", ".join(sorted(names))


def _metrics(facts: RunFacts) -> str:
    if not facts.figures:
        return "## Evaluation\n\nThis export came without an evaluation.\n"
    measured = [figures for speakers in facts.figures.values() for figures in speakers.values()]
    of_p_right = _OF_P_RIGHT if any("p_right" in figures for figures in measured) else ()
    names = [name for _, name in (*_FIGURES, *of_p_right)]
    lines = ["## Evaluation\n", f"| set | speaker | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    for name, speakers in facts.figures.items():
        for speaker, figures in speakers.items():
            cells = [_figure(figures, key) for key, _ in _FIGURES]
            cells += [_figure(figures.get("p_right", {}), key) for key, _ in of_p_right]
            lines.append(f"| {name} | {speaker} | {' | '.join(cells)} |")
    if facts.accept_threshold is not None:
        accepted = f"An answer counts as accepted from an acceptance of {facts.accept_threshold:g}."
        lines.append(f"\n{accepted} Both were measured alike.")
    lines += [
        f"\n![Reliability: acceptance against the share of right answers]({path.name})" for path in facts.pictures
    ]
    return "\n".join(lines) + "\n"


def _figure(figures: Mapping[str, Any], key: str) -> str:
    value = figures.get(key)
    if value is None:
        return "n/a"
    return str(value) if key == "n" else f"{value:.3f}"


def _limits() -> str:
    return (
        "## Limits\n\nIt knows no more than its base: it sounds less sure where it is often wrong, and it is not "
        "always right about that. Figures hold for short factual questions like those it was measured on.\n"
    )
