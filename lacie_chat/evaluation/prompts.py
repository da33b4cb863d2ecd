"""How a question becomes the speaker's prompt; the same for sampling, training and evaluation.

`chat` models get a user turn through their own chat template, as the chat sends it. `plain` models (base models)
get text that ends without a space, and their completions begin with one, because that is how their tokenizers cut
words.
"""

from lacie_training.recipes.schema import SpeakerSettings

from lacie_chat.engine.settings import ChatTurn

PLAIN_STOP = "\n"
"""A base model goes on with further questions after its answer; the answer is one paragraph."""


def turns(speaker: SpeakerSettings, question: str, instruction: str | None = None) -> list[ChatTurn]:
    """The turns of a chat prompt; `instruction` replaces the plain one (style-diversified sampling)."""
    text = (instruction or speaker.instruction).replace("{question}", question)
    system = [ChatTurn("system", speaker.system)] if speaker.system else []
    return [*system, ChatTurn("user", text)]


def plain(speaker: SpeakerSettings, question: str, instruction: str | None = None) -> str:
    """The text of a plain prompt."""
    text = (instruction or speaker.instruction).replace("{question}", question).rstrip()
    return f"{speaker.system.strip()}\n\n{text}" if speaker.system else text


def stop_strings(speaker: SpeakerSettings) -> tuple[str, ...]:
    """Where a response ends, besides the model's end token."""
    return (PLAIN_STOP,) if speaker.format == "plain" else ()


def separator(speaker: SpeakerSettings) -> str:
    """What stands between prompt and completion in training."""
    return " " if speaker.format == "plain" else ""
