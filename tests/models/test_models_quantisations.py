"""Choosing a file by its name, on listings as the Hub has them."""

import pytest

from lacie_chat.models.quantisations import choose, variants

TYPICAL = [
    ".gitattributes",
    "README.md",
    "Qwen2.5-7B-Instruct-IQ4_XS.gguf",
    "Qwen2.5-7B-Instruct-Q4_0_4_4.gguf",
    "Qwen2.5-7B-Instruct-Q4_K_M.gguf",
    "Qwen2.5-7B-Instruct-Q6_K_L.gguf",
    "Qwen2.5-7B-Instruct-Q8_0.gguf",
    "Qwen2.5-7B-Instruct-f16.gguf",
    "Qwen2.5-7B-Instruct.imatrix",
    "imatrix_unsloth.gguf",
    "mmproj-model-f16.gguf",
]
MIXED = [
    "BF16/Big-BF16-00001-of-00002.gguf",
    "BF16/Big-BF16-00002-of-00002.gguf",
    "Big-UD-Q4_K_XL.gguf",
    "big.q5_k_m.gguf",
    "Q8_0/big-00001-of-00002.gguf",
    "Q8_0/big-00002-of-00002.gguf",
    "Q6_K/big-Q6_K-00001-of-00003.gguf",
    "Q6_K/big-Q6_K-00003-of-00003.gguf",
    "big-lacie-F16-LoRA.gguf",
    "explorateur-q4_0.gguf",
]


def test_a_typical_repository() -> None:
    labels = [variant.label for variant in variants(TYPICAL)]
    assert labels == ["IQ4_XS", "Q4_0_4_4", "Q4_K_M", "Q6_K_L", "Q8_0", "F16"]


def test_parts_folders_and_odd_spellings() -> None:
    found = {variant.label: variant.files for variant in variants(MIXED)}
    assert found == {
        "BF16": ("BF16/Big-BF16-00001-of-00002.gguf", "BF16/Big-BF16-00002-of-00002.gguf"),
        "UD-Q4_K_XL": ("Big-UD-Q4_K_XL.gguf",),
        "Q5_K_M": ("big.q5_k_m.gguf",),
        "Q8_0": ("Q8_0/big-00001-of-00002.gguf", "Q8_0/big-00002-of-00002.gguf"),
        "Q4_0": ("explorateur-q4_0.gguf",),
    }
    assert [variant.files for variant in variants(MIXED, adapters=True)] == [("big-lacie-F16-LoRA.gguf",)]


@pytest.mark.parametrize(
    ("wanted", "file"),
    [
        ("Q4_K_M", "Qwen2.5-7B-Instruct-Q4_K_M.gguf"),
        ("q4_k_m", "Qwen2.5-7B-Instruct-Q4_K_M.gguf"),
        ("f16", "Qwen2.5-7B-Instruct-f16.gguf"),
        ("qwen2.5-7b-instruct-q8_0.gguf", "Qwen2.5-7B-Instruct-Q8_0.gguf"),
        (None, "Qwen2.5-7B-Instruct-Q4_K_M.gguf"),
        ("Q4", None),
        ("Q2_K", None),
    ],
)
def test_what_is_wanted(wanted: str | None, file: str | None) -> None:
    chosen = choose(variants(TYPICAL), wanted)
    assert (chosen.files[0] if chosen else None) == file


def test_without_a_wish_the_preferred_one_that_is_there() -> None:
    assert choose(variants(["a-f16.gguf", "a-Q8_0.gguf", "a-Q2_K.gguf"]), None).label == "Q8_0"  # type: ignore[union-attr]
    assert choose(variants(["a-Q2_K.gguf", "model.gguf"]), None).label == "Q2_K"  # type: ignore[union-attr]
    assert choose(variants(["model.gguf"]), None).label == "model.gguf"  # type: ignore[union-attr]
    assert choose(variants(MIXED), "Q4_K_XL").label == "UD-Q4_K_XL"  # type: ignore[union-attr]
    assert choose([], None) is None
