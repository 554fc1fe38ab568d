"""Tables in CSV files: read from whatever spreadsheet wrote them, written so that others read them alike.

Reading is strict where guessing would change data and lenient where spreadsheets differ. A row that cannot be
taken is listed with its line and the reason; the rest of the table is read.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.decode import decode_bytes
from corpus.errors import FileError
from corpus.files import write_whole

csv.field_size_limit(2**31 - 1)  # the module's only switch is global; its default refuses a long transcript

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEP_LINE = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEEDS_QUOTES = re.compile('[",;\t\r\n]')
_PREFIXED = tuple("=+-@\t\r'")
_UNPREFIX = re.compile("'[=+\\-@\t\r']")
_LONGEST_NAME_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One record. ``line``: where it begins in the file, from 1; ``cells``: by column, exactly as written."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """What reading a table gave.

    columns: names in the order of the file, stripped and in lower case; titles: as they were written.
    warnings: what may be wrong (columns not used, no rows, a guessed encoding); notes: what is merely
        told (another delimiter or encoding than comma and UTF-8).
    unnamed: places of columns, from 1, that hold something and have no name in the header: they are not in the rows.
    rejected: rows that were not taken, "line 3: reason" each.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    unnamed: tuple[int, ...] = ()


def read_table(
    data: bytes,
    *,
    file: str,
    required: Collection[str] = (),
    optional: Collection[str] | None = None,
    for_machines: bool = False,
) -> Table:
    """The table in the bytes of a CSV file, whose first record names the columns.

    Commas, semicolons or tabs; any line ends; quotes after RFC 4180; blank lines are no rows. Cells stay
    strings, "NA" and spaces included; line breaks inside a cell become LF if the file's own are CRLF or CR.
    Columns beyond ``required`` and ``optional`` are read and named in a warning (``optional=None``: any are
    welcome).
    for_machines: takes one leading ' off a cell where ``write_table`` puts one.
    Raises FileError for an empty file, a quote that is never closed, a missing or doubled column.
    """
    decoded = decode_bytes(data, file=file)
    records = _Records(decoded.text, frozenset((*required, *(optional or ()))), file)
    header = next(iter(records), None)
    if records.problems:
        raise FileError(file, [problem for _, problem in records.problems])
    if header is None:
        raise FileError(file, ["empty file"])
    table = table_from_records(
        itertools.chain([header], records),
        file=file,
        required=required,
        optional=optional,
        for_machines=for_machines,
        damaged=decoded.n_replaced > 0,
        problems=records.problems,
    )
    return replace(
        table,
        warnings=(*decoded.warnings, *table.warnings),
        notes=_notes(decoded.encoding, records.delimiter),
    )


def table_from_records(
    records: Iterable[tuple[int, Sequence[str]]],
    *,
    file: str,
    required: Collection[str] = (),
    optional: Collection[str] | None = None,
    for_machines: bool = False,
    damaged: bool = False,
    problems: Collection[tuple[int, str]] = (),
) -> Table:
    """The table in records, each its line and its cells, whatever file they stand in; as ``read_table``.

    records: the first names the columns. damaged: U+FFFD in a cell stands for bytes that were not text.
    problems: lines and reasons of records that could not be read at all; looked at when all are read.
    Raises FileError if there are no records, and for a missing or doubled column.
    """
    records = iter(records)
    header = next(records, None)
    if header is None:
        raise FileError(file, ["empty file"])
    names = [_column_name(cell) for cell in header[1]]
    _check_columns(names, file=file, required=required)
    rows, rejected, unnamed = _take_rows(records, names, damaged=damaged, for_machines=for_machines)
    columns = tuple(name for name in names if name)
    warnings = _column_warnings(columns, unnamed, required, optional)
    if not rows and not problems and not rejected:
        warnings.append("no rows below the header")
    told = tuple(text for _, text in sorted([*rejected, *problems]))
    titles = tuple(cell.strip() for cell in header[1] if _column_name(cell))
    places = tuple(at + 1 for at in sorted(unnamed))
    return Table(columns, tuple(rows), tuple(warnings), told, titles=titles, unnamed=places)


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[str | float]], *, for_machines: bool = True
) -> None:
    """Write a CSV file whole, as ``table_bytes`` has it."""
    write_whole(path, table_bytes(columns, rows, for_machines=for_machines))


