"""The fitted map from acceptance to P(correct) for one model: how often it is right when it sounds like that.

Two kinds, fitted elsewhere (statistics) and only applied here:

- `platt`: sigmoid(a * logit(x) + b). On the log-odds of the acceptance, so that a = 1, b = 0 changes nothing and
  the map is a change of scale and offset of the same quantity (Platt 1999; on log-odds: Kull et al. 2017). x is
  clipped to [1e-6, 1 - 1e-6].
- `isotonic`: breakpoints x and their values y, linear in between and flat outside, as scikit-learn's
  `IsotonicRegression(out_of_bounds="clip").predict` reads them (Zadrozny & Elkan 2002).

Either may have a second form beside it, for answers whose agreement is known (confidence/agreement.py):
sigmoid(a * logit(x) + c * agreement + b), a Platt map of two inputs. Where there is no agreement, the first answers.

All are non-decreasing: an answer that sounds surer, or that more samples agree with, never gets the lower figure.
"""

import bisect
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

FORMAT = "lacie-calibrator/3"
_OLDER = ("lacie-calibrator/1", "lacie-calibrator/2")  # they don't say how the answers were drawn
_EDGE = 1e-6

CalibratorKind = Literal["platt", "isotonic"]


class OlderCalibrator(ValueError):
    """A calibrator of a format that doesn't say how its answers were drawn: it can only be fitted again."""


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


