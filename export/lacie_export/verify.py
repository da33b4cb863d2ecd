"""Stage `verify`: is the exported file the model that was trained? -> FILE.verify.json and FILE.verify.md beside it.

The chain has no gap: the merged weights against base + adapter as PEFT computes it (strength and logits), the file's
tokenizer and logits against those weights, and the file read back by the engine that will run it. Each row has a bound;
one row out of bounds fails the export.
"""

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lacie_chat.console import show as show_whole
from lacie_chat.models import inspect_gguf
from lacie_chat.sizes import size_text
from lacie_export.bases import Base
from lacie_export.child import run_native
from lacie_export.closeness import BOUNDS, OWN_BASE, Bounds, Closeness, compare, unexplained
from lacie_export.errors import ExportError, VerifyError
from lacie_export.files import write_whole
from lacie_export.layered import ask
from lacie_export.metadata import leaked_path
from lacie_export.peft_adapter import Adapter
from lacie_export.probes import GREEDY_PROMPTS, GREEDY_TOKENS, HOSTILE, PROMPTS, QUESTION
from lacie_export.quantize import SIXTEEN_BIT, tensor_report
from lacie_export.reference import Answers, Floats, merge_strength, token_ids, tokenizer_of

STRENGTH = (0.9, 1.1)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    check: str
    found: str
    wanted: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """What files are held against: the merged model's answers (or base + adapter's), its tokenizer's ids, the merge's
    own rows."""

    prompts: list[list[int]]
    plain: list[list[list[int]]]
    with_special: list[list[list[int]]]
    answers: Answers
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome for one file; `record` is what is stored."""

    file: Path
    rows: tuple[Row, ...]
    closeness: Closeness
    seconds: float
    record: dict[str, Any]

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if not row.ok]


def make_reference(base: Base, adapter: Adapter, merged: Path | None) -> Reference:
    """Ask the trained model: base + adapter by PEFT, and the merged weights, if there are any, which are held against
    it."""
    tokenizer = tokenizer_of(merged or base.folder)
    prompts = [list(tokenizer(text)["input_ids"]) for text in PROMPTS]
    plain = token_ids(merged or base.folder, tokenizer, HOSTILE, special=False)
    with_special = token_ids(merged or base.folder, tokenizer, HOSTILE, special=True)
    continued = GREEDY_PROMPTS if merged is None else 0
    trained = ask(
        base.folder,
        prompts,
        "asking base + adapter",
        adapter=adapter.folder,
        continued=continued,
        tokens=GREEDY_TOKENS,
    )
    if merged is None:
        return Reference(prompts, plain, with_special, trained, ())
    answered = ask(merged, prompts, "asking the merged model", continued=GREEDY_PROMPTS, tokens=GREEDY_TOKENS)
    strength = merge_strength(base.folder, merged, adapter)
    low, high = STRENGTH
    rows = (
        Row("merge: strength of the adapter", f"{strength:.3f}", f"{low} to {high}", low <= strength <= high),
        *_closeness_rows("merge: ", compare(trained.logits, answered.logits), BOUNDS[_precision(merged)]),
    )
    return Reference(prompts, plain, with_special, answered, rows)


def verify_file(
    file: Path,
    quant: str,
    reference: Reference,
    work: Path,
    *,
    over: Path | None = None,
    own_base: Path | None = None,
) -> Verification:
    """Hold one GGUF against the reference, and write the table beside it.

    For an adapter, `over` is its base in 16 bit (in precision `quant`), and `own_base` the quantised GGUF that it was
    trained on, if it was: over the first it must be exact, over the second as good as 8 bit activations allow.
    """
    started = time.monotonic()
    answer, found = _ask(file, over, reference, work)
    closeness, bounds = compare(reference.answers.logits, found), BOUNDS[quant]
    rows = [
        *reference.rows,
        *_token_rows(reference, answer),
        *_closeness_rows("", closeness, bounds),
        _greedy_row(reference.answers, answer["greedy"], closeness, strict=quant in SIXTEEN_BIT),
    ]
    if own_base is not None:
        _, found = _ask(file, own_base, reference, work)
        rows += _closeness_rows(f"over {own_base.name}: ", compare(reference.answers.logits, found), OWN_BASE)
    rows += [*_file_rows(file, None if over else quant), *_engine_rows(file, own_base or over)]
    record = _record(file, quant, over, rows, closeness, bounds, reference.answers.dtype)
    record["greedy"] = [{"prompt": p, "text": t} for p, t in zip(PROMPTS, answer["greedy_texts"], strict=False)]
    record["seconds"] = round(time.monotonic() - started, 1)
    result = Verification(file, tuple(rows), closeness, record["seconds"], record)
    store(result)
    return result


def _ask(file: Path, over: Path | None, reference: Reference, work: Path) -> tuple[dict[str, Any], list[Floats]]:
    """Let llama.cpp answer with `file` (as an adapter over `over`): tokens and greedy texts, and the logits a
    prompt."""
    logits = work / "logits.bin"
    width = reference.answers.logits[0].shape[1]
    order = {
        "command": "probe",
        "model": str(over or file),
        "adapter": str(file) if over else None,
        "texts": HOSTILE,
        "prompts": reference.prompts,
        "continued": GREEDY_PROMPTS,
        "tokens": GREEDY_TOKENS,
        "logits": str(logits),
        "log": str(work / "llama.log"),
    }
    lengths = [len(prompt) for prompt in reference.prompts]
    answer = run_native(order, work, title=f"asking {file.name}", watch=logits, total=sum(lengths) * width * 4)
    if answer["vocabulary"] != width:
        raise VerifyError(
            f"{file.name} has {answer['vocabulary']} tokens in its vocabulary, the model that was trained has {width}"
        )
    flat = np.fromfile(logits, dtype=np.float32).reshape(-1, width)
    logits.unlink()
    return answer, np.split(flat, np.cumsum(lengths)[:-1])


def refuse_failed(result: Verification) -> None:
    """Raises VerifyError, one line, if any row is out of bounds."""
    if result.failed:
        row, more = result.failed[0], len(result.failed) - 1
        what = f"{row.check}: {row.found}, wanted {row.wanted}" + (f"; and {more} more" if more else "")
        raise VerifyError(
            f"{result.file.name} is not the model that was trained: {what}; see {result.file.name}.verify.md"
        )


def store(result: Verification) -> None:
    """Write FILE.verify.json and FILE.verify.md."""
    write_whole(Path(f"{result.file}.verify.json"), json.dumps(result.record, indent=2, ensure_ascii=False) + "\n")
    lines = [f"# {result.file.name}", "", "| check | found | wanted | |", "|---|---|---|---|"]
    lines += [
        f"| {row.check} | {_cell(row.found)} | {row.wanted} | {'ok' if row.ok else '**FAILED**'} |"
        for row in result.rows
    ]
    size = size_text(result.record["size_bytes"])
    lines += ["", f"{size}, SHA-256 `{result.record['sha256']}`, verified in {result.seconds:.0f} s.", ""]
    write_whole(Path(f"{result.file}.verify.md"), "\n".join(lines))


def show(result: Verification) -> None:
    """Print the table."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(result.file.name), title_justify="left")
    for column in ("check", "found", "wanted", ""):
        table.add_column(column)
    for row in result.rows:
        mark = Text("ok", style="green") if row.ok else Text("FAILED", style="bold red")
        table.add_row(Text(row.check), Text(row.found), Text(row.wanted), mark)
    show_whole(table)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _closeness_rows(prefix: str, found: Closeness, bounds: Bounds) -> list[Row]:
    equal = f"{found.agreed} of {found.positions} ({found.top1:.1%})"
    near = f"{found.top1_near:.1%}"
    return [
        Row(f"{prefix}best token agrees", equal, "any", True),
        Row(f"{prefix}or is nearly as likely", near, f"at least {bounds.top1:.0%}", found.top1_near >= bounds.top1),
        Row(f"{prefix}mean KL", f"{max(found.kl, 0.0):.2g}", f"at most {bounds.kl:g}", found.kl <= bounds.kl),
        Row(
            f"{prefix}largest difference of a logit",
            f"{found.largest:.3g}",
            f"at most {bounds.largest:g}",
            found.largest <= bounds.largest,
        ),
    ]


