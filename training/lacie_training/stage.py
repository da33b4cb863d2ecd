"""What all stages share on the command line: `python -m lacie_training.STAGE --recipe R --run DIR [--set …]`.

The same function serves `lacie train STAGE`. Errors of the user's are one line on standard error and exit status 1.
"""

import argparse
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from lacie_chat.errors import LacieError, missing_extra
from lacie_chat.streams import complain, make_usable
from lacie_training.errors import TrainingError
from lacie_training.launch import leave_error
from lacie_training.recipes.files import available, load_recipe
from lacie_training.recipes.schema import Recipe
from lacie_training.run_folder import RunFolder

_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every stage."""
    parser.add_argument("--recipe", required=True, help=f"a name ({', '.join(available())}) or a YAML file")
    parser.add_argument("--run", type=Path, help="the run folder (default: runs/NAME)")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="set any field of the recipe; may be given several times",
    )


def stage_main(name: str, run: Callable[[RunFolder], None], argv: Sequence[str] | None = None) -> int:
    """Parse the options, open and lock the run folder, run the stage. Returns the exit status."""
    make_usable()
    parser = argparse.ArgumentParser(prog=f"python -m lacie_training.{name}")
    add_options(parser)
    options = parser.parse_args(argv)
    try:
        return run_stage(run, options.recipe, options.run, options.overrides)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        complain(missing_extra("train", str(error.name)))
        return 1


def need_extra() -> None:
    """Raise TrainingError, one line, where a library of the extra is missing: before any stage has taken its time."""
    for name in _LIBRARIES:
        try:
            there = find_spec(name) is not None
        except ModuleNotFoundError:
            there = False
        if not there:
            raise TrainingError(missing_extra("train", name))


def run_stage(
    run: Callable[[RunFolder], None],
    recipe_name: str,
    run_dir: Path | None,
    overrides: Sequence[str],
    *,
    lock: str = "stage",
) -> int:
    """Run one stage on a run folder; returns the exit status, errors of the user's printed as one line."""
    quiet_libraries()
    try:
        need_extra()
        recipe = load_recipe(recipe_name, overrides)
        path = run_dir or default_run_dir(recipe)
        if not is_first_process():
            folder = RunFolder(path, recipe)
            run(folder)
            return 0
        folder = RunFolder.open(path, recipe)
        with folder.lock(lock):
            run(folder)
    except LacieError as error:
        return _told(error, error.exit_status if isinstance(error, TrainingError) else 1)
    except KeyboardInterrupt:
        if is_first_process():
            complain("interrupted; start the same command again to go on")
        return 130
    except MemoryError:
        return _told(TrainingError("out of memory; lower speaker.batch_size or dpo.per_device_batch"), 1)
    except Exception as error:
        if not leave_error(error, None, 1):
            raise
        return 1
    return 0


def _told(error: LacieError, status: int) -> int:
    if not leave_error(error, str(error), status):
        complain(str(error))
    return status


def quiet_libraries() -> None:
    """No bars and no advice from libraries between our own lines of progress; errors still come through."""
    for name in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it misses an optional kernel on every CPU
    warnings.filterwarnings("ignore", category=FutureWarning)  # for us who call them, not for who runs a stage
    warnings.filterwarnings("ignore", message="Could not find a config file in")


def default_run_dir(recipe: Recipe) -> Path:
    """`runs/NAME`, with the baseline beside the main run."""
    return Path("runs") / (recipe.name if recipe.objective == "lacie" else f"{recipe.name}-{recipe.objective}")


def is_first_process() -> bool:
    """Whether this is the first of the processes that a launcher started; it alone holds the folder."""
    return int(os.environ.get("RANK", "0")) == 0
