"""Means over codes of a statistic, each code counting the same, with intervals over transcripts.

Pooled over the cells of all codes a coefficient corrected for chance rises with how unlike the codes are in
frequency, even where coders agree on none of them; the mean over codes does not. Codes for which the statistic is
undefined are left out.

The interval stands on the transcripts that say anything of one of the codes, so that of a single code it is that
code's own. A code that hangs on one transcript, that is, undefined without it, is left out where that one is: the
mean then moves by what the code adds to it. How many do is said in ``method``. If most of them do there is no
interval: what one transcript says of a code does not tell what another would.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement.intervals import (
    HOLDING,
    LEVEL,
    N_RESAMPLES,
    Function,
    Interval,
    Measure,
    leave_one_out,
    several_intervals,
)
from pipeline.agreement.values import FloatArray, mean_of_defined

HOLDING_ONE = "transcripts with one of the codes"
#: Share of the codes that may hang on one transcript each.
MOST_HANGING = 0.5


def defined_codes(statistic: Function, sums: FloatArray) -> NDArray[np.intp]:
    """Places of the codes for which the statistic is defined over all transcripts; sums: (n_transcripts, k, s)."""
    return np.flatnonzero(~np.isnan(statistic(sums.sum(axis=0))))


def side_by_side(sums: FloatArray) -> FloatArray:
    """(n_transcripts, k, s) -> (n_transcripts, 1, k s): what the measure of ``mean_measure`` takes."""
    n, k, s = sums.shape
    return sums.reshape(n, 1, k * s)


def mean_measure(measure: Measure, sums: FloatArray, kept: NDArray[np.intp] | None = None) -> Measure:
    """The mean over codes of a statistic, as one statistic of all their sums ``side_by_side``.

    sums: (n_transcripts, k, s). kept: places of the codes to take, all that are defined if not said.
    """
    _, k, s = sums.shape
    kept = defined_codes(measure.statistic, sums) if kept is None else kept

    def mean(each: FloatArray) -> FloatArray:
        return mean_of_defined(measure.statistic(each.reshape(*each.shape[:-1], k, s))[..., kept])

    some = np.abs(sums).sum(axis=-1) > 0 if measure.weighty is None else measure.weighty
    held = np.asarray(some[:, kept].any(axis=1, keepdims=True), dtype=np.bool_)
    of = HOLDING_ONE if measure.of == HOLDING and len(kept) > 1 else measure.of
    return Measure(mean, measure.scale, held, of=of)


def mean_intervals(
    sums: FloatArray,
    measures: Mapping[str, Measure],
    *,
    seed: int,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
) -> dict[str, Interval]:
    """The interval of each measure's mean over codes, all over the same resamples; sums: (n_transcripts, k, s)."""
    means = {key: mean_measure(measure, sums) for key, measure in measures.items()}
    found = several_intervals(side_by_side(sums), means, seed=seed, level=level, n_resamples=n_resamples)
    return {key: said_of_hanging(found[key][0], measures[key].statistic, sums) for key in measures}


def said_of_hanging(interval: Interval, statistic: Function, sums: FloatArray) -> Interval:
    """The interval of a mean over codes, with how many codes hang on one transcript; none if most of them do."""
    kept = defined_codes(statistic, sums)
    hanging = int(np.isnan(leave_one_out(sums, statistic)[:, kept]).any(axis=0).sum())
    if not hanging or interval.reason:
        return interval
    if hanging > MOST_HANGING * len(kept):
        reason = f"{hanging} of {len(kept)} codes hang on one transcript each: undefined without it"
        return replace(interval, low=math.nan, high=math.nan, method="", reason=reason)
    told = f"{hanging} of {len(kept)} codes, which hang on one transcript each, left out without it"
    return replace(interval, method=f"{interval.method}; {told}")
