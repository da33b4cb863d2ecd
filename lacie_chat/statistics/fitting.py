"""From answers that are known to be right or wrong to a calibrator: logistic regression over their signals.

scikit-learn fits; the application only applies (confidence/calibrator.py). A form is built signal by signal: each step
takes the one that lowers the held-out log loss most, and it ends where none lowers it by `WORTH`; so a calibrator keeps
only what helps, and where nothing does it says the share of right answers of every answer. No weight may be negative
(of every signal more means surer): a signal whose best weight is has none. How strongly weights are held back (C) is
chosen by held-out log loss, too.

Three forms are tried: over the signals that every answer has for nothing (`free`), with the agreement of samples where
it is known (`sampled`), and over the acceptance alone (`wording`), for answers whose tokens aren't known.

What is reported is held out: each answer is judged by a fit, its choice of signals included, that didn't see it
(stratified folds, repeated, since with few answers one cut into folds is luck). Beside it stand the same for the
acceptance alone, the bare acceptance, and the share of right answers said of every answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, Form, WayOfDrawing
from lacie_chat.confidence.calibrator import as_input
from lacie_chat.confidence.signals import ACCEPTANCE, AGREEMENT, FREE, MEANINGS
from lacie_chat.errors import LacieError
from lacie_chat.statistics.metrics import Bools, Floats, figures_with_intervals, log_loss

MINIMUM = 60
"""Answers under which nothing is fitted: the share of right ones is then known to no better than ± 13 %."""
LEAST_OF_EACH = 5
"""So many right and so many wrong answers at least: fewer say nothing of how the two differ."""
FOLDS, REPEATS = 5, 3
WORTH = 1e-3
"""Nats of log loss by which a signal must help."""
_STRENGTHS = (0.1, 1.0, 10.0)
"""scikit-learn's C, of which the best is taken; the higher, the freer the weights."""
_MIDDLE = 1.0
"""With which signals are chosen, and where one signal stands alone."""

