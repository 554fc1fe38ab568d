"""Transcripts drawn with replacement: how often each is drawn, and the sums of what was drawn."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement.values import FloatArray

#: Cells of the table of draws (resamples x transcripts) that are held as floats at a time: 32 MB.
DRAWN_AT_ONCE = 4_000_000


def resample_sums(sums: FloatArray, *, seed: int, n_resamples: int) -> FloatArray:
    """The sums of transcripts drawn with replacement; (n_resamples, n_codes, n_sums).

    The same draws for the same seed and number of transcripts.
    """
    times, flat = draws(len(sums), seed=seed, n_resamples=n_resamples), sums.reshape(len(sums), -1)
    drawn = np.empty((n_resamples, flat.shape[1]))
    for rows in some_at_once(n_resamples, len(sums)):
        np.matmul(times[rows].astype(np.float64), flat, out=drawn[rows])
    return drawn.reshape(n_resamples, *sums.shape[1:])


@lru_cache(maxsize=2)
def draws(n: int, *, seed: int, n_resamples: int) -> NDArray[np.unsignedinteger[Any]]:
    """How often each of n transcripts is drawn; (n_resamples, n), read only.

    Kept for the next statistic: thousands of transcripts take seconds to draw and megabytes to hold.
    """
    random, shares = np.random.default_rng(seed), np.full(n, 1 / n)
    times = np.empty((n_resamples, n), dtype=np.min_scalar_type(n))
    for rows in some_at_once(n_resamples, n):
        times[rows] = random.multinomial(n, shares, size=rows.stop - rows.start)
    times.flags.writeable = False
    return times


def some_at_once(n_resamples: int, n: int) -> Iterable[slice]:
    """Rows of ``draws`` that are taken at a time."""
    step = max(1, DRAWN_AT_ONCE // n)
    return (slice(first, min(first + step, n_resamples)) for first in range(0, n_resamples, step))
