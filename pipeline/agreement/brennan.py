"""The Brennan-Prediger coefficient."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.percent import unit_agreement
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray, IntArray, Ratings, conclude, value_counts
from pipeline.agreement.weights import Weights, disagreement_weights


def brennan_prediger(ratings: Ratings, *, weights: Weights | None = None) -> Statistic:
    """kappa_n = (p_a - 1/q) / (1 - 1/q), of q categories; -1/(q - 1)..1.

    Source: Brennan & Prediger (1981), Educational and Psychological Measurement 41, 687-699; for two
    coders it is Bennett's S (1954), for two categories PABAK (Byrt et al. 1993), for many coders
    Randolph's free-marginal kappa (2005).
    weights: how much disagreements weigh (``weights``): 1 - mean disagreement of a pair of coders /
        mean of v over all q^2 pairs of categories (Gwet 2014, 4th ed.).
    Missing: as percent agreement: units with two values or more, each counting the same.
    Undefined: fewer than two categories, or no unit has two values.
    """
    q, r = len(ratings.categories), value_counts(ratings)
    reason = "fewer than two categories"
    if weights is None:
        p_a = unit_agreement(r)
        return conclude(ratings, float(np.sum(q * p_a - 1)), len(p_a) * (q - 1), reason=reason)
    v = disagreement_weights(weights, q)
    d_a = _unit_disagreement(r, v)
    chance = float(v.sum()) * len(d_a)
    if q > 1 and not chance:
        reason = "no disagreement weighs anything"
    return conclude(ratings, chance - q * q * float(d_a.sum()), chance, reason=reason)


def _unit_disagreement(r: IntArray, v: FloatArray) -> FloatArray:
    """Mean weight of the pairs of coders in each unit that has a pair."""
    r = r[r.sum(axis=1) >= 2]
    r_i = r.sum(axis=1)
    means: FloatArray = np.einsum("ik,ik->i", r @ v, r) / (r_i * (r_i - 1))
    return means
