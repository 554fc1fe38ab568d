"""Decisions in a copy of disagreements.csv: what each row says of which cell, and which rows cannot be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from corpus.addresses import AddressError, resolve_address
from corpus.names import shown_name, tidy_name
from corpus.records import Transcript
from corpus.tables import Row, Table
from pipeline.compare.disagreements import NO, YES, Readers
from pipeline.units import Units

#: Of rows that are not used: how many are named for each reason, and how many reasons are told.
MOST_LINES, MOST_REASONS = 5, 20

#: Place of the segment, place of the code.
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided of a cell.

    lines: of the rows that say it, which may be several. note: the first that is written beside it. seen: a row
    showed what the model thinks.
    """

    lines: tuple[int, ...]
    given: bool
    note: str
    seen: bool


Decisions = Mapping[Cell, Decision]


@dataclass(frozen=True, slots=True)
class _Said:
    """What one row says."""

    line: int
    given: bool
    note: str
    seen: bool


def read_decisions(
    table: Table, units: Units, readers: Readers, transcripts: Mapping[str, Transcript]
) -> tuple[dict[Cell, Decision], list[str]]:
    """The decisions that can be used, and the rows that cannot, each with its line and reason.

    A row without a decision says nothing. A row is out of date if its words do not stand at its place any more, if
    no segment does, or if the coders do not differ there on its code. Of rows that decide one cell, some otherwise
    than others, none is used.
    """
    segment_at = {(s.transcript_id, s.start, s.end): row for row, s in enumerate(units.segments)}
    code_at = {name: place for place, name in enumerate(units.codes)}
    said: dict[Cell, list[_Said]] = defaultdict(list)
    rejected: dict[int, str] = {}
    for row in table.rows:
        word = row.cells["decision"].strip().lower()
        if not word:
            continue
        try:
            _check_word(word)
            place = _cell_of(row, segment_at, code_at, transcripts)
            if not readers.disputed[place]:
                raise AddressError(f"coders do not differ any more on '{units.codes[place[1]]}' here")
        except AddressError as error:
            rejected[row.line] = str(error)
            continue
        said[place].append(_said(row, given=word == YES))
    found = {}
    for place, rows in said.items():
        if disagreeing := _otherwise(rows):
            rejected |= disagreeing
        else:
            found[place] = _decision(rows)
    lines = [f"line {line}: {reason}" for line, reason in sorted(rejected.items())]
    return found, [*table.rejected, *lines]


def _check_word(word: str) -> None:
    if word not in (YES, NO):
        raise AddressError(f"decision {shown_name(word)} is neither {YES} nor {NO}")


def _said(row: Row, *, given: bool) -> _Said:
    shown = any(row.cells.get(name, "").strip() for name in ("probability", "model"))
    return _Said(row.line, given, row.cells.get("note", "").strip(), shown)


def _otherwise(rows: Sequence[_Said]) -> dict[int, str]:
    """Line -> why it is not used, of rows on one cell that do not all say the same; empty if they do."""
    if len({row.given for row in rows}) == 1:
        return {}
    first = {given: next(row.line for row in rows if row.given == given) for given in (True, False)}
    nobody = "neither" if len(rows) == 2 else "none of them"
    return {
        row.line: f"line {first[not row.given]} decides the same cell otherwise: {nobody} is used"
        for row in rows
    }


def _decision(rows: Sequence[_Said]) -> Decision:
    return Decision(
        tuple(row.line for row in rows),
        rows[0].given,
        next((row.note for row in rows if row.note), ""),
        any(row.seen for row in rows),
    )


def _cell_of(
    row: Row,
    segment_at: Mapping[tuple[str, int, int], int],
    code_at: Mapping[str, int],
    transcripts: Mapping[str, Transcript],
) -> tuple[int, int]:
    """Segment and code of a row. Raises AddressError if the study has no such cell."""
    name, code = _known(row.cells["transcript"], transcripts), _known(row.cells["code"], code_at)
    if name not in transcripts:
        raise AddressError(f"no transcript {shown_name(name)}")
    if code not in code_at:
        raise AddressError(f"code {shown_name(code)} is not in the codebook")
    start, end = resolve_address({key: row.cells[key] for key in ("start", "end")}, transcripts[name])
    if _as_a_spreadsheet_leaves(row.cells.get("quote", "")) != _as_a_spreadsheet_leaves(
        transcripts[name].text[start:end]
    ):
        raise AddressError("the quote is not what stands at this place of the transcript")
    if (name, start, end) not in segment_at:
        raise AddressError("no segment stands at this place of the transcript")
    return segment_at[name, start, end], code_at[code]


def _known(raw: str, names: Collection[str]) -> str:
    """A name as it is written or, if there is none, without the ' that keeps it from being a formula."""
    name = tidy_name(raw)
    bare = tidy_name(raw.removeprefix("'"))
    return bare if name not in names and bare in names else name


def _as_a_spreadsheet_leaves(words: str) -> str:
    """Words without what spreadsheets change: the ' in front of a formula, the kind of line ends."""
    return words.lstrip("'").replace("\r\n", "\n").replace("\r", "\n")


def by_reason(rejected: Sequence[str]) -> list[str]:
    """ "line 3: reason" of many rows as a line a reason, with the first rows that it holds for and how many more."""
    lines: dict[str, list[str]] = defaultdict(list)
    for told in rejected:
        line, _, reason = told.partition(": ")
        lines[reason].append(line.removeprefix("line "))
    found = []
    for reason, numbers in lines.items():
        more = f" and {len(numbers) - MOST_LINES:,} more" if len(numbers) > MOST_LINES else ""
        shown = ", ".join(numbers[:MOST_LINES])
        found.append(f"{'lines' if len(numbers) > 1 else 'line'} {shown}{more}: {reason}")
    if len(found) > MOST_REASONS:
        n_others = sum(len(numbers) for numbers in list(lines.values())[MOST_REASONS:])
        found[MOST_REASONS:] = [f"{n_others:,} more lines, for other reasons"]
    return found
