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
    params = low.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = max(_STATES, length)
    params.n_threads = params.n_threads_batch = model.threads
    params.swa_full = True
    params.n_outputs_max = length
    context = low.llama_init_from_model(model.handle, params)
    if not context:
        raise LacieError("llama.cpp can't make a context for this model: not enough memory")
    if model.adapter is not None:
        adapters = (low.llama_adapter_lora_p_ctypes * 1)(model.adapter)
        if low.llama_set_adapters_lora(context, adapters, 1, (ctypes.c_float * 1)(1.0)):
            raise LacieError("llama.cpp can't put the adapter over this model")
    return context


def _read(model: Model, context: Any, tokens: list[int], *, at: int = 0, every: bool = False) -> Any:
    """Logits after `tokens`, read from position `at`: one row, or one a position (len(tokens) x vocabulary)."""
    if at == 0:
        low.llama_memory_clear(low.llama_get_memory(context), True)
    batch = low.llama_batch_init(len(tokens), 0, 1)
    try:
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = at + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = every or index == len(tokens) - 1
        if low.llama_decode(context, batch):
            raise LacieError("llama.cpp can't read a prompt with this model")
        wanted = range(len(tokens)) if every else (len(tokens) - 1,)
        rows = [np.ctypeslib.as_array(low.llama_get_logits_ith(context, i), (model.vocabulary,)).copy() for i in wanted]
    finally:
        low.llama_batch_free(batch)
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
