"""What a run writes, in bytes, beside what is free on the disks where it goes."""

import shutil
from pathlib import Path

from lacie_chat.models.cache import cache_dir
from lacie_chat.sizes import size_text
from lacie_training.check.findings import Findings
from lacie_training.recipes.schema import Recipe

_CHARACTERS = 4.5
"""Bytes of English text a token stands for, about."""
_ROW = 400
"""Bytes of a row's names, ids and accepted answers."""
_JUDGED = 2.5
"""A judged row, in rows of samples: the response once more (masked), spans and signals."""

_BESIDE = 20_000_000
"""A checkpoint's tokenizer and the trainer's state."""


def drawn_questions(recipe: Recipe) -> int | None:
    """Questions that are sampled; None where a set has no count of its own."""
    wanted = recipe.questions
    counts = [wanted.train.screen.known + wanted.train.screen.unknown if wanted.train.screen else wanted.train.count]
    counts += [entry.count for entry in wanted.more] + [100 if wanted.everyday else 0]
    return None if None in counts else sum(count for count in counts if count is not None)


def rows_bytes(recipe: Recipe, questions: int) -> int:
    """`samples.jsonl`, `judged.jsonl` and `pairs.jsonl`."""
    prompt = len(recipe.speaker.instruction) + 200
    row = _ROW + prompt + _CHARACTERS * recipe.sample.max_new_tokens
    samples = questions * recipe.sample.per_question * row
    pairs = questions * recipe.pairs.per_question * 2 * row
    return round(samples * (1 + _JUDGED) + pairs)


def checkpoints_bytes(recipe: Recipe, adapter: int) -> int:
    """The checkpoints that are kept, the best one's adapter and the run's. `adapter`: its parameters."""
    settings = recipe.dpo
    weights = adapter * (2 if settings.adapter_dtype == "bfloat16" else 4)
    moments = adapter * 8 if settings.optimizer == "paged_adamw_32bit" else 2 * weights
    made = -(-settings.steps // settings.save_every)
    kept = made if settings.select == "after" else min(made, settings.keep_checkpoints + 1)  # one is written first
    return kept * (weights + moments + _BESIDE) + 2 * weights


def check_disk(recipe: Recipe, run: Path, adapter: int, parameters: int, fetch: int, findings: Findings) -> None:
    """The run's own files, the export's, and models still to be fetched (`fetch` bytes), each beside its disk."""
    questions = drawn_questions(recipe)
    rows = rows_bytes(recipe, questions or 0)
    checkpoints = checkpoints_bytes(recipe, adapter)
    parts = f"rows {size_text(rows) if questions else 'of unknown number'}, checkpoints {size_text(checkpoints)}"
    _compare("disk", run, rows + checkpoints, parts, findings)
    merged = parameters * 2
    where = _nearest(run)
    free = shutil.disk_usage(where).free
    export = 2 * merged + merged // 2  # merged in 16 bit, the same as GGUF, and a quantised one
    line = f"an export of all kinds writes about {size_text(export)}, and {size_text(free)} are free in {where}"
    (findings.ok if export + rows + checkpoints <= free else findings.note)("disk, export", line)
    if fetch:
        _compare("disk, models", cache_dir(), fetch, "to be fetched", findings)


def _compare(subject: str, folder: Path, need: int, parts: str, findings: Findings) -> None:
    where = _nearest(folder)
    free = shutil.disk_usage(where).free
    line = f"about {size_text(need)} ({parts}); {size_text(free)} are free in {where}"
    if need <= free:
        findings.ok(subject, line)
    else:
        findings.failed(subject, f"{line}; free some space, or lower dpo.keep_checkpoints")


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    folder = folder.absolute()
    return next(each for each in (folder, *folder.parents) if each.is_dir())
