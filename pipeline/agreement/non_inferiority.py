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

Two guards, for where coders agree so little that being no worse than they are means nothing:

- A model that never gives the code has a kappa of 0 with everybody, as has one that always gives it. Where the
  coders' own kappa may be as low as the margin, such a model would be non-inferior: ``constant_passes`` says so.
- Coders who draw lots are no standard: a model that draws lots too is as good as they are. ``coders_low`` is the
  lower bound of the 95 % interval of their own kappa, on the same transcripts; unless it lies above 0 nothing is
  shown (``coders_agree``).

Measured (tests/benchmarks/verdicts.py, --rare; 400 simulated studies with the difference at -margin): as good as a
coder in .04, .06 and .05 of studies of 10, 20 and 40 transcripts, prevalence .15; with a prevalence of .03 in .02,
.07 and .06, so that for a rare code the test is, if anything, somewhat too ready.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.agreement.intervals import (
    FEWEST,
    HOLDING,
    N_RESAMPLES,
    Function,
    Interval,
    Measure,
    leave_one_out,
    several_intervals,
)
from pipeline.agreement.over_codes import defined_codes, mean_measure, said_of_hanging, side_by_side
from pipeline.agreement.pairs import cohen_kappa, count_pairs
from pipeline.agreement.values import LEAST_SPREAD, FloatArray, mean_of_defined

MARGIN = 0.10
LEVEL = 0.90
#: Of the interval by which coders agree better than chance: the one that is printed of their agreement.
LEVEL_OF_CODERS = 0.95


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """The model beside two coders, one code.

    kappa_model: mean of the model's kappas with the two coders; kappa_coders: theirs with each other.
    difference: kappa_model - kappa_coders. low, high: its interval at ``level``, made by ``method``.
    n_units: read by all three; n_at_stake: of these, given the code by at least one of them.
    n_transcripts: those with a unit at stake, 8 or more for an interval, which is over these.
    constant_passes: whether a model that never, or always, gives the code would be non-inferior too.
    coders_low: lower bound of the 95 % interval of kappa_coders; nan where it has none.
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
    coders_low: float = math.nan
    level: float = LEVEL
    method: str = ""
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether the difference is shown to lie above -margin; False where undefined."""
        return self.low > -self.margin

    @property
    def coders_agree(self) -> bool:
        """Whether the coders are shown to agree better than chance; False where that is not known."""
        return self.coders_low > 0

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
    model = _intervals(sums, _measure(sums, difference), seed=seed)
    constant = _intervals(sums, _measure(sums, _difference_of_constant), seed=seed)
    coders = _intervals(sums, _measure(sums, _kappa_of_coders), seed=seed, level=LEVEL_OF_CODERS)
    stake = np.asarray(n_at_stake, dtype=np.int64).tolist()
    return tuple(
        _result(sums[:, [k]], model[k], constant[k], coders[k].low, n_at_stake=stake[k], margin=margin)
        for k in range(sums.shape[1])
    )


def non_inferiority_of_mean(
    counts: ArrayLike, n_at_stake: int, *, seed: int, margin: float = MARGIN
) -> NonInferiority:
    """The test of all codes together: kappas are means over the codes for which all three are defined.

    Not of pooled cells: over these kappa rises with how unlike the codes are in frequency (``over_codes``). Of one
    code it is the test of that code. counts: as above; n_at_stake: units given any code by at least one of the three.
    """
    cells = np.asarray(counts, dtype=np.float64)
    sums = cells.reshape(*cells.shape[:2], 12)
    kept, flat = defined_codes(difference, sums), side_by_side(sums)
    model, constant, coders = (
        _intervals(flat, mean_measure(_measure(sums, of), sums, kept), seed=seed, level=level)[0]
        for of, level in (
            (difference, LEVEL),
            (_difference_of_constant, LEVEL),
            (_kappa_of_coders, LEVEL_OF_CODERS),
        )
    )
    model = said_of_hanging(model, difference, sums)
    return _result(sums, model, constant, coders.low, n_at_stake=n_at_stake, margin=margin)


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
    return -_kappa_of_coders(sums)


def _kappa_of_coders(sums: FloatArray) -> FloatArray:
    return cohen_kappa(sums[..., :4])


def _measure(sums: FloatArray, statistic: Function) -> Measure:
    return Measure(statistic, "difference", _holding(sums), of=HOLDING)


def _intervals(
    sums: FloatArray, measure: Measure, *, seed: int, level: float = LEVEL
) -> tuple[Interval, ...]:
    """Intervals; where no transcript changes the difference, the difference itself stands for both bounds."""
    found = list(several_intervals(sums, {"": measure}, seed=seed, level=level, n_resamples=N_RESAMPLES)[""])
    without = leave_one_out(sums, measure.statistic)
    for k, interval in enumerate(found):
        if interval.n_transcripts >= FEWEST and np.ptp(without[:, k]) < LEAST_SPREAD:
            value = float(measure.statistic(sums.sum(axis=0))[k])
            method = f"each of {interval.n_transcripts} transcripts gives the same difference"
            found[k] = Interval(value, value, level, method, interval.n_transcripts)
    return tuple(found)


def _result(
    sums: FloatArray,
    interval: Interval,
    constant: Interval,
    coders_low: float,
    *,
    n_at_stake: int,
    margin: float,
) -> NonInferiority:
    """sums: (n_transcripts, k, 12) of the codes that are averaged."""
    total, n_holding = sums.sum(axis=0), int(_holding(sums).any(axis=1).sum())
    kept = defined_codes(difference, sums)
    coders, first, second = _mean_kappas(total, kept)
    reason = _why_none(total) or interval.reason
    return NonInferiority(
        difference=(first + second) / 2 - coders,
        low=math.nan if reason else interval.low,
        high=math.nan if reason else interval.high,
        kappa_model=(first + second) / 2,
        kappa_coders=coders,
        margin=margin,
        n_units=int(total[:1, :4].sum()),
        n_at_stake=n_at_stake,
        n_transcripts=n_holding,
        constant_passes=constant.low > -margin,
        coders_low=coders_low,
        method="" if reason else interval.method,
        reason=reason,
    )


def _mean_kappas(total: FloatArray, kept: NDArray[np.intp]) -> tuple[float, float, float]:
    """Of coders with each other, the model with the first and with the second; total: (k, 12), means over ``kept``.

    Of a single code all three as they are, also where one is undefined.
    """
    kappa = cohen_kappa(total.reshape(-1, 3, 4))
    if len(kappa) > 1:
        kappa = kappa[kept]
    coders, first, second = mean_of_defined(kappa.T).tolist()
    return coders, first, second


def _holding(sums: FloatArray) -> NDArray[np.bool_]:
    """Transcripts in which one of the three gave the code: any pair with a unit other than ``neither``; (t, ...)."""
    gave: NDArray[np.bool_] = sums.reshape(*sums.shape[:-1], 3, 4)[..., :3].sum(axis=(-1, -2)) > 0
    return gave


def _why_none(total: FloatArray) -> str:
    """Why this difference has no interval where ``intervals`` may give one, or would say it of a value alone."""
    if not total.any():
        return "no unit that both coders and the model read"
    if np.isnan(difference(total)).all():
        undefined = "of a pair, both always or both never gave the code"
        return f"kappa is undefined: {undefined}" if len(total) == 1 else "kappa is defined for no code"
    return ""
