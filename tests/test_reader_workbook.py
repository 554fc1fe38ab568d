"""Workbooks: one sheet as a table by the rules of CSV, values as a spreadsheet would write them."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.readers.workbook import read_turn_workbook, read_workbook
from corpus.tables import Table

SAID = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=20)


def book(
    rows: Sequence[Sequence[Any]],
    *,
    formats: Mapping[str, str] | None = None,
    merge: str = "",
    more: Sequence[str] = (),
) -> bytes:
    """A workbook with these rows; ``formats``: number formats of cells; ``more``: names of further sheets."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cell, number_format in (formats or {}).items():
        sheet[cell].number_format = number_format
    if merge:
        sheet.merge_cells(merge)
    for name in more:
        made.create_sheet(name)
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def edited(data: bytes, part: str, old: str, new: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(written, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == part:
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode())
            after.writestr(name, content)
    return written.getvalue()


def read(data: bytes, **options: Any) -> Table:
    return read_workbook(data, file="a.xlsx", **options)


def cells(table: Table) -> list[tuple[str, ...]]:
    return [tuple(row.cells.values()) for row in table.rows]


@settings(deadline=None)  # the first workbook loads the library
@given(rows=st.lists(st.tuples(SAID, SAID), min_size=1, max_size=5))
def test_what_another_library_writes_is_read_back_exactly(rows: list[tuple[str, str]]) -> None:
    table = read(book([("unit", "code"), *((f"x{a}", f"y{b}") for a, b in rows)]))
    assert table.columns == ("unit", "code")
    assert cells(table) == [(f"x{a}", f"y{b}") for a, b in rows]
    assert [row.line for row in table.rows] == list(range(2, len(rows) + 2))


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        ("=1+1", "@", "=1+1"),
        ("NA", "General", "NA"),
        ("_x0041_", "General", "A"),
        (3, "General", "3"),
        (3.0, "0.00", "3"),
        (0.5, "0%", "0.5"),
        (True, "General", "TRUE"),
        (datetime.time(0, 1, 2), "h:mm:ss", "0:01:02"),
        (datetime.timedelta(hours=30, seconds=5), "[h]:mm:ss", "30:00:05"),
        (0.5 / 86_400, "mm:ss.0", "0:00:00.5"),
        (datetime.date(2024, 5, 31), "yyyy-mm-dd", "2024-05-31"),
        (datetime.datetime(2024, 5, 31, 9, 30), "d/m/yy h:mm", "2024-05-31 09:30:00"),
    ],
)
def test_values_are_what_a_spreadsheet_would_write_to_csv(
    value: Any, number_format: str, expected: str
) -> None:
    data = book([("v", "w"), (None, "x")])
    made = openpyxl.load_workbook(io.BytesIO(data))
    sheet = made.active
    assert sheet is not None
    sheet["A2"].value = value
    if isinstance(value, str):
        sheet["A2"].data_type = "s"
    sheet["A2"].number_format = number_format
    written = io.BytesIO()
    made.save(written)
    assert cells(read(written.getvalue())) == [(expected, "x")]


def test_a_turn_table_gives_transcripts_with_times() -> None:
    rows = [
        ("transcript", "speaker", "text", "start_time"),
        ("a", "INT", "How was it?", datetime.time(0, 0, 3)),
        ("a", "P1", "Fine.\nReally.", "0:05"),
        ("b", "P2", "Good.", 7),
    ]
    reading = read_turn_workbook(book(rows), source="all.xlsx")
    first, second = reading.transcripts
    assert first.text == "How was it?\nFine.\nReally."
    assert [(turn.speaker, turn.start_time) for turn in first.turns] == [("INT", 3.0), ("P1", 5.0)]
    assert (second.transcript_id, second.turns[0].start_time) == ("b", 7.0)


def test_a_workbook_without_the_columns_of_a_turn_table_names_those_it_has() -> None:
    with pytest.raises(FileError) as raised:
        read_turn_workbook(book([("unit", "Ann", "Bob"), (1, "a", "b")]), source="a.xlsx")
    assert "the column 'transcript' is missing" in str(raised.value)
    assert "unit, ann, bob" in str(raised.value)


