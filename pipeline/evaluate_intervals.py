"""Intervals over groups for figures that are no sums: macro average precision, micro and macro F1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

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
#: How often each group was drawn, (n_draws, n_groups), to the figure, (n_draws,).
Statistic = Callable[[FloatArray], FloatArray]

LEVEL = 0.95
N_RESAMPLES = 999
#: More groups than this are left out in blocks, for the acceleration of BCa alone.
N_BLOCKS = 200
CELLS_AT_ONCE = 2_000_000


def evaluation_intervals(
    truth: BoolArray, scored: Scored, groups: Sequence[str], *, seed: int
) -> dict[str, dict[str, object]]:
    """Figure -> {low, high, level, method, n_groups, reason}; low and high are None where reason says why.

    truth: (n, k). groups: (n,).
    """
    names, place = np.unique(groups, return_inverse=True)
    figures: dict[str, Statistic] = {
        "macro_average_precision": _average_precision(truth, scored.probabilities, place),
        **_f1_figures(truth, scored, place, len(names)),
    }
    return {
        name: _row(_interval(statistic, len(names), seed=seed), len(names))
        for name, statistic in figures.items()
    }


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


def _interval(statistic: Statistic, n_groups: int, *, seed: int) -> Interval:
    theta = float(statistic(np.ones((1, n_groups)))[0])
    if math.isnan(theta) or n_groups < FEWEST:
        reason = (
            "the value is undefined"
            if math.isnan(theta)
            else f"too few groups: {n_groups}, at least {FEWEST} needed"
        )
        return Interval(math.nan, math.nan, LEVEL, "", n_groups, reason)
    without = statistic(_left_out(n_groups))
    if n_groups < FEWEST_FOR_BOOTSTRAP:
        return jackknife_interval(theta, without, scale="share", level=LEVEL)
    draws = np.random.default_rng(seed).multinomial(
        n_groups, np.full(n_groups, 1 / n_groups), size=N_RESAMPLES
    )
    return bca_interval(theta, without, statistic(draws.astype(np.float64)), level=LEVEL)


def _left_out(n_groups: int) -> FloatArray:
    n_blocks = min(n_groups, N_BLOCKS)
    block_of = np.arange(n_groups) * n_blocks // n_groups
    return np.asarray(block_of[None, :] != np.arange(n_blocks)[:, None], dtype=np.float64)


def _row(interval: Interval, n_groups: int) -> dict[str, object]:
    return {
        "low": interval.low if interval.defined else None,
        "high": interval.high if interval.defined else None,
        "level": interval.level,
        "method": interval.method.replace(f"{interval.n_transcripts} transcripts", f"{n_groups:,} groups"),
        "n_groups": n_groups,
        "reason": interval.reason,
    }


def _average_precision(truth: BoolArray, probabilities: FloatArray, place: IntArray) -> Statistic:
    """Weighted average precision, a mean over the codes that are drawn at all."""
    orders = np.argsort(-probabilities, axis=0, kind="stable")

    def statistic(times: FloatArray) -> FloatArray:
        at_once = max(1, CELLS_AT_ONCE // len(place))
        parts = [_mean_ap(times[i : i + at_once]) for i in range(0, len(times), at_once)]
        return np.concatenate(parts)

    def _mean_ap(times: FloatArray) -> FloatArray:
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
        return _nanmean(np.array(values).reshape(len(values), len(times)).T)

    return statistic


def _f1(truth: BoolArray, flags: BoolArray, place: IntArray, n_groups: int, *, macro: bool) -> Statistic:
    sums = np.zeros((n_groups, 2, truth.shape[1]))
    np.add.at(sums[:, 0], place, truth & flags)
    np.add.at(sums[:, 1], place, flags.astype(float) + truth)

    def statistic(times: FloatArray) -> FloatArray:
        both, size = np.moveaxis((times @ sums.reshape(n_groups, -1)).reshape(len(times), 2, -1), 1, 0)
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
