"""Bringing ``codings/consensus.csv`` and ``coverage.csv`` up to date with what is settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from corpus.bring_codings import WRITTEN_COLUMNS
from corpus.coded import CONSENSUS
from corpus.codings import bindings_name
from corpus.coverage import COVERAGE, COVERAGE_COLUMNS
from corpus.names import tidy_name
from corpus.records import Segment, Transcript
from corpus.study import Study, coder_files
from corpus.tables import Row, Table, write_table
from corpus.versions import ADDRESS_COLUMNS, keep_bindings, read_bindings, row_digest, version_of
from pipeline.consensus import FILE, Standing, Statement, read_coverage_table
from pipeline.units import Units


def write_consensus(
    study: Study,
    units: Units,
    standing: Standing,
    statements: Mapping[int, Sequence[Statement]],
    transcripts: Mapping[str, Transcript],
    *,
    today: date,
) -> int:
    """Bring both files up to date with what is settled; returns how many segments are new or changed.

    statements: place of a segment -> what is to stand on it. Rows that say the same already stay as they are, with
    their date. Nothing is written if nothing changes.
    """
    found = _compare(units.segments, standing, statements, today)
    if not found.changed:
        return 0
    before = [_read_cells(*stretch) for stretch in standing.stretches]
    reads = [_read_cells(*stretch) for stretch in _merged(units.segments, found.unread)]
    _add_coverage(study, before)
    # In between nothing may count as declined: codings outside coverage.csv and coverage without codings do not.
    if standing.seen.any():
        _write_codings(study, standing.table, found)
        _add_coverage(study, reads)
    else:
        _add_coverage(study, reads)
        _write_codings(study, standing.table, found)
    _bind(study, bindings_name(CONSENSUS), found.new, transcripts, removed=found.gone)
    _bind(study, COVERAGE, [*before, *reads], transcripts)
    return len(found.changed)


@dataclass(frozen=True, slots=True)
class _Renewal:
    """What is to change in codings/consensus.csv.

    gone: rows of imports that do not hold any more. new: rows to add. changed: segments of either, or not read
    so far; unread: the latter. Both ascending.
    """

    gone: tuple[Row, ...]
    new: tuple[dict[str, str], ...]
    changed: tuple[int, ...]
    unread: tuple[int, ...]


def _compare(
    segments: Sequence[Segment],
    standing: Standing,
    statements: Mapping[int, Sequence[Statement]],
    today: date,
) -> _Renewal:
    gone, new, changed = list[Row](), list[dict[str, str]](), list[int]()
    for place, wanted in sorted(statements.items()):
        old, missing = list(standing.made.get(place, ())), []
        for statement in wanted:
            same = next((row for row in old if statement.stands_in(row.cells)), None)
            if same:
                old.remove(same)
            elif statement.fresh or statement.code:
                missing.append(_cells(segments[place], statement, today))
        gone += old
        new += missing
        if old or missing or not standing.seen[place]:
            changed.append(place)
    unread = tuple(place for place in changed if not standing.seen[place])
    return _Renewal(tuple(gone), tuple(new), tuple(changed), unread)


def _read_cells(name: str, start: int, end: int) -> dict[str, str]:
    return {"coder": CONSENSUS, "transcript": name, "start": str(start), "end": str(end)}


def _cells(segment: Segment, statement: Statement, today: date) -> dict[str, str]:
    return {
        "transcript": segment.transcript_id,
        "code": statement.code,
        "start": str(segment.start),
        "end": str(segment.end),
        "quote": segment.text,
        "memo": statement.memo,
        "coded_at": today.isoformat(),
        "basis": statement.basis,
    }


def _merged(segments: Sequence[Segment], places: Sequence[int]) -> list[tuple[str, int, int]]:
    """Stretches of segments that follow each other in a transcript; none between them is left out."""
    found = []
    keyed = [(place - rank, segments[place]) for rank, place in enumerate(places)]
    for _, run in groupby(keyed, key=lambda pair: (pair[0], pair[1].transcript_id)):
        parts = [segment for _, segment in run]
        found.append((parts[0].transcript_id, parts[0].start, parts[-1].end))
    return found


def _write_codings(study: Study, table: Table, found: _Renewal) -> None:
    gone = {row.line for row in found.gone}
    kept = [row.cells for row in table.rows if row.line not in gone]
    columns = _columns(table, WRITTEN_COLUMNS)
    path = next((path for path in coder_files(study) if tidy_name(path.stem) == CONSENSUS), study.root / FILE)
    write_table(path, columns, [[cells.get(name, "") for name in columns] for cells in [*kept, *found.new]])


def _add_coverage(study: Study, reads: Sequence[Mapping[str, str]]) -> None:
    if not reads:
        return
    table = read_coverage_table(study)
    columns = _columns(table, COVERAGE_COLUMNS)
    rows = [*(row.cells for row in table.rows), *reads]
    write_table(study.root / COVERAGE, columns, [[cells.get(name, "") for name in columns] for cells in rows])


def _columns(table: Table, wanted: Sequence[str]) -> list[str]:
    return [*table.columns, *(name for name in wanted if name not in table.columns)]


def _bind(
    study: Study,
    file: str,
    new: Sequence[Mapping[str, str]],
    transcripts: Mapping[str, Transcript],
    *,
    removed: Sequence[Row] = (),
) -> None:
    """Say at once that new rows refer to the transcripts as they are.

    A transcript may have been edited: then rows at the same places may once have meant other words.
    """
    columns = COVERAGE_COLUMNS if file == COVERAGE else ADDRESS_COLUMNS
    before, gone = read_bindings(study).get(file, {}), {row_digest(row.cells, columns) for row in removed}
    now: dict[str, dict[str, str]] = defaultdict(dict)
    for name in {tidy_name(row.cells["transcript"]) for row in removed}:
        now[name] = {}
    for cells in new:
        now[cells["transcript"]][row_digest(cells, columns)] = version_of(transcripts[cells["transcript"]])
    found = {
        name: {row: version for row, version in before.get(name, {}).items() if row not in gone} | rows
        for name, rows in now.items()
    }
    keep_bindings(study, {file: found}, [transcripts[name] for name in found])
