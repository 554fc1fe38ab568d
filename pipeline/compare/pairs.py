"""Each two of the columns beside each other, per code and pooled, on the segments of which both said something."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from corpus.tables import write_table
from pipeline.agreement.intervals import Interval, pair_intervals
from pipeline.agreement.pairs import PAIR_STATISTICS, four_cells, pair_statistics
from pipeline.agreement.statistic import Statistic, statistics_row
from pipeline.compare.columns import (
    CONSENSUS,
    MACHINE,
    MODEL,
    Column,
    FloatArray,
    IntArray,
    Panel,
    by_transcript,
    transcripts_of,
)
from pipeline.compare.rows import LEVEL, cell, interval_row
from pipeline.compare.spans import Marked, character_counts, stretches_of

CHARACTERS = "character_kappa"
#: The figures of a pair, in the order of their fields.
FIGURES = (*PAIR_STATISTICS, CHARACTERS)


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Two columns on their common segments.

    rows: (m,) places of segments. codes: (k',) places of the codes that both can give.
    counts: (t, k', 4), of each transcript and code: both gave it, only a, only b, neither.
    """

    a: Column
    b: Column
    kind: str
    rows: IntArray
    codes: IntArray
    counts: FloatArray

    @property
    def pooled(self) -> FloatArray:
        """(t, 1, 4), all codes together."""
        return np.asarray(self.counts.sum(axis=1, keepdims=True))


def count_pair(panel: Panel, a: Column, b: Column, kind: str = "") -> Counted:
    """Counts of two columns; a is the reference of precision and recall."""
    rows, codes = np.flatnonzero(a.seen & b.seen), np.flatnonzero(a.codes & b.codes)
    x, y = a.given[np.ix_(rows, codes)], b.given[np.ix_(rows, codes)]
    return Counted(a, b, kind, rows, codes, by_transcript(panel, rows, four_cells(x, y)))


def all_pairs(panel: Panel) -> Iterator[tuple[Column, Column, str]]:
    """Coders with each other; then consensus, machines and the model with each coder and with the consensus.

    The model and machines stand on the segments that people share, where there are any.
    """
    humans = panel.humans
    for a, b in combinations(humans, 2):
        yield a, b, "human-human"
    for consensus in panel.of_kind(CONSENSUS):
        for human in humans:
            yield consensus, human, "consensus-human"
    for other in panel.of_kind(MODEL, MACHINE):
        for human in humans:
            yield beside(human, humans), other, f"{other.kind}-human"
        for consensus in panel.of_kind(CONSENSUS):
            yield consensus, other, f"{other.kind}-consensus"


def beside(human: Column, humans: Sequence[Column]) -> Column:
    """A human where another human read too, so that the model stands on the units that humans share."""
    others = [column.seen for column in humans if column.name != human.name]
    shared = human.seen & np.any(others, axis=0) if others else human.seen
    return replace(human, seen=shared) if shared.any() else human


def pair_rows(panel: Panel, pair: Counted, marked: Sequence[Marked], *, seed: int) -> list[dict[str, Any]]:
    """One row pooled over codes, then one for each code, every figure with its interval over transcripts.

    Kappa of characters is of the spans as people marked them; the model marks none.
    """
    n_transcripts = len(transcripts_of(panel, pair.rows))
    codes = [panel.codes[code] for code in pair.codes]
    cells = np.concatenate([pair.pooled, pair.counts], axis=1)
    found = pair_intervals(cells, PAIR_STATISTICS, seed=seed)
    characters, of_characters = _characters(panel, pair, marked, codes, seed=seed)
    rows = []
    for i, key in enumerate([None, *codes]):
        statistics = pair_statistics(cells[:, i].sum(axis=0), a=pair.a.name, b=pair.b.name)
        intervals = {name: of[i] for name, of in found.items()}
        rows.append(
            {
                "a": pair.a.name,
                "b": pair.b.name,
                "kind": pair.kind,
                "code": key,
                "n_codes": len(pair.codes) if key is None else 1,
                "n_units": len(pair.rows),
                "n_transcripts": n_transcripts,
                **statistics_row(statistics | {CHARACTERS: characters[i]}),
                "ci": {
                    name: interval_row(interval)
                    for name, interval in (intervals | {CHARACTERS: of_characters[i]}).items()
                },
            }
        )
    return rows


def _characters(
    panel: Panel, pair: Counted, marked: Sequence[Marked], codes: Sequence[str], *, seed: int
) -> tuple[list[Statistic], tuple[Interval, ...]]:
    """Kappa over characters of the pair's segments and its interval, pooled and of each code."""
    if MODEL in (pair.a.kind, pair.b.kind):
        none = Statistic(math.nan, "the model suggests for whole segments, it marks no stretch", 0, 0)
        no_interval = Interval(math.nan, math.nan, LEVEL, "", 0, "the value is undefined")
        return [none] * (len(codes) + 1), (no_interval,) * (len(codes) + 1)
    within = stretches_of(panel, pair.rows)
    counts = character_counts(marked, pair.a.name, pair.b.name, codes, within=within)
    counts = np.concatenate([counts.sum(axis=1, keepdims=True), counts], axis=1)
    total = counts.sum(axis=0)
    statistics = [pair_statistics(cells, a=pair.a.name, b=pair.b.name)["cohen_kappa"] for cells in total]
    return statistics, pair_intervals(counts, ["cohen_kappa"], seed=seed)["cohen_kappa"]


def macro_row(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean over codes of each coefficient of one pair, undefined ones left out and counted.

    rows: as ``with_means`` gives them.
    """
    pooled, *per_code = rows
    defined = {key: [row[key] for row in per_code if row[key] is not None] for key in FIGURES}
    return {
        **{key: pooled[key] for key in ("a", "b", "kind", "n_units", "n_codes", "in_means")},
        "macro": {key: sum(values) / len(values) if values else None for key, values in defined.items()},
        "n_codes_defined": {key: len(values) for key, values in defined.items()},
    }


def write_pairs(path: Path, comparisons: Sequence[dict[str, Any]]) -> None:
    """agreement.csv: one row a comparison; the pooled row has an empty code."""
    plain = ["a", "b", "kind", "code", "n_codes", "n_units", "n_transcripts"]
    columns = [name for key in FIGURES for name in (key, f"{key}_low", f"{key}_high")]
    rows = [
        [
            *(cell(row[key]) for key in plain),
            *(
                cell(value)
                for key in FIGURES
                for value in (row[key], row["ci"][key]["low"], row["ci"][key]["high"])
            ),
            "; ".join(f"{key}: {reason}" for key, reason in row["undefined"].items()),
        ]
        for row in comparisons
    ]
    write_table(path, [*plain, *columns, "undefined"], rows)
