"""Cohen's kappa."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import Ratings, conclude, confusion


def cohen_kappa(ratings: Ratings) -> Statistic:
    """kappa = (p_o - p_c) / (1 - p_c), p_c = sum_k p_k+ p_+k: two coders, each with own margins; -1..1.

    Source: Cohen (1960), Educational and Psychological Measurement 20, p. 40, eq. 1; computed as
    (N sum_k f_kk - sum_k f_k+ f_+k) / (N^2 - sum_k f_k+ f_+k), his eq. 2 in counts.
    Missing: only units that both coders gave a value.
    Undefined: both coders gave one and the same value throughout (p_c = 1), or no unit in common.
    """
    f = confusion(ratings)
    N = int(f.sum())
    chance = int(np.dot(f.sum(axis=1), f.sum(axis=0)))
    return conclude(
        ratings,
        N * int(np.trace(f)) - chance,
        N * N - chance,
        reason="neither coder varied: both gave one and the same value throughout",
    )
