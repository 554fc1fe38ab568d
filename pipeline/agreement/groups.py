"""The difference of a statistic between two groups of transcripts that share none, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from pipeline.agreement.intervals import (
    LEVEL,
    NO_SPREAD,
    Function,
    Interval,
    Scale,
    jackknife_variance,
    leave_one_out,
    no_interval,
    why_none,
)
from pipeline.agreement.values import LEAST_SPREAD, FloatArray


def group_differences(
    one: ArrayLike,
    other: ArrayLike,
    statistic: Function,
    *,
    scale: Scale,
    level: float = LEVEL,
    names: tuple[str, str] = ("first group", "second group"),
) -> tuple[tuple[float, Interval], ...]:
    """For each code the statistic of one group of transcripts less that of another, and its interval.

    one, other: sums as ``intervals`` takes them, of two groups that share no transcript.
    statistic: as ``Measure`` has it. scale: of the statistic: a difference of shares stays in -1..1.
    names: what to call the two groups in reasons.

    d ± t(v) se, se^2 the sum of both groups' jackknife variances, each group left out of by one
    transcript at a time, and v the degrees of freedom of Welch (1947), Biometrika 34, from
    n - 1 in each group. A group of fewer than 8 transcripts: no interval, with the reason.
    """
    groups = [np.asarray(sums, dtype=np.float64) for sums in (one, other)]
    values = [statistic(sums.sum(axis=0)) for sums in groups]
    without = [leave_one_out(sums, statistic) for sums in groups]
    weighty = [np.abs(sums).sum(axis=-1) > 0 for sums in groups]
    result = []
    for k in range(groups[0].shape[1]):
        parts = [
            (float(value[k]), left[held[:, k], k])
            for value, left, held in zip(values, without, weighty, strict=True)
        ]
        result.append((parts[0][0] - parts[1][0], _welch(parts, names, scale=scale, level=level)))
    return tuple(result)


def _welch(
    parts: Sequence[tuple[float, FloatArray]], names: Sequence[str], *, scale: Scale, level: float
) -> Interval:
    n = [len(left) for _, left in parts]
    for (theta, left), name in zip(parts, names, strict=True):
        reason = why_none(theta, left, len(left))
        # A group in which nothing varies has a variance of 0; only if neither varies is there no interval.
        if reason and not reason.startswith(NO_SPREAD):
            return no_interval(f"{name}: {reason}", level=level, n=sum(n))
    variances = [jackknife_variance(left) for _, left in parts]
    if sum(variances) < LEAST_SPREAD**2:
        return no_interval(f"{NO_SPREAD} between transcripts, in either group", level=level, n=sum(n))
    freedom = sum(variances) ** 2 / sum(v * v / (m - 1) for v, m in zip(variances, n, strict=True))
    reach = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(sum(variances))
    d = parts[0][0] - parts[1][0]
    low, high = (max(d - reach, -1.0), min(d + reach, 1.0)) if scale == "share" else (d - reach, d + reach)
    method = f"jackknife over {n[0]} and {n[1]} transcripts, t({freedom:.1f})"
    return Interval(low, high, level, method, sum(n))
