"""Percent agreement: the share of pairs of coders that gave a unit the same value."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray, IntArray, Ratings, conclude, value_counts


def percent_agreement(ratings: Ratings) -> Statistic:
    """Observed agreement p_a = (1/n') sum_i sum_k r_ik (r_ik - 1) / (r_i (r_i - 1)), a share 0..1.

    Source: Fleiss (1971), Psychological Bulletin 76, 378-382; with missing values Gwet (2014),
    Handbook of Inter-Rater Reliability, 4th ed., ch. 2.
    r_ik: coders who gave unit i category k; r_i: coders who gave unit i a value.
    Missing: a unit counts if two coders or more gave it a value (n' of them), and each such unit counts
    the same: of three rules in use, Gwet's. (The others weight a unit by its number of values, as
    Krippendorff does, or by its pairs.)
    Undefined: no unit has two values.
    """
    shares = unit_agreement(value_counts(ratings))
    return conclude(ratings, shares.sum(), len(shares), reason="")


def unit_agreement(r: IntArray) -> FloatArray:
    """Share of agreeing pairs of coders in each unit that has a pair; r as ``value_counts`` gives it."""
    r = r[r.sum(axis=1) >= 2]
    r_i = r.sum(axis=1)
    shares: FloatArray = np.einsum("ik,ik->i", r, r - 1) / (r_i * (r_i - 1))
    return shares
