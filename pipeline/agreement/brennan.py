"""The Brennan-Prediger coefficient."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.percent import unit_agreement
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import Ratings, conclude, value_counts


def brennan_prediger(ratings: Ratings) -> Statistic:
    """kappa_n = (p_a - 1/q) / (1 - 1/q), of q categories; -1/(q - 1)..1.

    Source: Brennan & Prediger (1981), Educational and Psychological Measurement 41, 687-699; for two
    coders it is Bennett's S (1954), for two categories PABAK (Byrt et al. 1993), for many coders
    Randolph's free-marginal kappa (2005).
    Missing: as percent agreement: units with two values or more, each counting the same.
    Undefined: fewer than two categories, or no unit has two values.
    """
    q = len(ratings.categories)
    p_a = unit_agreement(value_counts(ratings))
    return conclude(
        ratings, float(np.sum(q * p_a - 1)), len(p_a) * (q - 1), reason="fewer than two categories"
    )
