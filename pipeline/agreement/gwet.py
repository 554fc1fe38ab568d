"""Gwet's AC1."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.fleiss import category_shares
from pipeline.agreement.percent import unit_agreement
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import Ratings, conclude, value_counts


def gwet_ac1(ratings: Ratings) -> Statistic:
    """AC1 = (p_a - p_e) / (1 - p_e), p_e = sum_k p_k (1 - p_k) / (q - 1), of q categories; at most 1.

    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48
    (p_k the mean share of category k); with missing values Gwet (2014), 4th ed., ch. 2.
    Missing: p_a over units with two values or more; p_k over all units with a value, each counting
    the same.
    Undefined: fewer than two categories, or no unit has two values. Not undefined where everybody gave
    the same one of several categories: then p_e = 0 and AC1 = 1, so read it beside the prevalence.
    """
    q = len(ratings.categories)
    if q < 2:
        return conclude(ratings, 0, 0, reason="fewer than two categories")
    r = value_counts(ratings)
    p_k = category_shares(r)
    p_a, p_e = unit_agreement(r), float(np.dot(p_k, 1 - p_k)) / (q - 1)
    return conclude(ratings, float(np.sum(p_a - p_e)), len(p_a) * (1 - p_e), reason="")
