"""`lacie_training.dpo` as the launcher starts it, on a machine without GPUs, where accelerate would shard nothing.

Accelerate takes FSDP's settings for kinds of GPUs alone, so it is told that the processes, which speak over gloo, are
such. With the refusal of 4-bit weights without CUDA, that is all that is taken away: sharding, TRL's trainer,
checkpoints and resuming are as on GPUs.
"""

import sys


def main() -> int:
    import torch
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType
    from lacie_training import dpo
    from lacie_training.generators import loading

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    PartialState._prepare_backend = lambda *args, **options: ("gloo", DistributedType.MULTI_GPU)
    loading.need_cuda = lambda device: None  # type: ignore[assignment]
    return dpo.main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