def table_bytes(
    columns: Sequence[str], rows: Iterable[Sequence[str | float]], *, for_machines: bool = True
) -> bytes:
    """A CSV file: UTF-8 without BOM, LF, quotes after RFC 4180.

    for_machines: a cell that begins with = + - @ tab CR or ' gets one ' in front, so that no spreadsheet
    takes it for a formula; ``read_table(..., for_machines=True)`` takes it off again. A number among the rows is
    written as one: it is no formula, and a minus in front of it is part of it.
    Raises ValueError if a row has another number of cells than there are columns.
    """
    lines = [_line(columns)]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise ValueError(f"row {number} has {len(row)} cells for {len(columns)} columns")
        lines.append(_line([_written(cell, for_machines=for_machines) for cell in row]))
    return "".join(lines).encode()


def _line(cells: Sequence[str]) -> str:
    if len(cells) == 1 and not cells[0]:
        return '""\n'  # else the row would be a blank line
    return (
        ",".join(
            '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell for cell in cells
        )
        + "\n"
    )


def _written(cell: str | float, *, for_machines: bool) -> str:
    if not isinstance(cell, str):
        return str(cell)
    return "'" + cell if for_machines and cell.startswith(_PREFIXED) else cell


class _Records:
    """The records of a text, as (line, cells); what breaks the quoting is collected in ``problems``."""

    def __init__(self, text: str, known: Collection[str], file: str) -> None:
        self.file = file
        self.problems: list[tuple[int, str]] = []
        self._skipped = 0
        delimiter = ""
        if sep := _SEP_LINE.match(text):
            delimiter, text, self._skipped = sep.group(1), text[sep.end() :], 1
        self.delimiter = delimiter or _find_delimiter(text, known)
        self._text = (
            text
            if _ends_lines_with_lf(text, self.delimiter)
            else text.replace("\r\n", "\n").replace("\r", "\n")
        )
        self._records = self._read()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self._records

    def _read(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=self.delimiter, strict=True)
        while True:
            first = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._note_broken_quotes(first, reader.line_num, at_end="end of data" in str(error))
                continue
            if cells:
                yield first + self._skipped, cells

    def _note_broken_quotes(self, first: int, last: int, *, at_end: bool) -> None:
        """A broken quote inside one line costs that row; one that runs over line ends, the table."""
        line = first + self._skipped
        if first == last and not at_end:
            self.problems.append((line, f"line {line}: something follows a closing quote"))
            return
        if at_end:
            line = self._line_of_open_quote(first) + self._skipped
            problem = f"line {line}: a quote is opened here and never closed"
        else:
            problem = (
                f"line {line}: a quote is opened here and closed amid text in line {last + self._skipped}"
            )
        raise FileError(self.file, [problem], 'Close the quote, or double it ("") if it is part of the cell.')

    def _line_of_open_quote(self, first: int) -> int:
        """Where the quote stands that is still open at the end of the record that begins at ``first``."""
        lines = io.StringIO(self._text, newline="").readlines()
        record = "".join(lines[first - 1 :])
        field = re.compile(rf'(?:^|[{re.escape(self.delimiter)}\r\n])"((?:[^"]|"")*+)("?)')
        opened = next((match.start(1) for match in field.finditer(record) if not match.group(2)), 0)
        return first + len(re.findall(r"\r\n|\r|\n", record[:opened]))


def _find_delimiter(text: str, known: Collection[str]) -> str:
    """The delimiter that splits the header into most known names; then into most names; then the comma."""

    def merit(delimiter: str) -> tuple[int, int]:
        header = _header(text, delimiter)
        return sum(_column_name(cell) in known for cell in header), len(header)

    return max(_DELIMITERS, key=merit)


