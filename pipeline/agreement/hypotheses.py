"""Hypotheses on means: Student's t with its degenerate case, and control over several at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from pipeline.agreement.values import LEAST_SPREAD, FloatArray


def benjamini_yekutieli(p: ArrayLike, *, q: float) -> NDArray[np.bool_]:
    """Which hypotheses fall at false discovery rate q, under any dependence; p: (m,), without nan.

    Source: Benjamini & Yekutieli (2001), Annals of Statistics 29, 1165-1188, theorem 1.3: those up to
    the largest i with p_(i) <= i q / (m (1 + 1/2 + ... + 1/m)).
    """
    values = np.asarray(p, dtype=np.float64)
    m = len(values)
    ranks = np.arange(1, m + 1)
    below = np.flatnonzero(np.sort(values) <= ranks * q / (m * np.sum(1 / ranks)))
    if not len(below):
        return np.zeros(m, dtype=np.bool_)
    fall: NDArray[np.bool_] = values <= np.sort(values)[below[-1]]
    return fall


def one_sided(d: FloatArray, *, epsilon: float) -> tuple[float, float]:
    """p of the mean of d being epsilon or more, and of its being epsilon or less; Student's t on n - 1.

    Where all d are the same there is no t: the two are 0 or 1 by comparing that value with epsilon,
    and both 1 where it is epsilon.
    """
    excess = float(d.mean()) - epsilon
    if np.ptp(d) < LEAST_SPREAD:
        return float(excess > -LEAST_SPREAD), float(excess < LEAST_SPREAD)
    t = excess / (float(d.std(ddof=1)) / math.sqrt(len(d)))
    return float(stdtr(len(d) - 1, t)), float(stdtr(len(d) - 1, -t))
