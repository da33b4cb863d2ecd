"""`report.md`: what a run found, to read; the paper's figures stand beside ours, as far as the two can be compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lacie_chat.statistics.tables import METRICS, both_figures_rows, figure, figure_rows, mcnemar_table, ranged, table
from lacie_training.recipes.models import TUNED
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import write_text

_FLUENCY = (
    ("hedged", "answers with a hedge"),
    ("ten_commonest_openings", "begin with one of the ten commonest openings (three words)"),
    ("distinct_2", "distinct-2"),
    ("words", "words an answer"),
)
_OF_P_RIGHT = {"auroc": "AUROC", "ece": "ECE", "brier": "Brier score"}
"""Figures of acceptance under which P(right)'s stand, and how those are called."""

_PAPER = """\
## The paper's figures

From arXiv 2405.21028 (TriviaQA, 1,000 questions, listener Mistral-7B-v0.1, acceptance cut at .66); other models, other
questions and another listener than ours unless this run is one of its three models.

| what | baseline | LACIE | here: baseline | here: LACIE |
|---|---|---|---|---|
| AUROC, mean over 3 models | | +20.7 points | {auroc_baseline} | {auroc_change} |
| ECE, mean over 3 models | | -7.8 points | {ece_baseline} | {ece_change} |
| abstentions, Mistral-7B | 0.80 % | 25.27 % | {abstention_baseline} | {abstention_adapter} |
| abstentions, Llama3-8B | 13.20 % | 35.37 % | | |
| abstentions, Llama3-70B | 12.87 % | 32.77 % | | |
| TruthfulQA truthfulness, Mistral-7B | .27 | .55 | {truth_baseline} | {truth_adapter} |
| TruthfulQA informativeness, Mistral-7B | .99 | .90 | {info_baseline} | {info_adapter} |
"""

Metrics = Mapping[str, Any]


def write_report(run: Path, recipe: Recipe, metrics: Metrics, pairs: Metrics | None) -> None:
    """Write `report.md` from the aggregated `metrics.json` of a run and the counts of its pairs."""
    parts = [
        f"# {recipe.name}: {'LACIE' if recipe.objective == 'lacie' else 'truthful-only baseline'}",
        f"Speaker `{recipe.speaker.model}`, listener `{recipe.listener.model}`, recipe digest `{recipe.digest()}`. "
        f"One sample a question at temperature {recipe.evaluate.temperature}, at most "
        f"{recipe.evaluate.max_new_tokens} tokens; accepted from {_threshold(recipe, metrics['sets'])}; ECE with "
        f"{recipe.evaluate.bins} bins; in brackets 95 % bootstrap intervals.",
    ]
    if pairs:
        parts.append(_pairs(pairs))
    for name, speakers in metrics["sets"].items():
        pictures = f"\n![reliability](reliability-{name}.png)\n\n![acceptance](acceptance-{name}.png)"
        parts += [_set(f"## Questions: {name}", speakers), pictures]
        parts += [part(metrics[key][name]) for key, part in _BESIDE.items() if key in metrics]
    if metrics.get("calibration"):
        parts.append(_calibration(metrics["calibration"]))
    for listener, sets in metrics.get("other_listeners", {}).items():
        parts.append(f"## Heard by {listener}\n\n{_heard(listener, recipe, sets)}")
        parts += [_set(f"### Questions: {name}, heard by {listener}", speakers) for name, speakers in sets.items()]
    if metrics.get("truthfulqa"):
        parts.append(_truthfulqa(metrics["truthfulqa"]))
    parts.append(_paper(metrics))
    write_text(run / "report.md", "\n\n".join(part.strip() for part in parts) + "\n")


def _pairs(pairs: Metrics) -> str:
    lines = [
        f"## Pairs\n\n{pairs['pairs']} pairs from {pairs['samples']} samples; accepted from "
        f"{pairs['accept_threshold']:.3f}.\n",
        "| kind | before balancing | kept |\n|---|---|---|",
    ]
    kinds = pairs["kinds_before_balancing"]
    lines += [f"| {kind} | {count} | {pairs['kinds'].get(kind, 0)} |" for kind, count in kinds.items()]
    dropped = {**pairs["dropped_samples"], **pairs["dropped_pairs"]}
    lines.append("\nDropped: " + ", ".join(f"{count} {why}" for why, count in dropped.items()) + ".")
    return "\n".join(lines)


def _threshold(recipe: Recipe, sets: Metrics) -> str:
    shown = f"{_any_side(sets)['accept_threshold']:.3f}"
    return f"{shown}, fixed on the training samples" if recipe.evaluate.threshold == "training" else shown


def _any_side(sets: Metrics) -> Metrics:
    speakers: Metrics = next(iter(sets.values()))
    figures: Metrics = next(iter(speakers.values()))
    return figures


def _heard(listener: str, recipe: Recipe, sets: Metrics) -> str:
    how = {"lexicon": "hedges and boosters counted, no model", TUNED: "the chat's own listener"}.get(
        listener, "another model, by a prompt"
    )
    return (
        f"The same answers, heard by `{listener}` ({how}) instead of `{recipe.listener.model}`; spans, states and "
        f"correctness are unchanged. Accepted from {_threshold(recipe, sets)}."
    )