Splits = list[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Places of the answers to fit on and of those to judge."""
Signalled = Sequence[Mapping[str, float]]
"""The signals of each answer, by name (confidence/signals.py)."""


class FittingError(LacieError):
    """These answers fit no calibrator; one line says why."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """A calibrator and what is known of it: `right` of `n` answers are right.

    `figures`: `p_right`, `wording` (P(right) from the acceptance alone), `acceptance` (as it stands) and `share`, each
    with `auroc`, `log_loss`, `brier` and `ece`, as `value` and 95 % `interval`; all but `acceptance` are held out, over
    `folds` folds. `alone`: the same of P(right) from each free signal alone, held out. `carries`: how much of what the
    calibrator goes by each signal is (standardised weights, sum 1). `held_out`: the P(right) of each answer by a fit
    that didn't see it.
    """

    calibrator: Calibrator
    n: int
    right: int
    folds: int
    figures: dict[str, dict[str, Any]]
    alone: dict[str, dict[str, Any]]
    carries: dict[str, float]
    held_out: tuple[float, ...]

    @property
    def tells_apart(self) -> bool:
        """Does it say more than the share of right answers does?"""
        return bool(self.calibrator.signals) and self.log_loss("p_right") < self.log_loss("share")

    def log_loss(self, what: str) -> float:
        """The log loss of one of `figures`."""
        value: float = self.figures[what]["log_loss"]["value"]
        return value

    def to_dict(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "n": self.n,
            "right": self.right,
            "folds": self.folds,
            "tells_apart": self.tells_apart,
            "figures": self.figures,
            "alone": self.alone,
            "carries": self.carries,
            "calibrator": self.calibrator.to_dict(),
        }


def fit_calibrator(
    signals: Signalled,
    correct: Sequence[bool],
    *,
    model_fingerprint: str,
    source: str,
    sampling: WayOfDrawing,
    version: str = ASSESSMENT_VERSION,
    minimum: int = MINIMUM,
    seed: int = 0,
) -> FitReport:
    """The calibrator of these answers, all of which give an answer (they have signals).

    They were drawn as `sampling` says and heard by `version` of the assessment; `seed` cuts the folds. Raises
    FittingError, one line, for fewer than `minimum` answers, and where too few are right or too few wrong.
    """
    y = np.asarray(correct, dtype=bool)
    n, right = len(y), int(y.sum())
    _check(n, right, minimum)
    folds = min(FOLDS, right, n - right)
    forms = fitted_forms(signals, y, folds, seed)
    calibrator = Calibrator(
        n=n,
        right=right,
        source=source,
        model_fingerprint=model_fingerprint,
        assessment_version=version,
        sampling=sampling,
        forms=forms,
    )

    def held_out(fit: Callable[[Signalled, Bools, int], Sequence[Form]]) -> Floats:
        return _held_out(signals, y, folds, seed, fit)

    acceptance = np.array([each[ACCEPTANCE] for each in signals])
    predicted = {
        "p_right": held_out(lambda some, right, cut: fitted_forms(some, right, cut, seed, 1)),
        "wording": held_out(lambda some, right, _: [_form(_design(some, (ACCEPTANCE,)), right, (ACCEPTANCE,))]),
        "acceptance": acceptance,
        "share": held_out(lambda some, right, _: [_share_form(right)]),
    }

    def alone(name: str) -> Floats:
        return held_out(lambda some, right, _: [_form(_design(some, (name,)), right, (name,))])

    known = [name for name in FREE if all(name in each for each in signals)]
    return FitReport(
        calibrator=calibrator,
        n=n,
        right=right,
        folds=folds,
        figures={name: figures_with_intervals(values, y, seed=seed) for name, values in predicted.items()},
        alone={name: figures_with_intervals(alone(name), y, seed=seed) for name in known},
        carries=_carries(forms[0], signals),
        held_out=tuple(map(float, predicted["p_right"])),
    )


def fitted_forms(signals: Signalled, correct: Bools, folds: int, seed: int, repeats: int = REPEATS) -> tuple[Form, ...]:
    """The forms of a calibrator, the one that wants most first; each for the answers that have all its signals.

    What comes before another must want something that the other doesn't, or that one would never be asked: the first
    is kept if it goes by the agreement, the second if it goes by anything, and the last is for whatever is left.
    """

    def fitted(names: Sequence[str]) -> Form | None:
        index = [place for place, each in enumerate(signals) if all(name in each for name in names)]
        y = correct[index]
        rarer = int(min(y.sum(), (~y).sum())) if len(y) else 0
        if rarer < min(LEAST_OF_EACH, folds):
            return None  # nobody drew samples, or no answer's tokens are known
        return _best_form([signals[place] for place in index], y, names, min(folds, rarer), seed, repeats)

    sampled, free = fitted((*FREE, AGREEMENT)), fitted(FREE)
    forms = [form for form in (sampled,) if form is not None and AGREEMENT in form.weights]
    forms += [form for form in (free,) if form is not None and form.weights]
    if not forms or set(forms[-1].weights) != {ACCEPTANCE}:
        forms.append(fitted((ACCEPTANCE,)) or _share_form(correct))
    return tuple(forms)


def form_over(signals: Signalled, correct: Sequence[bool], names: Sequence[str]) -> Form:
    """One logistic regression over just these signals, all of which every answer must have; none weighs negatively.
    Raises FittingError, one line, on too few right or wrong answers."""
    _check(len(correct), sum(correct), MINIMUM)
    return _form(_design(signals, names), np.array(correct, dtype=bool), names)


def _check(n: int, right: int, minimum: int) -> None:
    if n < minimum:
        raise FittingError(f"{n} answers are too few to fit a calibrator: at least {minimum} are needed")
    if right in (0, n):
        which = "right" if right else "wrong"
        raise FittingError(f"all {n} answers are {which}: there is nothing to tell apart; try other questions")
    if min(right, n - right) < LEAST_OF_EACH:
        few, which = (right, "right") if right < n - right else (n - right, "wrong")
        verb = "is" if few == 1 else "are"
        raise FittingError(
            f"only {few} of the {n} answers {verb} {which}: at least {LEAST_OF_EACH} right and {LEAST_OF_EACH} wrong "
            "ones are needed; ask more questions, or easier and harder ones"
        )


# -- one form ---------------------------------------------------------------------------------------------------------


def _best_form(signals: Signalled, correct: Bools, names: Sequence[str], folds: int, seed: int, repeats: int) -> Form:
    """Signals of `names`, taken one by one while that lowers the held-out log loss by WORTH; perhaps none."""
    splits = _splits(correct, folds, seed, repeats)
    columns = {name: _design(signals, (name,)) for name in names}
    loss = log_loss(np.full(len(correct), correct.mean()), correct)
    taken: tuple[str, ...] = ()
    while left := [name for name in names if name not in taken]:
        tried = {
            name: _loss(np.hstack([columns[each] for each in (*taken, name)]), correct, _MIDDLE, splits)
            for name in left
        }
        name = min(left, key=lambda each: tried[each])
        if tried[name] > loss - WORTH:
            break
        taken, loss = (*taken, name), tried[name]
    if not taken:
        return _share_form(correct)
    design = np.hstack([columns[name] for name in taken])
    strength = min(_STRENGTHS, key=lambda each: _loss(design, correct, each, splits))
    form = _form(design, correct, taken, strength)
    return Form(form.intercept, {name: form.weights[name] for name in MEANINGS if form.weights.get(name)})


def _loss(design: Floats, correct: Bools, strength: float, splits: Splits) -> float:
    """The held-out log loss of a fit over these columns."""
    loss = 0.0
    for train, test in splits:
        intercept, weights = _fit(design[train], correct[train], strength)
        loss += log_loss(_sigmoid(design[test] @ weights + intercept), correct[test]) * len(test)
    return loss / sum(len(test) for _, test in splits)


def _form(design: Floats, correct: Bools, names: Sequence[str], strength: float = _MIDDLE) -> Form:
    intercept, weights = _fit(design, correct, strength)
    return Form(float(intercept), dict(zip(names, map(float, weights), strict=True)))


def _fit(design: Floats, correct: Bools, strength: float) -> tuple[float, Floats]:
    """Intercept and weights, none negative: what would be is left out, and the rest fitted again."""
    from sklearn import config_context
    from sklearn.linear_model import LogisticRegression

    centre, width = design.mean(axis=0), design.std(axis=0)
    free = [column for column in range(design.shape[1]) if width[column] > 0]
    weights = np.zeros(design.shape[1])
    with config_context(assume_finite=True, skip_parameter_validation=True):  # it is called thousands of times
        while free:
            model = LogisticRegression(C=strength, max_iter=1000)
            model.fit((design[:, free] - centre[free]) / width[free], correct)
            found = model.coef_[0]
            if found.min() >= 0:
                weights[free] = found / width[free]
                return float(model.intercept_[0] - weights @ centre), weights
            free.pop(int(found.argmin()))
    return _share_form(correct).intercept, weights


def _share_form(correct: Bools) -> Form:
    share = (int(correct.sum()) + 1) / (len(correct) + 2)
    return Form(float(np.log(share / (1 - share))), {})


def _design(signals: Signalled, names: Sequence[str]) -> Floats:
    return np.array([[as_input(name, each[name]) for name in names] for each in signals], dtype=float)


def _sigmoid(values: Floats) -> Floats:
    small = np.exp(-np.abs(values))  # by the sign, so that no exponential overflows
    return np.where(values >= 0, 1 / (1 + small), small / (1 + small))


# -- held out ---------------------------------------------------------------------------------------------------------


def _held_out(
    signals: Signalled, correct: Bools, folds: int, seed: int, fit: Callable[[Signalled, Bools, int], Sequence[Form]]
) -> Floats:
    """What fits that didn't see an answer say of it, averaged over the repeats."""
    said = np.zeros(len(correct))
    for train, test in _splits(correct, folds, seed + 1, REPEATS):
        some = [signals[place] for place in train]
        forms = fit(some, correct[train], max(2, min(folds, int(min(correct[train].sum(), (~correct[train]).sum())))))
        for place in test:
            form = next(form for form in forms if all(name in signals[place] for name in form.weights))
            said[place] += form(signals[place]) / REPEATS
    return said


def _splits(correct: Bools, folds: int, seed: int, repeats: int) -> Splits:
    """Places to fit on and to judge, each fold of each repeat; right and wrong ones are dealt out evenly."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    cut = RepeatedStratifiedKFold(n_splits=max(2, folds), n_repeats=repeats, random_state=seed)
    return [(train, test) for train, test in cut.split(np.zeros(len(correct)), correct)]


def _carries(form: Form, signals: Signalled) -> dict[str, float]:
    """Each weight times how much its signal varies, as shares of their sum."""
    known = [each for each in signals if all(name in each for name in form.weights)]
    pulls = {
        name: weight * float(np.std([as_input(name, each[name]) for each in known]))
        for name, weight in form.weights.items()
    }
    total = sum(pulls.values())
    return {name: pull / total for name, pull in pulls.items()} if total else {}
