"""Excel workbooks (.xlsx): one sheet as a table, by the rules of ``corpus.tables``; as transcripts, a turn table.

Read is the first visible sheet whose first row with anything in it names the columns that are needed; other sheets
are told. Cells become what a spreadsheet would write to CSV: text as it stands, numbers without a needless ".0",
dates as 2024-05-31, times of day and durations as h:mm:ss. A formula counts as the value that was stored with it and
is never evaluated; merged cells hold their value once, in the first. A row with an error (#REF!, #N/A ...) or a
formula without a stored value is rejected. Empty rows are no rows; cells beyond the last named column are told.

Written by hand, for openpyxl's streaming mode hides formulas and merged cells and walks through every cell that a
sheet claims to have; number formats are openpyxl's.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from corpus.errors import FileError
from corpus.readers.archive import SAVE_AGAIN, Archive
from corpus.readers.documents import Sentences, told
from corpus.readers.safe_xml import Element, attribute, local_name, parse_xml
from corpus.readers.turn_table import OPTIONAL, REQUIRED, turns_of_table
from corpus.records import Reading
from corpus.tables import Table, table_from_records

KIND = "an Excel workbook"
MAX_COLUMNS = 200
MAX_CELLS = 2_000_000

_TOLD: Sentences = {
    "formula": (
        "cell with a formula: the value stored with it is used",
        "cells with formulas: the values stored with them are used",
    ),
    "merged": (
        "range of merged cells: its value stands in the first cell only",
        "ranges of merged cells: their values stand in the first cell only",
    ),
    "far": (
        "cell beyond the last named column: not read",
        "cells beyond the last named column: not read",
    ),
    "sheets": ("other sheet in the workbook: not read", "other sheets in the workbook: not read"),
    "macro": ("macro part: not run", "macro parts: not run"),
}
_PLACE = re.compile(r"([A-Z]{1,3})\d{1,7}")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


def read_turn_workbook(data: bytes, *, source: str) -> Reading:
    """Every transcript of a turn table in a workbook.

    source: the file's path below ``transcripts/``. Raises FileError as ``read_workbook``, and if no row can be used.
    """
    table = read_workbook(data, file=source, required=REQUIRED, optional=OPTIONAL)
    return turns_of_table(table, source=source)


def read_workbook(
    data: bytes,
    *,
    file: str,
    required: Collection[str] = (),
    optional: Collection[str] | None = None,
) -> Table:
    """The table in a workbook; a row's line is its number in the sheet. The arguments are those of ``read_table``.

    Raises FileError for what is no workbook, is damaged, encrypted or too large (see ``archive`` and ``safe_xml``),
    has no sheet, more than 200 columns or 2 million cells, and for missing or doubled columns.
    """
    book = _Book(Archive(data, file=file, kind=KIND))
    sheets = book.visible_sheets()
    if not sheets:
        raise FileError(file, [f"not {KIND} that can be read: no sheets in it"], SAVE_AGAIN)
    chosen = next((s for s in map(book.sheet, sheets) if s.has_columns(required)), None)
    sheet = chosen or book.sheet(sheets[0])
    sheet.seen["sheets"] = book.n_sheets - 1
    sheet.seen["macro"] = sum(name.lower().endswith("vbaproject.bin") for name in book.archive.names)
    table = table_from_records(_records(sheet, file), file=file, required=required, optional=optional)
    warnings = (*book.archive.warnings, *table.warnings, *book.warnings, *told(sheet.seen, _TOLD))
    return replace(table, warnings=warnings, rejected=(*table.rejected, *sheet.rejected))


@dataclass(slots=True)
class _Sheet:
    """Rows of a sheet as line -> column -> value, those in error set aside."""

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    rejected: list[str] = field(default_factory=list)

    @property
    def header(self) -> Mapping[int, str]:
        """The first row."""
        return next(iter(self.rows.values()), {})

    def has_columns(self, required: Collection[str]) -> bool:
        """Whether the first row names all of these."""
        return {*required} <= {name.strip().lower() for name in self.header.values()}


def _records(sheet: _Sheet, file: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Lines and cells, all as wide as the header."""
    n_columns = max(sheet.header, default=0)
    if n_columns > MAX_COLUMNS or n_columns * len(sheet.rows) > MAX_CELLS:
        problem = f"{n_columns} columns and {len(sheet.rows)} rows: {MAX_COLUMNS} columns"
        raise FileError(file, [f"{problem} and {MAX_CELLS} cells are allowed"], "Split the table.")
    for line, cells in sheet.rows.items():
        within = [cells.get(column, "") for column in range(1, n_columns + 1)]
        sheet.seen["far"] += sum(column > n_columns for column in cells)
        if any(within):
            yield line, within