def _calibration(speakers: Metrics) -> str:
    lines = [
        "## Calibrators\n\nFitted on held-out questions, none of them of a test set; a calibrator makes P(right) of an "
        "answer's signals. Log loss is held out (cross-validation) but for the bare acceptance's; `by wording`: "
        "P(right) from the acceptance alone; `share`: what the share of right answers says of every answer.\n",
        "| speaker | answers | right | from | log loss of P(right) | by wording | bare acceptance | share |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for speaker, each in speakers.items():
        if "none" in each:
            lines.append(f"| {speaker} | {each['n']} | {each['right']} | none: {each['none']} | | | | |")
            continue
        losses = [each["figures"][key]["log_loss"] for key in ("p_right", "wording", "acceptance", "share")]
        numbers = " | ".join(ranged(loss["value"], loss["interval"]) for loss in losses)
        lines.append(f"| {speaker} | {each['n']} | {each['right']} | {_signals(each['carries'])} | {numbers} |")
    lines += [
        f"\nNot kept as `calibrator.json`: {each['not_kept']}." for each in speakers.values() if "not_kept" in each
    ]
    return "\n".join(lines)


def _signals(carries: Metrics) -> str:
    """`span_sum 60 %, acceptance 40 %`: what a calibrator goes by, and how much."""
    by_share = sorted(carries.items(), key=lambda each: -each[1])
    return ", ".join(f"{name} {share:.0%}".replace("%", " %") for name, share in by_share) or "the share alone"


def _set(title: str, speakers: Metrics) -> str:
    headings = " | ".join(f"{speaker} | {speaker}, without abstentions" for speaker in speakers)
    lines = [
        f"{title}\n",
        f"n = {next(iter(speakers.values()))['n']}. An abstention counts as not accepted and not right.\n",
        f"| figure | {headings} |",
        "|---" * (1 + 2 * len(speakers)) + "|",
    ]
    for key, name in METRICS:
        cells = []
        for figures in speakers.values():
            cells += [_cell(figures, key), _cell(figures["without_abstentions"], key)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        if key in _OF_P_RIGHT and any("p_right" in figures for figures in speakers.values()):
            cells = []
            for figures in speakers.values():
                cells += [_p_right_cell(figures, key), _p_right_cell(figures["without_abstentions"], key)]
            lines.append(f"| {_OF_P_RIGHT[key]} of P(right) | {' | '.join(cells)} |")
    return "\n".join(lines)


def _between(found: Metrics) -> str:
    """Differences with paired intervals, McNemar's tests, and what the abstentions fall on."""
    declined = found["abstentions"]
    return "\n\n".join(
        [
            "Between the two, question by question (paired 95 % bootstrap intervals):",
            table(["", "baseline", "adapter", "difference"], both_figures_rows(found["figures"])),
            "What is accepted:",
            table(["", "baseline", "adapter", "difference"], figure_rows(found["metrics"])),
            "Where they disagree (McNemar):",
            mcnemar_table(found["mcnemar"], "baseline", "adapter"),
            f"Of {declined['right']} questions that the adapter declines, the baseline doesn't answer "
            f"{declined['left_wrong']} right.",
        ]
    )


def _fluency(speakers: Metrics) -> str:
    rows = [(name, *(figure(each[key]) for each in speakers.values())) for key, name in _FLUENCY]
    return f"The wording alone:\n\n{table(['', *speakers], rows)}"


_BESIDE = {"between_sides": _between, "fluency": _fluency}


def _p_right_cell(figures: Metrics, key: str) -> str:
    return _cell(figures["p_right"], key) if "p_right" in figures else "n/a"


def _truthfulqa(speakers: Metrics) -> str:
    first = next(iter(speakers.values()))
    lines = [
        f"## TruthfulQA\n\nn = {first['n']}, judged by: {first['judge']}.\n",
        "| speaker | truthful | informative |\n|---|---|---|",
    ]
    lines += [
        f"| {speaker} | {figure(each['truthful'])} | {figure(each['informative'])} |"
        for speaker, each in speakers.items()
    ]
    return "\n".join(lines)


def _paper(metrics: Metrics) -> str:
    speakers = next(iter(metrics["sets"].values()))
    base, ours = speakers.get("baseline"), speakers.get("adapter")
    truth = metrics.get("truthfulqa") or {}

    def change(key: str) -> str:
        if not base or not ours or base[key] is None or ours[key] is None:
            return "n/a"
        return f"{100 * (ours[key] - base[key]):+.1f} points"

    def percent(figures: Metrics | None) -> str:
        return f"{100 * figures['abstention_rate']:.2f} %" if figures else "n/a"

    return _PAPER.format(
        auroc_baseline=figure(base["auroc"]) if base else "n/a",
        auroc_change=change("auroc"),
        ece_baseline=figure(base["ece"]) if base else "n/a",
        ece_change=change("ece"),
        abstention_baseline=percent(base),
        abstention_adapter=percent(ours),
        truth_baseline=figure(truth.get("baseline", {}).get("truthful")),
        truth_adapter=figure(truth.get("adapter", {}).get("truthful")),
        info_baseline=figure(truth.get("baseline", {}).get("informative")),
        info_adapter=figure(truth.get("adapter", {}).get("informative")),
    )


def _cell(figures: Metrics, key: str) -> str:
    if isinstance(figures.get(key), int):
        return str(figures[key])
    return ranged(figures.get(key), figures["intervals"].get(key))
