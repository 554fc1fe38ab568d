"""The counts of many pairs at once, on all transcripts of the study, so that they can be sliced and pooled.

Everything here adds up over pairs and transcripts: what is pooled is the cells (segment x code x pair), so a pair
that shares much counts for much. Alpha takes no coder for the first or the second, so of pooled pairs alpha is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.agreement.intervals import Measure, group_differences, intervals, several_intervals
from pipeline.agreement.pairs import f1, krippendorff_alpha, percent_agreement
from pipeline.compare.columns import BoolArray, Column, FloatArray, Panel, transcripts_of
from pipeline.compare.pairs import all_pairs, count_pair
from pipeline.compare.rows import LEVEL, interval_row, number

#: What slices show: figures that do not change when the two of a pair change places.
SLICE_STATISTICS: Mapping[str, Callable[[Any], FloatArray]] = {
    "percent_agreement": percent_agreement,
    "krippendorff_alpha": krippendorff_alpha,
    "f1": f1,
}
MEASURES = {
    key: Measure(found, "coefficient" if key == "krippendorff_alpha" else "share")
    for key, found in SLICE_STATISTICS.items()
}
N_RESAMPLES = 4999
#: Kinds of pairs that are sliced.
KINDS = ("human-human", "model-human")


@dataclass(frozen=True, slots=True, eq=False)
class PairCells:
    """One pair on all transcripts. counts: (t, k, 4); n_units: (t,), its segments; zeros where it shares none."""

    a: Column
    b: Column
    kind: str
    counts: FloatArray
    n_units: FloatArray


def pair_cells(panel: Panel, a: Column, b: Column, kind: str) -> PairCells:
    """Counts of a pair, spread over the transcripts of the study and the codes of the codebook."""
    pair = count_pair(panel, a, b, kind)
    at = transcripts_of(panel, pair.rows)
    counts = np.zeros((len(panel.transcripts), len(panel.codes), 4))
    counts[np.ix_(at, pair.codes)] = pair.counts
    n_units = np.bincount(panel.place[pair.rows], minlength=len(panel.transcripts)).astype(np.float64)
    return PairCells(a, b, kind, counts, n_units)


def cells_of(panel: Panel) -> tuple[PairCells, ...]:
    """All pairs of the kinds that are sliced."""
    return tuple(pair_cells(panel, a, b, kind) for a, b, kind in all_pairs(panel) if kind in KINDS)


def pool(
    cells: Sequence[PairCells], *, only: Callable[[PairCells], BoolArray] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Sums over pairs: counts (t, k, 4) and the segments that the widest pair has of each transcript (t,).

    only: which transcripts of a pair to take, (t,).
    """
    counts, n_units = np.zeros(cells[0].counts.shape), np.zeros(len(cells[0].n_units))
    for pair in cells:
        take = np.ones(len(n_units), dtype=bool) if only is None else only(pair)
        counts += np.where(take[:, None, None], pair.counts, 0.0)
        n_units = np.maximum(n_units, np.where(take, pair.n_units, 0.0))
    return counts, n_units


def figures(
    counts: FloatArray, n_units: FloatArray, *, seed: int, with_interval: bool = True
) -> dict[str, Any]:
    """Figures of a slice, all codes pooled. counts: (t, k, 4) and n_units: (t,) of its transcripts."""
    sums = counts.sum(axis=1, keepdims=True)
    row: dict[str, Any] = {"n_units": int(n_units.sum()), "n_transcripts": int((n_units > 0).sum())}
    row |= {key: number(float(found(sums.sum(axis=(0, 1))))) for key, found in SLICE_STATISTICS.items()}
    if with_interval:
        found = several_intervals(sums, MEASURES, seed=seed, level=LEVEL, n_resamples=N_RESAMPLES)
        row["ci"] = {key: interval_row(intervals[0]) for key, intervals in found.items()}
    return row


def alpha_difference(first: FloatArray, second: FloatArray) -> dict[str, Any]:
    """Pooled alpha of the second less that of the first, two sets of transcripts that share none.

    first, second: (t1, k, 4) and (t2, k, 4).
    """
    one, other = (part.sum(axis=1, keepdims=True) for part in (second, first))
    ((value, interval),) = group_differences(one, other, krippendorff_alpha, scale="coefficient")
    return {"difference": number(value), "ci": interval_row(interval)}


def second_less_first(sums: FloatArray, *, seed: int) -> dict[str, Any]:
    """Alpha of the last four counts less alpha of the first four, with an interval over transcripts.

    sums: (t, 1, 8); a transcript may hold either or both.
    """
    value = float(_alpha_difference(sums.sum(axis=0))[0])
    (interval,) = intervals(sums, _alpha_difference, scale="difference", seed=seed)
    return {"difference": number(value), "ci": interval_row(interval)}


def _alpha_difference(sums: FloatArray) -> FloatArray:
    """(..., 8) -> (...)."""
    return np.asarray(krippendorff_alpha(sums[..., 4:]) - krippendorff_alpha(sums[..., :4]))