class _Book:
    """The parts of a workbook that a table needs."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.warnings: list[str] = []
        if "[Content_Types].xml" not in archive:
            raise FileError(archive.file, [f"not {KIND}: no [Content_Types].xml in it"], SAVE_AGAIN)
        types = self._part("[Content_Types].xml")
        mains = [part for part in types if attribute(part, "ContentType").endswith("sheet.main+xml")]
        macros = [part for part in types if attribute(part, "ContentType").endswith("macroEnabled.main+xml")]
        names = [attribute(part, "PartName").lstrip("/") for part in [*mains, *macros]]
        self._main = next((name for name in names if name), "xl/workbook.xml")
        if self._main not in archive:
            raise FileError(archive.file, [f"not {KIND}: no {ascii(self._main)[:80]} in it"], SAVE_AGAIN)
        root = self._part(self._main)
        self._sheets = list(root.iterfind("{*}sheets/{*}sheet"))
        self.n_sheets = len(self._sheets)
        self._related = self._relations()
        old = any(attribute(part, "date1904") in ("1", "true") for part in root.iterfind("{*}workbookPr"))
        self._since_1904 = old
        self._strings = [_string(entry) for entry in self._related_root("/sharedStrings")]
        self._formats = self._number_formats()

    def visible_sheets(self) -> list[str]:
        """Members that hold the sheets, in the order of their tabs."""
        shown = [sheet for sheet in self._sheets if attribute(sheet, "state") in ("", "visible")]
        wanted = [self._related.get(_relation_id(sheet), ("", ""))[1] for sheet in shown]
        return [name for name in wanted if name in self.archive]

    def sheet(self, name: str) -> _Sheet:
        """The values of a sheet; a row in error is named, not kept."""
        root, sheet, line = self._part(name), _Sheet(), 0
        sheet.seen["merged"] = sum(1 for _ in root.iterfind("{*}mergeCells/{*}mergeCell"))
        for row in root.iterfind("{*}sheetData/{*}row"):
            number = attribute(row, "r")
            line = int(number) if number.isdecimal() and len(number) < 8 else line + 1
            cells, problems = self._cells(row, sheet.seen)
            if problems:
                sheet.rejected.append(f"line {line}: {'; '.join(sorted(problems))}")
            elif cells:
                sheet.rows[line] = cells
        return sheet

    def _cells(self, row: Element, seen: Counter[str]) -> tuple[dict[int, str], set[str]]:
        """The values of a row that are not empty, by column from 1, and what is wrong with it."""
        cells: dict[int, str] = {}
        problems: set[str] = set()
        column = 0
        for cell in row:
            place = _PLACE.fullmatch(attribute(cell, "r"))
            column = _column_number(place.group(1)) if place else column + 1
            parts = {local_name(part): part for part in cell}
            if "f" in parts:
                seen["formula"] += 1
                if attribute(cell, "t") != "str" and ("v" not in parts or not parts["v"].text):
                    problems.add("a formula without a stored value")
            if attribute(cell, "t") == "e":
                problems.add("a cell holds an error such as #REF! or #N/A")
            elif value := self._value(cell, parts):
                cells[column] = value
        return cells, problems

    def _value(self, cell: Element, parts: Mapping[str, Element]) -> str:
        kind = attribute(cell, "t")
        if kind == "inlineStr":
            return _string(parts["is"]) if "is" in parts else ""
        raw = (parts["v"].text or "") if "v" in parts else ""
        if kind == "s":
            at = int(raw) if raw.isdecimal() and len(raw) < 8 else -1
            return self._strings[at] if 0 <= at < len(self._strings) else ""
        if kind in ("str", "d"):
            return _unescape(raw)
        if kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(raw, raw)
        style = attribute(cell, "s")
        known = style.isdecimal() and len(style) < 8 and int(style) < len(self._formats)
        return _number(raw, self._formats[int(style)] if known else "", since_1904=self._since_1904)

    def _part(self, name: str) -> Element:
        root, mended = parse_xml(self.archive.read(name), file=self.archive.file, member=name)
        self.warnings += mended
        return root

    def _relations(self) -> dict[str, tuple[str, str]]:
        """Relation id -> type and member; what lies outside the archive is passed over."""
        folder, _, base = self._main.rpartition("/")
        name = f"{folder}/_rels/{base}.rels"
        if name not in self.archive:
            return {}
        return {
            attribute(relation, "Id"): (
                attribute(relation, "Type"),
                posixpath.normpath(posixpath.join("/", folder, attribute(relation, "Target"))).lstrip("/"),
            )
            for relation in self._part(name)
            if attribute(relation, "TargetMode") != "External"
        }

    def _related_root(self, kind: str) -> Sequence[Element]:
        """The root of the part that the workbook names for this, or nothing."""
        names = (member for relation, member in self._related.values() if relation.endswith(kind))
        name = next((name for name in names if name in self.archive), "")
        return list(self._part(name)) if name else []

    def _number_formats(self) -> list[str]:
        """The number format of each cell style."""
        from openpyxl.styles.numbers import BUILTIN_FORMATS  # half a second, so only with a workbook

        formats = dict(BUILTIN_FORMATS)
        styles: list[str] = []
        for part in self._related_root("/styles"):
            if local_name(part) == "numFmts":
                formats |= {_id(entry): attribute(entry, "formatCode") for entry in part}
            elif local_name(part) == "cellXfs":
                styles = [formats.get(_id(entry), "General") for entry in part]
        return styles


def _relation_id(sheet: Element) -> str:
    """The sheet's ``r:id`` (``sheetId`` is another thing)."""
    return next((str(value) for key, value in sheet.attrib.items() if str(key).endswith("}id")), "")


