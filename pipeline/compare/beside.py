"""The model beside people on the same units: how far each agrees with people, and the difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from pipeline.agreement.intervals import intervals
from pipeline.agreement.pairs import cohen_kappa
from pipeline.compare.cells import PairCells, pair_cells
from pipeline.compare.columns import Column, FloatArray, Panel
from pipeline.compare.pairs import beside
from pipeline.compare.rows import interval_row, number


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Pairs of people, and of a person with another column, on the same units.

    people, other: pairs on all transcripts. codes: (k',) places of the codes that all of them can give.
    """

    name: str
    people: tuple[PairCells, ...]
    other: tuple[PairCells, ...]
    codes: tuple[int, ...]

    def sums(self) -> FloatArray:
        """(t, 1 + k', p, 4): pooled, then each code; pairs of people first."""
        cells = np.stack([pair.counts[:, list(self.codes)] for pair in (*self.people, *self.other)], axis=2)
        return np.concatenate([cells.sum(axis=1, keepdims=True), cells], axis=1)


def set_beside(panel: Panel, other: Column) -> Beside | None:
    """A column beside the human coders, on segments that it and two of them have seen; None without such."""
    humans = [
        replace(human, seen=human.seen & other.seen, codes=human.codes & other.codes)
        for human in panel.humans
    ]
    humans = [human for human in humans if human.seen.any()]
    people = tuple(pair_cells(panel, a, b, "human-human") for a, b in combinations(humans, 2))
    people = tuple(pair for pair in people if pair.shared.any())
    if not people:
        return None
    sharing = {name for pair in people for name in (pair.a.name, pair.b.name)}
    shared = [beside(human, humans) for human in humans if human.name in sharing]
    others = tuple(pair_cells(panel, human, other, f"{other.kind}-human") for human in shared)
    codes = tuple(int(code) for code in np.flatnonzero(panel.usable & other.codes))
    return Beside(other.name, people, others, codes)


def beside_rows(panel: Panel, found: Beside, *, seed: int) -> list[dict[str, Any]]:
    """``beside`` of agreement.json: kappa of people with each other, of the other with them, and the difference.

    Pooled first, then each code. Each kappa is the mean over the pairs for which it is defined.
    """
    n_people, sums = len(found.people), found.sums()
    flat = sums.reshape(*sums.shape[:2], -1)

    def difference(cells: FloatArray) -> FloatArray:
        people, other = mean_kappas(cells.reshape(*cells.shape[:-1], -1, 4), n_people)
        return other - people

    both = intervals(flat, difference, scale="difference", seed=seed)
    people, other = mean_kappas(sums.sum(axis=0), n_people)
    n_units = int(np.any([pair.shared for pair in found.people], axis=0).sum())
    return [
        {
            "other": found.name,
            "code": key,
            "n_units": n_units,
            "n_pairs_people": n_people,
            "n_pairs_other": len(found.other),
            "people": number(float(people[i])),
            "model": number(float(other[i])),
            "difference": number(float(other[i] - people[i])),
            "ci": interval_row(both[i]),
        }
        for i, key in enumerate([None, *(panel.codes[code] for code in found.codes)])
    ]


def mean_kappas(cells: FloatArray, n_people: int) -> tuple[FloatArray, FloatArray]:
    """(..., p, 4) -> mean kappa of the first ``n_people`` pairs and of the others, each (...)."""
    kappa = np.asarray(cohen_kappa(cells))
    return _mean(kappa[..., :n_people]), _mean(kappa[..., n_people:])


def _mean(values: FloatArray) -> FloatArray:
    """Over the last axis, what is undefined left out; nan where nothing is defined."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=-1)
    return np.where(n == 0, np.nan, np.where(defined, values, 0.0).sum(axis=-1) / np.maximum(n, 1))
