"""Models that are only a vocabulary, as llama.cpp carries them for its own tests, and such with a family's markers."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from llama_cpp import llama_cpp as low

from lacie_chat.engine import native
from lacie_chat.engine.model import Model


class VocabularyOnly(Model):
    """What of a model is its vocabulary; no weights are there to be counted or to be loaded."""

    def __init__(self, path: Path) -> None:
        native.start(None)
        params = native.model_params()
        params.vocab_only = True
        self.path, self.handle = path, low.llama_model_load_from_file(os.fsencode(path), params)
        assert self.handle, f"{path} is no vocabulary"
        self.vocab, self._alive = low.llama_model_get_vocab(self.handle), threading.Lock()
        self.vocabulary, self.metadata = int(low.llama_vocab_n_tokens(self.vocab)), self._metadata()
        ids = (low.llama_vocab_bos, low.llama_vocab_eos, low.llama_vocab_pad)
        self.bos, self.eos, self.pad = (int(token_of(self.vocab)) for token_of in ids)
        self._adds_bos = bool(low.llama_vocab_get_add_bos(self.vocab)) and self.bos >= 0
        self.sentencepiece = int(low.llama_vocab_type(self.vocab)) == 1
        self._adapters = {}


def vocabulary(path: Path) -> Model:
    """A GGUF without weights."""
    return VocabularyOnly(path)


def with_markers(source: Path, target: Path, control: Sequence[str] = (), user_defined: Sequence[str] = ()) -> Path:
    """A copy of the GPT-2 vocabulary with markers of these types, as llama.cpp's converter adds them."""
    from gguf import GGUFReader, GGUFWriter, TokenType

    reader = GGUFReader(source)

    def strings(key: str) -> list[str]:
        field = reader.fields[key]
        return [bytes(field.parts[place]).decode("utf-8") for place in field.data]

    tokens = strings("tokenizer.ggml.tokens")
    types = [TokenType.NORMAL] * (len(tokens) - 1) + [TokenType.CONTROL]
    writer = GGUFWriter(target, "gpt2")
    writer.add_context_length(1024)
    writer.add_embedding_length(8)
    writer.add_block_count(1)
    writer.add_head_count(1)
    writer.add_feed_forward_length(8)
    writer.add_layer_norm_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*tokens, *control, *user_defined])
    writer.add_token_types([*types, *[TokenType.CONTROL] * len(control), *[TokenType.USER_DEFINED] * len(user_defined)])
    writer.add_token_merges(strings("tokenizer.ggml.merges"))
    writer.add_eos_token_id(len(tokens) - 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return target