@dataclass(frozen=True, slots=True)
class WayOfDrawing:
    """How answers were drawn; a calibrator says nothing of answers that are drawn in another way."""

    temperature: float
    top_p: float
    top_k: int
    repeat_penalty: float

    @classmethod
    def of(cls, sampling: _Sampling) -> "WayOfDrawing":
        """What of a sampling changes how often answers are right; length and seed are no part of it."""
        return cls(float(sampling.temperature), float(sampling.top_p), sampling.top_k, float(sampling.repeat_penalty))

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> "WayOfDrawing":
        """Read what `to_dict` wrote. Raises ValueError, one line, on anything else."""
        names = ("temperature", "top_p", "top_k", "repeat_penalty")
        if not isinstance(data, Mapping) or set(data) != set(names):
            raise ValueError(f"not a calibrator: 'sampling' has {', '.join(names)}")
        temperature, top_p, top_k, repeat_penalty = (_number(data[name], "sampling") for name in names)
        return cls(temperature, top_p, int(top_k), repeat_penalty)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """`n` answers of `source` were fitted, for the model with `model_fingerprint`, as `assessment_version` heard
    them; they were drawn as `sampling` says.

    `parameters`: (a, b) for platt. `points`: ((x, y), …) for isotonic, x strictly increasing. `agreement_parameters`:
    (a, c, b) of the second form. Raises ValueError, one line, on values that are no calibrator.
    """

    kind: CalibratorKind
    n: int
    source: str
    model_fingerprint: str
    assessment_version: str
    sampling: WayOfDrawing
    parameters: tuple[float, float] | None = None
    points: tuple[tuple[float, float], ...] | None = None
    agreement_parameters: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.n <= 0:
            raise ValueError(f"a calibrator is fitted on at least one answer, not on {self.n}")
        if self.parameters is not None and self.points is not None:
            raise ValueError("a calibrator has parameters or points, not both")
        if self.kind == "platt":
            _check_platt(self.parameters)
        elif self.kind == "isotonic":
            _check_isotonic(self.points)
        else:
            raise ValueError(f"unknown kind of calibrator {self.kind!r}: it is platt or isotonic")
        if self.agreement_parameters is not None:
            _check_two_inputs(self.agreement_parameters)

    def __call__(self, acceptance: float, agreement: float | None = None) -> float:
        """P(correct), 0 to 1, of an answer that is accepted with probability `acceptance`.

        `agreement`, 0 to 1, is used by a calibrator that has a form for it; None: not known.
        """
        if not 0.0 <= acceptance <= 1.0:
            raise ValueError(f"an acceptance lies between 0 and 1, not at {acceptance}")
        if agreement is not None and not 0.0 <= agreement <= 1.0:
            raise ValueError(f"an agreement lies between 0 and 1, not at {agreement}")
        if agreement is not None and self.agreement_parameters is not None:
            slope, weight, offset = self.agreement_parameters
            return _sigmoid(slope * logit(acceptance) + weight * agreement + offset)
        if self.parameters is not None:
            a, b = self.parameters
            return _sigmoid(a * logit(acceptance) + b)
        assert self.points is not None
        return _interpolate(self.points, acceptance)

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it; `from_dict` reads it back unchanged."""
        fitted: dict[str, Any] = (
            {"parameters": list(self.parameters)}
            if self.parameters is not None
            else {"points": [list(point) for point in self.points or ()]}
        )
        if self.agreement_parameters is not None:
            fitted["agreement_parameters"] = list(self.agreement_parameters)
        return {
            "format": FORMAT,
            "kind": self.kind,
            "n": self.n,
            "source": self.source,
            "model_fingerprint": self.model_fingerprint,
            "assessment_version": self.assessment_version,
            "sampling": self.sampling.to_dict(),
            **fitted,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Calibrator":
        """Read what `to_dict` wrote. Raises ValueError, one line, OlderCalibrator on an older format."""
        if isinstance(data, Mapping) and data.get("format") in _OLDER:
            raise OlderCalibrator(f"it is of an older format ({data['format']}); fit it again: lacie calibration fit")
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise ValueError(f"not a calibrator: its format is not {FORMAT!r}")
        for name, kind in _FIELDS.items():
            if not isinstance(data.get(name), kind) or isinstance(data.get(name), bool):
                raise ValueError(f"not a calibrator: {name!r} is missing or of the wrong type")
        parameters = [_number(value, "parameters") for value in _items(data, "parameters")]
        points = []
        for point in _items(data, "points"):
            if not isinstance(point, list | tuple) or len(point) != 2:
                raise ValueError("not a calibrator: each of its points is a pair")
            points.append((_number(point[0], "points"), _number(point[1], "points")))
        if len(parameters) not in (0, 2):
            raise ValueError("not a calibrator: a platt calibrator has two parameters")
        second = [_number(value, "agreement_parameters") for value in _items(data, "agreement_parameters")]
        if len(second) not in (0, 3):
            raise ValueError("not a calibrator: its form for agreement has three parameters")
        return cls(
            kind=data["kind"],
            n=data["n"],
            source=data["source"],
            model_fingerprint=data["model_fingerprint"],
            assessment_version=data["assessment_version"],
            sampling=WayOfDrawing.from_dict(data.get("sampling")),
            parameters=(parameters[0], parameters[1]) if parameters else None,
            points=tuple(points) or None,
            agreement_parameters=(second[0], second[1], second[2]) if second else None,
        )

    @classmethod
    def load(cls, path: Path) -> "Calibrator":
        """Read a JSON file. Raises ValueError, one line with its name, if it is unreadable or no calibrator."""
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except OlderCalibrator as error:
            raise OlderCalibrator(f"the calibrator {path} is not used: {error}") from error
        except OSError as error:
            raise ValueError(f"the calibrator {path} can't be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors, too
            raise ValueError(f"the calibrator {path} is damaged: {str(error).splitlines()[0]}") from error


_FIELDS: dict[str, type] = {
    "kind": str, "n": int, "source": str, "model_fingerprint": str, "assessment_version": str,
}  # fmt: skip


def _items(data: Mapping[str, Any], name: str) -> list[Any]:
    values = data.get(name, [])
    if not isinstance(values, list | tuple):
        raise ValueError(f"not a calibrator: {name!r} is not a list")
    return list(values)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"not a calibrator: {name!r} holds something that is no finite number")
    return float(value)


def _check_two_inputs(parameters: tuple[float, float, float]) -> None:
    if len(parameters) != 3 or not all(map(math.isfinite, parameters)):
        raise ValueError("a calibrator's form for agreement has three finite parameters")
    if parameters[0] < 0 or parameters[1] < 0:
        raise ValueError("a calibrator's form for agreement has no negative slope: agreement would lower the figure")


def _check_platt(parameters: tuple[float, float] | None) -> None:
    if parameters is None or not all(map(math.isfinite, parameters)):
        raise ValueError("a platt calibrator has two finite parameters")
    if parameters[0] < 0:
        raise ValueError("a platt calibrator's slope is not negative: surer answers would get the lower figure")


def _check_isotonic(points: tuple[tuple[float, float], ...] | None) -> None:
    if not points:
        raise ValueError("an isotonic calibrator has at least one point")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if not all(0.0 <= value <= 1.0 for value in (*xs, *ys)):
        raise ValueError("an isotonic calibrator's points lie between 0 and 1")
    if any(right <= left for left, right in itertools.pairwise(xs)):
        raise ValueError("an isotonic calibrator's acceptances increase from point to point")
    if any(right < left for left, right in itertools.pairwise(ys)):
        raise ValueError("an isotonic calibrator's figures never fall from point to point")


def logit(probability: float) -> float:
    """Log-odds, of a probability clipped to [1e-6, 1 - 1e-6]."""
    x = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(x / (1 - x))


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def _interpolate(points: tuple[tuple[float, float], ...], x: float) -> float:
    at = bisect.bisect_left(points, x, key=lambda point: point[0])
    if at == 0:
        return points[0][1]
    if at == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[at - 1], points[at]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
