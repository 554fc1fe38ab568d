"""Turn tables: a CSV file with one row a turn that holds any number of transcripts.

A transcript's text is its turns joined by LF, in the order of ``turn`` or, without that column, of the rows; rows of
one transcript need not stand together. A turn's number is the ``turn`` column, or else the row's place in its
transcript, so that an address by turn means the same before and after reading. A row whose text is empty keeps its
number but is no turn and adds nothing to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from corpus.decode import clean_text
from corpus.errors import FileError
from corpus.names import tidy_name
from corpus.readers.marks import seconds
from corpus.records import Reading, Transcript, Turn
from corpus.tables import Row, Table, read_table

REQUIRED = ("transcript", "speaker", "text")
OPTIONAL = ("turn", "start_time", "end_time")
_SECONDS = re.compile(r"\d{1,7}(?:[.,]\d{1,9})?")
_CLOCK = re.compile(r"\d{1,3}:[0-5]?\d(?::[0-5]?\d)?(?:[.,]\d{1,9})?")


@dataclass(frozen=True, slots=True)
class _Said:
    """One row: ``number`` is its turn; times in seconds."""

    number: int
    speaker: str
    text: str
    start_time: float | None
    end_time: float | None


def read_turn_table(data: bytes, *, source: str) -> Reading:
    """Every transcript of a turn table, in the order in which they first appear.

    source: the file's path below ``transcripts/``.
    A row without a transcript, or with a turn that is no whole number from 1 or stands twice, is listed in
    ``rejected``; a time that cannot be read is left out and counted. Raises FileError if no row can be used.
    """
    return turns_of_table(read_table(data, file=source, required=REQUIRED, optional=OPTIONAL), source=source)


def turns_of_table(table: Table, *, source: str) -> Reading:
    """Every transcript of a turn table that has been read from whatever file; as ``read_turn_table``."""
    said, problems = _gather(table.rows, numbered="turn" in table.columns)
    rejected = (*table.rejected, *problems)
    transcripts = [_transcript(name, turns, source) for name, turns in said.items()]
    if not any(transcript.turns for transcript in transcripts):
        raise FileError(source, rejected or ["no rows with words below the header"])
    warnings = [*table.warnings, *_row_warnings(table.rows, said)]
    if table.rejected and "turn" not in table.columns:
        warnings.append("without a column 'turn', turns after a rejected row are counted one too low")
    warnings += _bidi_warnings(transcripts)
    silent = [transcript for transcript in transcripts if not transcript.turns]
    if silent:
        warnings.append(
            f"left out, for they have no words at all: {len(silent)} of {len(transcripts)} transcripts"
        )
    kept = tuple(transcript for transcript in transcripts if transcript.turns)
    return Reading(kept, tuple(warnings), rejected)


def _gather(rows: Iterable[Row], *, numbered: bool) -> tuple[dict[str, list[_Said]], list[str]]:
    """Rows by transcript, and the reasons why others were not taken."""
    said: dict[str, dict[int, _Said]] = {}
    problems = []
    for row in rows:
        name = tidy_name(row.cells["transcript"])
        turns = said.get(name, {})
        number = _whole_number(row.cells["turn"]) if numbered else len(turns) + 1
        if not name:
            problems.append(f"line {row.line}: names no transcript")
        elif number is None:
            problems.append(f"line {row.line}: 'turn' is not a whole number from 1")
        elif number in turns:
            problems.append(f"line {row.line}: turn {number} of this transcript stands there already")
        else:
            said.setdefault(name, turns)[number] = _said(row.cells, number)
    return {name: [turns[number] for number in sorted(turns)] for name, turns in said.items()}, problems


def _said(cells: Mapping[str, str], number: int) -> _Said:
    text, _ = clean_text(cells["text"])
    start_time, end_time = read_time(cells.get("start_time", "")), read_time(cells.get("end_time", ""))
    return _Said(number, cells["speaker"].strip(), text, start_time, end_time)


def _transcript(name: str, said: Sequence[_Said], source: str) -> Transcript:
    turns, texts, at = [], [], 0
    for row in said:
        words = row.text.strip()
        if not words:
            continue
        start = at + len(row.text) - len(row.text.lstrip())
        turns.append(Turn(row.number, row.speaker, start, start + len(words), row.start_time, row.end_time))
        texts.append(row.text)
        at += len(row.text) + 1
    return Transcript(name, "\n".join(texts), tuple(turns), source)


def _whole_number(cell: str) -> int | None:
    cell = cell.strip()
    return int(cell) if cell.isascii() and cell.isdigit() and 0 < len(cell) < 10 and int(cell) > 0 else None


def read_time(cell: str) -> float | None:
    """Seconds of "12.5", "1:02" or "00:01:02,5"; None for an empty cell and for what is no time."""
    cell = cell.strip()
    if _SECONDS.fullmatch(cell) or _CLOCK.fullmatch(cell):
        return seconds(cell)
    return None


def _row_warnings(rows: Sequence[Row], said: Mapping[str, Sequence[_Said]]) -> list[str]:
    warnings = []
    if n_empty := sum(not row.text.strip() for turns in said.values() for row in turns):
        rows_are = "1 row without words: it keeps its number but is no turn"
        if n_empty > 1:
            rows_are = f"{n_empty} rows without words: they keep their numbers but are no turns"
        warnings.append(rows_are)
    cells = (row.cells.get(column, "") for row in rows for column in ("start_time", "end_time"))
    if n_times := sum(bool(cell.strip()) and read_time(cell) is None for cell in cells):
        times_are = "1 time that is" if n_times == 1 else f"{n_times} times that are"
        warnings.append(f"{times_are} neither seconds nor h:mm:ss: left out")
    return warnings


def _bidi_warnings(transcripts: Iterable[Transcript]) -> list[str]:
    """One warning for all texts together."""
    return list(clean_text("\n".join(transcript.text for transcript in transcripts))[1])
