"""``codings/<coder>.csv``: what people coded, by three kinds of address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from corpus.carry import Changed, Placed, Span, changed_by, place_rows, versions_of_rows
from corpus.names import shown_name, tidy_name
from corpus.records import Coding, Sitting, Transcript
from corpus.tables import Row, read_table
from corpus.versions import MadeOn

CODING_COLUMNS = ("transcript", "code", "start", "end", "quote", "turn", "memo", "coded_at", "basis")
BASES = frozenset({"", "blind", "seen", "accepted"})
REMEDY = "Mend these rows (address: start and end, or turn, or quote); nothing of the file was used."


@dataclass(frozen=True, slots=True)
class CodingsReading:
    """What one coder's file says.

    read_ids: transcripts with any row, also one with an empty code.
    n_unknown: rows in transcripts that could not be read in this run.
    rejected: rows that cannot be used, each with its line and reason.
    made_on: for each row that can, the version of its transcript that it refers to.
    changed: transcripts of which some rows were made on an earlier version.
    sittings: one a transcript with a row, in the order of the file.
    """

    codings: tuple[Coding, ...]
    read_ids: tuple[str, ...]
    n_unknown: int
    warnings: tuple[str, ...]
    rejected: tuple[str, ...]
    made_on: MadeOn = field(default_factory=dict)
    changed: Mapping[str, Changed] = field(default_factory=dict)
    sittings: tuple[Sitting, ...] = ()


def bindings_name(coder: str) -> str:
    """What the index of versions calls a coder's file."""
    return f"codings/{coder}.csv"


def read_codings(
    data: bytes,
    *,
    file: str,
    coder: str,
    transcripts: Mapping[str, Transcript],
    some_set_aside: bool = False,
    earlier: MadeOn | None = None,
) -> CodingsReading:
    """Codings of one coder; rows that cannot be used are in ``rejected``, for the caller to refuse or list.

    some_set_aside: transcripts are missing that could not be read, so a row for an unknown one is counted
        in ``n_unknown``, not rejected.
    earlier: rows that were made on another version of their transcript. Their codings go where their words stand
        now if they stand once, and are not used otherwise.
    Raises FileError for a file that is no table of codings.
    """
    table = read_table(
        data, file=file, required=["transcript", "code"], optional=CODING_COLUMNS[2:], for_machines=True
    )
    rows: dict[str, list[Row]] = defaultdict(list)
    problems: list[tuple[int, str]] = []
    n_unknown = 0
    for row in table.rows:
        name = tidy_name(row.cells["transcript"])
        if name not in transcripts:
            n_unknown += some_set_aside
            if not some_set_aside:
                problems.append((row.line, f"no transcript {shown_name(row.cells['transcript'])}"))
        elif _basis(row) not in BASES:
            problems.append((row.line, "basis must be blind, seen, accepted or empty"))
        else:
            rows[name].append(row)
    placed: dict[str, list[Placed]] = {}
    for name, found in rows.items():
        placed[name], nowhere = place_rows(found, transcripts[name], (earlier or {}).get(name, {}))
        problems += nowhere
    changed = {name: c for name, found in placed.items() if (c := changed_by(transcripts[name], found))}
    return CodingsReading(
        codings=_codings(placed, coder),
        read_ids=tuple(name for name, found in placed.items() if found),
        n_unknown=n_unknown,
        warnings=(*table.warnings, *(found.note for found in changed.values())),
        rejected=(*table.rejected, *(f"line {line}: {problem}" for line, problem in sorted(problems))),
        made_on={
            name: versions_of_rows(found, (earlier or {}).get(name, {})) for name, found in placed.items()
        },
        changed=changed,
        sittings=tuple(_sitting(coder, name, found) for name, found in placed.items() if found),
    )


def _codings(placed: Mapping[str, Sequence[Placed]], coder: str) -> tuple[Coding, ...]:
    """What is used, once each, in the order of the file."""
    everywhere = sorted((p for found in placed.values() for p in found), key=lambda p: p.row.line)
    return tuple(dict.fromkeys(_coding(p.row, p.span, coder) for p in everywhere if p.span))


def _coding(row: Row, span: Span, coder: str) -> Coding:
    return Coding(
        transcript_id=tidy_name(row.cells["transcript"]),
        coder=coder,
        code=tidy_name(row.cells["code"]),
        start=span[0],
        end=span[1],
        memo=row.cells.get("memo", ""),
        coded_at=row.cells.get("coded_at", "").strip(),
        basis=_basis(row),
    )


def _sitting(coder: str, name: str, placed: Sequence[Placed]) -> Sitting:
    days = sorted(day for p in placed if (day := day_of(p.row.cells.get("coded_at", ""))))
    return Sitting(
        coder=coder,
        transcript_id=name,
        bases=tuple(sorted({_basis(p.row) for p in placed})),
        first=days[0] if days else "",
        last=days[-1] if days else "",
        n_undated=len(placed) - len(days),
    )


def day_of(coded_at: str) -> str:
    """The day of an ISO 8601 date or time, as "2026-11-25"; "" for anything else."""
    try:
        return datetime.fromisoformat(coded_at.strip()).date().isoformat()
    except ValueError:
        return ""


def _basis(row: Row) -> str:
    return row.cells.get("basis", "").strip().lower()