def _token_rows(reference: Reference, answer: dict[str, Any]) -> list[Row]:
    rows = []
    for check, wanted, found in (
        ("token ids, texts as they are", reference.plain, answer["plain"]),
        ("token ids, with BOS and EOS", reference.with_special, answer["with_special"]),
    ):
        wrong = [text for text, right, ids in zip(HOSTILE, wanted, found, strict=True) if list(ids) not in right]
        equal = f"{len(HOSTILE) - len(wrong)} of {len(HOSTILE)} texts equal"
        rows.append(Row(check, f"{equal}; first other: {wrong[0]!r}" if wrong else equal, "all", not wrong))
    return rows


def _greedy_row(reference: Answers, found: Sequence[Sequence[int]], closeness: Closeness, *, strict: bool) -> Row:
    """Quantised files may part ways; 16-bit ones only where two tokens were nearly even."""
    same = sum(list(one) == list(other) for one, other in zip(reference.greedy, found, strict=True))
    odd = unexplained(reference.greedy, reference.margins, found, closeness.largest)
    text = f"{same} of {len(found)} texts of {GREEDY_TOKENS} tokens equal"
    if not strict:
        return Row("greedy text", text, "any", True)
    return Row("greedy text", f"{text}, {odd} differ at a clear lead", "no such difference", odd == 0)