def test_the_first_visible_sheet_with_the_columns_is_read_and_others_are_told() -> None:
    made = openpyxl.Workbook()
    cover, hidden, talk = made.active, made.create_sheet("hidden"), made.create_sheet("talk")
    assert cover is not None
    cover.append(("About this study",))
    hidden.append(("unit", "code"))
    hidden.append(("hidden", "x"))
    hidden.sheet_state = "hidden"
    talk.append(())
    talk.append(("unit", "code"))
    talk.append(("1", "a"))
    written = io.BytesIO()
    made.save(written)
    table = read(written.getvalue(), required=("unit", "code"))
    assert (cells(table), table.rows[0].line) == ([("1", "a")], 3)
    assert table.warnings == ("2 other sheets in the workbook: not read",)


def test_formulas_count_as_the_value_that_was_stored() -> None:
    data = book([("v", "w"), ("=1+1", "x"), ("=2+2", "y")])
    stored = edited(data, "xl/worksheets/sheet1.xml", "<f>1+1</f><v></v>", "<f>1+1</f><v>2</v>")
    stored = edited(stored, "xl/worksheets/sheet1.xml", "<f>2+2</f><v></v>", "<f>2+2</f>")
    table = read(stored)
    assert cells(table) == [("2", "x")]
    assert table.rejected == ("line 3: a formula without a stored value",)
    assert table.warnings == ("2 cells with formulas: the values stored with them are used",)


def test_rows_in_error_are_rejected_by_their_number() -> None:
    data = book([("v", "w"), ("#N/A", "x"), ("ok", "y")])
    table = read(data)
    assert cells(table) == [("ok", "y")]
    assert table.rejected == ("line 2: a cell holds an error such as #REF! or #N/A",)


def test_merged_cells_are_told() -> None:
    table = read(book([("v", "w"), ("a", "b")], merge="A2:B2"))
    assert cells(table) == [("a", "")]
    assert table.warnings == ("1 range of merged cells: its value stands in the first cell only",)


def test_a_cell_far_away_costs_nothing_and_is_told() -> None:
    made = openpyxl.load_workbook(io.BytesIO(book([("v", "w"), ("a", "b")])))
    sheet = made.active
    assert sheet is not None
    sheet["XFD1048576"] = "stray"
    written = io.BytesIO()
    made.save(written)
    table = read(written.getvalue())
    assert cells(table) == [("a", "b")]
    assert table.warnings == ("1 cell beyond the last named column: not read",)


def test_formatted_stretches_are_joined_and_readings_left_out() -> None:
    rich = "<si><r><t>Wait</t></r><r><rPr><b/></rPr><t>ing</t></r><rPh sb='0' eb='1'><t>no</t></rPh></si>"
    shared = f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{rich}</sst>'
    sheet = '<c r="A2" t="inlineStr"><is><t>shared</t></is></c>'
    data = edited(
        book([("v",), ("shared",)]), "xl/worksheets/sheet1.xml", sheet, '<c r="A2" t="s"><v>0</v></c>'
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    relation = f'<Relationship Id="x" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'
    data = edited(data, "xl/_rels/workbook.xml.rels", "</Relationships>", relation)
    with zipfile.ZipFile(written := io.BytesIO(data), "a") as archive:
        archive.writestr("xl/sharedStrings.xml", shared)
    assert cells(read(written.getvalue())) == [("Waiting",)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"unit,Ann\n1,a", "not an Excel workbook"),
        (book([]), "empty file"),
        (book([("v", "V ")]), "the column 'v' stands there 2 times"),
        (book([tuple(f"c{n}" for n in range(201))]), "200 columns"),
        (edited(book([("v",)]), "xl/workbook.xml", "<sheets>", "<x>"), "not well-formed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FileError) as raised:
        read(data)
    assert reason in str(raised.value)
