"""Scott's pi."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import Ratings, conclude, confusion


def scott_pi(ratings: Ratings) -> Statistic:
    """pi = (P_o - P_e) / (1 - P_e), P_e = sum_k p_k^2, p_k the mean of both coders' shares of k; -1..1.

    Source: Scott (1955), Public Opinion Quarterly 19, 321-325. Computed in counts, with n_k the
    values k of both coders together: (4 N sum_k f_kk - sum_k n_k^2) / (4 N^2 - sum_k n_k^2).
    Missing: only units that both coders gave a value.
    Undefined: both coders gave one and the same value throughout (P_e = 1), or no unit in common.
    """
    f = confusion(ratings)
    N = int(f.sum())
    n_k = f.sum(axis=0) + f.sum(axis=1)
    chance = int(np.dot(n_k, n_k))
    return conclude(
        ratings,
        4 * N * int(np.trace(f)) - chance,
        4 * N * N - chance,
        reason="neither coder varied: both gave one and the same value throughout",
    )
