"""Krippendorff's alpha for nominal, ordinal, interval and ratio values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray, IntArray, Ratings, conclude, value_counts
from pipeline.agreement.weights import disagreement_weights

Level = Literal["nominal", "ordinal", "interval", "ratio"]
#: Krippendorff (2019), Content Analysis, 4th ed., ch. 12: rely on variables with alpha above the first; where
#: tentative conclusions are acceptable, above the second.
RELIABLE, TENTATIVE = 0.800, 0.667


def krippendorff_alpha(
    ratings: Ratings, *, level: Level = "nominal", distance: ArrayLike | None = None
) -> Statistic:
    """alpha = 1 - D_o / D_e = 1 - (n - 1) sum_ck o_ck d_ck / sum_ck n_c n_k d_ck; at most 1.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; Krippendorff
    (2019), Content Analysis, 4th ed., ch. 12. o: coincidences; n_c: pairable values c; n: all of
    them; d: squared difference of two values at the given level.
    level: "nominal" for codes; "ordinal" takes the order of ``ratings.categories``; "interval" and
        "ratio" take the categories as numbers.
    distance: d itself, (q, q) in the order of the categories, instead of a level; symmetric, 0 on the
        diagonal. For sets of codes see ``sets``.
    Missing: a unit counts if two coders or more gave it a value, in proportion to its values.
    Undefined: every pairable value is the same (D_e = 0), or no unit has two values.
    """
    r = value_counts(ratings)
    r = r[r.sum(axis=1) >= 2]
    n_c = r.sum(axis=0)
    d = DIFFERENCES[level](ratings, n_c) if distance is None else _given(distance, len(n_c))
    observed, expected = float(np.sum(coincidences(r) * d)), float(n_c @ d @ n_c)
    return conclude_alpha(ratings, float(n_c.sum()), observed, expected)


def conclude_alpha(ratings: Ratings, n: float, observed: float, expected: float) -> Statistic:
    """``alpha_of`` as a ``Statistic``, with the reason where there is none."""
    reason = "no variation: every value that can be paired is the same"
    return conclude(ratings, expected - (n - 1) * observed, expected, reason=reason)


def alpha_of(n: ArrayLike, observed: ArrayLike, expected: ArrayLike) -> FloatArray:
    """1 - (n - 1) observed / expected, element by element; nan where nothing is expected.

    n: pairable values. observed: sum over units of the distances of its ordered pairs of values, divided
    by its number of values less one: sum_ck o_ck d_ck. expected: sum_ck n_c n_k d_ck.
    """
    n, observed, expected = (np.asarray(sums, dtype=np.float64) for sums in (n, observed, expected))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, (expected - (n - 1) * observed) / expected, np.nan)


def _given(distance: ArrayLike, q: int) -> FloatArray:
    d = disagreement_weights(distance, q)
    if not np.array_equal(d, d.T):
        raise ValueError("alpha takes the same distance from one value to another and back")
    return d


def coincidences(r: IntArray) -> FloatArray:
    """o[c, k] = sum_u (pairs of values c and k within unit u) / (m_u - 1): Krippendorff (2011).

    r: (n_units, n_categories), every unit with two values or more.
    """
    weight = 1.0 / (r.sum(axis=1) - 1)
    counts = r.astype(np.float64)
    same = weight @ counts
    products: FloatArray = counts.T @ np.multiply(counts, weight[:, None])
    return products - np.diag(same)


def _nominal(ratings: Ratings, n_c: IntArray) -> FloatArray:
    return 1.0 - np.eye(len(n_c))


def _ordinal(ratings: Ratings, n_c: IntArray) -> FloatArray:
    middle = np.cumsum(n_c) - n_c / 2
    return np.square(np.subtract.outer(middle, middle))


def _interval(ratings: Ratings, n_c: IntArray) -> FloatArray:
    v = _numbers(ratings)
    return np.square(np.subtract.outer(v, v))


def _ratio(ratings: Ratings, n_c: IntArray) -> FloatArray:
    v = _numbers(ratings)
    if (v < 0).any():
        raise ValueError("ratio alpha takes no negative values: they have no true zero")
    total = np.add.outer(v, v)
    return np.square(np.subtract.outer(v, v) / np.where(total == 0, 1.0, total))


def _numbers(ratings: Ratings) -> FloatArray:
    if not all(isinstance(value, int | float) for value in ratings.categories):
        raise ValueError("interval and ratio alpha need numbers as categories")
    return np.array(ratings.categories, dtype=np.float64)


DIFFERENCES: dict[Level, Callable[[Ratings, IntArray], FloatArray]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _ratio,
}
