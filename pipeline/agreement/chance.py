"""Do coders agree better than chance? Below that they are no standard that a model could be held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement.intervals import LEVEL, NO_SPREAD, interval_of, leave_one_out
from pipeline.agreement.many import count_many, many_measure
from pipeline.agreement.over_codes import mean_measure, said_of_hanging, side_by_side
from pipeline.agreement.values import FloatArray, IntArray

COEFFICIENT = "krippendorff_alpha"


def least_alpha(given: NDArray[np.bool_], read: NDArray[np.bool_], transcripts: IntArray) -> float:
    """Lower bound of the 95 % interval of Krippendorff's alpha of all coders, mean over codes; nan where it has none.

    given (c, n, k), read (c, n): boolean; transcripts (n,): integers. By the jackknife over the transcripts that hold
    one of the codes, 8 or more, however many there are, so that no draw decides; where all of them give the same
    alpha, that one.
    """
    sums = _sums(given, read, transcripts)
    each = many_measure(sums, COEFFICIENT)
    mean, flat = mean_measure(each, sums), side_by_side(sums)
    alpha = float(mean.statistic(flat.sum(axis=0))[0])
    held = np.ones((len(flat), 1), dtype=np.bool_) if mean.weighty is None else mean.weighty
    without = leave_one_out(flat, mean.statistic)[held[:, 0], 0]
    found = interval_of(alpha, without, None, scale="coefficient", level=LEVEL, of=mean.of)
    if found.reason.startswith(NO_SPREAD):
        return alpha
    return said_of_hanging(found, each.statistic, sums).low


def _sums(given: NDArray[np.bool_], read: NDArray[np.bool_], transcripts: IntArray) -> FloatArray:
    """(t, k, 7), as ``many`` counts."""
    order = np.argsort(transcripts, kind="stable")
    _, first = np.unique(transcripts[order], return_index=True)
    parts = np.split(order, first[1:])
    return np.array([count_many(given[:, units], read[:, units]) for units in parts])
