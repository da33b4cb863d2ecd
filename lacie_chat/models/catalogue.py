"""A few models that one would pick today, for those who don't know the Hub: what fits 4, 8, 16 and 32 GB of memory.

Kept by hand; looked at last on 2026-11-27. Every repository and file, its size and its licence were found in the
published code and documents of several others, not by fetching them (sizes that end in zeros are rounded). All are
architectures of the pinned llama.cpp. None is trained with LACIE: their confidence is what their wording happens to
convey.
"""

from dataclasses import dataclass
from typing import Literal

Thinking = Literal["no", "can", "always"]
THINKS: dict[Thinking, str] = {"no": "doesn't think", "can": "thinks if asked", "always": "always thinks"}


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model on the Hub. `download_bytes` is the file; `memory_gb` the memory of the machine that it is picked for;
    `context` what it was trained for, in tokens; `thinks` whether it reasons before it answers: `no`, `can` (it is
    switched), `always`."""

    ref: str
    name: str
    parameters: str
    download_bytes: int
    memory_gb: int
    context: int
    thinks: Thinking
    licence: str
    why: str


def catalogue() -> list[CatalogueEntry]:
    """The models, smallest machine first, on each the one to try first at the top."""
    return [
        CatalogueEntry(
            "unsloth/Qwen3.5-2B-GGUF:Q4_K_M", "Qwen3.5 2B", "2B", 1_280_000_000, 4, 262_144, "can", "Apache-2.0",
            "fifteen times the embedded model, and small enough for any laptop; many languages",
        ),
        CatalogueEntry(
            "LiquidAI/LFM2.5-1.2B-Instruct-GGUF:Q4_K_M", "LFM2.5 1.2B Instruct", "1.2B", 730_895_168, 4, 32_768, "no",
            "LFM Open License 1.0", "the smallest of these; its licence has terms for large companies",
        ),
        CatalogueEntry(
            "unsloth/Qwen3-4B-Instruct-2507-GGUF:Q4_K_M", "Qwen3 4B Instruct 2507", "4B", 2_497_281_120, 8, 262_144,
            "no", "Apache-2.0", "answers at once, without a thought: a good first choice for 8 GB",
        ),
        CatalogueEntry(
            "unsloth/Qwen3.5-4B-GGUF:Q4_K_M", "Qwen3.5 4B", "4B", 2_740_937_888, 8, 262_144, "can", "Apache-2.0",
            "the newer family, which thinks where it is asked to",
        ),
        CatalogueEntry(
            "unsloth/gemma-4-E2B-it-GGUF:Q4_K_M", "Gemma 4 E2B", "2B effective", 3_110_000_000, 8, 131_072, "can",
            "Apache-2.0", "many languages; much of the file is tables that cost no time",
        ),
        CatalogueEntry(
            "unsloth/Qwen3.5-9B-GGUF:Q4_K_M", "Qwen3.5 9B", "9B", 5_680_522_464, 16, 262_144, "can", "Apache-2.0",
            "the next size of the family; slow without a graphics card when it thinks",
        ),
        CatalogueEntry(
            "unsloth/gemma-4-E4B-it-GGUF:Q4_K_M", "Gemma 4 E4B", "4B effective", 4_977_171_584, 16, 131_072, "can",
            "Apache-2.0", "many languages; much of the file is tables that cost no time",
        ),
        CatalogueEntry(
            "mistralai/Ministral-3-8B-Instruct-2512-GGUF:Q4_K_M", "Ministral 3 8B Instruct", "8B", 5_198_911_904, 16,
            262_144, "no", "Apache-2.0", "answers at once; Mistral's, as one of the LACIE paper's models",
        ),
        CatalogueEntry(
            "ggml-org/gpt-oss-20b-GGUF:MXFP4", "gpt-oss 20B", "21B, 3.6B active", 12_109_566_624, 16, 131_072,
            "always", "Apache-2.0", "always thinks, as long as it is told to; a token uses a sixth of its weights",
        ),
        CatalogueEntry(
            "unsloth/gemma-4-26B-A4B-it-GGUF:UD-Q4_K_M", "Gemma 4 26B A4B", "26B, 4B active", 16_947_541_728, 32,
            262_144, "can", "Apache-2.0", "a token uses a sixth of its weights, so it is quicker than its size",
        ),
        CatalogueEntry(
            "unsloth/Qwen3.6-35B-A3B-GGUF:UD-Q4_K_M", "Qwen3.6 35B A3B", "35B, 3B active", 22_134_528_992, 32,
            262_144, "can", "Apache-2.0", "the largest of these; a token uses a tenth of its weights",
        ),
        CatalogueEntry(
            "unsloth/Qwen3.8-27B-GGUF:UD-Q4_K_M", "Qwen3.8 27B", "27B", 16_464_440_224, 32, 262_144, "can",
            "Apache-2.0", "the newest of these; a token uses all of its weights: for a graphics card, or patience",
        ),
    ]  # fmt: skip
