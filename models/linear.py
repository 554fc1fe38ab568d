"""One-vs-rest logistic regression with fractional targets: the linear part of every member."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

FloatArray = npt.NDArray[np.float64]
# liblinear draws from one generator for the whole process: two fits at a time would disturb each other's order.
_LIBLINEAR = Lock()
MOST_STEPS = 300
_LEAST_EMPHASIS = 0.25
_MOST_RATIO = 3.0
_SMOOTHING = 0.01
Rows: TypeAlias = Any
"""(n, d): a sparse csr_matrix or a dense array; SciPy has no types to say so."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights of one linear model a code: ``logits = rows @ weights.T + intercepts``.

    weights: (n_codes, n_columns); intercepts: (n_codes,).
    """

    weights: FloatArray
    intercepts: FloatArray

    def logits(self, rows: Rows) -> FloatArray:
        """(n_rows, n_codes)."""
        return np.asarray(rows @ self.weights.T) + self.intercepts


def fit_linear(
    rows: Rows, targets: FloatArray, *, strength: float, seed: int, emphasize: bool = False
) -> Linear:
    """Fit one logistic regression a code on the share of coders who gave it.

    rows: (n, d), sparse (liblinear's dual method) or dense (L-BFGS for all codes at once: the same optimum but
        for liblinear's slightly penalized intercept, and each is many times faster on its kind of rows).
    targets: (n, k) in 0..1; a share y strictly between is two rows, label 1 with weight y and label 0 with
        weight 1 - y. Classes are balanced: each code's positives weigh as much as its negatives.
    strength: scikit-learn's C. A code without positives or without negatives gets weights 0 and the
        intercept of its smoothed rate.
    emphasize: for sparse rows of 0 or more, each column counts as far as ``tell_apart`` says; the weights that are
        returned hold it.
    """
    if isinstance(rows, np.ndarray):
        return _fit_dense(rows, targets, strength=strength)
    weights, intercepts = np.zeros((targets.shape[1], rows.shape[1])), np.zeros(targets.shape[1])
    for code, y in enumerate(targets.T):
        weights[code], intercepts[code] = _fit_one(rows, y, strength=strength, seed=seed, emphasize=emphasize)
    return Linear(weights, intercepts)


def _fit_one(
    rows: Rows, y: FloatArray, *, strength: float, seed: int, emphasize: bool
) -> tuple[FloatArray, float]:
    mass = y.sum()
    if not 0 < mass < len(y):
        rate = (mass + 0.5) / (len(y) + 1)
        return np.zeros(rows.shape[1]), float(np.log(rate / (1 - rate)))
    split = np.flatnonzero((y > 0) & (y < 1))
    labels = np.concatenate([y > 0, np.zeros(len(split), dtype=bool)])
    weights = np.concatenate(
        [np.where(y > 0, y / mass, 1 / (len(y) - mass)), (1 - y[split]) / (len(y) - mass)]
    )
    order = np.concatenate([np.arange(len(y)), split])
    emphasis = tell_apart(rows, y) if emphasize else np.ones(rows.shape[1])
    scaled = (
        rows[order]
        if len(split)
        else sp.csr_matrix((rows.data.copy(), rows.indices, rows.indptr), rows.shape)
    )
    scaled.data *= emphasis[scaled.indices]
    model = LogisticRegression(C=strength, solver="liblinear", dual=True, random_state=seed, max_iter=1000)
    with _LIBLINEAR:
        model.fit(scaled, labels, sample_weight=weights * len(y) / 2)
    return model.coef_[0] * emphasis, float(model.intercept_[0])


def tell_apart(rows: Rows, y: FloatArray) -> FloatArray:
    """How far each column by itself tells a code's rows from the others: (d,), from _LEAST_EMPHASIS up.

    The size of the log-count ratio of Wang and Manning (2012, Baselines and Bigrams, eq. 2), capped: with few
    positives it says where to look, before the weights are learned. y: (n,) in 0..1.
    """
    given, not_given = rows.T @ y + _SMOOTHING, rows.T @ (1 - y) + _SMOOTHING
    ratio = (given / (y.sum() + _SMOOTHING)) / (not_given / ((1 - y).sum() + _SMOOTHING))
    return np.asarray(_LEAST_EMPHASIS + np.minimum(np.abs(np.log(ratio)), _MOST_RATIO))


def _fit_dense(rows: FloatArray, targets: FloatArray, *, strength: float) -> Linear:
    mass, n = targets.sum(axis=0), len(targets)
    usable = np.flatnonzero((mass > 0) & (mass < n))
    y, d = targets[:, usable], rows.shape[1]
    given, not_given = y * (n / 2 / mass[usable]), (1 - y) * (n / 2 / (n - mass[usable]))

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        theta = flat.reshape(d + 1, len(usable))
        logits = rows @ theta[:d].astype(rows.dtype) + theta[d]
        softplus = np.logaddexp(0, logits)
        loss = strength * (given * (softplus - logits) + not_given * softplus).sum()
        slope = strength * (expit(logits) * (given + not_given) - given)
        gradient = np.vstack([rows.T @ slope.astype(rows.dtype) + theta[:d], slope.sum(axis=0)])
        return float(loss + 0.5 * np.square(theta[:d]).sum()), gradient.ravel()

    options = {"maxiter": MOST_STEPS, "ftol": 1e-7, "gtol": 1e-3}
    start = np.zeros((d + 1) * len(usable))
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x.reshape(d + 1, -1)
    rates = (mass + 0.5) / (n + 1)
    weights, intercepts = np.zeros((targets.shape[1], d)), np.log(rates / (1 - rates))
    weights[usable], intercepts[usable] = found[:d].T, found[d]
    return Linear(weights, intercepts)
