"""From a trained adapter to files that llama.cpp runs, proven to be the same model: merge -> gguf -> verify; adapter;
card.

Nothing here trusts a conversion: every file that leaves is read back and compared with the model that was trained.
"""
