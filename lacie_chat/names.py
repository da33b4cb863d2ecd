"""What a speaker is called wherever it is named: in lists and headings, by commands and on screens."""


def pair_name(model: str, adapter: str | None) -> str:
    """`SmolLM2-135M-Instruct + LACIE`; the model alone where it has no adapter."""
    return f"{model} + {adapter}" if adapter else model


def pair_refs(model: str, adapter: str | None, own: str = "its own adapter") -> str:
    """The same by REFs. Where both are one (the embedded model's adapter is `embedded` too, and Ollama's has the name
    of its model), `own` stands for the adapter."""
    return pair_name(model, own if adapter == model else adapter)
