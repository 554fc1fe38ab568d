"""Confidence intervals over transcripts, never over segments: what one person says hangs together.

Fewer than 8 transcripts: none, with the reason. 8 to 29: delete-one jackknife with Student's t on
n - 1 degrees of freedom. 30 and more: BCa bootstrap. All start from counts that add up over
transcripts, so that leaving one out is a subtraction and a resample is a weighted sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

from pipeline.agreement.pairs import PAIR_STATISTICS, SHARE_CELLS
from pipeline.agreement.values import FloatArray

FEWEST = 8
FEWEST_FOR_BOOTSTRAP = 30
MOST_UNDEFINED = 0.05
LEAST_SPREAD = 1e-12

Function = Callable[[FloatArray], FloatArray]
Scale = Literal["share", "coefficient"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a statistic may lie, had other transcripts of the same kind been taken.

    low, high: nan if and only if ``reason`` says why there is no interval.
    level: nominal coverage, 0..1.
    method: how it was made, to be printed beside it; "" without an interval.
    n_transcripts: those that say anything about the statistic.
    """

    low: float
    high: float
    level: float
    method: str
    n_transcripts: int
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is an interval."""
        return not self.reason


def pair_intervals(
    counts: ArrayLike, key: str, *, seed: int, level: float = 0.95, n_resamples: int = 4999
) -> tuple[Interval, ...]:
    """An interval for each code of one statistic of ``pairs``.

    counts: (n_transcripts, n_codes, 4), as ``pairs`` describes them.
    key: name in ``PAIR_STATISTICS``. For precision, recall and F1 a transcript counts only if it holds
        what they are shares of: seven transcripts with the code are few, however many are without.
    """
    cells = np.asarray(counts, dtype=np.float64)
    weighty = cells[..., list(SHARE_CELLS.get(key, (0, 1, 2, 3)))].sum(axis=-1) > 0
    return intervals(
        cells,
        PAIR_STATISTICS[key],
        scale="share" if key in SHARE_CELLS else "coefficient",
        weighty=weighty,
        seed=seed,
        level=level,
        n_resamples=n_resamples,
    )


def intervals(
    sums: ArrayLike,
    statistic: Function,
    *,
    scale: Scale,
    seed: int,
    weighty: NDArray[np.bool_] | None = None,
    level: float = 0.95,
    n_resamples: int = 4999,
) -> tuple[Interval, ...]:
    """An interval for each code, of any statistic that is a function of sums over transcripts.

    sums: (n_transcripts, n_codes, n_sums), what each transcript adds.
    statistic: from (..., n_codes, n_sums) to (..., n_codes); nan where undefined.
    scale: "share" (jackknife on the logit scale) or "coefficient" (plain scale, cut at 1).
    weighty: (n_transcripts, n_codes), which transcripts say anything about the statistic of a code;
        without it those with any sum other than 0.
    """
    sums = np.asarray(sums, dtype=np.float64)
    if sums.ndim != 3:
        raise ValueError(f"sums has shape {sums.shape}, expected (n_transcripts, n_codes, n_sums)")
    weighty = np.abs(sums).sum(axis=-1) > 0 if weighty is None else weighty
    value, without = statistic(sums.sum(axis=0)), leave_one_out(sums, statistic)
    n_weighty = weighty.sum(axis=0)
    resampled = np.full((n_resamples, sums.shape[1]), np.nan)
    many = n_weighty >= FEWEST_FOR_BOOTSTRAP
    if many.any():
        resampled[:, many] = resample(sums[:, many], statistic, seed=seed, n_resamples=n_resamples)
    result = []
    for k, n in enumerate(n_weighty.tolist()):
        theta, theta_i = float(value[k]), without[weighty[:, k], k]
        if reason := why_none(theta, theta_i, n):
            result.append(_none(reason, level=level, n=n))
        elif n < FEWEST_FOR_BOOTSTRAP:
            result.append(jackknife_interval(theta, theta_i, scale=scale, level=level))
        else:
            result.append(bca_interval(theta, theta_i, resampled[:, k], level=level))
    return tuple(result)


def leave_one_out(sums: FloatArray, statistic: Function) -> FloatArray:
    """The statistic without each transcript in turn; (n_transcripts, n_codes)."""
    return statistic(sums.sum(axis=0) - sums)


def resample(sums: FloatArray, statistic: Function, *, seed: int, n_resamples: int) -> FloatArray:
    """The statistic of transcripts drawn with replacement; (n_resamples, n_codes).

    The same draws for every statistic with the same seed and number of transcripts.
    """
    n = len(sums)
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    drawn = times.astype(np.float64) @ sums.reshape(n, -1)
    return statistic(drawn.reshape(n_resamples, *sums.shape[1:]))


def jackknife_interval(theta: float, without: FloatArray, *, scale: Scale, level: float) -> Interval:
    """theta ± t(n - 1) se, se^2 = (n - 1)/n sum_i (theta_(i) - mean)^2, from n values without one transcript.

    Source: Tukey (1958), Annals of Mathematical Statistics 29, 614; Efron & Tibshirani (1993), ch. 11.
    scale: a share is taken to its logit, with se / (theta (1 - theta)) as standard error there
        (delta method: a leave-one-out share may be exactly 0 or 1), so the interval stays within 0..1.
    """
    n = len(without)
    se = math.sqrt((n - 1) / n * float(np.sum(np.square(without - without.mean()))))
    t = float(stdtrit(n - 1, (1 + level) / 2))
    method = f"jackknife over {n} transcripts, t({n - 1})"
    if scale == "coefficient":
        return Interval(theta - t * se, min(theta + t * se, 1.0), level, method, n)
    logit, se = math.log(theta / (1 - theta)), se / (theta * (1 - theta))
    low, high = (1 / (1 + math.exp(-x)) for x in (max(logit - t * se, -700.0), logit + t * se))
    return Interval(low, high, level, f"{method}, logit scale", n)


def bca_interval(theta: float, without: FloatArray, resampled: FloatArray, *, level: float) -> Interval:
    """Bias-corrected and accelerated percentile interval.

    Source: Efron (1987), Journal of the American Statistical Association 82, 171-185; z0 and
    acceleration (from the jackknife) as in Efron & Tibshirani (1993), eqs. 14.14-14.15, with ties
    counted by half. Resamples in which the statistic is undefined are left out and counted in
    ``method``; above 5 % of them there is no interval.
    """
    n, drawn = len(without), resampled[~np.isnan(resampled)]
    undefined = 1 - len(drawn) / len(resampled)
    if undefined > MOST_UNDEFINED:
        return _none(
            f"undefined in {undefined:.0%} of the resamples: too few transcripts hold it", level=level, n=n
        )
    z0 = float(ndtri((np.sum(drawn < theta) + 0.5 * np.sum(drawn == theta)) / len(drawn)))
    pull = without.mean() - without
    a = float(np.sum(pull**3) / (6 * np.sum(pull**2) ** 1.5))
    z = z0 + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    if not math.isfinite(z0) or (1 - a * z <= 0).any():
        return _none("the resamples lie on one side of the value", level=level, n=n)
    low, high = np.quantile(drawn, ndtr(z0 + z / (1 - a * z)))
    method = f"BCa bootstrap over {n} transcripts, {len(resampled):,} resamples"
    if undefined:
        method += f", {len(resampled) - len(drawn):,} of them undefined and left out"
    return Interval(float(low), float(high), level, method, n)


def why_none(theta: float, without: FloatArray, n: int, *, of: str = "transcripts") -> str:
    """Why there can be no interval, or "".

    theta: the value; without: the value without each of the n in turn. of: what is left out, for the reason.
    """
    if math.isnan(theta):
        return "the value is undefined"
    if n < FEWEST:
        return f"too few {of}: {n}, at least {FEWEST} needed"
    if np.isnan(without).any():
        return f"undefined without one of the {of}: it hangs on that one"
    if np.ptp(without) < LEAST_SPREAD:
        return f"no spread between {of}: each gives the same value"
    return ""


def _none(reason: str, *, level: float, n: int) -> Interval:
    return Interval(math.nan, math.nan, level, "", n, reason)
