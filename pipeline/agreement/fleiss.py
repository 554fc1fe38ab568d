"""Fleiss' kappa."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.percent import unit_agreement
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray, IntArray, Ratings, conclude, value_counts


def fleiss_kappa(ratings: Ratings) -> Statistic:
    """kappa = (P - P_e) / (1 - P_e), P_e = sum_k p_k^2, p_k the share of category k; at most 1.

    Source: Fleiss (1971), Psychological Bulletin 76, 378-382; with missing values Gwet (2014),
    Handbook of Inter-Rater Reliability, 4th ed., ch. 2. For two coders without missing values it is
    Scott's pi.
    Missing: P (percent agreement) over units with two values or more; p_k over all units with a value,
    each unit counting the same.
    Undefined: every value is the same (P_e = 1), or no unit has two values.
    """
    r = value_counts(ratings)
    p_k = category_shares(r)
    if np.count_nonzero(p_k) == 1:
        return conclude(ratings, 0, 0, reason="no variation: every value is the same")
    P, P_e = unit_agreement(r), float(np.dot(p_k, p_k))
    return conclude(ratings, float(np.sum(P - P_e)), len(P) * (1 - P_e), reason="")


def category_shares(r: IntArray) -> FloatArray:
    """p_k = mean over units with a value of r_ik / r_i; zeros where no unit has one."""
    r = r[r.any(axis=1)]
    shares: FloatArray = np.sum(r / r.sum(axis=1, keepdims=True), axis=0) / max(len(r), 1)
    return shares
