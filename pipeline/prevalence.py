"""How common a code is in a whole corpus of which a random sample of transcripts was read.

The sampling unit is the transcript, whatever is counted in it, and the corpus is finite: what was read is counted,
what was not is estimated as what the model expects there plus what the drawn transcripts show of its error. So a bad
model is put right; a good one makes the interval narrower.

The estimator is the difference estimator of survey sampling (Särndal, Swensson & Wretman 1992, Model Assisted Survey
Sampling, section 6.3), known today as prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan & Zrnic
2023, Science 382, 669), with the weight of the predictions tuned (Angelopoulos, Duchi & Zrnic 2023, PPI++,
arXiv:2311.01453) and, for what was read, predictions by models that had not seen it (Zrnic & Candès 2024,
Cross-prediction-powered inference, PNAS 121).

With a fixed weight the share of transcripts is without bias. The tuned one is found in the same sample: where a code
is rare and few were drawn it makes the share a little too small (Mani, Xu, Lipton & Oberst 2025, No Free Lunch,
arXiv:2505.20178). A weight for each transcript, found in the others, has no bias; in the simulations its error was
larger all the same, and its intervals wider and less often right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.agreement.intervals import FEWEST, jackknife_interval, leave_one_out, why_none

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEVEL = 0.95
#: What a share and its interval come from, as estimates.json names it.
COUNTED, PREDICTION, SAMPLE, BOUND = "counted", "prediction-powered", "sample alone", "exact bound"
#: From so many drawn transcripts on, the intervals hold the true share about as often as they say.
MANY = 60
#: (drawn, segments, interviews): in how many draws an interval with two ends held the true share, the lowest on the
#: shared studies serdif and nhs_feedback, as tests/benchmarks/prevalence.py prints it under "intervals" (from 30 with
#: the model trained again; bounds with one end counted in, it was .95 and more).
COVERAGE = (
    (8, 0.93, 0.94),
    (10, 0.91, 0.92),
    (12, 0.93, 0.94),
    (15, 0.93, 0.94),
    (20, 0.94, 0.95),
    (30, 0.90, 0.90),
)
# A bound a hair beyond a whole count is that count.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Cases:
    """Transcripts with what is counted in them: segments, or the transcript itself (size 1).

    size: (t,) what can hold the code, above 0. count: (t,) what people coded with it, as far as read.
    unread: (t,) what may still turn out to hold it. predicted: (t,) how much of it the model expects, made without
    having seen the codings of the transcript; None without a model.
    drawn: (t,) the random sample, wholly read. known: (t,) wholly read beside it; neither speaks for the others.
    """

    size: FloatArray
    count: FloatArray
    unread: FloatArray
    predicted: FloatArray | None
    drawn: BoolArray
    known: BoolArray

    @property
    def rest(self) -> BoolArray:
        """(t,) what is estimated; what was read of it only limits what is possible."""
        return ~(self.drawn | self.known)

    @property
    def possible(self) -> tuple[float, float]:
        """The least and the highest share that what was read allows."""
        count, total = float(self.count.sum()), float(self.size.sum())
        return count / total, (count + float(self.unread.sum())) / total


@dataclass(frozen=True, slots=True)
class Share:
    """The share of all that holds the code.

    value: 0..1, nan where nothing was drawn. low, high: nan where there is no interval, and ``reason`` says why.
    power: weight of the model's predictions, 0..1. method: COUNTED, PREDICTION, SAMPLE or BOUND.
    n_drawn: transcripts of the random sample.
    """

    value: float
    low: float
    high: float
    power: float
    method: str
    n_drawn: int
    reason: str = ""


def share_of(cases: Cases, *, power: float | None = None, level: float = LEVEL) -> Share:
    """The share with its interval: jackknife over drawn transcripts, t(n - 1), logit scale, to whole counts outward.

    All read: counted, with nothing to be unsure of. Nothing or nothing else found in the sample: an exact bound on
    one side. Fewer than 8 transcripts drawn: no interval, and predictions are not used, for little is known of them.
    power: the weight of the predictions, for tests; without it tuned.
    """
    n = int(cases.drawn.sum())
    if not n and (not len(cases.size) or cases.unread.any()):
        reason = (
            "no transcript was drawn at random" if len(cases.size) else "there is nothing that can be coded"
        )
        return Share(math.nan, math.nan, math.nan, 0.0, SAMPLE, n, reason)
    least, most = cases.possible
    if least == most:
        return Share(least, least, least, 0.0, COUNTED, n)
    value, without, power = _share(cases, power)
    value = min(max(value, least), most)
    method = PREDICTION if power else SAMPLE
    if n < FEWEST:
        reason = f"too few transcripts drawn at random: {n}, at least {FEWEST} needed"
        return Share(value, math.nan, math.nan, power, method, n, reason)
    if cases.count[cases.drawn].sum() in (0, cases.size[cases.drawn].sum()):
        return Share(value, *_bounds(cases, level=level), power, BOUND, n)
    if reason := why_none(value, without, n):
        return Share(value, math.nan, math.nan, power, method, n, reason)
    found = jackknife_interval(value, without, scale="share", level=level)
    total = float(cases.size.sum())
    low = math.floor(found.low * total + _ROUNDING) / total
    high = math.ceil(found.high * total - _ROUNDING) / total
    return Share(value, max(low, least), min(high, most), power, method, n)


def most_unnoticed(n_drawn: int, n_all: int, *, level: float = LEVEL) -> int:
    """How many of n_all transcripts may hold at most what none of n_drawn of them, drawn at random, holds.

    The largest K with C(n_all - K, n_drawn) / C(n_all, n_drawn) > 1 - level: the exact one-sided bound of the
    hypergeometric distribution; of endlessly many transcripts that of Clopper & Pearson (1934).
    """
    chance, most = 1.0, 0
    while most < n_all - n_drawn:
        chance *= (n_all - most - n_drawn) / (n_all - most)
        if chance <= 1 - level:
            break
        most += 1
    return most


def tuned_power(sums: FloatArray) -> FloatArray:
    """(...): the weight of the predictions with which the estimated share varies least, in 0..1.

    sums: (..., 8), as ``_sums`` makes them, summed over transcripts. The slope of the counts on the predictions, both
    less what the size of the transcript lets expect. For size 1 it is the sample's covariance by its variance: with
    predictions averaged over all N + n transcripts the factor 1 / (1 + n / N) of PPI++ falls away.
    """
    m, y, f, mm, my, mf, yf, ff = np.moveaxis(sums, -1, 0)
    r, q = y / m, f / m
    along = yf - r * mf - q * my + r * q * mm
    spread = ff - 2 * q * mf + q**2 * mm
    flat = spread <= _ROUNDING * ff
    return np.asarray(np.clip(np.where(flat, 0.0, along / np.where(flat, 1.0, spread)), 0.0, 1.0))


def _share(cases: Cases, power: float | None) -> tuple[float, FloatArray, float]:
    """The estimated share of all, (n,) that without each drawn transcript, and the weight of the predictions.

    The jackknife's values are drawn apart so that their spread is that of the error in a finite corpus: with r
    transcripts left, S^2 (1 / n + 1 / r) for what these hold, instead of S^2 / n.
    """
    drawn, rest = cases.drawn, cases.rest
    size, total = float(cases.size[rest].sum()), float(cases.size.sum())
    predicted = np.zeros(len(drawn)) if cases.predicted is None else cases.predicted
    sums = _sums(cases.size[drawn], cases.count[drawn], predicted[drawn])
    expected = float(predicted[rest].sum()) / size
    if power is None and (len(sums) < FEWEST or not 0 < float(_left(sums.sum(axis=0), expected, None)) < 1):
        power = 0.0
    value = float(_left(sums.sum(axis=0), expected, power))
    without = value + math.sqrt(1 + len(sums) / int(rest.sum())) * _deviations(sums, expected, power)
    counted = float(cases.count[~rest].sum()) / total
    used = float(tuned_power(sums.sum(axis=0))) if power is None else power
    return counted + size / total * value, counted + size / total * without, used


def _sums(size: FloatArray, count: FloatArray, predicted: FloatArray) -> FloatArray:
    """(n, 8): what each transcript adds to the sums that the estimate is a function of."""
    columns = (
        size,
        count,
        predicted,
        size**2,
        size * count,
        size * predicted,
        count * predicted,
        predicted**2,
    )
    return np.stack(columns, axis=-1)


def _left(sums: FloatArray, expected: float, power: float | None) -> FloatArray:
    """(...): share of what is left: power * predicted there + (count - power * predicted) / size of the sample.

    Angelopoulos et al. (2023), PPI++, the estimator of a mean, with a ratio for transcripts of unequal size (Särndal
    et al. 1992, section 5.6). sums: (..., 8). expected: share that is predicted for what is left.
    """
    weight = tuned_power(sums) if power is None else power
    m, y, f = sums[..., 0], sums[..., 1], sums[..., 2]
    return np.asarray(weight * expected + (y - weight * f) / m)


def _deviations(sums: FloatArray, expected: float, power: float | None) -> FloatArray:
    """(n,): the share of what is left without each drawn transcript, less their mean."""
    if len(sums) < 2:
        return np.zeros(len(sums))
    without = leave_one_out(sums[:, None], lambda found: _left(found, expected, power))[:, 0]
    return np.asarray(without - without.mean())


def _bounds(cases: Cases, *, level: float) -> tuple[float, float]:
    """Where the sample has none, or all: as far as the largest of those transcripts that may hold another thing."""
    least, most = cases.possible
    rest, n = cases.rest, int(cases.drawn.sum())
    others = most_unnoticed(n, n + int(rest.sum()), level=level)
    unlike = np.sort(cases.size[rest])[::-1][:others].sum() / cases.size.sum()
    kept = cases.count[~rest].sum() / cases.size.sum()
    if cases.count[cases.drawn].any():
        return max(least, kept + cases.size[rest].sum() / cases.size.sum() - float(unlike)), most
    return least, min(most, kept + float(unlike))
