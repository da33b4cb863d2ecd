"""What a GGUF's tokenizer does that is lost where transformers makes one of it, for those who load a GGUF there.

`tokenizer.ggml.pre` names how text is cut before the merges. For some names llama.cpp cuts at every digit (`\\p{N}`)
before GPT-2's pattern; transformers puts GPT-2's pattern alone in its place. ASCII digits come out the same, others
("½", "٣") don't: the vocabulary has merges of them with the space before.
"""

DIGIT_SPLITTERS = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone")
"""Values of `tokenizer.ggml.pre` for which llama.cpp cuts at every \\p{N} before GPT-2's pattern."""


def splits_digits(pre_tokenizer: object) -> bool:
    """Whether a GGUF whose metadata says `pre_tokenizer` wants every digit by itself."""
    return pre_tokenizer in DIGIT_SPLITTERS
