"""Intervals over groups for figures that are no sums: average precision, of each code and its mean, and F1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.theme_model import Scored
from pipeline.agreement.intervals import (
    FEWEST,
    FEWEST_FOR_BOOTSTRAP,
    Interval,
    bca_interval,
    jackknife_interval,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
#: How often each group counts, (n_times, n_groups), to the figure, (n_times,), or that of each code, (n_times, k).
Statistic = Callable[[FloatArray], FloatArray]

LEVEL = 0.95
N_RESAMPLES = 999
#: More groups than this are left out in blocks, for the acceleration of BCa alone.
N_BLOCKS = 200
CELLS_AT_ONCE = 2_000_000
SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class Values:
    """A figure of all groups, (1,), without each in turn, (n_left_out,), and of drawn groups, (n_resamples,).

    Or that of each code, then with (.., k).
    """

    whole: FloatArray
    without: FloatArray
    drawn: FloatArray

    def over_codes(self) -> Values:
        """The mean over the codes that are defined."""
        return Values(_nanmean(self.whole), _nanmean(self.without), _nanmean(self.drawn))

    def of_code(self, column: int) -> Values:
        """The figure of one code."""
        return Values(self.whole[:, column], self.without[:, column], self.drawn[:, column])


@dataclass(frozen=True, slots=True)
class EvaluationIntervals:
    """Rows of {low, high, level, method, n_groups, reason}; low and high are None where reason says why.

    overall: figure over all codes -> row. average_precision: (k,) a row for each code.
    """

    overall: Mapping[str, Mapping[str, object]]
    average_precision: tuple[Mapping[str, object], ...]


def evaluation_intervals(
    truth: BoolArray, scored: Scored, groups: Sequence[str], *, seed: int
) -> EvaluationIntervals:
    """All intervals of one evaluation, from the same draws of groups.

    truth: (n, k). groups: (n,).
    """
    names, place = np.unique(groups, return_inverse=True)
    draws = _draws(len(names), seed=seed)
    of_codes = _average_precisions(truth, scored.probabilities, place)
    precisions = Values(*(of_codes(times) for times in draws))
    overall = {"macro_average_precision": precisions.over_codes()}
    for name, statistic in _f1_figures(truth, scored, place, len(names)).items():
        overall[name] = Values(*(statistic(times) for times in draws))
    return EvaluationIntervals(
        overall={name: _row(_interval(values, len(names)), len(names)) for name, values in overall.items()},
        average_precision=tuple(
            _code_row(truth[:, [i]], scored.probabilities[:, [i]], place, precisions.of_code(i))
            for i in range(truth.shape[1])
        ),
    )


def whole_figures(truth: BoolArray, scored: Scored, groups: Sequence[str]) -> dict[str, float | None]:
    """Micro and macro F1 of all groups; None where nothing is flagged nor positive."""
    names, place = np.unique(groups, return_inverse=True)
    once = np.ones((1, len(names)))
    found = {name: float(f(once)[0]) for name, f in _f1_figures(truth, scored, place, len(names)).items()}
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _f1_figures(truth: BoolArray, scored: Scored, place: IntArray, n_groups: int) -> dict[str, Statistic]:
    return {
        f"{kind}_f1": _f1(truth, scored.flags, place, n_groups, macro=kind == "macro")
        for kind in ("micro", "macro")
    }


def _draws(n_groups: int, *, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """How often each group counts, (n_times, n_groups): once all; without each in turn; drawn with replacement.

    Below FEWEST groups only the first, from FEWEST_FOR_BOOTSTRAP also the last.
    """
    once, none = np.ones((1, n_groups)), np.ones((0, n_groups))
    if n_groups < FEWEST:
        return once, none, none
    if n_groups < FEWEST_FOR_BOOTSTRAP:
        return once, _left_out(n_groups), none
    drawn = np.random.default_rng(seed).multinomial(
        n_groups, np.full(n_groups, 1 / n_groups), size=N_RESAMPLES
    )
    return once, _left_out(n_groups), drawn.astype(np.float64)


def _left_out(n_groups: int) -> FloatArray:
    n_blocks = min(n_groups, N_BLOCKS)
    block_of = np.arange(n_groups) * n_blocks // n_groups
    return np.asarray(block_of[None, :] != np.arange(n_blocks)[:, None], dtype=np.float64)


def _interval(values: Values, n_groups: int) -> Interval:
    theta = float(values.whole[0])
    if reason := _why_none(theta, values.without, n_groups):
        return Interval(math.nan, math.nan, LEVEL, "", n_groups, reason)
    if n_groups < FEWEST_FOR_BOOTSTRAP:
        return jackknife_interval(theta, values.without, scale="share", level=LEVEL)
    return bca_interval(theta, values.without, values.drawn, level=LEVEL)


def _why_none(theta: float, without: FloatArray, n_groups: int) -> str:
    if math.isnan(theta):
        return "the value is undefined"
    if n_groups < FEWEST:
        return f"too few groups: {n_groups}, at least {FEWEST} needed"
    if np.isnan(without).any():
        return "undefined without one of the groups: it hangs on that one"
    if np.ptp(without) < SPREAD:
        return "no spread between groups: each gives the same value"
    return ""


def _row(interval: Interval, n_groups: int, *, whose: str = "groups") -> dict[str, object]:
    groups = f"{n_groups:,} {whose}"
    return {
        "low": interval.low if interval.defined else None,
        "high": interval.high if interval.defined else None,
        "level": interval.level,
        "method": interval.method.replace(f"{interval.n_transcripts} transcripts", groups),
        "n_groups": n_groups,
        "reason": interval.reason.replace("transcripts", "groups"),
    }


def _code_row(
    truth: BoolArray, probabilities: FloatArray, place: IntArray, values: Values
) -> dict[str, object]:
    """Of one code, (n, 1): the rule goes by the groups that hold it, however many do not.

    From FEWEST_FOR_BOOTSTRAP of them all groups are drawn, as ``values`` has them; below, each that holds the
    code is left out in turn.
    """
    holding, n_groups = np.unique(place[truth[:, 0]]), int(place.max()) + 1
    if len(holding) >= FEWEST_FOR_BOOTSTRAP:
        return _row(_interval(values, n_groups), n_groups)
    times = np.ones((len(holding), n_groups))
    times[np.arange(len(holding)), holding] = 0
    without = _average_precisions(truth, probabilities, place)(times)[:, 0]
    interval = _interval(Values(values.whole, without, values.drawn), len(holding))
    return _row(interval, len(holding), whose="groups that hold the code") | _few(interval, len(holding))


def _few(interval: Interval, n_holding: int) -> dict[str, object]:
    few = n_holding < FEWEST and not interval.defined
    return {"reason": f"too few groups hold the code: {n_holding}, at least {FEWEST} needed"} if few else {}


def _average_precisions(truth: BoolArray, probabilities: FloatArray, place: IntArray) -> Statistic:
    """Average precision of each code with weighted groups: (n_times, k), nan where the code is not drawn at all."""
    orders = np.argsort(-probabilities, axis=0, kind="stable")

    def statistic(times: FloatArray) -> FloatArray:
        at_once = max(1, CELLS_AT_ONCE // len(place))
        parts = [_of_each(times[i : i + at_once]) for i in range(0, len(times), at_once)]
        return np.concatenate(parts) if parts else np.empty((0, truth.shape[1]))

    def _of_each(times: FloatArray) -> FloatArray:
        values = []
        for column, order in enumerate(orders.T):
            weight = times[:, place[order]]
            p = probabilities[order, column]
            ends = np.flatnonzero(np.append(p[:-1] != p[1:], True))
            seen = np.cumsum(weight, axis=1)[:, ends]
            hits = np.cumsum(weight * truth[order, column], axis=1)[:, ends]
            gained = np.diff(hits, axis=1, prepend=0)
            precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
            total = hits[:, -1]
            ap = (precision * gained).sum(axis=1)
            values.append(np.divide(ap, total, out=np.full(len(times), np.nan), where=total > 0))
        return np.array(values).reshape(len(values), len(times)).T

    return statistic


def _f1(truth: BoolArray, flags: BoolArray, place: IntArray, n_groups: int, *, macro: bool) -> Statistic:
    sums = np.zeros((n_groups, 2, truth.shape[1]))
    np.add.at(sums[:, 0], place, truth & flags)
    np.add.at(sums[:, 1], place, flags.astype(float) + truth)

    def statistic(times: FloatArray) -> FloatArray:
        shape = (len(times), 2, truth.shape[1])
        both, size = np.moveaxis((times @ sums.reshape(n_groups, -1)).reshape(shape), 1, 0)
        if not macro:
            both, size = both.sum(axis=1, keepdims=True), size.sum(axis=1, keepdims=True)
        f1 = np.divide(2 * both, size, out=np.full_like(both, np.nan), where=size > 0)
        return _nanmean(f1)

    return statistic


def _nanmean(values: FloatArray) -> FloatArray:
    """Mean of the defined values of each row; nan where none is."""
    defined = (~np.isnan(values)).sum(axis=1)
    return np.asarray(
        np.divide(np.nansum(values, axis=1), defined, out=np.full(len(values), np.nan), where=defined > 0)
    )
