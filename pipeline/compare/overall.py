"""All human coders at once: could they reliably apply the same codes? On segments, on sets of codes, on spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.agreement.intervals import Interval
from pipeline.agreement.many import (
    MANY_STATISTICS,
    N_SUMS,
    count_many,
    many_intervals,
    many_measure,
    many_statistics,
    mean_over_codes,
)
from pipeline.agreement.set_agreement import set_agreement
from pipeline.agreement.sets import DISTANCES
from pipeline.agreement.statistic import Statistic, statistics_row
from pipeline.agreement.unitizing import unitizing_agreement, unitizing_intervals
from pipeline.compare.columns import BoolArray, FloatArray, IntArray, Panel, transcripts_of
from pipeline.compare.rows import LEVEL, interval_row
from pipeline.compare.sample_size import sample_size
from pipeline.compare.spans import Marked, sums_of_spans

Found = tuple[dict[str, Statistic], dict[str, Interval]]
#: What takes the shares of a code from all segments that a coder read, whoever else did: prevalence itself, and
#: chance agreement as Gwet (2014, ch. 2) has it. All others are of the segments that two coders read.
OF_ALL_READ = ("prevalence", "fleiss_kappa", "gwet_ac1")
OF_SHARED = tuple(key for key in MANY_STATISTICS if key not in OF_ALL_READ)


def shared_rows(panel: Panel, *, fewest: int = 2) -> IntArray:
    """Places of the segments that two human coders or more read, or so many."""
    n_readers = np.zeros(len(panel.segments), dtype=np.intp)
    for column in panel.humans:
        n_readers += column.seen
    return np.flatnonzero(n_readers >= fewest)


def many_sums(panel: Panel) -> FloatArray:
    """(t, 1 + k', 7) as ``many`` counts, of transcripts that a human coder read: pooled, then the usable codes."""
    rows, codes = shared_rows(panel, fewest=1), np.flatnonzero(panel.usable)
    given = np.array([column.given[np.ix_(rows, codes)] for column in panel.humans])
    sums = reader_sums(panel, rows, given)
    return np.concatenate([sums.sum(axis=1, keepdims=True), sums], axis=1)


def of_shared(sums: FloatArray) -> FloatArray:
    """The sums of the transcripts with a segment that two coders read."""
    return sums[sums[:, 0, 0] > 0]


def _spread(sums: FloatArray, make: Callable[..., dict[str, Any]], *, seed: int) -> dict[str, Any]:
    """What ``make`` gives for each statistic, over the transcripts that say anything of it; as ``many_intervals``.

    Transcripts that nobody shares are not drawn where they say nothing: resamples would hold now more, now fewer of
    the others.
    """
    found = make(of_shared(sums), OF_SHARED, seed=seed, level=LEVEL)
    return found | make(sums, OF_ALL_READ, seed=seed, level=LEVEL)


def reader_sums(panel: Panel, rows: IntArray, given: BoolArray) -> FloatArray:
    """(t, k, 7) as ``many`` counts, of the transcripts with one of the segments.

    rows: (m,) places of segments. given: (c, m, k), what the human coders gave to them.
    """
    read = np.array([column.seen[rows] for column in panel.humans])
    place = panel.place[rows]
    transcripts = transcripts_of(panel, rows)
    counts = [count_many(given[:, place == t], read[:, place == t]) for t in transcripts]
    return np.array(counts).reshape(len(transcripts), given.shape[-1], N_SUMS)


def overall_rows(panel: Panel, marked: Sequence[Marked], *, seed: int) -> list[dict[str, Any]]:
    """``overall`` of agreement.json: pooled first, then each code; empty without a segment that two coders read."""
    rows = shared_rows(panel)
    if not len(rows) or not panel.usable.any():
        return []
    sums = many_sums(panel)
    coders = [column.name for column in panel.humans if column.seen[rows].any()]
    codes = [code for code, usable in zip(panel.codes, panel.usable, strict=True) if usable]
    found = _spread(sums, many_intervals, seed=seed)
    spans = _of_spans(marked, coders, codes, seed=seed)
    result = []
    for i, key in enumerate([None, *codes]):
        statistics = many_statistics(sums[:, i].sum(axis=0), n_coders=len(coders))
        intervals = {name: of[i] for name, of in found.items()}
        parts = [spans[key]] + ([_of_sets(panel, rows, seed=seed)] if key is None else [])
        for more, more_intervals in parts:
            statistics |= more
            intervals |= more_intervals
        result.append(
            {
                "coders": coders,
                "code": key,
                "n_codes": len(codes) if key is None else 1,
                "n_units": len(rows),
                "n_given": _n_given(panel, rows, key),
                "n_transcripts": len(of_shared(sums)),
                **statistics_row(statistics),
                "ci": {name: interval_row(interval) for name, interval in intervals.items()},
            }
        )
    return result


def _n_given(panel: Panel, rows: IntArray, key: str | None) -> int:
    """Segments to which a coder gave the code, or any code."""
    codes = panel.usable if key is None else np.array([code == key for code in panel.codes])
    given = [column.given[np.ix_(rows, codes)].any(axis=1) & column.seen[rows] for column in panel.humans]
    return int(np.any(given, axis=0).sum())


def _of_sets(panel: Panel, rows: IntArray, *, seed: int) -> Found:
    """Alpha over the sets of codes that segments were given, by MASI and by Jaccard."""
    usable = panel.usable
    table = [
        [
            frozenset(np.flatnonzero(column.given[row] & usable).tolist()) if column.seen[row] else None
            for column in panel.humans
        ]
        for row in rows
    ]
    found = {
        f"alpha_{name}": set_agreement(table, panel.place[rows], distance=name, seed=seed)
        for name in DISTANCES
    }
    return {key: value for key, (value, _) in found.items()}, {key: of for key, (_, of) in found.items()}


def _of_spans(
    marked: Sequence[Marked], coders: Sequence[str], codes: Sequence[str], *, seed: int
) -> Mapping[str | None, Found]:
    """Unitizing alpha: None -> of all codes, code -> of that code."""
    sums = sums_of_spans(marked, coders, codes)
    found, intervals = unitizing_agreement(sums), unitizing_intervals(sums, seed=seed)
    of_all = {"u": found.u, "binary": found.binary, "cu": found.cu}
    result: dict[str | None, Found] = {
        None: (
            {f"unitizing_{key}": statistic for key, statistic in of_all.items()},
            {f"unitizing_{key}": intervals[key][0] for key in of_all},
        )
    }
    for i, code in enumerate(codes):
        result[code] = (
            {"unitizing_code": found.code[code], "unitizing_ku": found.ku[code]},
            {"unitizing_code": intervals["code"][i], "unitizing_ku": intervals["ku"][i]},
        )
    return result


def sample_size_rows(panel: Panel, *, width: float) -> list[dict[str, Any]]:
    """``sample_size`` of agreement.json: for alpha of all coders, pooled and of each code."""
    if not len(shared_rows(panel)) or not panel.usable.any():
        return []
    sums = of_shared(many_sums(panel))
    codes = [code for code, usable in zip(panel.codes, panel.usable, strict=True) if usable]
    n_units = float(len(shared_rows(panel))) / len(sums)
    sizes = sample_size(sums, many_measure(sums, "krippendorff_alpha"), width=width, level=LEVEL)
    return [
        {"code": code, "n_units_each": n_units, **row}
        for code, row in zip([None, *codes], sizes, strict=True)
    ]


def overall_mean(panel: Panel, *, seed: int) -> dict[str, Any]:
    """``overall_mean`` of agreement.json: of each statistic the mean over codes for which it is defined.

    Pooled over codes a coefficient rises with how unlike the codes are in frequency, even if coders agree on none of
    them; the mean over codes does not.
    """
    if not len(shared_rows(panel)) or not panel.usable.any():
        return {}
    sums = many_sums(panel)[:, 1:]
    total = sums.sum(axis=0)
    found = _spread(sums, mean_over_codes, seed=seed)
    row: dict[str, Any] = {"n_codes": sums.shape[1]}
    for key, statistic in MANY_STATISTICS.items():
        each = statistic(total)
        defined = each[~np.isnan(each)]
        row[key] = {
            "mean": float(defined.mean()) if len(defined) else None,
            "lowest": float(defined.min()) if len(defined) else None,
            "highest": float(defined.max()) if len(defined) else None,
            "n_defined": len(defined),
            "ci": interval_row(found[key]),
        }
    return row
