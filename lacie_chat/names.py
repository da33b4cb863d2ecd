"""What a speaker is called wherever it is named: in lists and headings, by commands and on screens."""


def pair_name(model: str, adapter: str | None) -> str:
    """`SmolLM2-135M-Instruct + LACIE`; the model alone where it has no adapter."""
    return f"{model} + {adapter}" if adapter else model
