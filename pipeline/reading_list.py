"""What to read for each code that has a reading budget: ``reading.csv``, most probable segments first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.records import Segment
from corpus.study import Study
from corpus.tables import write_table
from pipeline.estimate import AVERAGE, SURE
from pipeline.predicted import Predicted, read_predicted
from pipeline.units import read_units

if TYPE_CHECKING:
    from pipeline.stages import Keys

#: As in suggestions.csv, so that rows can be taken over; ``budget`` says which of the two needs the row.
READING_COLUMNS = ("transcript", "start", "end", "speaker", "quote", "code", "probability", "budget")
#: Codes whose lists would make the table longer than this are left out, those that need most reading first.
MOST_ROWS = 200_000


def write_reading_list(path: Path, study: Study, keys: Keys, estimates: Mapping[str, Any]) -> None:
    """A row a code and unread segment at or above the lowest cut of the code; header only without any."""
    predicted = read_predicted(study, keys)
    rows: list[list[str]] = []
    if predicted is not None:
        segments = {s.segment_id: s for s in read_units(study, keys.units[0], keys.preprocess).segments}
        unread = np.flatnonzero(~predicted.read)
        there = [segments[predicted.segment_ids[row]] for row in unread]
        rows = list(_rows(predicted, unread, there, estimates["codes"]))
    write_table(path, READING_COLUMNS, rows)


def listed(entries: Sequence[Mapping[str, Any]]) -> Collection[str]:
    """Codes whose lists are in reading.csv: those that have a budget, those that need least reading first, up to
    MOST_ROWS rows in all.

    entries: of the codes, as in estimates.json.
    """
    lengths = {entry["code"]: _length(entry["budget"]) for entry in entries}
    chosen, n_rows = [], 0
    for code in sorted(
        (code for code, n in lengths.items() if n is not None), key=lambda c: (lengths[c] or 0, c)
    ):
        n_rows += lengths[code] or 0
        if n_rows <= MOST_ROWS:
            chosen.append(code)
    return frozenset(chosen)


def _length(budget: Mapping[str, Any]) -> int | None:
    """The surer budget, where there is one, needs at least as much reading."""
    n: int | None = budget[AVERAGE]["n_to_read"]
    return n if n is None else max(n, budget[SURE]["n_to_read"] or 0)


def _rows(
    predicted: Predicted,
    unread: Sequence[int] | np.ndarray,
    segments: Sequence[Segment],
    entries: Sequence[Mapping[str, Any]],
) -> Iterator[list[str]]:
    chosen = listed(entries)
    for entry in entries:
        code, budget = entry["code"], entry["budget"]
        if code not in chosen:
            continue
        p = predicted.probabilities[unread, predicted.codes.index(code)]
        order = np.argsort(-p, kind="stable")[: _length(budget)]
        for place, row in enumerate(order.tolist()):
            s = segments[row]
            version = AVERAGE if place < budget[AVERAGE]["n_to_read"] else SURE
            address = [s.transcript_id, str(s.start), str(s.end), s.speaker, s.text]
            yield [*address, code, f"{p[row]:.4f}", version]
