"""A finding of the codebook doctor, and the segments that show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compare.columns import Column, IntArray, Panel

N_EXAMPLES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """Something wrong with one code, or with two.

    codes: places in the panel. weight: the greater the earlier, among findings of one kind.
    rows: places of segments that show it. columns: whose codings are shown with them.
    """

    kind: str
    codes: tuple[int, ...]
    weight: float
    numbers: dict[str, Any]
    rows: IntArray
    columns: tuple[Column, ...]


def finding_row(panel: Panel, finding: Finding) -> dict[str, Any]:
    """A finding as it stands in doctor.json, without what a merge would do."""
    return {
        "kind": finding.kind,
        "codes": [panel.codes[code] for code in finding.codes],
        "numbers": finding.numbers,
        "examples": [
            example(panel, row, finding.codes, finding.columns) for row in spread_out(panel, finding.rows)
        ],
    }


def example(panel: Panel, row: int, codes: Sequence[int], columns: Iterable[Column]) -> dict[str, Any]:
    """A segment, and which of the codes each who saw it gave."""
    segment = panel.segments[row]
    return {
        "segment_id": segment.segment_id,
        "transcript": segment.transcript_id,
        "start": segment.start,
        "end": segment.end,
        "speaker": segment.speaker,
        "text": segment.text,
        "given": {
            column.name: [panel.codes[code] for code in codes if column.given[row, code]]
            for column in columns
            if column.seen[row]
        },
    }


def spread_out(panel: Panel, rows: IntArray) -> list[int]:
    """The first segments, from as many transcripts as there are."""
    first = {int(panel.place[row]): int(row) for row in rows[::-1]}
    ahead = sorted(first.values())[:N_EXAMPLES]
    rest = (int(row) for row in rows if int(row) not in first.values())
    return [*ahead, *_few(rest, N_EXAMPLES - len(ahead))]


def _few(rows: Iterator[int], n: int) -> list[int]:
    return [row for row, _ in zip(rows, range(n), strict=False)]


def given_by_anyone(columns: Sequence[Column], code: int) -> IntArray:
    """Places of the segments to which one of the columns gave the code."""
    if not columns:
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(np.any([column.given[:, code] & column.seen for column in columns], axis=0))