def _file_rows(file: Path, quant: str | None) -> list[Row]:
    info = inspect_gguf(file)
    leak = leaked_path(info.metadata)
    rows = [
        Row("metadata", f"{info.name}, method {info.lacie.get('method')}", "LACIE's keys", "method" in info.lacie),
        Row("local paths in the metadata", leak or "none", "none", leak is None),
    ]
    if quant is not None:
        rows.append(Row("tensors", tensor_report(file, quant).line(), "any", True))
    return rows


def _engine_rows(file: Path, over: Path | None) -> list[Row]:
    """Load the file as the chat does, answer one question, assess the answer."""
    from lacie_chat.confidence import WayOfDrawing, assess
    from lacie_chat.engine import ChatTurn, EngineError, EngineProcess, EngineSettings, Sampling
    from lacie_chat.engine.asking import answer_to
    from lacie_chat.models import find_listener, look_for_calibrator

    adapter = file if over else None
    listener, _ = find_listener(None, over or file)
    engine = EngineProcess(EngineSettings(over or file, adapter, listener=listener))
    try:
        engine.load()
        turns, drawn = [ChatTurn("user", QUESTION)], Sampling()
        try:
            answer = answer_to(engine, turns, replace(drawn, max_tokens=32))
        except EngineError as error:
            raise ExportError(f"the engine can't answer with {file.name}: {error}") from error
        calibrator, _ = look_for_calibrator(over or file, adapter, WayOfDrawing.of(drawn), listener.version)
        assessment = assess(
            QUESTION, answer.text, listener=engine.listener, calibrator=calibrator, tokens=answer.finished.tokens
        )
    finally:
        engine.close()
    heard = "nothing to hear" if assessment.acceptance is None else f"acceptance {assessment.acceptance:.2f}"
    if assessment.p_right is not None:
        heard += f", P(right) {assessment.p_right:.2f}"
    return [
        Row("the engine's answer", repr(answer.text[:60]), "any", True),
        Row("its assessment", f"{assessment.state}, {heard}", "any", True),
    ]


def _record(
    file: Path,
    quant: str,
    over: Path | None,
    rows: Sequence[Row],
    found: Closeness,
    bounds: Bounds,
    dtype: str,
) -> dict[str, Any]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "file": file.name,
        "sha256": digest,
        "size_bytes": file.stat().st_size,
        "quantisation": quant,
        "adapter_over": over.name if over else None,
        "ok": all(row.ok for row in rows),
        "top1": found.top1,
        "top1_or_near": found.top1_near,
        "positions": found.positions,
        "mean_kl": found.kl,
        "largest_difference": found.largest,
        "bounds": {"top1_or_near": bounds.top1, "mean_kl": bounds.kl, "largest_difference": bounds.largest},
        "reference": f"transformers {version('transformers')}, {dtype}",
        "runtime": f"llama-cpp-python {version('llama-cpp-python')}",
        "rows": [{"check": row.check, "found": row.found, "wanted": row.wanted, "ok": row.ok} for row in rows],
    }


def _precision(merged: Path) -> str:
    """The precision that a merge was rounded to, by the shards' first matrix."""
    from lacie_export.safetensors_file import read_shards

    kinds = {tensor.dtype for shard in read_shards(merged) for tensor in shard.tensors if len(tensor.shape) > 1}
    return "bf16" if "BF16" in kinds else "f16"


if __name__ == "__main__":
    from lacie_export.commands import stage_main

    sys.exit(stage_main("verify"))
