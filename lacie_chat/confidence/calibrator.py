"""The fitted map from an answer's signals to P(right), for one model: how often such answers of it are right.

A logistic regression, fitted elsewhere (statistics/fitting.py) and only applied here:

    P(right) = sigmoid(intercept + sum of weight * signal)

The acceptance goes in as log-odds (clipped to [1e-4, 1 - 1e-4]), log-probabilities as they are (clipped at -20), the
agreement as its share. No weight is negative, for of every signal more means surer: an answer that sounds surer, that
its speaker found more probable, or that more samples agree with, never gets the lower figure.

Not every answer has every signal (samples are drawn where the user asks for them, and the tokens of an old answer may
not be known), so a calibrator has several `forms`, each fitted on its own: the first whose signals are all known is
used. None says 0 or 100 %, which no finite number of answers can show: what comes out lies within [1 / (n + 2),
(n + 1) / (n + 2)], the rule of succession for a run of n.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from lacie_chat.confidence.signals import ACCEPTANCE, AGREEMENT, MEANINGS
from lacie_chat.foreign_json import read_json

FORMAT = "lacie-calibrator/4"
_OLDER = ("lacie-calibrator/1", "lacie-calibrator/2", "lacie-calibrator/3")  # they know the wording alone
_EDGE, _LOWEST_LOGPROB = 1e-4, -20.0


class OlderCalibrator(ValueError):
    """A calibrator of a format that is no longer used: it can only be fitted again."""


class _Sampling(Protocol):
    """What has the settings of drawing, such as the engine's Sampling (which this room doesn't know)."""

    @property
    def temperature(self) -> float: ...
    @property
    def top_p(self) -> float: ...
    @property
    def top_k(self) -> int: ...
    @property
    def repeat_penalty(self) -> float: ...
    @property
    def min_p(self) -> float: ...
    @property
    def reasoning(self) -> str | int | None: ...


@dataclass(frozen=True, slots=True)
class WayOfDrawing:
    """How answers were drawn; a calibrator says nothing of answers that are drawn in another way."""

    temperature: float
    top_p: float
    top_k: int
    repeat_penalty: float
    min_p: float = 0.0
    reasoning: str | int | None = None
    """Whether it was thought about first: `on`, `off`, the most tokens for it; None: as the model does, which for most
    is not to think."""
    system: str = ""
    """What the model was told first: it may answer otherwise, and sound otherwise, than without."""

    @classmethod
    def of(cls, sampling: _Sampling, system: str = "") -> "WayOfDrawing":
        """What of a sampling, and of what the model is told first, changes how often answers are right; length and seed
        are no part of it."""
        return cls(
            float(sampling.temperature),
            float(sampling.top_p),
            sampling.top_k,
            float(sampling.repeat_penalty),
            float(sampling.min_p),
            sampling.reasoning,
            system,
        )

    def to_dict(self) -> dict[str, Any]:
        """As it is kept: without min-p and system prompt where there are none, as before there were any. `reasoning` is
        always there, so that answers that were thought about aren't taken for others."""
        return {name: value for name, value in asdict(self).items() if name not in ("min_p", "system") or value}

    @classmethod
    def from_dict(cls, data: Any) -> "WayOfDrawing":
        """Read what `to_dict` wrote. Raises ValueError, one line, on anything else."""
        names = ("temperature", "top_p", "top_k", "repeat_penalty")
        if not isinstance(data, Mapping) or set(data) - {"min_p", "reasoning", "system"} != set(names):
            raise ValueError(f"not a calibrator: 'sampling' has {', '.join(names)}")
        reasoning = data.get("reasoning")
        if reasoning not in (None, "on", "off") and type(reasoning) is not int:
            raise ValueError("not a calibrator: 'reasoning' is on, off or a number of tokens")
        system = data.get("system", "")
        if not isinstance(system, str):
            raise ValueError("not a calibrator: 'system' is a text")
        temperature, top_p, top_k, repeat_penalty = (_number(data[name], "sampling") for name in names)
        min_p = _number(data.get("min_p", 0.0), "sampling")
        return cls(temperature, top_p, int(top_k), repeat_penalty, min_p, reasoning, system)


_UNSAID: Mapping[str, Any] = {"min_p": 0.0, "reasoning": None, "system": ""}
"""What answers were drawn with that were kept before these were."""


def drawn_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """How an answer was drawn, by the parameters that are kept with it: its sampling, and what the model was told."""
    told = params.get("system_prompt")
    return {**(params.get("sampling") or {}), **({"system": told} if told else {})}


def drawn_so(way: Mapping[str, Any], drawn: Mapping[str, Any]) -> bool:
    """Whether an answer was drawn in this way (`WayOfDrawing.to_dict`); `drawn`: see `drawn_of`."""
    wanted = {**_UNSAID, **way}
    return wanted.items() <= {**wanted, **_UNSAID, **drawn}.items()


