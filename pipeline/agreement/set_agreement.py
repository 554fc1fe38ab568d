"""Alpha over sets of codes with its interval, however many transcripts there are.

``sets`` keeps the distances between each two transcripts, which for thousands of them are gigabytes. Where there are
fewer distinct sets than transcripts, a resample is told by how often each distinct set stands in it:
what is expected is c D c, c those counts and D the distances of distinct sets, taken by blocks of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from pipeline.agreement.alpha import alpha_of, conclude_alpha
from pipeline.agreement.intervals import (
    FEWEST_FOR_BOOTSTRAP,
    LEVEL,
    N_RESAMPLES,
    Interval,
    interval_of,
)
from pipeline.agreement.resamples import draws, resample_sums, some_at_once
from pipeline.agreement.sets import (
    CELLS_AT_ONCE,
    DISTANCES,
    Codes,
    Distances,
    SetDistance,
    encode_sets,
    members_of,
    observed_of,
    set_interval,
    set_sums,
)
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray, IntArray, Ratings

#: Up to so many transcripts the distances between each two of them are kept.
FEW_TRANSCRIPTS = 500
#: What rounding leaves where, without a transcript, all sets are the same; two sets are further apart than that.
ROUNDING = 1e-6


def set_agreement(
    table: Sequence[Sequence[Codes | None]],
    transcripts: IntArray,
    *,
    distance: SetDistance,
    seed: int,
    level: float = LEVEL,
    n_resamples: int = N_RESAMPLES,
) -> tuple[Statistic, Interval]:
    """``alpha_over_sets`` and its interval over transcripts.

    table: a row a unit, a column a coder, None for missing. transcripts: (n_units,), a number for each unit's.
    """
    ratings = encode_sets(table)
    _, place = np.unique(transcripts, return_inverse=True)
    n_transcripts = int(place.max(initial=-1)) + 1
    if n_transcripts <= FEW_TRANSCRIPTS or len(ratings.categories) >= n_transcripts:
        sums = set_sums(table, distance=distance, transcripts=place.tolist())
        parts = float(sums.values.sum()), float(sums.observed.sum()), float(sums.between.sum())
        interval = set_interval(sums, seed=seed, level=level, n_resamples=n_resamples)
        return conclude_alpha(ratings, *parts), interval
    return _by_distinct_sets(
        ratings, place, n_transcripts, DISTANCES[distance], seed=seed, level=level, n_resamples=n_resamples
    )


def _by_distinct_sets(
    ratings: Ratings,
    place: IntArray,
    n_transcripts: int,
    apart: Distances,
    *,
    seed: int,
    level: float,
    n_resamples: int,
) -> tuple[Statistic, Interval]:
    members = members_of(ratings.categories)
    own = np.stack(observed_of(ratings.values, place, n_transcripts, members, apart), axis=-1)
    counts = _counts(ratings, place, n_transcripts)
    whole, expected = own.sum(axis=0), _expected(_sum_of(counts), members, apart)
    statistic = conclude_alpha(ratings, float(whole[0]), float(whole[1]), float(expected[0]))
    left = _expected_without(counts, float(expected[0]), members, apart)
    rest = whole - own
    without = alpha_of(rest[:, 0], rest[:, 1], left)[own[:, 0] > 0]
    resampled = None
    if len(without) >= FEWEST_FOR_BOOTSTRAP:
        drawn = resample_sums(own[:, None], seed=seed, n_resamples=n_resamples)[:, 0]
        times = _resampled(counts, seed=seed, n_resamples=n_resamples)
        resampled = alpha_of(drawn[:, 0], drawn[:, 1], _expected(times, members, apart))
    return statistic, interval_of(statistic.value, without, resampled, scale="coefficient", level=level)


def _counts(ratings: Ratings, place: IntArray, n_transcripts: int) -> sparse.csr_array:
    """(n_transcripts, n_distinct_sets), how often each set stands in each transcript, where it can be paired."""
    given = ratings.values >= 0
    given &= (given.sum(axis=1) >= 2)[:, None]
    unit, coder = np.nonzero(given)
    cells = np.ones(len(unit)), (place[unit], ratings.values[unit, coder])
    return sparse.csr_array(cells, shape=(n_transcripts, len(ratings.categories)))


def _sum_of(counts: sparse.csr_array) -> FloatArray:
    return np.asarray(counts.sum(axis=0), dtype=np.float64).reshape(1, -1)


def _resampled(counts: sparse.csr_array, *, seed: int, n_resamples: int) -> FloatArray:
    """(n_resamples, n_distinct_sets)."""
    times = draws(counts.shape[0], seed=seed, n_resamples=n_resamples)
    found = np.empty((n_resamples, counts.shape[1]))
    across = counts.T.tocsr()
    for rows in some_at_once(n_resamples, counts.shape[0]):
        found[rows] = (across @ times[rows].T.astype(np.float64)).T
    return found


def _blocks(members: FloatArray, apart: Distances) -> Iterator[tuple[slice, FloatArray]]:
    """Distances of all distinct sets to some of them at a time; (n_distinct_sets, n_some)."""
    sizes = members.sum(axis=1)
    step = max(1, CELLS_AT_ONCE // max(len(members), 1))
    for start in range(0, len(members), step):
        some = slice(start, start + step)
        yield some, apart(sizes[:, None], sizes[None, some], members @ members[some].T)


def _expected(counts: FloatArray, members: FloatArray, apart: Distances) -> FloatArray:
    """c D c of each row of counts; (n_rows,)."""
    total = np.zeros(len(counts))
    for some, distances in _blocks(members, apart):
        total += np.einsum("ij,ij->i", counts @ distances, counts[:, some])
    return total


def _expected_without(
    counts: sparse.csr_array, expected: float, members: FloatArray, apart: Distances
) -> FloatArray:
    """c D c without each transcript in turn: of all, less twice n D c, and n D n; (n_transcripts,)."""
    total, by_column = np.full(counts.shape[0], expected), counts.tocsc()
    whole = _sum_of(counts)[0]
    for some, distances in _blocks(members, apart):
        mine = by_column[:, some]
        total -= 2 * (mine @ (whole @ distances))
        total += np.asarray(mine.multiply(counts @ distances).sum(axis=1)).ravel()
    return np.where(total < ROUNDING, 0.0, total)