def _header(text: str, delimiter: str) -> list[str]:
    return next(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), [])


def _ends_lines_with_lf(text: str, delimiter: str) -> bool:
    """Whether the header's record ends with LF: then a CR inside a cell was put there on purpose."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    next(filter(None, reader), None)
    last = next(itertools.islice(io.StringIO(text, newline=""), max(reader.line_num - 1, 0), None), "")
    return not last.endswith(("\r\n", "\r"))


def _column_name(cell: str) -> str:
    return cell.strip().lower()


def _check_columns(names: Sequence[str], *, file: str, required: Collection[str]) -> None:
    problems = [
        f"line 1: the column '{shown_column(name)}' stands there {names.count(name)} times"
        for name in dict.fromkeys(names)
        if name and names.count(name) > 1
    ]
    found = [name for name in names if name]
    for name in required:
        if name not in names:
            near = difflib.get_close_matches(name, [other for other in found if other not in required], n=1)
            hint = f" (is it '{shown_column(near[0])}'?)" if near else ""
            problems.append(f"line 1: the column '{name}' is missing{hint}")
    if problems:
        shown = ", ".join(shown_column(name) for name in found) or "none"
        raise FileError(
            file, problems, f"Columns found: {shown}. Columns needed: {', '.join(required) or 'any'}."
        )


def shown_column(name: str) -> str:
    """A column's name in a message; a long one may be talk in a file without a header."""
    return name if len(name) <= _LONGEST_NAME_SHOWN and len(name.split()) <= 4 else "(a long text)"


def _take_rows(
    records: Iterable[tuple[int, Sequence[str]]], names: Sequence[str], *, damaged: bool, for_machines: bool
) -> tuple[list[Row], list[tuple[int, str]], set[int]]:
    """Rows, rejected rows as (line, message), and positions of columns without a name that hold something."""
    rows: list[Row] = []
    rejected: list[tuple[int, str]] = []
    unnamed: set[int] = set()
    gaps = [at for at, name in enumerate(names) if not name]
    for line, cells in records:
        if reason := _reason_to_reject(cells, len(names), damaged=damaged):
            rejected.append((line, f"line {line}: {reason}"))
            continue
        unnamed.update(at for at in gaps if cells[at])
        if for_machines:
            cells = [cell[1:] if _UNPREFIX.match(cell) else cell for cell in cells]  # noqa: PLW2901
        kept = dict(zip(names, cells, strict=False))
        kept.pop("", None)
        rows.append(Row(line, kept))
    return rows, rejected, unnamed


def _reason_to_reject(cells: Sequence[str], n_columns: int, *, damaged: bool) -> str:
    if len(cells) < n_columns or any(cells[n_columns:]):
        noun = "cell" if len(cells) == 1 else "cells"
        return f"{len(cells)} {noun} where the header has {n_columns}"
    if any("\0" in cell for cell in cells):
        return "holds a NUL character"
    if any(_SURROGATE.search(cell) for cell in cells):
        return "holds a lone surrogate"
    if damaged and any("\ufffd" in cell for cell in cells):
        return "holds bytes that cannot be read as text"
    return ""


def _column_warnings(
    columns: Sequence[str],
    unnamed: Collection[int],
    required: Collection[str],
    optional: Collection[str] | None,
) -> list[str]:
    warnings = []
    if unnamed:
        places = ", ".join(str(at + 1) for at in sorted(unnamed))
        warnings.append(f"not read, for they have no name in the header: column {places}")
    if optional is not None:
        unknown = [shown_column(name) for name in columns if name not in required and name not in optional]
        if unknown:
            warnings.append(f"columns not used: {', '.join(unknown)}")
    return warnings


def _notes(encoding: str, delimiter: str) -> tuple[str, ...]:
    notes = []
    if delimiter != ",":
        notes.append(f"columns are separated by {_DELIMITERS.get(delimiter, repr(delimiter))}")
    if encoding != "utf-8":
        notes.append(f"read as {encoding.upper()}")
    return tuple(notes)
