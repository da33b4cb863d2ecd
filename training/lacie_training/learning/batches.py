"""How the pairs of one step are shared out: over the processes of a training, and on each of them over batches.

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
