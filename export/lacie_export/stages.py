"""The stages as the command runs them: what is asked for is checked whole, then done, then verified."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lacie_chat.models import inspect_gguf
from lacie_chat.streams import complain, print_path
from lacie_export.adapter_gguf import base_as_gguf, make_adapter, make_base
from lacie_export.bases import Base, BaseRef, find_base, open_base, weight_shapes
from lacie_export.convert import check_architecture
from lacie_export.errors import ExportError
from lacie_export.files import refuse_existing, work_folder
from lacie_export.listener_facts import read_listener
from lacie_export.merge import merge, merged_from
from lacie_export.model_gguf import file_name, make_ggufs, quant_of
from lacie_export.peft_adapter import Adapter, check_fits, check_targets, check_vocabulary, read_adapter
from lacie_export.quantize import parse_quants
from lacie_export.run_facts import RunFacts, read_run
from lacie_export.verify import Reference, Verification, make_reference, refuse_failed, show, verify_file

FAILED_SUFFIX = ".failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One export, checked as far as that costs nothing."""

    base_ref: BaseRef
    adapter: Adapter
    facts: RunFacts
    out: Path
    force: bool
    verify: bool
    lora_type: str

    @property
    def merged(self) -> Path:
        return self.out / "merged"


def read_job(args: argparse.Namespace) -> Job:
    """Read adapter, run and options. Raises ExportError before anything is fetched or written."""
    if args.run_dir is None and args.adapter is None:
        raise ExportError("name what to export: --run DIR (a training run), or --adapter DIR with --base REF")
    facts = read_run(args.run_dir, args.calibrator)
    adapter = read_adapter(args.adapter or args.run_dir / "adapter")
    if (reads_as := read_listener(adapter.folder)) is not None:
        facts = replace(facts, method=reads_as.task, reads_as=reads_as)
    ref = args.base or facts.base or adapter.base
    if not ref:
        raise ExportError(f"{adapter.folder} doesn't name its base; name it with --base")
    base = find_base(ref, revision=None if args.base else facts.revision)
    # The run's recipe knows its base better than PEFT does, which notes a folder where the base was a GGUF.
    from_recipe = facts.base is not None and ref == facts.base
    check_fits(adapter, base, same=args.same_base or from_recipe)
    if args.name:
        base = replace(base, name=args.name)
    return Job(base, adapter, facts, args.out, args.force, not args.no_verify, args.lora_type)


@contextmanager
def opened(job: Job) -> Iterator[tuple[Base, Path]]:
    """The base, fetched and checked against the adapter, and a work folder that is gone afterwards."""
    with work_folder(job.out) as work:
        base = open_base(job.base_ref, work)
        check_vocabulary(job.adapter, base.name, base.folder)
        check_targets(job.adapter, base.name, weight_shapes(base))
        yield base, work


def merge_stage(args: argparse.Namespace) -> int:
    """`merge`: OUT/merged."""
    job = read_job(args)
    refuse_existing(job.merged, force=job.force)
    with opened(job) as (base, _work):
        merge(base, job.adapter, job.merged, force=job.force)
    print_path(job.merged)
    return 0


def gguf_stage(args: argparse.Namespace) -> int:
    """`gguf`: OUT/{name}-LACIE-{QUANT}.gguf for each quantisation asked for, verified."""
    job, quants = read_job(args), parse_quants(args.quant)
    refuse_existing_ggufs(job, quants)
    with opened(job) as (base, work):
        check_architecture(base.folder)
        ensure_merged(job, base)
        files = make_ggufs(base, job.adapter, job.facts, job.merged, job.out, quants, work, force=job.force)
        if job.verify:
            verify_exported(base, files, make_reference(base, job.adapter, job.merged), work)
    for file in files:
        print_path(file)
    return 0


def adapter_stage(args: argparse.Namespace) -> int:
    """`adapter`: OUT/{name}-LACIE-F32-LoRA.gguf (or F16), verified over its base."""
    job = read_job(args)
    refuse_existing(job.out / file_name_of(job, job.lora_type, lora=True), force=job.force)
    with opened(job) as (base, work):
        check_architecture(base.folder)
        file = make_adapter(base, job.adapter, job.facts, job.out, work, job.lora_type, force=job.force)
        if job.verify:
            verify_exported(base, [file], make_reference(base, job.adapter, None), work)
        files = [file, *([make_base(base, job.out, work, force=job.force)] if args.with_base else [])]
    for file in files:
        print_path(file)
    return 0


def verify_stage(args: argparse.Namespace) -> int:
    """`verify`: the named file, or all GGUFs in OUT, against base + adapter (and OUT/merged, if it is there)."""
    job = read_job(args)
    files = [args.file] if args.file else sorted(job.out.glob("*.gguf"))
    if not files:
        raise ExportError(
            f"{job.out} holds no GGUF to verify; run the stage gguf or adapter first, or name one with --file"
        )
    for file in files:
        inspect_gguf(file)
    with opened(job) as (base, work):
        merged = job.merged if job.merged.is_dir() else None
        if merged and merged_from(merged) != job.adapter.digest:
            raise ExportError(f"{merged} is the merge of another adapter; give another --out")
        if merged is None and any(inspect_gguf(file).kind != "adapter" for file in files):
            merged = merge(base, job.adapter, work / "merged")
        reference = make_reference(base, job.adapter, merged)
        results = verify_files(base, files, reference, work)
    for result in results:
        refuse_failed(result)
    return 0


def refuse_existing_ggufs(job: Job, quants: Sequence[str]) -> None:
    """Raises ExportError if a file would be replaced that may not be."""
    for quant in quants:
        refuse_existing(job.out / file_name_of(job, quant), force=job.force)


def file_name_of(job: Job, quant: str, *, lora: bool = False) -> str:
    """The name of a file that this job makes."""
    return file_name(job.base_ref.name, job.facts, quant, lora=lora)


def ensure_merged(job: Job, base: Base) -> None:
    """OUT/merged of this adapter: there already, or made now. Raises ExportError if another adapter's is in the way."""
    if job.merged.is_dir():
        if merged_from(job.merged) == job.adapter.digest:
            return
        refuse_existing(job.merged, force=job.force)
    merge(base, job.adapter, job.merged, force=job.force)


def verify_files(base: Base, files: Sequence[Path], reference: Reference, work: Path) -> list[Verification]:
    """Verify each file and print its table; a failed one stops nothing."""
    results = []
    for file in files:
        info = inspect_gguf(file)
        if info.kind == "adapter":
            over, quant = base_as_gguf(base, work)
            result = verify_file(file, quant, reference, work, over=over, own_base=base.gguf)
        elif "version" not in info.lacie:
            continue  # the unchanged base, kept beside an adapter
        else:
            result = verify_file(file, quant_of(file), reference, work)
        show(result)
        results.append(result)
    return results


def verify_exported(base: Base, files: Sequence[Path], reference: Reference, work: Path) -> list[Verification]:
    """As `verify_files`, for files that were just made: one that fails loses its name. Raises VerifyError for the
    first."""
    results = verify_files(base, files, reference, work)
    failed = [result for result in results if result.failed]
    for result in failed:
        result.file.replace(f"{result.file}{FAILED_SUFFIX}")
        complain(f"{result.file.name} is kept as {result.file.name}{FAILED_SUFFIX}")
    for result in failed:
        refuse_failed(result)
    return results
