"""The 70B recipe's sharding, as far as a CPU goes: a tiny 4-bit Llama with its adapter, sharded by FSDP over gloo.

Run by the tests in two processes (`python sharding.py MODEL OUT RANK LAYER [SETTING …]`): accelerate itself shards on
GPUs only, so this wraps the model as transformers' Trainer has accelerate do it, and takes one step.
"""

import json
import os
import sys
from pathlib import Path


def main(model_folder: str, out: str, rank: int, *more: str) -> None:
    import torch
    from lacie_training.dpo import base_model
    from lacie_training.generators import loading
    from lacie_training.learning.lora import lora_config
    from peft import get_peft_model
    from peft.utils.other import fsdp_auto_wrap_policy
    from tiny_recipes import FOUR_BIT, small
    from torch import distributed
    from torch.distributed.fsdp import FullyShardedDataParallel

    torch.set_num_threads(1)
    loading.need_cuda = lambda device: None  # type: ignore[assignment,misc]
    distributed.init_process_group("gloo", rank=rank, world_size=2, init_method=f"file://{out}/store")
    recipe = small("llama3-70b", Path(model_folder), *FOUR_BIT, "dpo.lora.dropout=0", *more)
    torch.manual_seed(0)
    base = base_model(recipe)
    model = get_peft_model(base, lora_config(recipe.dpo.lora, base))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.bfloat16)
    ids = torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8]])
    model.train()  # bitsandbytes repacks 4-bit weights on a CPU as soon as they only read
    whole = model(input_ids=ids, labels=ids).loss
    policy = fsdp_auto_wrap_policy(model)  # as transformers' Trainer sets it for a PEFT model
    sharded = FullyShardedDataParallel(
        model, auto_wrap_policy=policy, use_orig_params=False, device_id=torch.device("cpu")
    )
    loss = sharded(input_ids=ids, labels=ids).loss
    loss.backward()
    gradients = [each.grad.abs().sum().item() for each in sharded.parameters() if each.grad is not None]
    found = {
        "gradient": sum(gradients),
        "whole": whole.item(),
        "sharded": loss.item(),
        "units": sum(isinstance(module, FullyShardedDataParallel) for module in sharded.modules()),
    }
    (Path(out) / f"{rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


if __name__ == "__main__":
    os.environ |= {"CUDA_VISIBLE_DEVICES": "", "FSDP_TRANSFORMER_CLS_TO_WRAP": sys.argv[4]}
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[5:])
