"""Intervals over groups for figures that are no sums: average precision, of each code and its mean, and F1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, stdtrit

from models.theme_model import Scored
from pipeline.agreement.intervals import (
    FEWEST,
    FEWEST_FOR_BOOTSTRAP,
    Interval,
    bca_interval,
    jackknife_interval,
    why_none,
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
            _code_row(precisions.of_code(i), n_groups=len(names), n_holding=len(set(place[y].tolist())))
            for i, y in enumerate(truth.T)
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
    if reason := why_none(theta, values.without, n_groups, of="groups"):
        return Interval(math.nan, math.nan, LEVEL, "", n_groups, reason)
    if n_groups < FEWEST_FOR_BOOTSTRAP:
        return jackknife_interval(theta, values.without, scale="share", level=LEVEL)
    return bca_interval(theta, values.without, values.drawn, level=LEVEL)


def _row(interval: Interval, n_groups: int) -> dict[str, object]:
    return {
        "low": interval.low if interval.defined else None,
        "high": interval.high if interval.defined else None,
        "level": interval.level,
        "method": interval.method.replace(f"{interval.n_transcripts} transcripts", f"{n_groups:,} groups"),
        "n_groups": n_groups,
        "reason": interval.reason.replace("transcripts", "groups"),
    }


def _code_row(values: Values, *, n_groups: int, n_holding: int) -> dict[str, object]:
    """Of one code: the rule goes by the groups that hold it, however many do not.

    From FEWEST_FOR_BOOTSTRAP of them groups are drawn; below, all are left out in turn, for those without the code
    move the figure too, with n_holding - 1 degrees of freedom. (By simulation .94 to .96 of such 95 % intervals held
    the value, .87 to .90 if only the groups with the code were left out.)
    """
    if n_holding >= FEWEST_FOR_BOOTSTRAP:
        return _row(_interval(values, n_groups), n_groups)
    theta = float(values.whole[0])
    if reason := _why_none_of_code(theta, values.without, n_holding):
        return _row(Interval(math.nan, math.nan, LEVEL, "", n_groups, reason), n_groups)
    blocks = f" in {len(values.without)} blocks" if n_groups > len(values.without) else ""
    method = (
        f"jackknife over {n_groups:,} groups{blocks}, {n_holding} of them with the code, t({n_holding - 1}), "
        "logit scale"
    )
    low, high = _jackknife(theta, values.without, degrees=n_holding - 1)
    return _row(Interval(low, high, LEVEL, method, n_groups), n_groups)


def _why_none_of_code(theta: float, without: FloatArray, n_holding: int) -> str:
    if n_holding < FEWEST:
        return f"too few groups hold the code: {n_holding}, at least {FEWEST} needed"
    return why_none(theta, without, n_holding, of="groups")


def _jackknife(theta: float, without: FloatArray, *, degrees: int) -> tuple[float, float]:
    """As ``jackknife_interval`` of a share, with degrees of freedom of its own."""
    n = len(without)
    se = math.sqrt((n - 1) / n * float(np.square(without - without.mean()).sum())) / (theta * (1 - theta))
    half = float(stdtrit(degrees, (1 + LEVEL) / 2)) * se
    low, high = expit([logit(theta) - half, logit(theta) + half]).tolist()
    return low, high


def _average_precisions(truth: BoolArray, probabilities: FloatArray, place: IntArray) -> Statistic:
    """Average precision of each code with weighted groups: (n_times, k), nan where the code is not drawn at all."""
    rankings = [_ranking(y, p, place) for y, p in zip(truth.T, probabilities.T, strict=True)]

    def statistic(times: FloatArray) -> FloatArray:
        at_once = max(1, CELLS_AT_ONCE // len(place))
        parts = [_of_each(times[i : i + at_once]) for i in range(0, len(times), at_once)]
        return np.concatenate(parts) if parts else np.empty((0, len(rankings)))

    def _of_each(times: FloatArray) -> FloatArray:
        return np.array([_weighted(ranking, times) for ranking in rankings]).reshape(-1, len(times)).T

    return statistic


@dataclass(frozen=True, slots=True)
class _Ranking:
    """One code's rows, most probable first.

    groups: (n,) places of their groups. positive: (n_positive,) groups of the positive rows. ends: (n_positive,)
    the last row of as high a probability as that of each; equal ones stand together.
    """

    groups: IntArray
    positive: IntArray
    ends: IntArray


def _ranking(y: BoolArray, p: FloatArray, place: IntArray) -> _Ranking:
    order = np.argsort(-p, kind="stable")
    p, groups, positive = p[order], place[order], np.flatnonzero(y[order])
    tie_ends = np.flatnonzero(np.append(p[:-1] != p[1:], True))
    return _Ranking(groups, groups[positive], tie_ends[np.searchsorted(tie_ends, positive)])


def _weighted(ranking: _Ranking, times: FloatArray) -> FloatArray:
    """Average precision, (n_times,): the mean over positive rows of the share of positive rows down to their ends."""
    weight = times[:, ranking.positive]
    seen = np.cumsum(times[:, ranking.groups], axis=1)[:, ranking.ends]
    last = np.searchsorted(ranking.ends, ranking.ends, side="right") - 1
    hits = np.cumsum(weight, axis=1)[:, last]
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    total = weight.sum(axis=1)
    found = (precision * weight).sum(axis=1)
    return np.asarray(np.divide(found, total, out=np.full(len(times), np.nan), where=total > 0))


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
