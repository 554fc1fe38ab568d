"""Krippendorff's alpha where each coder gives a unit a set of codes, of which some may be shared.

Units are many and sets of codes recur: distances are taken between distinct sets, and never a table
of units x units is made, nor one of all distinct sets: what is summed is summed by blocks of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement.alpha import alpha_of, conclude_alpha
from pipeline.agreement.intervals import LEVEL, N_RESAMPLES, Interval, intervals
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray, IntArray, Ratings, encode

SetDistance = Literal["masi", "jaccard"]
Codes = AbstractSet[Hashable]
CELLS_AT_ONCE = 200_000


def masi_distance(a: Codes, b: Codes) -> float:
    """1 - J M: how far two sets of codes are apart, 0..1; two empty sets are alike.

    Source: Passonneau (2006), LREC, Measuring Agreement on Set-Valued Items. J: codes in both / codes in
    either (Jaccard). M: 1 where the sets are equal, 2/3 where one holds the other, 1/3 where they share
    codes and each has its own, 0 where they share none.
    Two other numbers go by this name: DKPro Statistics computes (1 - J) (1 - M), and nltk up to 3.9
    rounded M to 0.67 and 0.33.
    """
    return _one(_masi, a, b)


def jaccard_distance(a: Codes, b: Codes) -> float:
    """1 - codes in both / codes in either, 0..1; two empty sets are alike.

    Source: Jaccard (1912), New Phytologist 11, 37-50.
    """
    return _one(_jaccard, a, b)


@dataclass(frozen=True, slots=True, eq=False)
class SetSums:
    """What alpha over sets of codes is computed from: additive over transcripts, but for ``between``.

    ratings: distinct sets as categories.
    values: (n_transcripts,) values that can be paired within a unit.
    observed: (n_transcripts,) sum over units of the distances of its ordered pairs / (its values - 1).
    between: (n_transcripts, n_transcripts) sum of the distances of each value in one transcript to each
        in the other. If transcript i counts w_i times, what is expected is sum_ij w_i w_j between_ij.
    """

    ratings: Ratings
    values: FloatArray
    observed: FloatArray
    between: FloatArray


def set_sums(
    table: Sequence[Sequence[Codes | None]],
    *,
    distance: SetDistance = "masi",
    transcripts: Sequence[Hashable] | None = None,
) -> SetSums:
    """The sums of a table of sets of codes.

    table: a row a unit, a column a coder; None is missing, an empty set is a value: read, no code given.
    transcripts: of each unit; in the order of their first unit. Without it all are one transcript.
    """
    ratings = encode_sets(table)
    names = [0] * len(table) if transcripts is None else transcripts
    if len(names) != len(table):
        raise ValueError(f"{len(names)} transcripts for {len(table)} units")
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    place = np.array([number[name] for name in names], dtype=np.int64)
    members, apart = members_of(ratings.categories), DISTANCES[distance]
    return SetSums(
        ratings,
        *observed_of(ratings.values, place, len(number), members, apart),
        _between(set_counts(ratings, place, len(number)), members, apart),
    )


def alpha_over_sets(table: Sequence[Sequence[Codes | None]], *, distance: SetDistance = "masi") -> Statistic:
    """alpha = 1 - D_o / D_e with the distance of two sets of codes; at most 1.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; with MASI as distance
    Passonneau (2006), LREC. Distances are taken as they are, not squared, as in that paper.
    table: as ``set_sums`` takes it. distance: ``masi_distance`` (1 - J M) or ``jaccard_distance``.
    Missing: a unit counts if two coders or more gave it a set, in proportion to its sets.
    Undefined: every set that can be paired is the same, or no unit has two.
    """
    sums = set_sums(table, distance=distance)
    return conclude_alpha(
        sums.ratings, float(sums.values.sum()), float(sums.observed.sum()), float(sums.between.sum())
    )


def alpha_from_sums(sums: SetSums, times: FloatArray) -> FloatArray:
    """Alpha where each transcript counts so many times; nan where undefined.

    times: (..., n_transcripts): ones for all of them, a 0 to leave one out, the numbers of a resample.
    """
    expected = np.einsum("...i,...i->...", times @ sums.between, times)
    return alpha_of(times @ sums.values, times @ sums.observed, expected)


def set_interval(
    sums: SetSums, *, seed: int, level: float = LEVEL, n_resamples: int = N_RESAMPLES
) -> Interval:
    """An interval over transcripts for alpha over sets of codes; method and reasons as ``intervals``."""
    own = np.eye(len(sums.values))[:, None]
    return intervals(
        own,
        lambda times: alpha_from_sums(sums, times),
        scale="coefficient",
        weighty=sums.values[:, None] > 0,
        seed=seed,
        level=level,
        n_resamples=n_resamples,
    )[0]


def encode_sets(table: Sequence[Sequence[Codes | None]]) -> Ratings:
    """``Ratings`` whose categories are the distinct sets, in order of appearance."""
    frozen = [[None if codes is None else frozenset(codes) for codes in row] for row in table]
    distinct = dict.fromkeys(codes for row in frozen for codes in row if codes is not None)
    return encode(frozen, categories=distinct)


def set_counts(ratings: Ratings, place: IntArray, n_transcripts: int) -> IntArray:
    """n[t, c]: pairable values c in transcript t; (n_transcripts, n_distinct_sets).

    place: (n_units,) the number of each unit's transcript.
    """
    pairable = (ratings.values >= 0) & ((ratings.values >= 0).sum(axis=1) >= 2)[:, None]
    q = len(ratings.categories)
    cells = (ratings.values + q * place[:, None])[pairable]
    return np.bincount(cells, minlength=n_transcripts * q).reshape(n_transcripts, q)


def observed_of(
    values: NDArray[Any], place: IntArray, n_transcripts: int, members: FloatArray, apart: Distances
) -> tuple[FloatArray, FloatArray]:
    """Pairable values and observed distance of each transcript."""
    given = (values >= 0).sum(axis=1)
    total = np.zeros(len(values))
    for a, b in combinations(range(values.shape[1]), 2):
        both = np.flatnonzero((values[:, a] >= 0) & (values[:, b] >= 0))
        for some in np.array_split(both, 1 + members.shape[1] * len(both) // CELLS_AT_ONCE):
            one, other = members[values[some, a]], members[values[some, b]]
            shared = np.einsum("ij,ij->i", one, other)
            total[some] += 2 * apart(one.sum(axis=1), other.sum(axis=1), shared)
    total /= np.maximum(given - 1, 1)
    sums = np.zeros((2, n_transcripts))
    np.add.at(sums[0], place, np.where(given >= 2, given, 0))
    np.add.at(sums[1], place, total)
    return sums[0], sums[1]


def _between(counts: IntArray, members: FloatArray, apart: Distances) -> FloatArray:
    """Sum of distances between the values of each two transcripts, by blocks of distinct sets."""
    used = counts.any(axis=0)
    n, members = counts[:, used].astype(np.float64), members[used]
    sizes = members.sum(axis=1)
    total = np.zeros((len(n), len(n)))
    step = max(1, CELLS_AT_ONCE // max(len(members), 1))
    for start in range(0, len(members), step):
        block, later = slice(start, start + step), slice(start + step, None)
        # A pair of blocks and its mirror are the same distances: each is computed once.
        beyond = apart(sizes[block, None], sizes[None, later], members[block] @ members[later].T)
        within = apart(sizes[block, None], sizes[None, block], members[block] @ members[block].T)
        one_way = n[:, block] @ (beyond @ n[:, later].T)
        total += one_way + one_way.T + n[:, block] @ (within @ n[:, block].T)
    return total


def members_of(sets: Sequence[Any]) -> FloatArray:
    """1 where a distinct set holds a code; (n_distinct_sets, n_codes)."""
    codes = {code: i for i, code in enumerate(dict.fromkeys(code for held in sets for code in held))}
    members = np.zeros((len(sets), len(codes)))
    for row, held in zip(members, sets, strict=True):
        row[[codes[code] for code in held]] = 1
    return members


# From the sizes of two sets and the number of codes they share, element by element.
Distances = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def _jaccard(size_a: FloatArray, size_b: FloatArray, shared: FloatArray) -> FloatArray:
    either = size_a + size_b - shared
    distances: FloatArray = np.where(either == 0, 0.0, 1 - shared / np.where(either == 0, 1.0, either))
    return distances


def _masi(size_a: FloatArray, size_b: FloatArray, shared: FloatArray) -> FloatArray:
    alike = 1 - _jaccard(size_a, size_b, shared)
    holds = shared == np.minimum(size_a, size_b)
    monotony = np.where(holds, 2 / 3, 1 / 3)
    monotony[holds & (size_a == size_b)] = 1.0
    distances: FloatArray = 1 - alike * monotony
    return distances


def _one(apart: Distances, a: Codes, b: Codes) -> float:
    sizes = (np.array([float(n)]) for n in (len(a), len(b), len(a & b)))
    return float(apart(*sizes)[0])


DISTANCES: dict[SetDistance, Distances] = {"masi": _masi, "jaccard": _jaccard}
