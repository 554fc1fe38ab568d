"""Is the model no worse than a coder? Non-inferiority by a margin, for exactly two coders.

The alternative annotator test needs three coders; with two, the model's agreement with them is held
against theirs with each other, on the same units: those that both coders and the model read.

    difference = (kappa(model, first) + kappa(model, second)) / 2 - kappa(first, second)

with Cohen's kappa of the code given or not (``pairs``). The model is non-inferior where the
difference is shown to lie above -margin: one-sided at .05, which is the lower bound of the 90 %
interval over transcripts against -margin (Piaggio et al. 2012, JAMA 308, 2594-2604: the bound of a
two-sided 1 - 2 alpha interval). It is worse where the upper bound lies below -margin. The interval is
paired: a transcript left out or drawn takes its units of all three pairs with it. Each code is
tested for itself; nothing is corrected for the number of codes.

A model that never (or always) gives the code has a kappa of 0 with everybody. Where the coders'
own kappa may be as low as the margin, such a model would be non-inferior: ``constant_passes`` says so.
Measured (tests/benchmarks/verdicts.py, --rare; 400 simulated studies with the difference at -margin): as good as a
coder in .04, .06 and .05 of studies of 10, 20 and 40 transcripts, prevalence .15; with a prevalence of .03 and
20 transcripts in .08, so that for a rare code the test is somewhat too ready.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.agreement.intervals import FEWEST, HOLDING, Interval, intervals, leave_one_out
from pipeline.agreement.pairs import cohen_kappa, count_pairs
from pipeline.agreement.values import LEAST_SPREAD, FloatArray, mean_of_defined

MARGIN = 0.10
LEVEL = 0.90


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """The model beside two coders, one code.

    kappa_model: mean of the model's kappas with the two coders; kappa_coders: theirs with each other.
    difference: kappa_model - kappa_coders. low, high: its interval at ``level``, made by ``method``.
    n_units: read by all three; n_at_stake: of these, given the code by at least one of them.
    n_transcripts: those with a unit at stake, 8 or more for an interval, which is over these.
    constant_passes: whether a model that never gives the code would be non-inferior too.
    reason: why there is no interval, with nan in low and high; the rest may be known all the same.
    """

    difference: float
    low: float
    high: float
    kappa_model: float
    kappa_coders: float
    margin: float
    n_units: int
    n_at_stake: int
    n_transcripts: int
    constant_passes: bool = False
    level: float = LEVEL
    method: str = ""
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether the difference is shown to lie above -margin; False where undefined."""
        return self.low > -self.margin

    @property
    def fails(self) -> bool:
        """Whether the difference is shown to lie below -margin; False where undefined."""
        return self.high < -self.margin


def count_three(
    given: ArrayLike, read: ArrayLike, model: ArrayLike, model_seen: ArrayLike, transcripts: ArrayLike
) -> NDArray[np.int64]:
    """Counts of the three pairs on the units that two coders and the model read; (n_transcripts, k, 3, 4).

    given (2, n, k), read (2, n), model (n, k), model_seen (n,): boolean; transcripts (n,): integers.
    Pairs: first and second coder, model and first, model and second. The last axis as in ``pairs``.
    """
    gave, seen, suggested = (np.asarray(one, dtype=np.bool_) for one in (given, read, model))
    if gave.ndim != 3 or len(gave) != 2:
        raise ValueError(f"given has shape {gave.shape}, expected (2, n_units, n_codes): exactly two coders")
    common = seen.all(axis=0) & np.asarray(model_seen, dtype=np.bool_)
    pairs = ((gave[0], gave[1]), (suggested, gave[0]), (suggested, gave[1]))
    _, place, sizes = np.unique(np.asarray(transcripts), return_inverse=True, return_counts=True)
    by_transcript = np.split(np.argsort(place, kind="stable"), np.cumsum(sizes)[:-1])
    counts = np.zeros((len(sizes), gave.shape[2], 3, 4), dtype=np.int64)
    for row, all_units in enumerate(by_transcript[: len(sizes)]):
        units = all_units[common[all_units]]
        counts[row] = np.stack([count_pairs(a[units], b[units]) for a, b in pairs], axis=1)
    return counts


def non_inferiority(
    counts: ArrayLike, n_at_stake: ArrayLike, *, seed: int, margin: float = MARGIN
) -> tuple[NonInferiority, ...]:
    """The test for each code; counts: (n_transcripts, n_codes, 3, 4), as ``count_three`` gives them.

    n_at_stake: (n_codes,), units given the code by at least one of the three. margin: 0..2, in kappa.
    Refused: pairs with unequal numbers of units, since the three must be counted on the same ones.
    """
    cells = np.asarray(counts, dtype=np.float64)
    if cells.ndim != 4 or cells.shape[2:] != (3, 4):
        raise ValueError(f"counts has shape {cells.shape}, expected (n_transcripts, n_codes, 3, 4)")
    n = cells.sum(axis=-1)
    if (n != n[..., :1]).any():
        raise ValueError("the three pairs do not have the same units: count those that all three read")
    if not 0 <= margin <= 2:
        raise ValueError(f"margin is {margin}, expected 0..2, a difference of kappas")
    sums = cells.reshape(*cells.shape[:2], 12)
    model = _interval(sums, difference, seed=seed)
    constant = _interval(sums, _difference_of_constant, seed=seed)
    stake = np.asarray(n_at_stake, dtype=np.int64).tolist()
    return tuple(
        _result(sums[:, k], model[k], constant[k], n_at_stake=stake[k], margin=margin)
        for k in range(sums.shape[1])
    )


