"""What llama.cpp does for an export, in a child process: quantise a file, or say what a file answers.

`python -m lacie_export.native ORDER ANSWER`: both are JSON files. A failure that llama.cpp reports becomes
`{"error": line}`; one that ends the process is seen by the parent.
"""

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as low

from lacie_chat.engine import EngineSettings, native
from lacie_chat.engine.decoding import Batch, make_context, row_of_logits
from lacie_chat.engine.model import Model, thread_count
from lacie_chat.errors import LacieError

_STATES = 1024


def quantize(order: dict[str, Any]) -> dict[str, Any]:
    """Write `source` as `target` in the file type `ftype` (llama.cpp's number)."""
    params = low.llama_model_quantize_default_params()
    params.nthread = thread_count(None)
    params.ftype = order["ftype"]
    with native.errors_of() as lines:
        status = low.llama_model_quantize(
            os.fsencode(order["source"]), os.fsencode(order["target"]), ctypes.byref(params)
        )
        if status:
            reason = next(iter(lines()), "it gave no reason")
            return {"error": f"llama.cpp can't quantise this model: {reason.rsplit(': ', 1)[-1]}"}
    return {}


def probe(order: dict[str, Any]) -> dict[str, Any]:
    """Token ids of `texts`, logits of every position of `prompts` (token ids; stored in `logits`), greedy
    continuations."""
    adapter = Path(order["adapter"]) if order.get("adapter") else None
    settings = EngineSettings(Path(order["model"]), adapter, gpu_layers=0)
    model = Model(settings, None)
    prompts: list[list[int]] = order["prompts"]
    context = _context(model, max(map(len, prompts)) + order["tokens"] + 8)
    with Path(order["logits"]).open("wb") as file:
        greedy: list[list[int]] = []
        for prompt in prompts:
            rows = _read(model, context, prompt, every=True)
            file.write(rows.astype(np.float32).tobytes())
            if len(greedy) < order["continued"]:
                greedy.append(_continue(model, context, len(prompt), int(rows[-1].argmax()), order["tokens"]))
    return {
        "plain": [_tokens(model, text, special=False) for text in order["texts"]],
        "with_special": [_tokens(model, text, special=True) for text in order["texts"]],
        "vocabulary": model.vocabulary,
        "greedy": greedy,
        "greedy_texts": [model.text(tokens) for tokens in greedy],
    }


def _tokens(model: Model, text: str, *, special: bool) -> list[int]:
    """As the tokenizer does it by itself; `special` adds BOS and EOS where the model wants them."""
    data = text.encode("utf-8")
    room = len(data) + 16
    tokens = (low.llama_token * room)()
    count = low.llama_tokenize(model.vocab, data, len(data), tokens, room, special, True)
    if count < 0:
        raise LacieError(f"llama.cpp can't tokenise {text!r}")
    return list(tokens[:count])


def _context(model: Model, length: int) -> Any:
    """A context that reads a prompt of `length` tokens in one piece and keeps the logits of each."""
    size = max(_STATES, length)
    refusal = "llama.cpp can't make a context for this model: not enough memory"
    return make_context(model, size, batch=size, outputs=length, adapter=model.adapter, refusal=refusal)


def _read(model: Model, context: Any, tokens: list[int], *, at: int = 0, every: bool = False) -> Any:
    """Logits after `tokens`, read from position `at`: one row, or one a position (len(tokens) x vocabulary)."""
    if at == 0:
        low.llama_memory_clear(low.llama_get_memory(context), True)
    batch = Batch(len(tokens))
    last = len(tokens) - 1
    try:
        if batch.decode(context, [(token, at + i, 0, every or i == last) for i, token in enumerate(tokens)]):
            raise LacieError("llama.cpp can't read a prompt with this model")
        rows = [row_of_logits(context, i, model).copy() for i in (range(len(tokens)) if every else (last,))]
    finally:
        batch.free()
    return np.stack(rows)


def _continue(model: Model, context: Any, at: int, first: int, count: int) -> list[int]:
    tokens = [first]
    while len(tokens) < count and not model.ends_answer(tokens[-1]):
        tokens.append(int(_read(model, context, tokens[-1:], at=at + len(tokens) - 1)[0].argmax()))
    return tokens


def main(order_path: str, answer_path: str) -> int:
    """Carry out one order; the exit status is 0 also when the answer is an error."""
    order = json.loads(Path(order_path).read_text(encoding="utf-8"))
    native.start(Path(order["log"]))
    try:
        answer = {"quantize": quantize, "probe": probe}[order["command"]](order)
    except LacieError as error:
        answer = {"error": str(error)}
    Path(answer_path).write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
