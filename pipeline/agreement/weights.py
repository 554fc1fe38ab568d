"""How much a disagreement of two values weighs, where values have an order or some differ less than others."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from pipeline.agreement.values import FloatArray

Scheme = Literal["linear", "quadratic", "ordinal"]
Weights = Scheme | ArrayLike


def disagreement_weights(weights: Weights, q: int) -> FloatArray:
    """v[k, l], the weight of giving k where the other gave l; 0 where k = l; shape (q, q).

    weights: "linear", |k - l|; "quadratic", (k - l)^2, k and l the places in the order of the categories
        (Cohen 1968, Psychological Bulletin 70, 213-220); "ordinal", the number of pairs of categories
        from k to l (Gwet 2014, 4th ed.); or the q x q weights themselves.
    Their unit does not matter: all that is computed from them is a ratio.
    Refused: a table of another shape, weights below 0 or not finite, an agreement that weighs something.
    """
    if isinstance(weights, str):
        apart = np.abs(np.subtract.outer(np.arange(q), np.arange(q))).astype(np.float64)
        if weights not in ("linear", "quadratic", "ordinal"):
            raise ValueError(f"weights {weights!r}: expected 'linear', 'quadratic', 'ordinal' or a table")
        return {"linear": apart, "quadratic": apart**2, "ordinal": apart * (apart + 1) / 2}[weights]
    v = np.asarray(weights, dtype=np.float64)
    if v.shape != (q, q):
        raise ValueError(f"weights has shape {v.shape}, expected ({q}, {q}): a row and a column a category")
    if not np.isfinite(v).all() or (v < 0).any():
        raise ValueError("weights must be finite and at least 0")
    if np.diag(v).any():
        raise ValueError("weights are of disagreement: on the diagonal, where both gave the same, stands 0")
    return v
