"""From logits to probabilities that can be believed, and to a threshold for each code.

Both are learned from logits that the model gave to transcripts it had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SHRINKAGE = 20.0
STRAIGHT = np.array([1.0, 1.0, 0.0])
"""The bend that changes nothing."""
_NEWTON_STEPS = 100
_SHIFT_PULL = 1e-3
_LEAST_SHARE = 2.0**-40


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling of a code, then a bend that all codes share.

    slopes, shifts: (n_codes,), of the score slope * logit + shift. bend: (3,), as ``_bent`` has it.
    """

    slopes: FloatArray
    shifts: FloatArray
    bend: FloatArray

    def scores(self, logits: FloatArray) -> FloatArray:
        """(n, n_codes): what contributions sum to."""
        return np.asarray(logits * self.slopes + self.shifts)

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """(n, n_codes) in 0..1, never falling where a score rises."""
        return np.asarray(expit(_bent(self.scores(logits), self.bend)))


def fit_calibration(logits: FloatArray, targets: FloatArray) -> Calibration:
    """Platt (1999) a code, its slope drawn towards that of all codes together; then beta calibration in common.

    logits, targets: (n, k), targets in 0..1. The pull is that of SHRINKAGE / 4 in the curvature
    of the likelihood (20 cells at even odds), so a code with few positives takes mostly the common slope. A line fits
    the many improbable cells first: the few most probable ones, which are what is shown, need the bend.
    """
    common = _newton(logits.reshape(-1, 1), targets.reshape(-1, 1), np.array([[1.0], [0.0]]), pull=1e-3)
    prior = np.repeat(common, logits.shape[1], axis=1)
    # The rate differs between codes by nature: only the slope is pulled, the shift is free.
    fitted = _newton(logits, targets, prior, pull=SHRINKAGE / 4)
    return Calibration(fitted[0], fitted[1], _fit_bend(logits * fitted[0] + fitted[1], targets))


def _bent(scores: FloatArray, bend: FloatArray) -> FloatArray:
    """a * log p - b * log(1 - p) + c with p = expit(score), bend = (a, b, c), a and b at least 0.

    Kull, Silva Filho and Flach (2017, Beta calibration, eq. 4); (1, 1, 0) changes nothing.
    """
    return np.asarray(-bend[0] * np.logaddexp(0, -scores) + bend[1] * np.logaddexp(0, scores) + bend[2])


def _fit_bend(scores: FloatArray, targets: FloatArray) -> FloatArray:
    """(3,) of all cells together, a and b drawn towards 1 as slopes are towards each other."""
    low, high, y = -np.logaddexp(0, -scores), np.logaddexp(0, scores), targets
    pull = SHRINKAGE / 4

    def objective(bend: FloatArray) -> tuple[float, FloatArray]:
        z = bend[0] * low + bend[1] * high + bend[2]
        apart, error = bend - STRAIGHT, expit(z) - y
        loss = (np.logaddexp(0, z) - y * z).sum() + pull / 2 * np.square(apart[:2]).sum()
        slope = [(error * low).sum(), (error * high).sum(), error.sum()]
        return float(loss), np.array(slope) + pull * apart * STRAIGHT

    bounds = [(0.0, None), (0.0, None), (None, None)]
    return np.asarray(minimize(objective, STRAIGHT, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _newton(logits: FloatArray, targets: FloatArray, prior: FloatArray, *, pull: float) -> FloatArray:
    """Maximum of the penalized likelihood, all columns at once; returns (2, k): slopes, shifts."""

    def loss(slope: FloatArray, shift: FloatArray) -> FloatArray:
        z = logits * slope + shift
        penalty = pull * (slope - prior[0]) ** 2 + _SHIFT_PULL * (shift - prior[1]) ** 2
        return np.asarray((np.logaddexp(0, z) - targets * z).sum(axis=0) + penalty / 2)

    slope, shift = prior[0].copy(), prior[1].copy()
    value = loss(slope, shift)
    for _ in range(_NEWTON_STEPS):
        p = expit(logits * slope + shift)
        error, w = p - targets, p * (1 - p)
        g0 = (error * logits).sum(axis=0) + pull * (slope - prior[0])
        g1 = error.sum(axis=0) + _SHIFT_PULL * (shift - prior[1])
        h00 = (w * logits * logits).sum(axis=0) + pull
        h01, h11 = (w * logits).sum(axis=0), w.sum(axis=0) + _SHIFT_PULL
        determinant = h00 * h11 - h01 * h01
        step0, step1 = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        # A full step overshoots where the curve is flat: halve it, column by column, until it helps.
        share = np.ones_like(value)
        while (worse := loss(slope - share * step0, shift - share * step1) > value).any():
            share[worse] /= 2
            share[share < _LEAST_SHARE] = 0
        slope, shift = slope - share * step0, shift - share * step1
        value = loss(slope, shift)
        if max(np.abs(share * step0).max(initial=0), np.abs(share * step1).max(initial=0)) < 1e-10:
            break
    return np.vstack([slope, shift])


def fit_thresholds(probabilities: FloatArray, positive: BoolArray) -> FloatArray:
    """One threshold a code: its own best for F1, shrunk towards the common one by n / (n + 20).

    probabilities, positive: (n, k). n is the code's number of positive segments; the mixture is taken on the
    logit scale. The common threshold is the best for micro F1.
    """
    common = _best_f1(probabilities.ravel(), positive.ravel())
    own = np.array([_best_f1(p, y) for p, y in zip(probabilities.T, positive.T, strict=True)])
    n_positive = positive.sum(axis=0)
    share = n_positive / (n_positive + SHRINKAGE)
    return np.asarray(expit(share * _logit(own) + (1 - share) * _logit(common)))


def _best_f1(probabilities: FloatArray, positive: BoolArray) -> float:
    """The cut with the best F1, half-way to the next lower probability; 0.5 if there is no positive."""
    if not positive.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    p, hits = probabilities[order], np.cumsum(positive[order])
    last_of_tie = np.append(p[:-1] != p[1:], True)
    f1 = np.where(last_of_tie, 2 * hits / (np.arange(1, len(p) + 1) + positive.sum()), -1.0)
    best = int(np.argmax(f1))
    below = p[best + 1] if best + 1 < len(p) else 0.0
    return float((p[best] + below) / 2)


def _logit(p: FloatArray | float) -> FloatArray:
    q = np.clip(np.asarray(p, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(q / (1 - q)))
