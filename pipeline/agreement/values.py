"""Tables of nominal values as integer arrays: what the statistics are computed from."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement.statistic import NO_COMMON_UNIT, Statistic

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
MISSING = -1
#: Values no further apart are the same but for rounding.
LEAST_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """What coders gave to units.

    values: (n_units, n_coders), any integer type; index into ``categories``, -1 where a coder gave nothing.
    categories: every value that could have been given, also those that nobody gave; their order
        counts only for ordinal alpha.
    """

    values: NDArray[np.signedinteger[Any]]
    categories: tuple[Hashable, ...]

    def __post_init__(self) -> None:
        if self.values.ndim != 2:
            raise ValueError(f"values has {self.values.ndim} dimensions, expected 2: units x coders")
        if self.values.size and not -1 <= self.values.min() <= self.values.max() < len(self.categories):
            raise ValueError(f"values must lie in -1..{len(self.categories) - 1}, the index of a category")


def encode(
    table: Sequence[Sequence[Hashable | None]], *, categories: Iterable[Hashable] | None = None
) -> Ratings:
    """Turn a table of units x coders into ``Ratings``.

    table: a row a unit, a column a coder; None is missing and nothing else is, also not "" or "NA".
    categories: every value that could be given, from the codebook; without it those present,
        sorted where they can be, else in order of appearance. Brennan-Prediger and AC1 depend on it.
    Refused: rows of unequal length, nan, a value that is not among the categories.
    """
    n_coders = len(table[0]) if len(table) else 0
    if ragged := [number for number, row in enumerate(table, 1) if len(row) != n_coders]:
        raise ValueError(f"row {ragged[0]} has {len(table[ragged[0] - 1])} values, the first has {n_coders}")
    given = dict.fromkeys(value for row in table for value in row if value is not None)
    if any(isinstance(value, float) and math.isnan(value) for value in given):
        raise ValueError("nan is not a value: give None where a coder gave nothing")
    known = tuple(dict.fromkeys(_sorted(given) if categories is None else categories))
    index: dict[Hashable | None, int] = {value: number for number, value in enumerate(known)}
    if unknown := [value for value in given if value not in index]:
        raise ValueError(f"values that are not among the categories: {', '.join(map(repr, unknown))}")
    index[None] = MISSING
    values = np.array([[index[value] for value in row] for row in table], dtype=np.int64)
    return Ratings(values.reshape(len(table), n_coders), known)


def _sorted(values: Iterable[Hashable]) -> list[Hashable]:
    try:
        return sorted(values)  # type: ignore[type-var]
    except TypeError:
        return list(values)


def select_pair(ratings: Ratings, a: int, b: int) -> Ratings:
    """The ratings of coders a and b alone (column numbers), with the same categories."""
    return Ratings(ratings.values[:, [a, b]], ratings.categories)


def common_units(ratings: Ratings) -> Ratings:
    """The units to which every coder gave a value, with the same categories."""
    return Ratings(ratings.values[(ratings.values >= 0).all(axis=1)], ratings.categories)


def value_counts(ratings: Ratings) -> IntArray:
    """r[i, k]: how many coders gave unit i the category k; shape (n_units, n_categories)."""
    n_units, n_categories = len(ratings.values), len(ratings.categories)
    cells = (ratings.values + n_categories * np.arange(n_units)[:, None])[ratings.values >= 0]
    return np.bincount(cells, minlength=n_units * n_categories).reshape(n_units, n_categories)


def confusion(ratings: Ratings) -> IntArray:
    """n[k, l]: units to which the first of two coders gave k and the second l, both having given one."""
    if ratings.values.shape[1] != 2:
        raise ValueError(f"this statistic takes two coders, the table has {ratings.values.shape[1]}")
    a, b = ratings.values[(ratings.values >= 0).all(axis=1)].astype(np.int64).T
    q = len(ratings.categories)
    return np.bincount(a * q + b, minlength=q * q).reshape(q, q)


def pairable(ratings: Ratings) -> tuple[int, int]:
    """Number of units with two values or more, and of coders with a value in one of those."""
    given = ratings.values >= 0
    units = given.sum(axis=1) >= 2
    return int(units.sum()), int(given[units].any(axis=0).sum())


def conclude(ratings: Ratings, numerator: float, denominator: float, *, reason: str) -> Statistic:
    """numerator / denominator as a ``Statistic``; undefined for ``reason`` where the denominator is 0."""
    n_units, n_coders = pairable(ratings)
    if n_units == 0:
        return Statistic(np.nan, why_nothing_common(ratings), n_units, n_coders)
    if denominator == 0:
        return Statistic(np.nan, reason, n_units, n_coders)
    return Statistic(float(numerator / denominator), "", n_units, n_coders)


def why_nothing_common(ratings: Ratings) -> str:
    """Why no unit has two values, in words."""
    rated = (ratings.values >= 0).any(axis=0)
    if not rated.any():
        return "nobody gave a value"
    if rated.sum() == 1:
        return f"{NO_COMMON_UNIT}: only one coder gave values"
    return NO_COMMON_UNIT


def mean_of_defined(values: FloatArray) -> FloatArray:
    """Over the last axis, nan left out; nan where nothing is defined."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=-1)
    return np.where(n == 0, np.nan, np.where(defined, values, 0.0).sum(axis=-1) / np.maximum(n, 1))


def divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Element by element; nan where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, numerator / denominator)
