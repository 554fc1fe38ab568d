"""What transcripts add to the figures of slices, so that they can be sliced and pooled; all codes together.

People with each other: percent agreement and Krippendorff's alpha of all who read a segment, as ``overall`` has them,
so that a slice of everything is ``overall``. F1, and every figure of coders with the model or of one coder with all
others, is of pairs: their tables are added up, so a segment weighs as many times as pairs read it. Such figures are
called ``pair_``: with more than two, alpha of added tables is not Krippendorff's alpha.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.agreement import many
from pipeline.agreement.groups import group_differences
from pipeline.agreement.intervals import FEWEST, Function, Interval, intervals, pair_intervals
from pipeline.agreement.pairs import PAIR_STATISTICS, krippendorff_alpha
from pipeline.compare.columns import BoolArray, Column, FloatArray, IntArray, Panel, transcripts_of
from pipeline.compare.pairs import all_pairs, count_pair
from pipeline.compare.rows import LEVEL, interval_row, number

#: What slices show: figures that do not change when the two of a pair change places.
OF_ALL = ("percent_agreement", "krippendorff_alpha")
OF_PAIRS = "f1"
#: Before the names of figures of OF_ALL that are of pairs.
PAIR = "pair_"
PEOPLE, WITH_MODEL = "human-human", "model-human"
#: Kinds of pairs that are sliced.
KINDS = (PEOPLE, WITH_MODEL)


@dataclass(frozen=True, slots=True, eq=False)
class PairCells:
    """One pair on all transcripts.

    counts: (t, k, 4), zeros where it shares nothing; (t, 1, 4) with all codes pooled.
    shared: (n,), the segments of which both said something. place: (n,), as the panel has it.
    """

    a: Column
    b: Column
    kind: str
    counts: FloatArray
    shared: BoolArray
    place: IntArray

    @property
    def n_units(self) -> FloatArray:
        """(t,), the segments that it shares."""
        return _units_of(self.shared, self.place, len(self.counts))


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """What each transcript adds, all codes together.

    pairs: (t, 4), the counts of all pairs. people: (t, 7) as ``many`` has them, of all readers of a segment; None
    where figures are of pairs alone. n_units: (t,), segments that two of them share.
    """

    pairs: FloatArray
    people: FloatArray | None
    n_units: FloatArray

    def at(self, which: BoolArray | Sequence[int]) -> Pooled:
        """The same of some transcripts."""
        people = None if self.people is None else self.people[which]
        return Pooled(self.pairs[which], people, self.n_units[which])

    @property
    def sums(self) -> FloatArray:
        """(t, 1, 4) or (t, 1, 7), what alpha is made from."""
        return (self.pairs if self.people is None else self.people)[:, None, :]

    @property
    def alpha(self) -> Function:
        """Alpha from ``sums``."""
        return krippendorff_alpha if self.people is None else many.krippendorff_alpha


def pair_cells(panel: Panel, a: Column, b: Column, kind: str) -> PairCells:
    """Counts of a pair, spread over the transcripts of the study and the codes of the codebook."""
    pair = count_pair(panel, a, b, kind)
    counts = np.zeros((len(panel.transcripts), len(panel.codes), 4))
    counts[np.ix_(transcripts_of(panel, pair.rows), pair.codes)] = pair.counts
    return PairCells(a, b, kind, counts, a.seen & b.seen, panel.place)


def cells_of(panel: Panel) -> tuple[PairCells, ...]:
    """All pairs of the kinds that are sliced, all codes pooled: of 10 coders and 40 codes the cells are many."""
    found = []
    for a, b, kind in all_pairs(panel):
        if kind in KINDS:
            cells = pair_cells(panel, a, b, kind)
            found.append(replace(cells, counts=cells.counts.sum(axis=1, keepdims=True)))
    return tuple(found)


def pool(cells: Sequence[PairCells], *, readings: Mapping[str, BoolArray] | None = None) -> Pooled:
    """All pairs of one kind together; people as all readers of a segment.

    readings: column -> (t,), the transcripts of which to take what it said; of other columns all.
    """
    found = pool_pairs(cells, readings=readings)
    if cells[0].kind != PEOPLE:
        return found
    return replace(found, people=_people_sums(cells, readings or {}))


def pool_pairs(cells: Sequence[PairCells], *, readings: Mapping[str, BoolArray] | None = None) -> Pooled:
    """Pairs added up, whoever they are; ``readings`` as ``pool`` has them: of a pair both must be taken."""
    counts, shared = np.zeros((len(cells[0].counts), 4)), np.zeros(len(cells[0].shared), dtype=bool)
    for pair in cells:
        take = np.ones(len(counts), dtype=bool)
        for column in (pair.a, pair.b):
            take &= (readings or {}).get(column.name, True)
        counts += np.where(take[:, None], pair.counts.sum(axis=1), 0.0)
        shared |= pair.shared & take[pair.place]
    return Pooled(counts, None, _units_of(shared, cells[0].place, len(counts)))


def _people_sums(cells: Sequence[PairCells], readings: Mapping[str, BoolArray]) -> FloatArray:
    """(t, 7) as ``many`` counts, of the segments that two of the pairs' coders read."""
    columns = {column.name: column for pair in cells for column in (pair.a, pair.b)}
    place, codes = cells[0].place, np.flatnonzero(cells[0].a.codes)
    every = np.ones(len(cells[0].counts), dtype=bool)
    read = np.array([column.seen & readings.get(name, every)[place] for name, column in columns.items()])
    rows = np.flatnonzero(read.sum(axis=0) >= 2)
    given = np.array([column.given[np.ix_(rows, codes)] for column in columns.values()])
    read, at = read[:, rows], place[rows]
    sums = np.zeros((len(every), many.N_SUMS))
    for t in np.unique(at):
        sums[t] = many.count_many(given[:, at == t], read[:, at == t]).sum(axis=0)
    return sums


