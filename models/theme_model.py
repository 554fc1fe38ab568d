"""The theme model: one multi-label model, trained and calibrated on all it may see, scored on what it has not.

The logit of a code is the weighted mean of its members' logits; weights, calibration and thresholds are learned
from cross-fitted logits. Scoring repeats all of that inside each training part.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from models.calibration import Calibration, fit_calibration, fit_thresholds
from models.crossfit import Crossfit, IntArray, assign_folds, crossfit
from models.linear import Rows
from models.members import WORDS, Fitted, FittedWords, Member
from models.stacking import learn_weights
from models.told import Told, nothing_told

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

POSITIVE_FROM = 0.5
NEVER = 2.0
"""A threshold that no probability reaches: the code is not suggested."""


@dataclass(frozen=True, slots=True)
class ThemeModel:
    """A trained model of some codes.

    codes: (n_codes,) names, the order of every array. members: name of a view -> what was learned of it.
    shares: name of a view -> how much its member counts; they sum to 1.
    thresholds: (n_codes,) probabilities from which a code is suggested; NEVER where the model abstains.
    """

    codes: tuple[str, ...]
    members: Mapping[str, Fitted]
    shares: Mapping[str, float]
    calibration: Calibration
    thresholds: FloatArray

    @property
    def words(self) -> FittedWords:
        """The member that every model has and that words are explained by."""
        return cast(FittedWords, self.members[WORDS])

    def scale(self, member: str, code: int) -> float:
        """What one logit of a member adds to the calibrated logit of a code."""
        return float(self.calibration.slopes[code] * self.shares[member])

    def logits(self, views: Mapping[str, Rows]) -> FloatArray:
        """Uncalibrated (n, n_codes): the weighted mean over members."""
        parts = [self.shares[name] * self.members[name].logits(views[name]) for name in self.members]
        return np.asarray(np.sum(parts, axis=0))

    def probabilities(self, views: Mapping[str, Rows]) -> FloatArray:
        """Calibrated (n, n_codes) in 0..1."""
        return self.calibration.probabilities(self.logits(views))


@dataclass(frozen=True, slots=True)
class Scored:
    """What models that had not seen a row's group said of it; rows as in training.

    probabilities, thresholds: (n, n_codes); a code is flagged where the probability reaches the threshold
    that was chosen without the row's fold. folds: (n,).
    """

    probabilities: FloatArray
    thresholds: FloatArray
    folds: IntArray

    @property
    def flags(self) -> BoolArray:
        """(n, n_codes)."""
        return self.probabilities >= self.thresholds


@dataclass(frozen=True, slots=True)
class Trained:
    """A model of everything, and its score on the unseen."""

    model: ThemeModel
    scored: Scored


def train_theme_model(
    members: Mapping[str, Member],
    targets: FloatArray,
    groups: Sequence[Hashable],
    *,
    codes: Sequence[str],
    seed: int,
    told: Told | None = None,
) -> Trained:
    """Train on all rows and score by nested cross-fitting over groups.

    targets: (n, n_codes), share of the coders who read a row that gave the code. groups: (n,), at least
    3 different ones, else ValueError.
    told: what the codebook says, the last rows of each view: every training part has it but for what it quotes of
        segments that are held out; it is never scored.
    """
    folds = assign_folds(groups)
    if folds.max() < 2:
        raise ValueError("a model can be scored only with 3 groups or more")
    told = told or nothing_told(*targets.shape)
    taught = np.vstack([targets, told.targets])

    def fit(member: Member, rows: IntArray) -> Fitted:
        rows = told.beside(rows)
        return member.fit(rows, taught[rows], seed=seed)

    def fit_predict(train: IntArray, predicted: IntArray) -> FloatArray:
        parts = [fit(member, train).logits(member.view[predicted]) for member in members.values()]
        return np.hstack(parts)

    result = crossfit(fit_predict, folds, len(codes) * len(members))
    with threadpool_limits(1):
        fitted = {name: fit(member, np.arange(len(targets))) for name, member in members.items()}
    positive = targets >= POSITIVE_FROM
    finish = _finish(_by_member(result.outer, len(codes)), positive)
    shares = dict(zip(fitted, finish.shares.tolist(), strict=True))
    model = ThemeModel(tuple(codes), fitted, shares, finish.calibration, finish.thresholds)
    return Trained(model, _score(result, positive))


@dataclass(frozen=True, slots=True)
class _Finish:
    """What is learned from cross-fitted logits."""

    shares: FloatArray
    calibration: Calibration
    thresholds: FloatArray


def _by_member(logits: FloatArray, n_codes: int) -> FloatArray:
    """(n, n_members * n_codes) as members gave them, to (n, n_codes, n_members)."""
    return logits.reshape(len(logits), -1, n_codes).transpose(0, 2, 1)


def _finish(parts: FloatArray, positive: BoolArray) -> _Finish:
    # What is predicted is what is scored: that half of those who read a segment, or more, gave the code.
    truth = positive.astype(np.float64)
    shares = learn_weights(parts, truth)
    logits = parts @ shares
    calibration = fit_calibration(logits, truth)
    return _Finish(shares, calibration, fit_thresholds(calibration.probabilities(logits), positive))


def _score(result: Crossfit, positive: BoolArray) -> Scored:
    probabilities, thresholds = np.empty(positive.shape), np.empty(positive.shape)
    outer = _by_member(result.outer, positive.shape[1])
    for fold in range(len(result.inner)):
        inside, outside = result.folds != fold, result.folds == fold
        inner = _by_member(result.inner[fold][inside], positive.shape[1])
        finish = _finish(inner, positive[inside])
        probabilities[outside] = finish.calibration.probabilities(outer[outside] @ finish.shares)
        thresholds[outside] = finish.thresholds
    return Scored(probabilities, thresholds, result.folds)
