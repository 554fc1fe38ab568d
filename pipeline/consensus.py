"""``codings/consensus.csv`` as imports of decisions write it, beside what people wrote into it by hand.

A row that an import wrote has a memo that begins with "settled: " and stands exactly at a segment. A segment is
an import's if it has such a row and none of another kind touches it; every other segment that the consensus reads is
somebody's work, and is never written to. A row with an empty code says that a code was declined, or that none was
given, so every settled segment has a row. What the consensus has read stands in ``coverage.csv``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np

from corpus.addresses import resolve_address
from corpus.bring_codings import WRITTEN_COLUMNS
from corpus.carry import Placed, Span, carry, place_rows
from corpus.coded import CONSENSUS
from corpus.codings import bindings_name
from corpus.coverage import COVERAGE, COVERAGE_COLUMNS
from corpus.errors import StudyError
from corpus.names import tidy_name
from corpus.records import Coding, Segment, Transcript
from corpus.study import Study, coder_files
from corpus.tables import Row, Table, read_table, write_table
from corpus.units import place_codings
from corpus.versions import (
    ADDRESS_COLUMNS,
    earlier_versions,
    keep_bindings,
    read_bindings,
    row_digest,
    version_of,
)
from pipeline.compare.columns import BoolArray
from pipeline.units import Units, read_stretches

MARK = "settled: "
FILE = f"codings/{CONSENSUS}.csv"


@dataclass(frozen=True, slots=True)
class Statement:
    """A row that is to stand on a segment.

    code: "" for a code that is declined, or none given. head: how the memo begins. note: what the researcher wrote.
    basis: as in codings. fresh: False if nothing new was said, so that an earlier row is right as it is.
    """

    code: str
    head: str
    note: str = ""
    basis: str = ""
    fresh: bool = True

    @property
    def memo(self) -> str:
        """The memo of the row."""
        return f"{self.head}: {self.note}" if self.note else self.head

    def stands_in(self, cells: Mapping[str, str]) -> bool:
        """Whether an earlier row says the same; its note is kept where no other was written."""
        memo = cells.get("memo", "")
        if tidy_name(cells["code"]) != self.code:
            return False
        if not self.fresh and self.code:
            return True
        same = memo == self.head or memo.startswith(f"{self.head}: ")
        return same and (not self.note or memo == self.memo)


def decided(code: str, given: bool, note: str = "", basis: str | None = None) -> Statement:
    """A disputed cell. basis: "seen" if the row showed the model's view, "blind" if not; None: decided before."""
    head = f"{MARK}decided to give" if given else f"{MARK}declined {code}"
    return Statement(code if given else "", head, note, basis or "", fresh=basis is not None)


def agreed_to_give(code: str, basis: str) -> Statement:
    """A code that all readers gave."""
    return Statement(code, f"{MARK}all who read it gave it", "", basis)


def nothing_given(basis: str) -> Statement:
    """A segment to which no reader gave a code."""
    return Statement("", f"{MARK}nobody gave a code", "", basis)


