"""The mean of several runs' adapters, as a run of its own: `lacie train mean RUN RUN … --run DIR`.

Two trainings on the same samples, with other pairs of them, land on models that err differently; what they have in
common is what the samples teach. The mean of their weights (a model soup: Wortsman et al. 2022, arXiv 2203.05482) costs
nothing at run time. What is averaged is what the adapters add to the weights, B·A, and not A and B by themselves, which
two trainings may turn and scale as they like. The mean of K adapters of rank r has rank K·r at most; the nearest matrix
of rank r takes its place (a truncated singular value decomposition), so that the result is as small as either.

DIR then holds the first run's recipe and questions and the mean as its `adapter/`: `lacie train evaluate` and `lacie
export` go on from there. It has no training log, since there was no training.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from lacie_chat.errors import LacieError
from lacie_chat.rows import writing
from lacie_chat.streams import complain
from lacie_training.errors import TrainingError
from lacie_training.learning.adapters import ADAPTER_FILES, mean_of, read_adapter, replace_adapter
from lacie_training.run_folder import RunFolder, read_recipe, write_json

_MUST_AGREE = ("base_model_name_or_path", "r", "lora_alpha", "target_modules", "use_rslora", "use_dora")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, and the new run's folder."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders whose adapters are trained")
    parser.add_argument("--run", type=Path, required=True, help="the new run's folder")


def run(args: argparse.Namespace) -> int:
    """`lacie train mean`; returns the exit status, errors of the user's printed as one line."""
    try:
        share = mean_run(args.runs, args.run)
    except LacieError as error:
        complain(str(error))
        return 1
    print(f"mean: the adapter of {args.run} is the mean of {len(args.runs)}; its rank leaves {1 - share:.1%} of it out")
    return 0


def mean_run(runs: list[Path], target: Path) -> float:
    """Make `target` a run with the mean of the runs' adapters. Returns the share of the mean's squared norm that a
    matrix of the adapters' rank can hold. Raises TrainingError: fewer than two runs, one that has no adapter or another
    kind of adapter, a folder that holds another run.
    """
    if len(runs) < 2:
        raise TrainingError("a mean is of two adapters or more; name another run")
    if target.resolve() in [run.resolve() for run in runs]:
        raise TrainingError(f"--run {target} is one of the runs themselves; name a folder for the mean")
    configs, weights = zip(*(read_adapter(run / "adapter") for run in runs), strict=True)
    for run, config in zip(runs[1:], configs[1:], strict=True):
        differing = [key for key in _MUST_AGREE if _plain(config.get(key)) != _plain(configs[0].get(key))]
        if differing:
            raise TrainingError(f"the adapters of {runs[0]} and {run} differ in {', '.join(differing)}")
    if (target / "adapter").exists() and not (target / "mean.json").is_file():
        raise TrainingError(f"{target} holds a run with an adapter of its own; give another --run folder")
    mean, share = mean_of(weights, rank=int(configs[0]["r"]))
    folder = RunFolder.open(target, read_recipe(runs[0]))
    with folder.lock(), writing(target):
        if (runs[0] / "questions").is_dir():
            shutil.copytree(runs[0] / "questions", target / "questions", dirs_exist_ok=True)
        for name in ("judged.jsonl", "pairs_report.json"):  # for the thresholds of an evaluation
            if (runs[0] / name).is_file():
                shutil.copy2(runs[0] / name, target / name)
        with replace_adapter(target / "adapter") as fresh:
            from safetensors.torch import save_file

            shutil.copy2(runs[0] / "adapter" / ADAPTER_FILES[0], fresh / ADAPTER_FILES[0])
            save_file(mean, fresh / ADAPTER_FILES[1], metadata={"format": "pt"})
        write_json(target / "mean.json", {"of": [str(run) for run in runs], "share_of_squared_norm": share})
    return share


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
