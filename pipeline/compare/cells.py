"""The counts of many pairs at once, on all transcripts of the study, so that they can be sliced and pooled.

Everything here adds up over pairs and transcripts: what is pooled is the cells (segment x code x pair), so a pair
that shares much counts for much. Alpha takes no coder for the first or the second, so of pooled pairs alpha is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.agreement.intervals import FEWEST, Interval, group_differences, intervals, pair_intervals
from pipeline.agreement.pairs import PAIR_STATISTICS, krippendorff_alpha
from pipeline.compare.columns import BoolArray, Column, FloatArray, IntArray, Panel, transcripts_of
from pipeline.compare.pairs import all_pairs, count_pair
from pipeline.compare.rows import LEVEL, interval_row, number

#: What slices show: figures that do not change when the two of a pair change places.
SLICE_STATISTICS = ("percent_agreement", "krippendorff_alpha", "f1")
#: Kinds of pairs that are sliced.
KINDS = ("human-human", "model-human")


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


def pool(
    cells: Sequence[PairCells], *, only: Callable[[PairCells], BoolArray] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Sums over pairs: counts (t, k, 4), and how many segments of each transcript any of them shares (t,).

    only: which transcripts of a pair to take, (t,).
    """
    counts, shared = np.zeros(cells[0].counts.shape), np.zeros(len(cells[0].shared), dtype=bool)
    for pair in cells:
        take = np.ones(len(counts), dtype=bool) if only is None else only(pair)
        counts += np.where(take[:, None, None], pair.counts, 0.0)
        shared |= pair.shared & take[pair.place]
    return counts, _units_of(shared, cells[0].place, len(counts))


def _units_of(shared: BoolArray, place: IntArray, n_transcripts: int) -> FloatArray:
    return np.bincount(place[shared], minlength=n_transcripts).astype(np.float64)


def figures(
    counts: FloatArray, n_units: FloatArray, *, seed: int, with_interval: bool = True
) -> dict[str, Any]:
    """Figures of a slice, all codes pooled. counts: (t, k, 4) and n_units: (t,) of its transcripts."""
    sums = counts.sum(axis=1, keepdims=True)
    total = sums.sum(axis=(0, 1))
    row: dict[str, Any] = {"n_units": int(n_units.sum()), "n_transcripts": int((n_units > 0).sum())}
    row |= {key: number(float(PAIR_STATISTICS[key](total))) for key in SLICE_STATISTICS}
    if with_interval:
        found = pair_intervals(sums, SLICE_STATISTICS, seed=seed, level=LEVEL)
        row["ci"] = {key: interval_row(of) for key, (of,) in found.items()}
    return row


def alpha_difference(
    first: FloatArray, second: FloatArray, *, names: tuple[str, str] = ("the first", "the second")
) -> dict[str, Any]:
    """Pooled alpha of the second less that of the first, two sets of transcripts that share none.

    first, second: (t1, k, 4) and (t2, k, 4). names: what to call them in reasons.
    """
    one, other = (part.sum(axis=1, keepdims=True) for part in (second, first))
    ((value, interval),) = group_differences(
        one, other, krippendorff_alpha, scale="coefficient", level=LEVEL, names=names[::-1]
    )
    return {"difference": number(value), "ci": interval_row(interval)}


def second_less_first(
    sums: FloatArray, *, seed: int, names: tuple[str, str] = ("the first", "the second")
) -> dict[str, Any]:
    """Alpha of the last four counts less alpha of the first four, with an interval over transcripts.

    Each needs as many transcripts as an interval of its own would: two transcripts tell no spread, whatever
    the other six say. sums: (t, 1, 8); a transcript may hold either or both. names: what to call them in reasons.
    """
    value = float(_difference_of_alphas(sums.sum(axis=0))[0])
    (interval,) = intervals(sums, _difference_of_alphas, scale="difference", seed=seed, level=LEVEL)
    for name, part in zip(names, (sums[..., :4], sums[..., 4:]), strict=True):
        n = int(np.count_nonzero(part.any(axis=(1, 2))))
        if n < FEWEST:
            reason = f"{name}: too few transcripts: {n}, at least {FEWEST} needed"
            interval = Interval(math.nan, math.nan, LEVEL, "", interval.n_transcripts, reason)
            break
    return {"difference": number(value), "ci": interval_row(interval)}


def _difference_of_alphas(sums: FloatArray) -> FloatArray:
    """(..., 8) -> (...)."""
    return np.asarray(krippendorff_alpha(sums[..., 4:]) - krippendorff_alpha(sums[..., :4]))
