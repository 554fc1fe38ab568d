"""How much each member of the theme model counts, learned from what it said of transcripts it had not seen.

Stacked generalization (Wolpert 1992) with weights that are never negative (Breiman 1996), the same for all codes:
a weight for each code would be learned from a handful of excerpts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

FloatArray = npt.NDArray[np.float64]

#: Pull of the weights towards each other, as curvature of the likelihood: that of 20 cells at even odds.
PULL = 5.0
_SHIFT_PULL = 1e-3


def learn_weights(parts: FloatArray, targets: FloatArray) -> FloatArray:
    """Shares of the members, (n_members,), at least 0, summing to 1.

    parts: (n, k, n_members) cross-fitted logits. targets: (n, k) in 0..1. Logistic regression of the targets on the
    members' logits, one shift a code; equal shares if there is one member, or none says anything.
    """
    n_members, n_codes = parts.shape[2], parts.shape[1]
    equal = np.full(n_members, 1 / n_members)
    if n_members == 1:
        return equal

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        weights, shifts = flat[:n_members], flat[n_members:]
        z = parts @ weights + shifts
        apart, error = weights - weights.mean(), expit(z) - targets
        loss = (np.logaddexp(0, z) - targets * z).sum()
        loss += PULL / 2 * np.square(apart).sum() + _SHIFT_PULL / 2 * np.square(shifts).sum()
        by_weight = np.einsum("nk,nkm->m", error, parts) + PULL * apart
        return float(loss), np.concatenate([by_weight, error.sum(axis=0) + _SHIFT_PULL * shifts])

    bounds = [(0.0, None)] * n_members + [(None, None)] * n_codes
    start = np.concatenate([equal, np.zeros(n_codes)])
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x[:n_members]
    return np.asarray(found / found.sum()) if found.sum() > 0 else equal
