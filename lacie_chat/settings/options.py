"""Every option there is, once: the settings file, its documentation, the flags' help and the panel all read this table.

An option's name is that of the file, and with dashes for underscores that of its flag (but `--system`).
"""

from dataclasses import dataclass
from typing import Literal

from lacie_chat.confidence import MOST_SAMPLES
from lacie_chat.engine.settings import SHORTEST_CONTEXT, Sampling
from lacie_chat.settings.kinds import Kind, Value, line, lines, number, whole

Scope = Literal["answer", "chat", "model", "machine"]
"""`answer`: how one is made; these can be in a preset and belong to a conversation. `chat`: how the chat looks.
`model` and `machine`: who speaks, and how it is run; another value loads the model again."""
SCOPES: dict[Scope, str] = {
    "model": "Who answers",
    "answer": "How an answer is made; a preset and a conversation can have their own",
    "chat": "The chat",
    "machine": "How the model is run",
}
AUTO = "auto"
NO_ADAPTER = "none"
_USUAL = Sampling()


@dataclass(frozen=True, slots=True)
class Option:
    """`default` is what holds where nobody says anything; None: something is chosen, and `otherwise` says how. `sample`
    is a value to show where there is no default."""

    name: str
    kind: Kind
    help: str
    scope: Scope
    metavar: str = "N"
    default: Value | None = None
    otherwise: str = ""
    sample: Value = ""

    @property
    def flag(self) -> str:
        return "--system" if self.name == "system_prompt" else "--" + self.name.replace("_", "-")

    @property
    def default_text(self) -> str:
        """What holds where nobody says anything, in words."""
        return self.otherwise or (f"{self.default:g}" if isinstance(self.default, int | float) else str(self.default))

    @property
    def of_answer(self) -> bool:
        """Can a preset, and a conversation, have its own?"""
        return self.scope == "answer"


def _recommended(name: str) -> str:
    return f"what the model's file recommends, else {getattr(_USUAL, name):g}"


OPTIONS: tuple[Option, ...] = (
    Option(
        "model",
        line(),
        "`embedded`, a path to a GGUF or its folder, owner/repo[:QUANT] on the Hub, or ollama:NAME",
        "model",
        "REF",
        "embedded",
        sample="embedded",
    ),
    Option(
        "adapter",
        line(),
        "a LoRA adapter GGUF (path or owner/repo) over the model, or `none`",
        "model",
        "REF",
        otherwise="the one that the model has",
        sample=NO_ADAPTER,
    ),
    Option(
        "system_prompt",
        lines(),
        "what the model is told before every conversation",
        "answer",
        "TEXT",
        otherwise="none",
        sample="Answer in one sentence.",
    ),
    Option(
        "temperature",
        number(0, 5),
        "how freely it is drawn; 0 is greedy",
        "answer",
        "T",
        otherwise=_recommended("temperature"),
        sample=_USUAL.temperature,
    ),
    Option(
        "top_p",
        number(0, 1),
        "only the likeliest tokens that make up this share are drawn; 1 switches it off",
        "answer",
        "P",
        otherwise=_recommended("top_p"),
        sample=_USUAL.top_p,
    ),
    Option(
        "top_k",
        whole(0),
        "only so many of the likeliest tokens are drawn; 0 switches it off",
        "answer",
        "K",
        otherwise=_recommended("top_k"),
        sample=_USUAL.top_k,
    ),
    Option(
        "min_p",
        number(0, 1),
        "no token under this share of the likeliest one's probability; 0 switches it off",
        "answer",
        "P",
        otherwise=_recommended("min_p"),
        sample=0.05,
    ),
    Option(
        "repeat_penalty",
        number(0.1, 5),
        "how much less likely a repeated token gets; 1 switches it off",
        "answer",
        "X",
        otherwise=_recommended("repeat_penalty"),
        sample=_USUAL.repeat_penalty,
    ),
    Option(
        "max_tokens",
        whole(1),
        "length of an answer at most, in tokens; what is thought first doesn't count",
        "answer",
        "N",
        _USUAL.max_tokens,
    ),
    Option(
        "seed",
        whole(0, 2**31 - 1),
        "the same seed gives the same answer on the same machine",
        "answer",
        "N",
        otherwise="a new one for each answer of a chat; 0 for `lacie ask`",
        sample=0,
    ),
    Option(
        "reasoning",
        whole(0, words=("on", "off")),
        "whether a model that can think before it answers does so, or "
        "how many tokens it may think at most; what it thinks is no part of its answer",
        "answer",
        "on|off|TOKENS",
        otherwise="as the model does, as long as there is room",
        sample="off",
    ),
    Option(
        "agreement",
        whole(0, MOST_SAMPLES),
        f"draw so many samples (1 to {MOST_SAMPLES}) after each answer and show how many agree; 0 switches it off",
        "chat",
        "K",
        otherwise="as it was left; at first 0",
        sample=0,
    ),
    Option(
        "answer_from",
        number(0, 1),
        "answer only if at least P: an answer whose P(right), 0 to 1, is under it is "
        "folded to one line, which opens on demand; 0 switches it off",
        "chat",
        "P",
        otherwise="as it was left; at first 0",
        sample=0.5,
    ),
    Option(
        "theme",
        line(),
        "the colours; /theme in the chat lists them",
        "chat",
        "NAME",
        otherwise="as it was left; at first textual-dark",
        sample="textual-light",
    ),
    Option(
        "context",
        whole(SHORTEST_CONTEXT),
        "length of the context, in tokens",
        "machine",
        "TOKENS",
        otherwise="the model's own, or what fits half of the free memory; `lacie doctor` says it",
        sample=8192,
    ),
    Option(
        "threads",
        whole(1),
        "threads to generate",
        "machine",
        "N",
        otherwise="LACIE_THREADS, else half of the cores",
        sample=4,
    ),
    Option(
        "gpu_layers",
        whole(0, words=(AUTO,)),
        f"layers on the GPU: a number, 0 for none, or `{AUTO}`",
        "machine",
        "N",
        AUTO,
        "all that fit",
    ),
)
"""In the order of the file and the panel."""

BY_NAME: dict[str, Option] = {option.name: option for option in OPTIONS}
OF_ANSWER: tuple[Option, ...] = tuple(option for option in OPTIONS if option.of_answer)
