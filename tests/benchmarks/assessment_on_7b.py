"""What an assessment adds to an answer of a 7B, in seconds and in memory, and which caches are made for it.

    python tests/benchmarks/assessment_on_7b.py --folder DIR [--listener REF|itself] [--tokens 61] [--keep]

Writes a model of Llama 2 7B's shapes in Q4_0 with random weights into DIR (3.6 GiB, removed at the end unless --keep),
draws an answer with it, and has a text of as many tokens assessed. Time is this process's CPU time on one thread, so
other work on the machine matters little; memory is what the process holds of its own (RssAnon: not the mapped files,
but the weights once more where llama.cpp repacks them for the processor) and what llama.cpp says it allocated, in MiB.
`itself`: the model hears by a prompt, as before the small listener.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import gguf
import numpy as np

from lacie_chat.confidence import assess
from lacie_chat.engine import ChatTurn, Engine, EngineSettings, Finished, Sampling
from lacie_chat.models import embedded_model_path, find_listener

LAYERS, WIDTH, FEED_FORWARD, HEADS, TOKENS, CONTEXT = 32, 4096, 11008, 32, 32000, 4096
QUESTION = "What is the best known river of Europe?"
ANSWER = (
    "I think it is the {}, though others may say the Rhine or the Volga. It rises in a quiet valley in the hills, runs "
    "through many countries and several capitals, and ends in the sea after more than a thousand miles. I am quite "
    "sure that people have lived on its banks for a very long time."
)
RIVERS = ("Danube", "Loire", "Elbe", "Thames", "Vistula")
_ALLOCATED = re.compile(r"(KV|RS|compute|output)\s+buffer size\s*=\s*([\d.]+) MiB")


def write_7b(path: Path, vocabulary: Path) -> None:
    """A model of Llama 2 7B's shapes: random nibbles under one small scale, so that no number overflows."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tiny_architectures import add_byte_pairs

    from lacie_chat.gguf_header import read_header

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Random 7B")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    add_byte_pairs(writer, "smollm", vocabulary, TOKENS)
    writer.add_eos_token_id(2)
    writer.add_chat_template(str(read_header(vocabulary, tensors=False).keys["tokenizer.chat_template"]))
    shapes = {"token_embd.weight": (TOKENS, WIDTH), "output_norm.weight": (WIDTH,), "output.weight": (TOKENS, WIDTH)}
    for layer in range(LAYERS):
        shapes |= {f"blk.{layer}.{name}_norm.weight": (WIDTH,) for name in ("attn", "ffn")}
        shapes |= {f"blk.{layer}.attn_{name}.weight": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
        shapes |= {f"blk.{layer}.ffn_{name}.weight": (FEED_FORWARD, WIDTH) for name in ("gate", "up")}
        shapes |= {f"blk.{layer}.ffn_down.weight": (WIDTH, FEED_FORWARD)}
    random = np.random.default_rng(0)
    most = max(rows * columns for rows, columns in (shape for shape in shapes.values() if len(shape) == 2))
    blocks = random.integers(0, 256, (most // 32, 18), np.uint8)  # Q4_0: a scale and 32 nibbles
    blocks[:, :2] = np.frombuffer(np.float16(0.004).tobytes(), np.uint8)
    kind = gguf.GGMLQuantizationType
    for name, shape in shapes.items():
        if len(shape) == 1:
            writer.add_tensor_info(name, shape, np.dtype(np.float32), 4 * shape[0])
        else:
            in_bytes = (shape[0], shape[1] // 32 * 18)
            writer.add_tensor_info(name, in_bytes, np.dtype(np.uint8), in_bytes[0] * in_bytes[1], kind.Q4_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for shape in shapes.values():
        rows = blocks[: np.prod(shape) // 32] if len(shape) == 2 else np.ones(shape, np.float32)
        writer.write_tensor_data(rows)
    writer.close()


def own_mib() -> float:
    """What this process holds of its own, in MiB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


class Stages:
    """A line for each stage: CPU seconds, memory of its own, and what llama.cpp allocated meanwhile."""

    def __init__(self, log: Path) -> None:
        self._log, self._read = log, 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        before, began = own_mib(), time.process_time()
        yield
        took, grown = time.process_time() - began, own_mib() - before
        found = _ALLOCATED.findall(self._new_lines())
        allocated = ", ".join(f"{what} {float(size):.0f}" for what, size in found if float(size) >= 1) or "nothing"
        print(f"{name:58} {took:8.1f} s {grown:+8.0f} MiB   {allocated}", flush=True)

    def _new_lines(self) -> str:
        with self._log.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        self._read += len(data)
        return data.decode("utf-8", "replace")


def repeated(work: Callable[[str], object]) -> float:
    """The median CPU time of a piece of work over all RIVERS."""
    times = []
    for river in RIVERS:
        began = time.process_time()
        work(ANSWER.format(river))
        times.append(time.process_time() - began)
    return median(times)


def main() -> None:
    """Write, measure, print, remove."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--listener")
    parser.add_argument("--tokens", type=int, default=61)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    vocabulary = embedded_model_path()
    assert vocabulary is not None
    path, log = options.folder / "random-7b-q4_0.gguf", options.folder / "engine.log"
    if not path.exists():
        write_7b(path, vocabulary)
    listener, _ = find_listener(str(path) if options.listener == "itself" else options.listener, path)
    log.unlink(missing_ok=True)
    turns = [ChatTurn("user", QUESTION)]
    sampling = Sampling(max_tokens=options.tokens, seed=1)
    try:
        with Engine(EngineSettings(path, threads=1, listener=listener), log_path=log) as engine:
            stages = Stages(log)
            with stages.stage("the model is loaded"):
                engine.load()
            with stages.stage(f"an answer of {options.tokens} tokens is drawn"):
                *_, end = engine.generate(turns, sampling)
            assert isinstance(end, Finished), end
            with stages.stage("the listener is loaded, reads its prompts"):
                assess("Is it so?", "It is so.", listener=engine.listener)
            with stages.stage("an assessment of a text of as many tokens"):
                assess(QUESTION, ANSWER.format("Po"), listener=engine.listener)
            took = repeated(lambda text: assess(QUESTION, text, listener=engine.listener))
            print(f"{'  the median of five others':58} {took:8.1f} s")
            with stages.stage("an answer is drawn aside (8 tokens)"):
                *_, end = engine.generate(turns, Sampling(max_tokens=8, seed=2), aside=True)
            with stages.stage("its sentences are read side by side"):
                engine.patient_listener.acceptances(ANSWER.format("Po").split(". "))
            print(f"{'in all':58} {'':8}   {own_mib():+8.0f} MiB")
    finally:
        if not options.keep:
            path.unlink()


if __name__ == "__main__":
    main()
