"""The model beside people on the same units: how far each agrees with people, and the difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from pipeline.agreement.intervals import HOLDING, N_RESAMPLES, Interval, Measure, several_intervals
from pipeline.agreement.over_codes import defined_codes, mean_intervals
from pipeline.agreement.pairs import cohen_kappa
from pipeline.agreement.values import mean_of_defined
from pipeline.compare.cells import PairCells, pair_cells
from pipeline.compare.columns import Column, FloatArray, Panel
from pipeline.compare.enough import enter_means
from pipeline.compare.pairs import beside
from pipeline.compare.rows import LEVEL, interval_row, number


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
        """(t, k', p, 4); pairs of people first."""
        cells = np.stack([pair.counts for pair in (*self.people, *self.other)], axis=2)
        return np.asarray(cells[:, list(self.codes)])


def set_beside(panel: Panel, other: Column) -> Beside | None:
    """A column beside the human coders, on segments that it and two of them have seen; None without such.

    Of coders those pairs that share enough (``enough``), if any do.
    """
    humans = [
        replace(human, seen=human.seen & other.seen, codes=human.codes & other.codes)
        for human in panel.humans
    ]
    humans = [human for human in humans if human.seen.any()]
    people = tuple(pair_cells(panel, a, b, "human-human") for a, b in combinations(humans, 2))
    people = tuple(pair for pair in people if pair.shared.any())
    if not people:
        return None
    enter = enter_means([int(np.count_nonzero(pair.n_units)) for pair in people])
    people = tuple(pair for pair, enters in zip(people, enter, strict=True) if enters)
    sharing = {name for pair in people for name in (pair.a.name, pair.b.name)}
    humans = [human for human in humans if human.name in sharing]
    shared = [beside(human, humans) for human in humans]
    others = tuple(pair_cells(panel, human, other, f"{other.kind}-human") for human in shared)
    codes = tuple(int(code) for code in np.flatnonzero(panel.usable & other.codes))
    return Beside(other.name, people, others, codes)


def beside_rows(panel: Panel, found: Beside, *, seed: int) -> list[dict[str, Any]]:
    """``beside`` of agreement.json: kappa of people with each other, of the other with them, and the difference.

    First the mean over the codes for which both are defined (code null), then each code. Each kappa is the mean over
    the pairs for which it is defined. Nothing is pooled: over pooled cells kappa rises with how unlike codes are in
    frequency.
    """
    n_people, sums = len(found.people), found.sums()
    n_pairs = sums.shape[2]
    people, other = mean_kappas(sums.sum(axis=0), n_people)

    def difference(cells: FloatArray) -> FloatArray:
        of_people, of_other = mean_kappas(cells.reshape(*cells.shape[:-1], n_pairs, 4), n_people)
        return of_other - of_people

    flat, held = sums.reshape(*sums.shape[:2], n_pairs * 4), sums[..., :3].sum(axis=(2, 3)) > 0
    measure = {"": Measure(difference, "difference", held, of=HOLDING)}
    each = several_intervals(flat, measure, seed=seed, level=LEVEL, n_resamples=N_RESAMPLES)[""]
    mean = mean_intervals(flat, measure, seed=seed, level=LEVEL)[""]
    kept = defined_codes(difference, flat)
    n_units = int(np.any([pair.shared for pair in found.people], axis=0).sum())
    same = {
        "other": found.name,
        "n_units": n_units,
        "n_pairs_people": n_people,
        "n_pairs_other": len(found.other),
    }
    of_mean = _row(mean_of_defined(people[kept]), mean_of_defined(other[kept]), mean)
    return [
        {**same, "code": None, "n_codes": len(kept), **of_mean},
        *(
            {**same, "code": panel.codes[code], "n_codes": 1, **_row(people[i], other[i], each[i])}
            for i, code in enumerate(found.codes)
        ),
    ]


def _row(people: FloatArray, other: FloatArray, interval: Interval) -> dict[str, Any]:
    return {
        "people": number(float(people)),
        "model": number(float(other)),
        "difference": number(float(other - people)),
        "ci": interval_row(interval),
    }


def mean_kappas(cells: FloatArray, n_people: int) -> tuple[FloatArray, FloatArray]:
    """(..., p, 4) -> mean kappa of the first ``n_people`` pairs and of the others, each (...)."""
    kappa = np.asarray(cohen_kappa(cells))
    return mean_of_defined(kappa[..., :n_people]), mean_of_defined(kappa[..., n_people:])
