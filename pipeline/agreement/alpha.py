"""Krippendorff's alpha for nominal, ordinal, interval and ratio values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray, IntArray, Ratings, conclude, value_counts

Level = Literal["nominal", "ordinal", "interval", "ratio"]


def krippendorff_alpha(ratings: Ratings, *, level: Level = "nominal") -> Statistic:
    """alpha = 1 - D_o / D_e = 1 - (n - 1) sum_ck o_ck d_ck / sum_ck n_c n_k d_ck; at most 1.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, sec. C and D; Krippendorff
    (2019), Content Analysis, 4th ed., ch. 12. o: coincidences; n_c: pairable values c; n: all of
    them; d: squared difference of two values at the given level.
    level: "nominal" for codes; "ordinal" takes the order of ``ratings.categories``; "interval" and
        "ratio" take the categories as numbers.
    Missing: a unit counts if two coders or more gave it a value, in proportion to its values.
    Undefined: every pairable value is the same (D_e = 0), or no unit has two values.
    """
    r = value_counts(ratings)
    r = r[r.sum(axis=1) >= 2]
    n_c = r.sum(axis=0)
    d = DIFFERENCES[level](ratings, n_c)
    expected = float(n_c @ d @ n_c)
    observed = float((n_c.sum() - 1) * np.sum(coincidences(r) * d))
    return conclude(
        ratings,
        expected - observed,
        expected,
        reason="no variation: every value that can be paired is the same",
    )


def coincidences(r: IntArray) -> FloatArray:
    """o[c, k] = sum_u (pairs of values c and k within unit u) / (m_u - 1): Krippendorff (2011), step C.

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
