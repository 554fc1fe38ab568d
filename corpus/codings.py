"""``codings/<coder>.csv`` and ``coverage.csv``: what people coded and read, by three kinds of address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from corpus.errors import FileError
from corpus.names import tidy_name
from corpus.records import Coding, Read, Transcript
from corpus.tables import Row, read_table

CODING_COLUMNS = ("transcript", "code", "start", "end", "quote", "turn", "memo", "coded_at", "basis")
COVERAGE_COLUMNS = ("coder", "transcript", "start", "end")
BASES = frozenset({"", "blind", "seen", "accepted"})
# Python's int() also takes "1_0" and the digits of every script.
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
REMEDY = "Mend these rows (address: start and end, or turn, or quote); nothing of the file was used."


@dataclass(frozen=True, slots=True)
class CodingsReading:
    """What one coder's file says.

    read_ids: transcripts with any row, also one with an empty code.
    n_unknown: rows in transcripts that could not be read in this run.
    rejected: rows that cannot be used, each with its line and reason.
    """

    codings: tuple[Coding, ...]
    read_ids: tuple[str, ...]
    n_unknown: int
    warnings: tuple[str, ...]
    rejected: tuple[str, ...]


class AddressError(ValueError):
    """Why an address does not name one span; holds no words of the transcript."""


def read_codings(
    data: bytes,
    *,
    file: str,
    coder: str,
    transcripts: Mapping[str, Transcript],
    some_set_aside: bool = False,
) -> CodingsReading:
    """Codings of one coder; rows that cannot be used are in ``rejected``, for the caller to refuse or list.

    some_set_aside: transcripts are missing that could not be read, so a row for an unknown one is counted
        in ``n_unknown``, not rejected.
    Raises FileError for a file that is no table of codings.
    """
    table = read_table(
        data, file=file, required=["transcript", "code"], optional=CODING_COLUMNS[2:], for_machines=True
    )
    codings: list[Coding] = []
    rejected = list(table.rejected)
    read_ids: dict[str, None] = {}
    n_unknown = 0
    for row in table.rows:
        transcript = transcripts.get(tidy_name(row.cells["transcript"]))
        if transcript is None:
            n_unknown += some_set_aside
            if not some_set_aside:
                rejected.append(f"line {row.line}: no transcript '{row.cells['transcript']}'")
            continue
        try:
            coding = _coding(row, transcript, coder)
        except AddressError as error:
            rejected.append(f"line {row.line}: {error}")
            continue
        read_ids[transcript.transcript_id] = None
        if coding is not None:
            codings.append(coding)
    return CodingsReading(
        tuple(dict.fromkeys(codings)), tuple(read_ids), n_unknown, table.warnings, tuple(rejected)
    )


def _coding(row: Row, transcript: Transcript, coder: str) -> Coding | None:
    code = tidy_name(row.cells["code"])
    basis = row.cells.get("basis", "").strip().lower()
    if basis not in BASES:
        raise AddressError("basis must be blind, seen, accepted or empty")
    if not code:
        return None
    start, end = resolve_address(row.cells, transcript)
    return Coding(
        transcript_id=transcript.transcript_id,
        coder=coder,
        code=code,
        start=start,
        end=end,
        memo=row.cells.get("memo", ""),
        coded_at=row.cells.get("coded_at", "").strip(),
        basis=basis,
    )


def resolve_address(cells: Mapping[str, str], transcript: Transcript) -> tuple[int, int]:
    """The span that a row names: ``start`` and ``end`` (checked by ``quote``), else ``turn``, else ``quote``.

    Raises AddressError; a span is never clipped nor moved.
    """
    quote = cells.get("quote", "").replace("\r\n", "\n").replace("\r", "\n")
    if cells.get("start", "").strip() or cells.get("end", "").strip():
        start, end = _whole(cells, "start"), _whole(cells, "end")
        _check_span(start, end, len(transcript.text))
        if quote and transcript.text[start:end] != quote:
            raise AddressError(f"the quote is not what stands at {start} to {end} of the transcript")
        return start, end
    if cells.get("turn", "").strip():
        return _turn_span(_whole(cells, "turn"), quote, transcript)
    if quote:
        return _only_place(quote, transcript.text, 0, len(transcript.text))
    raise AddressError("no address: give start and end, or turn, or quote")


def _turn_span(number: int, quote: str, transcript: Transcript) -> tuple[int, int]:
    turn = next((turn for turn in transcript.turns if turn.number == number), None)
    if turn is None:
        raise AddressError(f"no turn {number} (the transcript has {len(transcript.turns)})")
    if quote:
        return _only_place(quote, transcript.text, turn.start, turn.end)
    return turn.start, turn.end


def _only_place(quote: str, text: str, first: int, last: int) -> tuple[int, int]:
    start = text.find(quote, first, last)
    if start < 0:
        raise AddressError("the quote does not stand in the transcript")
    if text.find(quote, start + 1, last) >= 0:
        raise AddressError("the quote stands more than once in the transcript; add start and end")
    return start, start + len(quote)


def _whole(cells: Mapping[str, str], column: str) -> int:
    raw = cells.get(column, "").strip()
    if not _WHOLE.fullmatch(raw):
        raise AddressError(f"{column} is '{raw[:20]}', not a whole number")
    return int(raw)


def _check_span(start: int, end: int, length: int) -> None:
    if start < 0:
        raise AddressError(f"start {start} is negative")
    if start >= end:
        raise AddressError(f"start {start} is not before end {end}")
    if end > length:
        raise AddressError(f"end {end} lies past the end of the transcript ({length} characters)")


@dataclass(frozen=True, slots=True)
class CoverageReading:
    """What ``coverage.csv`` says.

    coders: all who stand in it. unknown: rows for transcripts that are not here, each with its line.
    """

    reads: tuple[Read, ...]
    coders: tuple[str, ...]
    unknown: tuple[str, ...]


def read_coverage(
    data: bytes, *, transcripts: Mapping[str, Transcript], file: str = "coverage.csv"
) -> CoverageReading:
    """Rows of ``coverage.csv``; empty start and end mean the whole transcript.

    Raises FileError with every row that cannot be used.
    """
    table = read_table(
        data, file=file, required=["coder", "transcript"], optional=["start", "end"], for_machines=True
    )
    reads, coders, unknown, problems = [], list[str](), list[str](), list(table.rejected)
    for row in table.rows:
        coder, name = tidy_name(row.cells["coder"]), tidy_name(row.cells["transcript"])
        if not coder:
            problems.append(f"line {row.line}: no coder")
            continue
        coders.append(coder)
        if name not in transcripts:
            unknown.append(f"line {row.line}: no transcript '{name}'")
            continue
        try:
            start, end = _coverage_span(row, transcripts[name])
        except AddressError as error:
            problems.append(f"line {row.line}: {error}")
            continue
        reads.append(Read(coder, name, start, end))
    if problems:
        raise FileError(
            file, problems, "Give start and end of what was read, or leave both empty for all of it."
        )
    return CoverageReading(tuple(reads), tuple(dict.fromkeys(coders)), tuple(unknown))


def _coverage_span(row: Row, transcript: Transcript) -> tuple[int, int]:
    if not row.cells.get("start", "").strip() and not row.cells.get("end", "").strip():
        return 0, len(transcript.text)
    start, end = _whole(row.cells, "start"), _whole(row.cells, "end")
    _check_span(start, end, len(transcript.text))
    return start, end