def _units_of(shared: BoolArray, place: IntArray, n_transcripts: int) -> FloatArray:
    return np.bincount(place[shared], minlength=n_transcripts).astype(np.float64)


def figures(pooled: Pooled, *, seed: int, with_interval: bool = True) -> dict[str, Any]:
    """Figures of a slice, of the transcripts in which two share a segment."""
    held = pooled.at(pooled.n_units > 0)
    row: dict[str, Any] = {"n_units": int(held.n_units.sum()), "n_transcripts": len(held.n_units)}
    pairs = held.pairs[:, None, :]
    if held.people is None:
        named = {f"{PAIR}{key}": (key, PAIR_STATISTICS[key], pairs) for key in OF_ALL}
    else:
        named = {key: (key, many.MANY_STATISTICS[key], held.sums) for key in OF_ALL}
    named |= {OF_PAIRS: (OF_PAIRS, PAIR_STATISTICS[OF_PAIRS], pairs)}
    row |= {name: number(float(of(sums.sum(axis=(0, 1))))) for name, (_, of, sums) in named.items()}
    if with_interval:
        if held.people is None:
            found = pair_intervals(pairs, (*OF_ALL, OF_PAIRS), seed=seed, level=LEVEL)
        else:
            found = many.many_intervals(held.sums, OF_ALL, seed=seed, level=LEVEL)
            found |= pair_intervals(pairs, (OF_PAIRS,), seed=seed, level=LEVEL)
        row["ci"] = {name: interval_row(found[key][0]) for name, (key, _, _) in named.items()}
    return row


def alpha_difference(
    first: Pooled, second: Pooled, *, names: tuple[str, str] = ("the first", "the second")
) -> dict[str, Any]:
    """Alpha of the second less that of the first, two sets of transcripts that share none.

    names: what to call them in reasons.
    """
    ((value, interval),) = group_differences(
        second.sums, first.sums, first.alpha, scale="coefficient", level=LEVEL, names=names[::-1]
    )
    return {"difference": number(value), "ci": interval_row(interval)}


def second_less_first(
    first: Pooled, second: Pooled, *, seed: int, names: tuple[str, str] = ("the first", "the second")
) -> dict[str, Any]:
    """Alpha of the second less alpha of the first on the same transcripts, with an interval over them.

    A transcript may hold either or both. Each needs as many transcripts as an interval of its own would: two
    transcripts tell no spread, whatever the other six say. names: what to call them in reasons.
    """
    alpha, n_sums = first.alpha, first.sums.shape[-1]

    def difference(sums: FloatArray) -> FloatArray:
        return np.asarray(alpha(sums[..., n_sums:]) - alpha(sums[..., :n_sums]))

    both = np.concatenate([first.sums, second.sums], axis=-1)
    value = float(difference(both.sum(axis=0))[0])
    (interval,) = intervals(both, difference, scale="difference", seed=seed, level=LEVEL)
    for name, part in zip(names, (first, second), strict=True):
        n = int(np.count_nonzero(part.n_units))
        if n < FEWEST:
            reason = f"{name}: too few transcripts: {n}, at least {FEWEST} needed"
            interval = Interval(math.nan, math.nan, LEVEL, "", interval.n_transcripts, reason)
            break
    return {"difference": number(value), "ci": interval_row(interval)}