@dataclass(frozen=True, slots=True)
class Form:
    """One logistic regression: `weights` by signal, none negative. Raises ValueError, one line, on anything else."""

    intercept: float
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if unknown := set(self.weights) - set(MEANINGS):
            raise ValueError(f"a calibrator knows no signal {sorted(unknown)[0]!r}")
        if not all(map(math.isfinite, (self.intercept, *self.weights.values()))):
            raise ValueError("a calibrator's weights are finite")
        if any(weight < 0 for weight in self.weights.values()):
            raise ValueError("a calibrator's weights are not negative: surer answers would get the lower figure")

    def __call__(self, signals: Mapping[str, float]) -> float:
        """The figure; KeyError where a signal isn't known."""
        return sigmoid(
            self.intercept + sum(weight * as_input(name, signals[name]) for name, weight in self.weights.items())
        )

    def to_dict(self) -> dict[str, Any]:
        return {"intercept": self.intercept, "weights": dict(self.weights)}


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Fitted on `n` answers of `source`, `right` of them right, for the model with `model_fingerprint`, as
    `assessment_version` heard them; they were drawn as `sampling` says. Raises ValueError, one line, on values that
    are no calibrator.
    """

    n: int
    right: int
    source: str
    model_fingerprint: str
    assessment_version: str
    sampling: WayOfDrawing
    forms: tuple[Form, ...]

    def __post_init__(self) -> None:
        if self.n <= 0:
            raise ValueError(f"a calibrator is fitted on at least one answer, not on {self.n}")
        if not 0 <= self.right <= self.n:
            raise ValueError(f"of {self.n} answers {self.right} can't be right")
        if not self.forms:
            raise ValueError("a calibrator has at least one form")

    @property
    def share(self) -> float:
        """The share of right answers among those that it was fitted on."""
        return self.right / self.n

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that it uses, in the order of MEANINGS."""
        used = {name for form in self.forms for name in form.weights}
        return tuple(name for name in MEANINGS if name in used)

    def form_for(self, signals: Mapping[str, float]) -> Form | None:
        """The form for an answer of which these signals are known; None for one that gives no answer (no signals at
        all), or of which too little is known.
        """
        if not signals:
            return None
        return next((form for form in self.forms if all(name in signals for name in form.weights)), None)

    def __call__(self, signals: Mapping[str, float]) -> float | None:
        """P(right), 0 to 1, of an answer with these signals (`signals.signal_values`); None where `form_for` is."""
        form = self.form_for(signals)
        if form is None:
            return None
        least = 1 / (self.n + 2)
        return min(max(form(signals), least), 1 - least)

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it; `from_dict` reads it back unchanged."""
        return {
            "format": FORMAT,
            "n": self.n,
            "right": self.right,
            "source": self.source,
            "model_fingerprint": self.model_fingerprint,
            "assessment_version": self.assessment_version,
            "sampling": {name: value for name, value in self.sampling.to_dict().items() if value is not None},
            "forms": [form.to_dict() for form in self.forms],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Calibrator":
        """Read what `to_dict` wrote. Raises ValueError, one line, OlderCalibrator on an older format."""
        if isinstance(data, Mapping) and data.get("format") in _OLDER:
            raise OlderCalibrator(f"it is of an older format ({data['format']}); fit it again: lacie calibrate")
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise ValueError(f"not a calibrator: its format is not {FORMAT!r}")
        for name, kind in _FIELDS.items():
            if not isinstance(data.get(name), kind) or isinstance(data.get(name), bool):
                raise ValueError(f"not a calibrator: {name!r} is missing or of the wrong type")
        return cls(
            n=data["n"],
            right=data["right"],
            source=data["source"],
            model_fingerprint=data["model_fingerprint"],
            assessment_version=data["assessment_version"],
            sampling=WayOfDrawing.from_dict(data.get("sampling")),
            forms=tuple(_form(each) for each in data["forms"]),
        )

    @classmethod
    def load(cls, path: Path) -> "Calibrator":
        """Read a JSON file. Raises ValueError, one line with its name, if it is unreadable or no calibrator."""
        try:
            return cls.from_dict(read_json(path))
        except OlderCalibrator as error:
            raise OlderCalibrator(f"the calibrator {path} is not used: {error}") from error
        except OSError as error:
            raise ValueError(f"the calibrator {path} can't be read: {error.strerror}") from error
        except ValueError as error:  # NoJSON is one, too
            raise ValueError(f"the calibrator {path} is damaged: {str(error).splitlines()[0]}") from error


_FIELDS: dict[str, type] = {
    "n": int, "right": int, "source": str, "model_fingerprint": str, "assessment_version": str, "forms": list,
}  # fmt: skip


def as_input(name: str, value: float) -> float:
    """A signal as the regression takes it. Raises ValueError for a value that the signal can't have."""
    if name in (ACCEPTANCE, AGREEMENT):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"an {name} lies between 0 and 1, not at {value}")
        return value if name == AGREEMENT else logit(value)
    if not value <= 0.0:
        raise ValueError(f"a log-probability is 0 or less, not {value}")
    return max(value, _LOWEST_LOGPROB)


def logit(probability: float) -> float:
    """Log-odds, of a probability clipped to [1e-4, 1 - 1e-4]."""
    x = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(x / (1 - x))


def sigmoid(value: float) -> float:
    """The probability of log-odds, without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def _form(data: Any) -> Form:
    if not isinstance(data, Mapping) or not isinstance(data.get("weights"), Mapping):
        raise ValueError("not a calibrator: a form has an intercept and weights")
    weights = {str(name): _number(weight, "weights") for name, weight in data["weights"].items()}
    return Form(_number(data.get("intercept"), "intercept"), weights)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"not a calibrator: {name!r} holds something that is no finite number")
    return float(value)
