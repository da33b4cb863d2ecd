"""What can be shared out: a step's pairs over processes and, on each, over batches; a model's weights over GPUs.

The recipe says how many pairs make a step, which is part of the method, and how many fit a device at once, which is
not. So the second gives way: known before anything is sampled, for any number of processes.
"""

from typing import NamedTuple

from lacie_training.errors import TrainingError
from lacie_training.recipes.schema import DpoSettings


class Shares(NamedTuple):
    """Pairs that one process takes at once, and how often it does for one step."""

    batch: int
    batches: int


def shares(settings: DpoSettings, processes: int) -> Shares:
    """The largest even batches of at most `dpo.per_device_batch` pairs. Raises TrainingError where the processes can't
    have equally many pairs of a step: their gradients are averaged, and would not weigh the same.
    """
    each, left = divmod(settings.pairs_per_step, processes)
    if left or not each:
        fitting = max(number for number in range(1, processes) if settings.pairs_per_step % number == 0)
        raise TrainingError(
            f"dpo.pairs_per_step={settings.pairs_per_step} can't be shared out evenly over {processes} processes; "
            f"{fitting} would do (--gpus {fitting}), or set dpo.pairs_per_step to a multiple of {processes}"
        )
    batch = max(size for size in range(1, min(each, settings.per_device_batch) + 1) if each % size == 0)
    return Shares(batch, each // batch)


def check_sharding(settings: DpoSettings) -> None:
    """Raises TrainingError for what a training can't do whose model is sharded (FSDP): before anything is sampled."""
    wrong = {
        "select=during": (settings.select == "during", "select=after: it can't answer while it trains"),
        "precompute_reference=true": (
            settings.precompute_reference,
            "precompute_reference=false: before it trains it is not sharded yet",
        ),
        f"optimizer={settings.optimizer}": (
            settings.optimizer.startswith("paged"),
            "optimizer=adamw_torch: bitsandbytes' optimisers know no sharded weights",
        ),
        "quant_storage=uint8": (
            settings.quantize == "nf4" and settings.quant_storage == "uint8",
            "quant_storage=bfloat16: each GPU would hold all of them else",
        ),
    }
    for setting, (is_set, instead) in wrong.items():
        if is_set:
            raise TrainingError(f"dpo.{setting} doesn't go with a model that is sharded (FSDP); set dpo.{instead}")
