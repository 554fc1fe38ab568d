"""How many more interviews must be coded by several people for an interval of a stated width."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import stdtrit

from pipeline.agreement.intervals import FEWEST, LEVEL, Measure, jackknife_variance, leave_one_out, why_none
from pipeline.compare.columns import FloatArray

#: Further than this no spread of a few interviews can be trusted to reach.
MOST_TRANSCRIPTS = 100_000


def sample_size(
    sums: FloatArray, measure: Measure, *, width: float, level: float = LEVEL
) -> list[dict[str, Any]]:
    """For each code the transcripts that an interval of ``width`` takes, and how many there are.

    From the jackknife's standard error se of the n transcripts that there are: the least n' with
    2 t(n' - 1) se sqrt(n / n') <= width, for a standard error falls with the square root of the number of independent
    interviews (Cochran 1977, Sampling Techniques, 3rd ed., ch. 4). It supposes more interviews like those coded.

    Transcripts that do not hold a code say nothing of it: of those that are needed as many again will not.
    sums: (t, k, n_sums), what each transcript adds; measure: as for an interval.
    """
    statistic, weighty = measure.statistic, measure.weighty
    weighty = np.ones(sums.shape[:2], dtype=bool) if weighty is None else weighty
    value, without = statistic(sums.sum(axis=0)), leave_one_out(sums, statistic)
    return [
        _row(float(value[k]), without[weighty[:, k], k], len(sums), of=measure.of, width=width, level=level)
        for k in range(sums.shape[1])
    ]


def _row(
    theta: float, without: FloatArray, n_transcripts: int, *, of: str, width: float, level: float
) -> dict[str, Any]:
    n = len(without)
    row: dict[str, Any] = {
        "n_transcripts": n_transcripts,
        "n_with_code": n,
        "width": width,
        "width_now": None,
        "n_needed": None,
        "n_more": None,
    }
    if reason := why_none(theta, without, n, of=of):
        return row | {"reason": reason}
    se = math.sqrt(jackknife_variance(without))
    with_code = transcripts_needed(se * math.sqrt(n), width=width, level=level)
    row["width_now"] = width_of(se * math.sqrt(n), n, level=level)
    n_needed = math.ceil(with_code * n_transcripts / n)
    if with_code > MOST_TRANSCRIPTS:
        return row | {"reason": f"more than {MOST_TRANSCRIPTS:,} transcripts"}
    return row | {"n_needed": n_needed, "n_more": max(n_needed - n_transcripts, 0), "reason": ""}


def width_of(spread: float, n: int, *, level: float) -> float:
    """Width of an interval over n transcripts. spread: the standard error times the root of the number it is from."""
    return 2 * float(stdtrit(n - 1, (1 + level) / 2)) * spread / math.sqrt(n)


def transcripts_needed(spread: float, *, width: float, level: float) -> int:
    """The least number of transcripts with an interval no wider than ``width``; the limit plus 1 if none.

    From 8, for of fewer there is no interval.
    """
    low, high = FEWEST, MOST_TRANSCRIPTS + 1
    while low < high:
        middle = (low + high) // 2
        if width_of(spread, middle, level=level) <= width:
            high = middle
        else:
            low = middle + 1
    return low
