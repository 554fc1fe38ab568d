"""Cohen's kappa, plain and weighted."""

from __future__ import annotations

import numpy as np

from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import Ratings, conclude, confusion
from pipeline.agreement.weights import Weights, disagreement_weights

_NO_VARIATION = "neither coder varied: both gave one and the same value throughout"


def cohen_kappa(ratings: Ratings, *, weights: Weights | None = None) -> Statistic:
    """kappa = (p_o - p_c) / (1 - p_c), p_c = sum_k p_k+ p_+k: two coders, each with own margins; -1..1.

    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46; computed in counts, as
    (N sum_k f_kk - sum_k f_k+ f_+k) / (N^2 - sum_k f_k+ f_+k).
    weights: how much disagreements weigh (``weights``): kappa_w = 1 - sum_kl v_kl p_kl / sum_kl v_kl
        p_k+ p_+l. Source: Cohen (1968), Psychological Bulletin 70, 213-220. Without them every
        disagreement weighs the same, and kappa_w is kappa. It may lie below -1.
    Missing: only units that both coders gave a value.
    Undefined: both coders gave one and the same value throughout (p_c = 1), or no unit in common;
        weighted also if no disagreement that weighs anything could come about by chance.
    """
    f = confusion(ratings)
    N, rows, columns = int(f.sum()), f.sum(axis=1), f.sum(axis=0)
    if weights is None:
        chance = int(np.dot(rows, columns))
        return conclude(ratings, N * int(np.trace(f)) - chance, N * N - chance, reason=_NO_VARIATION)
    v = disagreement_weights(weights, len(f))
    expected = float(rows @ v @ columns)
    used = np.count_nonzero(rows + columns)
    reason = _NO_VARIATION if used == 1 else "no disagreement that could come about by chance weighs anything"
    return conclude(ratings, expected - N * float(np.sum(v * f)), expected, reason=reason)
