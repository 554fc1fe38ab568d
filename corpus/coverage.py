"""What people read: ``coverage.csv``, and what their codings tell where it is silent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from corpus.addresses import AddressError, check_span, whole_number
from corpus.carry import Changed, Span, carry, still_read
from corpus.codings import CodingsReading
from corpus.errors import FileError
from corpus.names import shown_name, tidy_name
from corpus.records import Read, Transcript
from corpus.study import Study
from corpus.tables import Row, read_table
from corpus.versions import MadeOn, row_digest

COVERAGE = "coverage.csv"
COVERAGE_COLUMNS = ("coder", "transcript", "start", "end")


@dataclass(frozen=True, slots=True)
class CoverageReading:
    """What ``coverage.csv`` says.

    reads: of transcripts as they are. whole_before: coder and transcript -> the earlier version of which all was
    read. coders: all who stand in it. not_used: rows that could not be, each with its line and reason.
    made_on: for each row in use, the version of its transcript that it refers to.
    """

    reads: tuple[Read, ...]
    coders: tuple[str, ...]
    not_used: tuple[str, ...]
    whole_before: Mapping[tuple[str, str], Transcript] = field(default_factory=dict)
    made_on: MadeOn = field(default_factory=dict)


def read_coverage(
    data: bytes,
    *,
    transcripts: Mapping[str, Transcript],
    file: str = COVERAGE,
    earlier: MadeOn | None = None,
) -> CoverageReading:
    """Rows of ``coverage.csv``; empty start and end mean the whole transcript.

    earlier: rows that were made on another version of their transcript; a stretch of it goes where its words stand.
    Raises FileError with every row that cannot be used.
    """
    table = read_table(
        data, file=file, required=["coder", "transcript"], optional=["start", "end"], for_machines=True
    )
    reads, coders, not_used, problems = [], list[str](), list[str](), list(table.rejected)
    whole_before: dict[tuple[str, str], Transcript] = {}
    made_on: dict[str, dict[str, Transcript]] = defaultdict(dict)
    for row in table.rows:
        coder, name = tidy_name(row.cells["coder"]), tidy_name(row.cells["transcript"])
        if not coder:
            problems.append(f"line {row.line}: no coder")
            continue
        coders.append(coder)
        if name not in transcripts:
            not_used.append(f"line {row.line}: no transcript {shown_name(name)}")
            continue
        row_id = row_digest(row.cells, COVERAGE_COLUMNS)
        version = (earlier or {}).get(name, {}).get(row_id, transcripts[name])
        try:
            span = _coverage_span(row, version)
        except AddressError as error:
            problems.append(f"line {row.line}: {error}")
            continue
        made_on[name][row_id] = version
        if version is transcripts[name]:
            reads.append(Read(coder, name, *(span or (0, len(version.text)))))
        elif span is None:
            whole_before[coder, name] = version
        elif place := carry(span, version, transcripts[name]):
            reads.append(Read(coder, name, *place))
        else:
            not_used.append(f"line {row.line}: transcript '{name}' changed in this stretch")
    if problems:
        raise FileError(
            file, problems, "Give start and end of what was read, or leave both empty for all of it."
        )
    return CoverageReading(
        tuple(reads), tuple(dict.fromkeys(coders)), tuple(not_used), whole_before, dict(made_on)
    )


def _coverage_span(row: Row, transcript: Transcript) -> Span | None:
    """None: the whole transcript."""
    if not row.cells.get("start", "").strip() and not row.cells.get("end", "").strip():
        return None
    start, end = whole_number(row.cells, "start"), whole_number(row.cells, "end")
    check_span(start, end, len(transcript.text))
    return start, end


def coverage_of(
    study: Study, by_id: Mapping[str, Transcript], earlier: MadeOn, *, notes: list[str]
) -> CoverageReading:
    """What the study's ``coverage.csv`` says; nothing if it has none."""
    path = study.root / COVERAGE
    data = path.read_bytes() if path.is_file() else b"coder,transcript\n"
    found = read_coverage(data, transcripts=by_id, earlier=earlier)
    notes += [f"{COVERAGE}: {problem}; not used" for problem in found.not_used]
    return found


def reads_of(
    by_id: Mapping[str, Transcript],
    readings: Mapping[str, CodingsReading],
    coverage: CoverageReading,
    *,
    notes: list[str],
) -> tuple[Read, ...]:
    """What each coder read: what coverage.csv says if they stand in it, else all of what they have a row in."""
    reads: list[Read] = []
    assumed = []
    for coder, reading in readings.items():
        if coder in coverage.coders:
            reads += [read for read in coverage.reads if read.coder == coder]
            for (who, name), before in coverage.whole_before.items():
                if who == coder:
                    reads += [Read(coder, name, *span) for span in _whole(by_id[name], reading, before)]
            continue
        for name in reading.read_ids:
            reads += [Read(coder, name, *span, assumed=True) for span in _whole(by_id[name], reading)]
        if reading.read_ids:
            assumed.append(f"{coder} ({len(reading.read_ids):,})")
    if assumed:
        notes.append(
            f"assumed read, for want of rows in coverage.csv: all of the transcripts of {', '.join(assumed)}"
        )
    notes += [
        f"{COVERAGE}: '{coder}' has no file in codings/" for coder in coverage.coders if coder not in readings
    ]
    return tuple(reads)


def _whole(transcript: Transcript, reading: CodingsReading, before: Transcript | None = None) -> list[Span]:
    """What a coder has read who read all of a transcript, or all of the version ``before``."""
    name = transcript.transcript_id
    changed = reading.changed.get(name)
    if not changed and before and name not in reading.read_ids:
        changed = Changed(transcript, (before,))
    return still_read(changed) if changed else [(0, len(transcript.text))]