def _id(entry: Element) -> int:
    number = attribute(entry, "numFmtId")
    return int(number) if number.isdecimal() and len(number) < 8 else 0


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


def _string(entry: Element) -> str:
    """A string with its formatted stretches joined; readings above characters are not part of it."""
    texts = (
        text.text or ""
        for text in entry.iter("{*}t")
        if text.getparent() is None or local_name(text.getparent()) != "rPh"
    )
    return _unescape("".join(texts))


def _unescape(raw: str) -> str:
    """Characters that XML cannot hold are written as _x000D_."""
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), raw) if "_x" in raw else raw


def _number(raw: str, number_format: str, *, since_1904: bool) -> str:
    """A number as a spreadsheet would write it to CSV."""
    from openpyxl.styles.numbers import is_date_format

    try:
        value = float(raw)
        if number_format and is_date_format(number_format):
            return _date_or_time(value, number_format, since_1904=since_1904)
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    except (ValueError, OverflowError):
        return raw


def _date_or_time(value: float, number_format: str, *, since_1904: bool) -> str:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

    shown = _LITERAL.sub("", number_format).lower()
    if "y" in shown or "d" in shown:
        moment = from_excel(value, CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900)
        return str(moment).removesuffix(" 00:00:00")
    seconds = round(value * 86_400, 3)
    whole = int(seconds)
    clock = f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return clock + f"{seconds - whole:.3f}".lstrip("0").rstrip("0").rstrip(".")
