"""Which version of the assessment heard a response: three parts, any of which makes two figures incomparable.

The version is stored with every assessment, row, mark and calibrator and compared on every use. What is of another
version is left out or refused, with a line that says what to do; it is never mixed with today's.
"""

EXTRACTION_VERSION = "5"
"""Changes with what is taken for the answer of a response: the extractor's form, its adapter or its rules."""
LISTENER_VERSION = "3"
"""Changes with the listener's form, its adapter or how a text is made ready for it. 2: tuned on people's ratings. 3:
and on more texts in other languages."""
SAMPLER_VERSION = "2"
"""Changes with how text is drawn under the same settings. 2: the chat's sampler everywhere, repeat penalty included."""
PROMPT_VERSION = "3.2"
"""Changes with the prompts by which any model takes the listener's part, and with their rules (both parts)."""

PAPER_VERSION = "1"
"""Changes with the prompts of the paper's kind (paper.py), and with the rules of both parts under them."""

ASSESSMENT_VERSION = f"{EXTRACTION_VERSION}.{LISTENER_VERSION}.{SAMPLER_VERSION}"
"""What the tuned listener that comes with the program hears."""


PROMPTED = "prompt-"
"""How the version begins of what a prompted listener hears."""


def version_of_prompted(listener: str) -> str:
    """What a model hears that takes the listener's part by a prompt; `listener` tells it from other models."""
    return f"{PROMPTED}{PROMPT_VERSION}-{listener}.{SAMPLER_VERSION}"


PAPER = "paper-"
"""The same of a listener that is asked as in the paper."""


def version_of_paper(listener: str) -> str:
    """What a model hears that takes the part by a prompt of the paper's kind; `listener` tells it from other models."""
    return f"{PAPER}{PAPER_VERSION}-{listener}.{SAMPLER_VERSION}"


def version_of_tuned(listener: str) -> str:
    """What a tuned listener hears that is not the one that comes with the program; `listener` tells it from others."""
    return f"{EXTRACTION_VERSION}.{listener}.{SAMPLER_VERSION}"
