"""Who produces text and choice probabilities: llama.cpp, transformers or vLLM, behind one interface
(`lacie_chat.engine.generator.Generator`); and who listens.
"""

from lacie_chat.engine.generator import Generator, Response, seed_of
from lacie_training.generators.choosing import load_generator
from lacie_training.generators.listeners import listener_version, load_listener, prompted

__all__ = [
    "Generator",
    "Response",
    "listener_version",
    "load_generator",
    "load_listener",
    "prompted",
    "seed_of",
]
