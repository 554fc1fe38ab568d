"""What more excerpts of a code would add: a straight line in the logarithm of their number.

Few numbers are learned from few excerpts: one slope a code, all of them drawn towards their mean as far as they are
uncertain (empirical Bayes, normal means: Efron and Morris 1975). A forecast goes a small step along the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: How many more excerpts of a code a forecast is for.
MORE = 20
_FEWEST_TO_SHRINK = 4
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True, slots=True)
class Slopes:
    """What one unit of log(excerpts + 1) adds to the average precision of each code.

    values, errors: (k,), after shrinkage; errors are standard errors. mean, mean_error: over codes.
    """

    values: FloatArray
    errors: FloatArray
    mean: float
    mean_error: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Average precision on unseen groups after training on parts of what is coded.

    n: (p, d, k) excerpts that the parts held, mean over folds, by part (smallest first, all of it last), draw, code.
    ap: the same shape. blocks: (b, p, d, k), ap with each of b blocks of groups left out of the scoring.
    """

    n: FloatArray
    ap: FloatArray
    blocks: FloatArray

    @property
    def x(self) -> FloatArray:
        """(p, d, k): a definition is an excerpt too, so there is always one more."""
        return np.log1p(self.n)

    def upto(self, n_parts: int) -> Curve:
        """The smaller parts alone."""
        return Curve(self.n[:n_parts], self.ap[:n_parts], self.blocks[:, :n_parts])


def line_slopes(x: FloatArray, y: FloatArray) -> FloatArray:
    """Least squares slope of y on x over all but the last axis; nan where x does not vary. y may have axes before."""
    axes = (-3, -2)
    centred = x - x.mean(axis=axes, keepdims=True)
    spread = np.square(centred).sum(axis=axes)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (centred * y).sum(axis=axes) / spread
    return np.where(spread > 0, found, np.nan)


def fit_slopes(curve: Curve) -> Slopes:
    """One slope a code, and how far it can be trusted.

    Its variance is that of the scored groups (delete-a-block jackknife) plus that of which part was drawn.
    """
    x = curve.x
    raw = line_slopes(x, curve.ap)
    left_out = line_slopes(x, curve.blocks)
    n_blocks, n_draws = len(curve.blocks), x.shape[1]
    variance = (n_blocks - 1) / n_blocks * np.square(left_out - left_out.mean(axis=0)).sum(axis=0)
    if n_draws > 1:
        one_by_one = np.array([line_slopes(x[:, d : d + 1], curve.ap[:, d : d + 1]) for d in range(n_draws)])
        variance = variance + one_by_one.var(axis=0, ddof=1) / n_draws
    return shrunk(raw, variance)


def shrunk(raw: FloatArray, variance: FloatArray) -> Slopes:
    """Slopes drawn towards their mean; with fewer than 4 that are known each stands for itself."""
    known = np.isfinite(raw) & np.isfinite(variance)
    if known.sum() < _FEWEST_TO_SHRINK:
        mean = float(np.mean(raw[known])) if known.any() else np.nan
        error = float(np.sqrt(variance[known].sum()) / known.sum()) if known.any() else np.nan
        return Slopes(np.where(known, raw, np.nan), np.where(known, np.sqrt(variance), np.nan), mean, error)
    between = max(0.0, float(raw[known].var(ddof=1) - variance[known].mean()))
    weights = 1 / (variance[known] + between + 1e-12)
    mean, mean_variance = float((weights * raw[known]).sum() / weights.sum()), float(1 / weights.sum())
    own = between / (between + variance + 1e-12)
    values = mean + own * (raw - mean)
    errors = np.sqrt(own * variance + (1 - own) ** 2 * mean_variance)
    return Slopes(
        np.where(known, values, np.nan), np.where(known, errors, np.nan), mean, float(np.sqrt(mean_variance))
    )


@dataclass(frozen=True, slots=True)
class Gain:
    """What is expected to be added to an average precision, and between what and what it will come out (95 %).

    is_flat: the slope may as well be 0.
    """

    value: float
    low: float
    high: float
    is_flat: bool


def gain(slope: float, error: float, *, step: float, noise: float) -> Gain:
    """What a step of log(excerpts + 1) adds; nan if the slope is, and then flat.

    noise: variance of what comes beside what was forecast, a unit of step, as ``Backtest`` has it: a figure wanders
    about its line.
    """
    half = _TWO_SIDED_95 * float(np.sqrt(error**2 * step**2 + noise * step))
    return Gain(slope * step, slope * step - half, slope * step + half, not slope > _TWO_SIDED_95 * error)


def log_step(n: FloatArray, more: FloatArray | float = MORE) -> FloatArray:
    """How far ``more`` excerpts go beyond n."""
    return np.asarray(np.log1p(n + more) - np.log1p(n))


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the smaller parts forecast for all that is coded, beside "no change".

    forecast, no_change: mean absolute error over codes. noise: mean squared error of a code's forecast a unit of
    log(excerpts + 1); macro_noise: squared error of the forecast of the mean over codes. All nan without a forecast.
    """

    forecast: float
    no_change: float
    noise: float
    macro_noise: float

    @property
    def is_better(self) -> bool:
        """Whether the forecast was of use; False where there was none."""
        return self.forecast < self.no_change


def backtest(curve: Curve) -> Backtest:
    """Forecast the figure of all that is coded from the smaller parts."""
    slopes = fit_slopes(curve.upto(-1))
    before, after = curve.ap[-2].mean(axis=0), curve.ap[-1].mean(axis=0)
    step = (curve.x[-1] - curve.x[-2]).mean(axis=0)
    missed = before + slopes.values * step - after
    known = np.isfinite(missed) & (step > 0)
    if not known.any():
        return Backtest(np.nan, np.nan, np.nan, np.nan)
    missed, step = missed[known], step[known]
    return Backtest(
        forecast=float(np.abs(missed).mean()),
        no_change=float(np.abs(before - after)[known].mean()),
        noise=float((np.square(missed) / step).mean()),
        macro_noise=float(np.square(missed.mean()) / step.mean()),
    )
