"""All coders at once and one code, given or not: every coefficient for many from sums over transcripts.

As ``pairs`` does for two: sums of any shape go through in one pass, and the numbers are those of the
general functions for the two categories given and not given, whatever occurs.

Sums: (..., 7), in this order: units with two readers or more; over those the sum of unit agreement
(agreeing pairs of coders / pairs); units with a reader; over those the sum of shares of readers who
gave the code; the coincidences o_11 (given and given), o_10 (given and not, one way), o_00.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.agreement.alpha import alpha_of
from pipeline.agreement.intervals import (
    HOLDING,
    LEVEL,
    N_RESAMPLES,
    Interval,
    Measure,
    Scale,
    holds_rarer,
    several_intervals,
)
from pipeline.agreement.over_codes import mean_intervals
from pipeline.agreement.statistic import NO_COMMON_UNIT, Statistic
from pipeline.agreement.values import FloatArray, divide

N_SUMS = 7
# What rounding leaves of a sum when a transcript is taken away again: a share of one unit is no smaller
# than 1 / (coders squared).
ROUNDING = 1e-7


def count_many(given: NDArray[np.bool_], read: NDArray[np.bool_]) -> FloatArray:
    """The sums of boolean arrays (n_coders, n_units, ...) over units; shape (..., 7).

    given: whether a coder gave the code; what a coder did not read does not count.
    read: (n_coders, n_units), or with the further axes of ``given`` where reading differs by code.
    """
    n_coders, n_units, *further = given.shape
    if read.shape not in (given.shape, given.shape[:2]):
        raise ValueError(f"read has shape {read.shape}, expected {given.shape[:2]} or {given.shape}")
    read = read.reshape(*read.shape, *[1] * (given.ndim - read.ndim))
    m = read.sum(axis=0, dtype=np.int64)
    gave = (given & read).sum(axis=0, dtype=np.int64)
    q, n_codes = n_coders + 1, int(np.prod(further))
    cells = (m * q + gave).reshape(n_units, n_codes) + q * q * np.arange(n_codes)
    units = np.bincount(cells.ravel(), minlength=q * q * n_codes).reshape(n_codes, q * q)
    sums: FloatArray = units.astype(np.float64) @ _sums_of_a_unit(n_coders)
    return sums.reshape(*further, N_SUMS)


def _sums_of_a_unit(n_coders: int) -> FloatArray:
    """What a unit adds that m coders read and j gave the code; rows m (n_coders + 1) + j."""
    m, j = (side.ravel().astype(np.float64) for side in np.indices((n_coders + 1, n_coders + 1)))
    rest, pairs, two = m - j, np.maximum(m * (m - 1), 1), m >= 2
    agreeing = j * (j - 1) + rest * (rest - 1)
    columns = [two, two * agreeing / pairs, m >= 1, (m >= 1) * j / np.maximum(m, 1)]
    columns += [two * product * m / pairs for product in (j * (j - 1), j * rest, rest * (rest - 1))]
    return np.stack(columns, axis=-1).astype(np.float64)


def percent_agreement(sums: ArrayLike) -> FloatArray:
    """Mean unit agreement; undefined without a unit that two coders read. Formula and source: ``percent``."""
    n, agreement, *_ = _parts(sums)
    return divide(agreement, n)


def fleiss_kappa(sums: ArrayLike) -> FloatArray:
    """(P - P_e) / (1 - P_e), P_e = p^2 + (1 - p)^2: ``fleiss``; undefined where p is 0 or 1."""
    p = _share(sums)
    chance = np.square(p) + np.square(1 - p)
    return np.where((p == 0) | (p == 1), np.nan, divide(percent_agreement(sums) - chance, 1 - chance))


def krippendorff_alpha(sums: ArrayLike) -> FloatArray:
    """1 - (n - 1) o_10 / (n_1 n_0): nominal ``alpha``; undefined where n_1 or n_0 is 0."""
    *_, o_11, o_10, o_00 = _parts(sums)
    n_1, n_0 = o_11 + o_10, o_00 + o_10
    return alpha_of(n_1 + n_0, o_10, n_1 * n_0)


def values_given(sums: ArrayLike) -> FloatArray:
    """n_1: how often the code was given to units with two readers or more."""
    *_, o_11, o_10, _ = _parts(sums)
    given: FloatArray = o_11 + o_10
    return given


def gwet_ac1(sums: ArrayLike) -> FloatArray:
    """(p_a - p_e) / (1 - p_e), p_e = 2 p (1 - p): ``gwet``; undefined without a unit that two coders read."""
    p = _share(sums)
    chance = 2 * p * (1 - p)
    return divide(percent_agreement(sums) - chance, 1 - chance)


def brennan_prediger(sums: ArrayLike) -> FloatArray:
    """2 p_a - 1: ``brennan`` for two categories; undefined without a unit that two coders read."""
    return 2 * percent_agreement(sums) - 1


def prevalence(sums: ArrayLike) -> FloatArray:
    """Share of readers who gave the code, mean over units that somebody read; undefined without one."""
    return _share(sums)


MANY_STATISTICS: dict[str, Callable[[Any], FloatArray]] = {
    "prevalence": prevalence,
    "percent_agreement": percent_agreement,
    "fleiss_kappa": fleiss_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac1,
    "brennan_prediger": brennan_prediger,
}


# As in ``pairs``: of these a transcript that does not hold the code says next to nothing.
CHANCE_CORRECTED = frozenset({"krippendorff_alpha", "fleiss_kappa"})


def many_statistics(sums: ArrayLike, *, n_coders: int) -> dict[str, Statistic]:
    """Every statistic of one set of sums (shape (7,)), each with its reason where undefined.

    n_coders: coders who read a unit that another read too.
    """
    parts = np.asarray(sums, dtype=np.float64)
    n_units = round(float(parts[0]))
    result = {}
    for key, statistic in MANY_STATISTICS.items():
        value = float(statistic(parts)) if n_units else np.nan
        reason = _why_undefined(key, parts) if np.isnan(value) else ""
        result[key] = Statistic(value, reason, n_units, n_coders if n_units else 0)
    return result


def many_intervals(
    sums: ArrayLike, keys: Iterable[str], *, seed: int, level: float = LEVEL, n_resamples: int = N_RESAMPLES
) -> dict[str, tuple[Interval, ...]]:
    """Intervals over transcripts for each code, all keys over the same resamples; as ``pair_intervals``.

    sums: (n_transcripts, n_codes, 7).
    """
    parts = np.asarray(sums, dtype=np.float64)
    measures = {key: many_measure(parts, key) for key in keys}
    return several_intervals(parts, measures, seed=seed, level=level, n_resamples=n_resamples)


def many_measure(sums: FloatArray, key: str) -> Measure:
    """A statistic, and which transcripts its interval stands on; sums: (n_transcripts, n_codes, 7)."""
    if key in CHANCE_CORRECTED:
        *_, o_11, o_10, o_00 = _parts(sums)
        holding = holds_rarer(o_11 + o_10, o_00 + o_10)
        return Measure(MANY_STATISTICS[key], "coefficient", holding, of=HOLDING)
    scale: Scale = "share" if key in ("percent_agreement", "prevalence") else "coefficient"
    return Measure(MANY_STATISTICS[key], scale, sums[..., 2 if key == "prevalence" else 0] > 0)


def mean_over_codes(
    sums: ArrayLike, keys: Iterable[str], *, seed: int, level: float = LEVEL, n_resamples: int = N_RESAMPLES
) -> dict[str, Interval]:
    """Intervals over transcripts of the mean over codes of each statistic, undefined ones left out: ``over_codes``.

    sums: (n_transcripts, n_codes, 7).
    """
    parts = np.asarray(sums, dtype=np.float64)
    measures = {key: many_measure(parts, key) for key in keys}
    return mean_intervals(parts, measures, seed=seed, level=level, n_resamples=n_resamples)


def _why_undefined(key: str, parts: FloatArray) -> str:
    if not parts[0]:
        return NO_COMMON_UNIT
    never = not (parts[3] if key == "fleiss_kappa" else parts[4] + parts[5])
    return f"no variation: the code was {'never' if never else 'always'} given"


def _parts(sums: ArrayLike) -> FloatArray:
    parts = np.asarray(sums, dtype=np.float64)
    if parts.shape[-1:] != (N_SUMS,):
        raise ValueError(f"sums has shape {parts.shape}, expected (..., {N_SUMS})")
    parts = np.moveaxis(parts, -1, 0)
    return np.where(np.abs(parts) < ROUNDING, 0.0, parts)


def _share(sums: ArrayLike) -> FloatArray:
    """p: mean share of readers who gave the code; exactly 1 where all of them did."""
    _, _, n, shares, *_ = _parts(sums)
    return divide(np.where(n - shares < ROUNDING, n, shares), n)
