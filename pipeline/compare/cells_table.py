"""Who said what of every segment and code, for whoever wants to compute agreement anew: cells.csv.

Three kinds of rows, in this order:

- no transcript: one a code of the codebook; "yes" under whoever can give it. People cannot give a heading, nor the
  model what it has not learned: such a code is in none of their figures.
- a transcript, no code: one a segment of which anybody said anything; "read" under whoever read it, and under
  ``model`` if it was asked without having learned from the segment's group. "seen" instead under a coder who had a
  suggestion in view there, or of whom that cannot be excluded: such a segment is in none of the coder's figures but
  those of ``basis``.
- a transcript and a code: one a segment and code that anybody gave; "yes" and "no" under whoever said anything of it,
  and the model's ``probability``.

A code without such a row was given by nobody: whoever read the segment, and can give the code, said no. Columns are
named by their kind: ``coder: NAME``, ``consensus: NAME``, ``machine: NAME``, ``model``. A segment is a transcript
with start and end; the words of those that people read are in excerpts.csv.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from corpus.tables import write_table
from pipeline.compare.columns import CONSENSUS, HUMAN, MACHINE, MODEL, BoolArray, Column, Panel
from pipeline.compare.disagreements import NO, YES
from pipeline.compare.rows import cell, number

READ, SEEN = "read", "seen"
#: How the columns of each kind are called, before the name.
KIND_COLUMNS = {HUMAN: "coder: ", CONSENSUS: "consensus: ", MACHINE: "machine: "}
PEOPLE_COLUMNS = tuple(KIND_COLUMNS.values())
Cells = list[str | float]


def write_cells(path: Path, panel: Panel, blind: Mapping[str, BoolArray]) -> None:
    """cells.csv, as the module says; every column there is, the model's also where none was trained.

    blind: coder -> (t,), the transcripts coded blind.
    """
    people = [column for column in panel.columns if column.kind != MODEL]
    names = [f"{KIND_COLUMNS[column.kind]}{column.name}" for column in people]
    columns = [*people, *(panel.of_kind(MODEL) or (_nobody(panel),))]
    head = ["transcript", "start", "end", "code", *names, MODEL, "probability"]
    rows = [*_of_codes(panel, columns), *_of_segments(panel, columns, blind), *_given(panel, columns)]
    write_table(path, head, rows)


def _nobody(panel: Panel) -> Column:
    n, k = len(panel.segments), len(panel.codes)
    given, seen, codes = (np.zeros(shape, dtype=bool) for shape in ((n, k), (n,), (k,)))
    return Column(MODEL, MODEL, given, seen, codes)


def _of_codes(panel: Panel, columns: list[Column]) -> Iterator[Cells]:
    for place, code in enumerate(panel.codes):
        yield ["", "", "", code, *(YES if column.codes[place] else "" for column in columns), ""]


def _of_segments(panel: Panel, columns: list[Column], blind: Mapping[str, BoolArray]) -> Iterator[Cells]:
    every = np.ones(len(panel.transcripts), dtype=bool)
    words = [
        np.where(column.seen, np.where(blind.get(column.name, every)[panel.place], READ, SEEN), "")
        for column in columns
    ]
    for row in np.flatnonzero(np.any([column.seen for column in columns], axis=0)).tolist():
        yield [*_segment(panel, row), "", *(str(word[row]) for word in words), ""]


def _given(panel: Panel, columns: list[Column]) -> Iterator[Cells]:
    given = np.any([column.given & column.seen[:, None] & column.codes for column in columns], axis=0)
    for row, place in np.argwhere(given).tolist():
        said = (
            (YES if column.given[row, place] else NO) if column.seen[row] and column.codes[place] else ""
            for column in columns
        )
        probability = cell(number(float(panel.probability[row, place])))
        yield [*_segment(panel, row), panel.codes[place], *said, probability]


def _segment(panel: Panel, row: int) -> Cells:
    segment = panel.segments[row]
    return [segment.transcript_id, segment.start, segment.end]
