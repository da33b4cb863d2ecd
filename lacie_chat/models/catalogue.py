"""A few models that are better than the embedded one, for those who don't know the Hub.

Kept by hand: well-known instruction models under permissive or widely accepted licences, in a quantisation that fits
8 to 16 GB of memory. None of them is trained with LACIE: their confidence is what their wording happens to convey.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model on the Hub. `download_gb` is the file (10^9 bytes); `memory_gb` what the machine should have in all."""

    ref: str
    name: str
    parameters: str
    download_gb: float
    memory_gb: int
    licence: str
    why: str


def catalogue() -> list[CatalogueEntry]:
    """The models, smallest first."""
    return [
        CatalogueEntry(
            "bartowski/SmolLM2-1.7B-Instruct-GGUF:Q4_K_M", "SmolLM2 1.7B Instruct", "1.7B", 1.1, 4, "Apache-2.0",
            "the embedded model's big sister: quick on any laptop, knows far more, still errs often",
        ),
        CatalogueEntry(
            "ggml-org/gemma-3-4b-it-GGUF:Q4_K_M", "Gemma 3 4B", "4B", 2.5, 8, "Gemma terms",
            "many languages; its licence has terms of use",
        ),
        CatalogueEntry(
            "unsloth/Qwen3-4B-Instruct-2507-GGUF:Q4_K_M", "Qwen3 4B Instruct 2507", "4B", 2.5, 8, "Apache-2.0",
            "strong for its size; a good first choice for 8 GB",
        ),
        CatalogueEntry(
            "bartowski/Mistral-7B-Instruct-v0.3-GGUF:Q4_K_M", "Mistral 7B Instruct v0.3", "7B", 4.4, 8, "Apache-2.0",
            "a base model of the LACIE paper's family (not trained with LACIE)",
        ),
        CatalogueEntry(
            "bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M", "Qwen2.5 7B Instruct", "7B", 4.7, 12, "Apache-2.0",
            "a sound all-rounder",
        ),
        CatalogueEntry(
            "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M", "Llama 3.1 8B Instruct", "8B", 4.9, 12,
            "Llama 3.1 licence",
            "widely known facts at 8B; its licence has terms of use",
        ),
    ]  # fmt: skip
