"""Bringing ``codings/consensus.csv`` and ``coverage.csv`` up to date with what is settled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from corpus.bring_codings import WRITTEN_COLUMNS
from corpus.coded import CONSENSUS
from corpus.codings import bindings_name
from corpus.coverage import COVERAGE, COVERAGE_COLUMNS
from corpus.errors import FileError
from corpus.files import write_together
from corpus.names import tidy_name
from corpus.records import Segment, Transcript
from corpus.study import Study, coder_files
from corpus.tables import Row, Table, table_bytes
from corpus.versions import (
    ADDRESS_COLUMNS,
    INDEX,
    index_with,
    keep_texts,
    read_bindings,
    row_digest,
    version_of,
)
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
    reads = [
        _read_cells(*stretch) for stretch in (*standing.stretches, *_merged(units.segments, found.unread))
    ]
    # One without the other would say that a code was declined, or read, where nobody said so.
    files: dict[str, bytes] = {}
    if found.new or found.gone:
        files[_consensus_file(study)] = _codings_with(standing.table, found)
    if reads:
        files[COVERAGE] = _coverage_with(study, reads)
    files |= _bind(study, found, reads, transcripts)
    write_together(study.root, files)
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


def _consensus_file(study: Study) -> str:
    """Where the codings of the consensus stand, or are to stand, below the study."""
    names = (path.name for path in coder_files(study) if tidy_name(path.stem) == CONSENSUS)
    return next((f"codings/{name}" for name in names), FILE)


def _codings_with(table: Table, found: _Renewal) -> bytes:
    gone = {row.line for row in found.gone}
    kept = [row.cells for row in table.rows if row.line not in gone]
    return _with(table, [*kept, *found.new], WRITTEN_COLUMNS, file=FILE)


def _coverage_with(study: Study, reads: Sequence[Mapping[str, str]]) -> bytes:
    table = read_coverage_table(study)
    return _with(table, [*(row.cells for row in table.rows), *reads], COVERAGE_COLUMNS, file=COVERAGE)


def _with(table: Table, rows: Sequence[Mapping[str, str]], wanted: Sequence[str], *, file: str) -> bytes:
    """The file anew with these rows, its headings as they were written, and columns that it lacked.

    Raises FileError if it has columns without a heading, which are not in ``table`` and would be lost.
    """
    if table.unnamed:
        problem = f"line 1: no name above what stands in column {', '.join(map(str, table.unnamed))}"
        remedy = "The file is to be written anew, and that would be lost. Name the columns and import again."
        raise FileError(file, [problem], remedy)
    columns = [*table.columns, *(name for name in wanted if name not in table.columns)]
    written = dict(zip(table.columns, table.titles, strict=False))
    cells = [[row.get(name, "") for name in columns] for row in rows]
    return table_bytes([written.get(name, name) for name in columns], cells)


def _bind(
    study: Study,
    found: _Renewal,
    reads: Sequence[Mapping[str, str]],
    transcripts: Mapping[str, Transcript],
) -> dict[str, bytes]:
    """The index of versions that says that new rows refer to the transcripts as they are, if it does not yet.

    A transcript may have been edited: then rows at the same places may once have meant other words. The texts are
    kept at once.
    """
    cells = [*found.new, *reads, *(row.cells for row in found.gone)]
    touched = [transcripts[name] for name in sorted({tidy_name(row["transcript"]) for row in cells})]
    gone = {row_digest(row.cells) for row in found.gone}
    before = read_bindings(study)
    file = bindings_name(CONSENSUS)
    bindings = {
        file: _bound(before.get(file, {}), found.new, touched, ADDRESS_COLUMNS, gone),
        COVERAGE: _bound(before.get(COVERAGE, {}), reads, touched, COVERAGE_COLUMNS),
    }
    keep_texts(study, bindings, touched)
    index = index_with(study, bindings, touched)
    return {f"{study.versions_dir.name}/{INDEX}": index} if index else {}


def _bound(
    before: Mapping[str, Mapping[str, str]],
    new: Sequence[Mapping[str, str]],
    transcripts: Sequence[Transcript],
    columns: Sequence[str],
    gone: Collection[str] = (),
) -> dict[str, dict[str, str]]:
    """Of one file and each of these transcripts, digest of a row -> version; gone: digests of rows removed."""
    found = {}
    for transcript in transcripts:
        name, version = transcript.transcript_id, version_of(transcript)
        old = {row: made_on for row, made_on in before.get(name, {}).items() if row not in gone}
        found[name] = old | {row_digest(row, columns): version for row in new if row["transcript"] == name}
    return found