def non_inferiority_of_mean(
    counts: ArrayLike, n_at_stake: int, *, seed: int, margin: float = MARGIN
) -> NonInferiority:
    """The test of all codes together: kappas are means over the codes for which all three are defined.

    Not of pooled cells: over these kappa rises with how unlike the codes are in frequency. counts: as above;
    n_at_stake: units given any code by at least one of the three.
    """
    cells = np.asarray(counts, dtype=np.float64)
    n, k = cells.shape[:2]
    sums = cells.reshape(n, k, 12)
    kept = np.flatnonzero(~np.isnan(difference(sums.sum(axis=0))))

    def mean_of(each: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
        def mean(some: FloatArray) -> FloatArray:
            found = each(some.reshape(*some.shape[:-2], k, 12))[..., kept]
            return mean_of_defined(found)[..., None]

        return mean

    flat = sums.reshape(n, 1, k * 12)
    interval, constant = (
        intervals(flat, mean_of(each), scale="difference", seed=seed, level=LEVEL)[0]
        for each in (difference, _difference_of_constant)
    )
    kappa = cohen_kappa(cells.sum(axis=0)[kept]).mean(axis=0) if len(kept) else np.full(3, np.nan)
    reason = interval.reason if len(kept) else "kappa is defined for no code"
    return NonInferiority(
        difference=float((kappa[1] + kappa[2]) / 2 - kappa[0]),
        low=math.nan if reason else interval.low,
        high=math.nan if reason else interval.high,
        kappa_model=float((kappa[1] + kappa[2]) / 2),
        kappa_coders=float(kappa[0]),
        margin=margin,
        n_units=int(sums[:, 0, :4].sum()) if k else 0,
        n_at_stake=n_at_stake,
        n_transcripts=int(_holding(sums).any(axis=1).sum()),
        constant_passes=constant.low > -margin,
        method="" if reason else interval.method,
        reason=reason,
    )


def units_at_stake(
    given: ArrayLike, read: ArrayLike, model: ArrayLike, model_seen: ArrayLike
) -> NDArray[np.int64]:
    """How many units that all read were given each code by at least one; (k,). Arguments: ``count_three``."""
    gave, suggested = np.asarray(given, dtype=np.bool_), np.asarray(model, dtype=np.bool_)
    common = np.asarray(read, dtype=np.bool_).all(axis=0) & np.asarray(model_seen, dtype=np.bool_)
    n: NDArray[np.int64] = np.sum((gave.any(axis=0) | suggested)[common], axis=0)
    return n


def difference(sums: FloatArray) -> FloatArray:
    """Mean kappa of the model with the coders less the coders' kappa; sums (..., 12), three pairs."""
    kappa = cohen_kappa(sums.reshape(*sums.shape[:-1], 3, 4))
    return (kappa[..., 1] + kappa[..., 2]) / 2 - kappa[..., 0]


def _difference_of_constant(sums: FloatArray) -> FloatArray:
    return -cohen_kappa(sums[..., :4])


def _interval(
    sums: FloatArray, statistic: Callable[[FloatArray], FloatArray], *, seed: int
) -> tuple[Interval, ...]:
    """Intervals; where no transcript changes the difference, the difference itself stands for both bounds."""
    held = _holding(sums)
    found = list(
        intervals(sums, statistic, scale="difference", weighty=held, of=HOLDING, seed=seed, level=LEVEL)
    )
    without = leave_one_out(sums, statistic)
    for k, interval in enumerate(found):
        if interval.n_transcripts >= FEWEST and np.ptp(without[:, k]) < LEAST_SPREAD:
            value = float(statistic(sums.sum(axis=0))[k])
            method = f"each of {interval.n_transcripts} transcripts gives the same difference"
            found[k] = Interval(value, value, LEVEL, method, interval.n_transcripts)
    return tuple(found)


def _result(
    sums: FloatArray, interval: Interval, constant: Interval, *, n_at_stake: int, margin: float
) -> NonInferiority:
    total, n_holding = sums.sum(axis=0), int(_holding(sums).sum())
    coders, first, second = cohen_kappa(total.reshape(3, 4)).tolist()
    reason = _why_none(total) or interval.reason
    return NonInferiority(
        difference=float(difference(total)),
        low=math.nan if reason else interval.low,
        high=math.nan if reason else interval.high,
        kappa_model=(first + second) / 2,
        kappa_coders=coders,
        margin=margin,
        n_units=int(total[:4].sum()),
        n_at_stake=n_at_stake,
        n_transcripts=n_holding,
        constant_passes=constant.low > -margin,
        method="" if reason else interval.method,
        reason=reason,
    )


def _holding(sums: FloatArray) -> NDArray[np.bool_]:
    """Transcripts in which one of the three gave the code: any pair with a unit other than ``neither``; (t, ...)."""
    gave: NDArray[np.bool_] = sums.reshape(*sums.shape[:-1], 3, 4)[..., :3].sum(axis=(-1, -2)) > 0
    return gave


def _why_none(total: FloatArray) -> str:
    """Why this difference has no interval where ``intervals`` may give one, or would say it of a value alone."""
    if not total.any():
        return "no unit that both coders and the model read"
    if np.isnan(difference(total)):
        return "kappa is undefined: of a pair, both always or both never gave the code"
    return ""
