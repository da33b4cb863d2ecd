"""Stage `run`: all of it with one command: merge, GGUFs, adapter, verify, model card, and the upload if asked for.

lacie export run --run runs/smoke --out exported --quant f16,q8_0,q4_k_m [--push OWNER/REPO]
"""

import argparse
import shutil
import sys
from pathlib import Path

from lacie_chat.streams import print_path
from lacie_export.adapter_gguf import make_adapter, make_base
from lacie_export.bases import Base
from lacie_export.card import write_card
from lacie_export.convert import check_architecture
from lacie_export.errors import ExportError
from lacie_export.files import refuse_existing
from lacie_export.merge import merge
from lacie_export.model_gguf import make_ggufs
from lacie_export.push import check_access, push
from lacie_export.quantize import parse_quants
from lacie_export.stages import Job, file_name_of, opened, read_job, refuse_existing_ggufs, verify_exported
from lacie_export.verify import Verification, make_reference

_LEGAL = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")


def run_stage(args: argparse.Namespace) -> int:
    """Everything, checked before anything is done. Returns the exit status."""
    job, quants = read_job(args), parse_quants(args.quant)
    if job.facts.reads_as is not None:
        raise ExportError(f"{job.adapter.folder} is a listener's adapter; export it with `lacie export adapter`")
    refuse_existing_ggufs(job, quants)
    for target in (job.merged, job.out / file_name_of(job, job.lora_type, lora=True), job.out / "README.md"):
        refuse_existing(target, force=job.force)
    if args.push:
        check_access(args.push)
    with opened(job) as (base, work):
        check_architecture(base.folder)
        merge(base, job.adapter, job.merged, force=job.force)
        files = make_ggufs(base, job.adapter, job.facts, job.merged, job.out, quants, work, force=job.force)
        files.append(make_adapter(base, job.adapter, job.facts, job.out, work, job.lora_type, force=job.force))
        results: list[Verification] = []
        if job.verify:
            results = verify_exported(base, files, make_reference(base, job.adapter, job.merged), work)
        if args.with_base:
            files.append(make_base(base, job.out, work, force=job.force))
        _carry_over(job, base)
        write_card(base, job.adapter, job.facts, job.out, files, results, repo=args.push)
    for file in (*files, job.out / "README.md"):
        print_path(file)
    if args.push:
        print(push(job.out, args.push))
    return 0


def _carry_over(job: Job, base: Base) -> None:
    """The base's licence texts and the run's reliability diagrams, beside the files that they belong to."""
    sources: list[Path] = [*job.facts.pictures]
    for pattern in _LEGAL:
        sources += base.folder.glob(pattern)
    for source in sources:
        shutil.copyfile(source, job.out / source.name)


if __name__ == "__main__":
    from lacie_export.commands import stage_main

    sys.exit(stage_main("run"))