def basis_of_agreed(coders: Collection[str], name: str, sittings: Iterable[Mapping[str, Any]]) -> str:
    """How cells came about on which all agree: nobody looked at them again, so as the coders coded the transcript.

    "seen" if any of them had suggestions in view there, "blind" if all say that they had not, else "".
    """
    bases: set[str] = set()
    for sitting in sittings:
        if sitting["coder"] in coders and sitting["transcript_id"] == name:
            bases.update(sitting["bases"])
    if bases & {"seen", "accepted"}:
        return "seen"
    return "blind" if bases == {"blind"} else ""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What the consensus says so far.

    seen: (n,) and given: (n, k), as the units have it. by_hand: (n,), read otherwise than by an import.
    rows: of codings/consensus.csv; made: place of a segment -> the rows that imports wrote on it.
    stretches: what counts as read without a row in coverage.csv.
    """

    seen: BoolArray
    given: BoolArray
    by_hand: BoolArray
    table: Table
    made: Mapping[int, Sequence[Row]]
    stretches: tuple[tuple[str, int, int], ...]


def read_standing(
    study: Study, units: Units, units_key: str, transcripts: Mapping[str, Transcript]
) -> Standing:
    """Raises StudyError if coverage.csv speaks of a consensus whose codings are gone."""
    n, k = len(units.segments), len(units.codes)
    stated = _in_coverage(study)
    if CONSENSUS not in units.coders:
        if stated:
            raise StudyError(
                f"{COVERAGE} says what the consensus has read, but {FILE} is missing. "
                f"Bring it back, or take the rows of '{CONSENSUS}' out of {COVERAGE}."
            )
        nothing = np.zeros(n, dtype=bool)
        return Standing(nothing, np.zeros((n, k), dtype=bool), nothing, Table(WRITTEN_COLUMNS, ()), {}, ())
    at = list(units.coders).index(CONSENSUS)
    table = _read_file(study)
    made, touched = _whose_rows(study, units.segments, table, transcripts)
    seen = units.read[at] & ~units.context
    by_hand = seen & np.array([row not in made for row in range(n)], dtype=bool)
    by_hand[list(touched)] = True
    frame = read_stretches(study, units_key)
    spans = frame.loc[frame["coder"] == CONSENSUS, ["transcript", "start", "end"]]
    stretches = () if stated else tuple(spans.itertuples(index=False, name=None))
    ours = {row: rows for row, rows in made.items() if row not in touched}
    return Standing(seen, units.given[at], by_hand, table, ours, stretches)


def _in_coverage(study: Study) -> bool:
    return any(tidy_name(row.cells["coder"]) == CONSENSUS for row in _read_coverage(study).rows)


def _read_coverage(study: Study) -> Table:
    path = study.root / COVERAGE
    data = path.read_bytes() if path.is_file() else ",".join(COVERAGE_COLUMNS).encode()
    return read_table(data, file=COVERAGE, for_machines=True)


def _read_file(study: Study) -> Table:
    path = next(path for path in coder_files(study) if tidy_name(path.stem) == CONSENSUS)
    return read_table(path.read_bytes(), file=FILE, for_machines=True)


def _whose_rows(
    study: Study, segments: Sequence[Segment], table: Table, transcripts: Mapping[str, Transcript]
) -> tuple[dict[int, list[Row]], set[int]]:
    """Rows that imports wrote, by the segment at which they stand, and the segments that others touch."""
    place_of = {(s.transcript_id, s.start, s.end): row for row, s in enumerate(segments)}
    id_of = {segment.segment_id: row for row, segment in enumerate(segments)}
    made: dict[int, list[Row]] = defaultdict(list)
    others: list[Coding] = []
    for name, placed in _placed(study, table, transcripts):
        span = _span_now(placed, transcripts[name])
        row = place_of.get((name, *span)) if span else None
        if row is not None and placed.row.cells.get("memo", "").startswith(MARK):
            made[row].append(placed.row)
        elif placed.span:
            others.append(Coding(name, CONSENSUS, placed.row.cells["code"], *placed.span))
    texts = {name: transcript.text for name, transcript in transcripts.items()}
    return made, {id_of[found.segment_id] for found in place_codings(segments, others, texts).applied}


def _placed(
    study: Study, table: Table, transcripts: Mapping[str, Transcript]
) -> Iterable[tuple[str, Placed]]:
    earlier = earlier_versions(study, transcripts.values()).get(bindings_name(CONSENSUS), {})
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        rows[tidy_name(row.cells["transcript"])].append(row)
    for name in sorted(rows.keys() & transcripts.keys()):
        for placed in place_rows(rows[name], transcripts[name], earlier.get(name, {}))[0]:
            yield name, placed


def _span_now(placed: Placed, now: Transcript) -> Span | None:
    """Where a row stands; one without a code has an address too if an import wrote it."""
    if tidy_name(placed.row.cells["code"]) or not placed.row.cells.get("memo", "").startswith(MARK):
        return placed.span
    span = resolve_address(placed.row.cells, placed.made_on)
    return span if placed.made_on is now else carry(span, placed.made_on, now)


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
    table = _read_coverage(study)
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
