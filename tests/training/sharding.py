"""`lacie_training.dpo` as the launcher starts it, on a machine without GPUs, where accelerate would shard nothing.

Accelerate takes FSDP's settings for kinds of GPUs alone, so it is told that the processes, which speak over gloo, are
such. With the refusal of 4-bit weights without CUDA, that is all that is taken away: sharding, TRL's trainer,
checkpoints and resuming are as on GPUs. What the training has made of the model is written down beside it.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main(out: str, *arguments: str) -> int:
    import torch
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType
    from lacie_training import dpo
    from lacie_training.generators import loading
    from lacie_training.learning.trainer import PairTrainer

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    PartialState._prepare_backend = lambda *args, **options: ("gloo", DistributedType.MULTI_GPU)
    loading.need_cuda = lambda device: None  # type: ignore[assignment]
    train = PairTrainer.train

    def watched(trainer: Any, *args: Any, **options: Any) -> Any:
        done = train(trainer, *args, **options)
        found = look_at(trainer.model)
        (Path(out) / f"rank-{PartialState().process_index}.json").write_text(json.dumps(found))
        return done

    PairTrainer.train = watched  # type: ignore[method-assign]
    return dpo.main(arguments)


def look_at(model: Any) -> dict[str, Any]:
    """Its sharded units; how much of what is sharded lies here; number formats of buffers and of the adapter."""
    from torch.distributed.fsdp import FSDPModule
    from torch.distributed.tensor import DTensor

    parameters = dict(model.named_parameters())
    return {
        "units": sorted({type(each).__name__ for each in model.modules() if isinstance(each, FSDPModule)}),
        "whole": [name for name, each in parameters.items() if not isinstance(each, DTensor)],
        "here": sum(each.to_local().numel() for each in parameters.values()),
        "all": sum(each.numel() for each in parameters.values()),
        "buffers": sorted({str(each.dtype) for each in model.buffers()}),
        "trained": sorted({str(each.dtype) for each in parameters.values() if each.requires_grad}),
    }


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
