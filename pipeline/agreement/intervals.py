"""Confidence intervals over transcripts, never over segments: what one person says hangs together.

Fewer than 8 transcripts: none, with the reason. 8 to 29: delete-one jackknife with Student's t on
n - 1 degrees of freedom. 30 and more: BCa bootstrap. All start from counts that add up over
transcripts, so that leaving one out is a subtraction and a resample is a weighted sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

from pipeline.agreement.pairs import (
    CHANCE_CORRECTED,
    PAIR_STATISTICS,
    SHARE_CELLS,
    given_and_declined,
    signed_bias,
)
from pipeline.agreement.resamples import resample_sums
from pipeline.agreement.values import LEAST_SPREAD, FloatArray

FEWEST = 8
FEWEST_FOR_BOOTSTRAP = 30
MOST_UNDEFINED = 0.05
#: Nominal coverage, and resamples of a bootstrap, where nothing else is said.
LEVEL = 0.95
N_RESAMPLES = 4999
# What rounding leaves of a count when a transcript is taken away again.
ROUNDING = 1e-9
HOLDING = "transcripts with the code"
NO_SPREAD = "no spread"

Function = Callable[[FloatArray], FloatArray]
Scale = Literal["share", "coefficient", "difference"]


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


@dataclass(frozen=True, slots=True)
class Measure:
    """A statistic that is a function of sums over transcripts, and how its interval is made.

    statistic: from (..., n_codes, n_sums) to (..., n_codes); nan where undefined.
    scale: "share" (jackknife on the logit scale), "coefficient" (plain scale, cut at 1) or "difference"
        (plain scale).
    weighty: (n_transcripts, n_codes), which transcripts say anything about the statistic of a code;
        without it those with any sum other than 0.
    of: what these are called in a reason.
    """

    statistic: Function
    scale: Scale
    weighty: NDArray[np.bool_] | None = None
    of: str = "transcripts"


def pair_intervals(
    counts: ArrayLike, keys: Iterable[str], *, seed: int, level: float = LEVEL, n_resamples: int = N_RESAMPLES
) -> dict[str, tuple[Interval, ...]]:
    """For each key an interval for each code of that statistic of ``pairs``, all over the same resamples.

    counts: (n_transcripts, n_codes, 4), as ``pairs`` describes them.
    keys: names in ``PAIR_STATISTICS``. For precision, recall and F1 a transcript counts only if it holds
        what they are shares of, for kappa, pi and alpha only if it holds the rarer of given and not given:
        seven transcripts with the code are few, however many are without.
        The interval of the bias is that of its signed form without the sign: it begins at 0 where that
        one holds 0.
    """
    cells, keys = np.asarray(counts, dtype=np.float64), tuple(keys)
    measures = {key: pair_measure(cells, key) for key in keys}
    found = several_intervals(cells, measures, seed=seed, level=level, n_resamples=n_resamples)
    if "bias" in found:
        found["bias"] = tuple(map(_without_sign, found["bias"]))
    return found


def pair_measure(cells: FloatArray, key: str) -> Measure:
    """A statistic of ``pairs``, and which transcripts its interval stands on; cells: (n_transcripts, n_codes, 4)."""
    if key in CHANCE_CORRECTED:
        weighty = holds_rarer(*given_and_declined(cells))
        return Measure(PAIR_STATISTICS[key], "coefficient", weighty, of=HOLDING)
    weighty = cells[..., list(SHARE_CELLS.get(key, (0, 1, 2, 3)))].sum(axis=-1) > 0
    if key == "bias":
        return Measure(signed_bias, "difference", weighty)
    return Measure(PAIR_STATISTICS[key], "share" if key in SHARE_CELLS else "coefficient", weighty)


def holds_rarer(given: FloatArray, declined: FloatArray) -> NDArray[np.bool_]:
    """Which transcripts hold the rarer of the two: kappa, pi and alpha of a code hang on these alone.

    given, declined: (n_transcripts, n_codes), how often the code was given and declined. Thirty transcripts of which
    two hold the code are two: without any of the others such a coefficient hardly changes.
    """
    rarer = np.where(given.sum(axis=0) <= declined.sum(axis=0), given, declined)
    return np.asarray(rarer > ROUNDING)


def _without_sign(interval: Interval) -> Interval:
    """The interval of |x| from that of x; as it is if there is none."""
    ends = sorted((abs(interval.low), abs(interval.high)))
    return replace(interval, low=0.0 if interval.low <= 0 <= interval.high else ends[0], high=ends[1])


def intervals(
    sums: ArrayLike,
    statistic: Function,
    *,
    scale: Scale,
    seed: int,
    weighty: NDArray[np.bool_] | None = None,
    of: str = "transcripts",
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
) -> tuple[Interval, ...]:
    """An interval for each code, of any statistic that is a function of sums over transcripts.

    sums: (n_transcripts, n_codes, n_sums), what each transcript adds.
    statistic, scale, weighty, of: as ``Measure`` has them.

    The difference of two statistics on the same transcripts is such a function: put the sums of both
    side by side, so that each resample takes both from the same transcripts, and give
    ``lambda s: cohen_kappa(s[..., :4]) - cohen_kappa(s[..., 4:])`` with scale "difference".
    """
    measures = {"": Measure(statistic, scale, weighty, of)}
    return several_intervals(sums, measures, seed=seed, level=level, n_resamples=n_resamples)[""]


def several_intervals(
    sums: ArrayLike, measures: Mapping[str, Measure], *, seed: int, level: float, n_resamples: int
) -> dict[str, tuple[Interval, ...]]:
    """As ``intervals``, of several statistics of the same sums, over the same resamples of transcripts."""
    sums = np.asarray(sums, dtype=np.float64)
    if sums.ndim != 3:
        raise ValueError(f"sums has shape {sums.shape}, expected (n_transcripts, n_codes, n_sums)")
    some = np.abs(sums).sum(axis=-1) > 0
    weighty = {key: some if of.weighty is None else of.weighty for key, of in measures.items()}
    many = any((held.sum(axis=0) >= FEWEST_FOR_BOOTSTRAP).any() for held in weighty.values())
    drawn = resample_sums(sums, seed=seed, n_resamples=n_resamples) if many else None
    return {
        key: _of_each_code(sums, drawn, measure, weighty[key], level=level)
        for key, measure in measures.items()
    }


def _of_each_code(
    sums: FloatArray,
    drawn: FloatArray | None,
    measure: Measure,
    weighty: NDArray[np.bool_],
    *,
    level: float,
) -> tuple[Interval, ...]:
    statistic = measure.statistic
    value, without = statistic(sums.sum(axis=0)), leave_one_out(sums, statistic)
    n_weighty = weighty.sum(axis=0)
    resampled = None
    if drawn is not None and (n_weighty >= FEWEST_FOR_BOOTSTRAP).any():
        resampled = np.asfortranarray(statistic(drawn))  # the resamples of a code lie together
    result = []
    for k, n in enumerate(n_weighty.tolist()):
        theta, theta_i = float(value[k]), without[weighty[:, k], k]
        drawn_k = resampled[:, k] if resampled is not None and n >= FEWEST_FOR_BOOTSTRAP else None
        result.append(interval_of(theta, theta_i, drawn_k, scale=measure.scale, level=level, of=measure.of))
    return tuple(result)


def interval_of(
    theta: float,
    without: FloatArray,
    resampled: FloatArray | None,
    *,
    scale: Scale,
    level: float,
    of: str = "transcripts",
) -> Interval:
    """BCa from the values of resamples, jackknife where there are none, or none with its reason.

    without: (n,), the value without each of the transcripts that say anything about it. of: as ``Measure`` has it.
    """
    n = len(without)
    if reason := why_none(theta, without, n, of=of):
        return no_interval(reason, level=level, n=n)
    if resampled is None:
        return jackknife_interval(theta, without, scale=scale, level=level)
    return bca_interval(theta, without, resampled, level=level)


def leave_one_out(sums: FloatArray, statistic: Function) -> FloatArray:
    """The statistic without each transcript in turn; (n_transcripts, n_codes)."""
    return statistic(sums.sum(axis=0) - sums)


def jackknife_interval(theta: float, without: FloatArray, *, scale: Scale, level: float) -> Interval:
    """theta ± t(n - 1) se, se^2 = (n - 1)/n sum_i (theta_(i) - mean)^2, from n values without one transcript.

    Source: Tukey (1958), Annals of Mathematical Statistics 29, 614; Efron & Tibshirani (1993), ch. 11.
    scale: a coefficient ends at 1, a difference does not. A share is taken to its logit, with
        se / (theta (1 - theta)) as standard error there (delta method: a leave-one-out share may be
        exactly 0 or 1), so the interval stays within 0..1.
    """
    n = len(without)
    se = math.sqrt(jackknife_variance(without))
    t = float(stdtrit(n - 1, (1 + level) / 2))
    method = f"jackknife over {n} transcripts, t({n - 1})"
    if scale != "share":
        high = theta + t * se
        return Interval(theta - t * se, min(high, 1.0) if scale == "coefficient" else high, level, method, n)
    logit, se = math.log(theta / (1 - theta)), se / (theta * (1 - theta))
    low, high = (1 / (1 + math.exp(-x)) for x in (max(logit - t * se, -700.0), logit + t * se))
    return Interval(low, high, level, f"{method}, logit scale", n)


def jackknife_variance(without: FloatArray) -> float:
    """(n - 1)/n sum_i (theta_(i) - mean)^2 of n values without one transcript each."""
    n = len(without)
    return (n - 1) / n * float(np.sum(np.square(without - without.mean())))


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
        return no_interval(
            f"undefined in {undefined:.0%} of the resamples: too few transcripts hold it", level=level, n=n
        )
    z0 = float(ndtri((np.sum(drawn < theta) + 0.5 * np.sum(drawn == theta)) / len(drawn)))
    pull = without.mean() - without
    a = float(np.sum(pull**3) / (6 * np.sum(pull**2) ** 1.5))
    z = z0 + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    if not math.isfinite(z0) or (1 - a * z <= 0).any():
        return no_interval("the resamples lie on one side of the value", level=level, n=n)
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
        return f"{NO_SPREAD} between {of}: each gives the same value"
    return ""


def no_interval(reason: str, *, level: float, n: int) -> Interval:
    """What stands where there can be none, n the transcripts that say anything."""
    return Interval(math.nan, math.nan, level, "", n, reason)
