"""``codings/consensus.csv`` as imports of decisions write it, beside what people wrote into it by hand.

A row that an import wrote has a memo that begins with "settled: ", names the code that the row gives, and stands
exactly at a segment: where somebody changed the code later, the memo names another. A segment is an import's if it
has such a row and none of another kind touches it; every other segment that the consensus reads is somebody's work,
and is never written to. A row with an empty code says that a code was declined, or that none was given, so every
settled segment has a row. What the consensus has read stands in ``coverage.csv``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from corpus.tables import Row, Table, read_table
from corpus.units import place_codings
from corpus.versions import earlier_versions
from pipeline.compare.columns import BoolArray
from pipeline.units import Units, read_stretches

MARK = "settled: "
DECLINED, NOTHING = f"{MARK}declined ", f"{MARK}nobody gave a code"
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
    head = _decided_to_give(code) if given else f"{DECLINED}{code}"
    return Statement(code if given else "", head, note, basis or "", fresh=basis is not None)


def agreed_to_give(code: str, basis: str) -> Statement:
    """A code that all readers gave."""
    return Statement(code, _all_gave(code), "", basis)


def nothing_given(basis: str) -> Statement:
    """A segment to which no reader gave a code."""
    return Statement("", NOTHING, "", basis)


def _decided_to_give(code: str) -> str:
    return f"{MARK}decided to give '{code}'"


def _all_gave(code: str) -> str:
    return f"{MARK}all who read it gave '{code}'"


def as_imported(cells: Mapping[str, str]) -> bool:
    """Whether a row is as an import writes it: its memo says of the code what the row says."""
    memo, code = cells.get("memo", ""), tidy_name(cells["code"])
    if not code:
        return memo.startswith((DECLINED, NOTHING))
    return any(
        memo == head or memo.startswith(f"{head}: ") for head in (_decided_to_give(code), _all_gave(code))
    )


def basis_of_agreed(coders: Collection[str], sittings: Iterable[Mapping[str, Any]]) -> str:
    """How cells came about on which all agree: nobody looked at them again, so as the coders coded the transcript.

    sittings: of that transcript. "seen" if any of them had suggestions in view there, "blind" if all say that they
    had not, else "".
    """
    bases: set[str] = set()
    for sitting in sittings:
        if sitting["coder"] in coders:
            bases.update(sitting["bases"])
    if bases & {"seen", "accepted"}:
        return "seen"
    return "blind" if bases == {"blind"} else ""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What the consensus says so far.

    seen: (n,) and given: (n, k), as the units have it. by_hand: (n,), read otherwise than by an import.
    table: codings/consensus.csv; made: place of a segment -> the rows that imports wrote on it.
    stretches: what counts as read without a row in coverage.csv. edited: lines of rows whose memo is an import's and
    whose code is another by now.
    """

    seen: BoolArray
    given: BoolArray
    by_hand: BoolArray
    table: Table
    made: Mapping[int, Sequence[Row]]
    stretches: tuple[tuple[str, int, int], ...]
    edited: tuple[int, ...] = ()


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
    made, touched, edited = _whose_rows(study, units.segments, table, transcripts)
    seen = units.read[at] & ~units.context
    by_hand = seen & np.array([row not in made for row in range(n)], dtype=bool)
    by_hand[list(touched)] = True
    frame = read_stretches(study, units_key)
    spans = frame.loc[frame["coder"] == CONSENSUS, ["transcript", "start", "end"]]
    stretches = () if stated else tuple(spans.itertuples(index=False, name=None))
    ours = {row: rows for row, rows in made.items() if row not in touched}
    return Standing(seen, units.given[at], by_hand, table, ours, stretches, edited)


def _in_coverage(study: Study) -> bool:
    return any(tidy_name(row.cells["coder"]) == CONSENSUS for row in read_coverage_table(study).rows)


def read_coverage_table(study: Study) -> Table:
    """coverage.csv as a table; without rows if there is none."""
    path = study.root / COVERAGE
    data = path.read_bytes() if path.is_file() else ",".join(COVERAGE_COLUMNS).encode()
    return read_table(data, file=COVERAGE, for_machines=True)


def _read_file(study: Study) -> Table:
    path = next(path for path in coder_files(study) if tidy_name(path.stem) == CONSENSUS)
    return read_table(path.read_bytes(), file=FILE, for_machines=True)


def _whose_rows(
    study: Study, segments: Sequence[Segment], table: Table, transcripts: Mapping[str, Transcript]
) -> tuple[dict[int, list[Row]], set[int], tuple[int, ...]]:
    """Rows that imports wrote, by the segment at which they stand; the segments that others touch; lines of those of
    them that an import wrote with another code."""
    place_of = {(s.transcript_id, s.start, s.end): row for row, s in enumerate(segments)}
    id_of = {segment.segment_id: row for row, segment in enumerate(segments)}
    made: dict[int, list[Row]] = defaultdict(list)
    others, edited = list[Coding](), list[int]()
    for name, placed in _placed(study, table, transcripts):
        span, cells = _span_now(placed, transcripts[name]), placed.row.cells
        row = place_of.get((name, *span)) if span else None
        if row is not None and as_imported(cells):
            made[row].append(placed.row)
        elif span:
            others.append(Coding(name, CONSENSUS, cells["code"], *span))
            if cells.get("memo", "").startswith(MARK):
                edited.append(placed.row.line)
    texts = {name: transcript.text for name, transcript in transcripts.items()}
    touched = {id_of[found.segment_id] for found in place_codings(segments, others, texts).applied}
    return made, touched, tuple(sorted(edited))


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
