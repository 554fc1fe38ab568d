"""CSV tables: whatever spreadsheet wrote them, exactly, and row by row honest about what was not taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.tables import read_table, write_table

PLAIN = b"Transcript,Code\nT1,trust\nT2,NA\n"
cells = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")) | st.text(
    "=+-@\t\r\n'\",; a\ufffd", max_size=6
)


def values(data: bytes, **options: object) -> list[tuple[str, ...]]:
    return [tuple(row.cells.values()) for row in read_table(data, file="t.csv", **options).rows]  # type: ignore[arg-type]


@pytest.mark.parametrize("for_machines", [True, False])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(cells, cells, cells)))
def test_what_is_written_is_read_back_exactly(
    tmp_path: Path, rows: list[tuple[str, ...]], for_machines: bool
) -> None:
    path = tmp_path / "t.csv"
    write_table(path, ["a", "b", "c"], rows, for_machines=for_machines)
    assert values(path.read_bytes(), for_machines=for_machines) == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(column=st.lists(cells))
def test_one_column_with_empty_cells_is_read_back_exactly(tmp_path: Path, column: list[str]) -> None:
    path = tmp_path / "t.csv"
    write_table(path, ["a"], [[cell] for cell in column])
    assert values(path.read_bytes(), for_machines=True) == [(cell,) for cell in column]


@given(data=st.binary(max_size=200) | st.text("ab,;\t\"\n\r'=", max_size=60).map(str.encode))
def test_any_bytes_give_a_table_or_a_named_refusal(data: bytes) -> None:
    try:
        table = read_table(data, file="t.csv")
    except FileError as error:
        assert error.file == "t.csv"
        return
    assert all(tuple(row.cells) == table.columns for row in table.rows)


def test_written_file_is_utf8_with_lf_and_rfc_4180_quotes(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["a", "b"], [["x,1", 'say "so"'], ["é", "two\nlines"]])
    assert (tmp_path / "t.csv").read_bytes() == 'a,b\n"x,1","say ""so"""\né,"two\nlines"\n'.encode()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "'quoted'"])
def test_a_cell_that_looks_like_a_formula_is_prefixed_for_machines_only(tmp_path: Path, cell: str) -> None:
    write_table(tmp_path / "a.csv", ["a"], [[cell]])
    assert values((tmp_path / "a.csv").read_bytes()) == [("'" + cell,)]
    write_table(tmp_path / "b.csv", ["a"], [[cell]], for_machines=False)
    assert values((tmp_path / "b.csv").read_bytes()) == [(cell,)]


@pytest.mark.parametrize(
    ("cell", "read"), [("'cause", "'cause"), ("''cause", "'cause"), ("'", "'"), ("'=1", "=1"), ("=1", "=1")]
)
def test_exactly_one_quote_mark_is_taken_off_where_the_writer_puts_one(cell: str, read: str) -> None:
    assert values(f"code\n{cell}\n".encode(), for_machines=True) == [(read,)]


def test_a_row_of_another_length_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row 2 has 1 cells for 2 columns"):
        write_table(tmp_path / "t.csv", ["a", "b"], [["1", "2"], ["3"]])
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (PLAIN, ()),
        (b"\xef\xbb\xbf" + PLAIN, ()),
        (PLAIN.replace(b"\n", b"\r\n"), ()),
        (PLAIN.replace(b"\n", b"\r"), ()),
        (b"\n\n" + PLAIN + b"\n\n", ()),
        (PLAIN.rstrip(), ()),
        (PLAIN.replace(b",", b";"), ("columns are separated by semicolons",)),
        (b"sep=;\n" + PLAIN.replace(b",", b";"), ("columns are separated by semicolons",)),
        (b'"sep=|"\r\n' + PLAIN.replace(b",", b"|"), ("columns are separated by '|'",)),
        (
            PLAIN.replace(b",", b"\t").decode().encode("utf-16"),
            ("columns are separated by tabs", "read as UTF-16-LE"),
        ),
    ],
)
def test_every_usual_dialect_is_read_alike(data: bytes, notes: tuple[str, ...]) -> None:
    table = read_table(data, file="t.csv")
    assert table.columns == ("transcript", "code")
    assert [tuple(row.cells.values()) for row in table.rows] == [("T1", "trust"), ("T2", "NA")]
    assert (table.notes, table.warnings, table.rejected) == (notes, (), ())


def test_known_columns_decide_the_delimiter() -> None:
    data = b"code;definition, with commas, many\ntrust;x\n"
    assert read_table(data, file="t.csv", required=["code"]).columns == (
        "code",
        "definition, with commas, many",
    )


@pytest.mark.parametrize("cell", ["NA", "null", "None", "nan", "N/A", " padded ", "00", "1e5", "TRUE", ""])
def test_cells_stay_strings(cell: str) -> None:
    assert values(f"a,b\n{cell},x\n".encode()) == [(cell, "x")]


def test_line_breaks_in_cells_follow_the_file() -> None:
    assert values(b'a,b\r\n"x\r\ny",1\r\n') == [("x\ny", "1")]
    assert values(b'a,b\n"x\ry",1\n') == [("x\ry", "1")]


def test_only_ascii_line_breaks_end_a_row() -> None:
    assert values("a\nx\u2028y\x85z\x0bw\x0cv\n".encode()) == [("x\u2028y\x85z\x0bw\x0cv",)]


def test_a_row_knows_the_line_where_it_begins() -> None:
    table = read_table(b'sep=,\na,b\n\n1,"two\nlines"\n3,4\n', file="t.csv")
    assert [row.line for row in table.rows] == [4, 6]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1", "line 3: 1 cell where the header has 2"),
        (b"1,2,3", "line 3: 3 cells where the header has 2"),
        (b"1,x\0y", "line 3: holds a NUL character"),
        (b"1,\xed\xa0\x80", "line 3: holds bytes that cannot be read as text"),
        (b'1,"x"y', "line 3: something follows a closing quote"),
    ],
)
def test_a_bad_row_is_rejected_by_line_and_the_rest_is_read(row: bytes, reason: str) -> None:
    table = read_table(b"a,b\n0,0\n" + row + b"\n9,9\n", file="t.csv")
    assert table.rejected == (reason,)
    assert [tuple(row.cells.values()) for row in table.rows] == [("0", "0"), ("9", "9")]


def test_empty_cells_beyond_the_header_are_no_fault() -> None:
    assert values(b"a,b,,\n1,2,,\n3,4,,,,\n") == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"\n\r\n", "empty file"),
        (b'a,b\n1,"x\n2,y\n', "line 2: a quote is opened here and never closed"),
        (b'a,b\n1,"x\ny","z\n2,y\n', "line 3: a quote is opened here and never closed"),
        (b'a,b\n1,"x\n2,"y"\n', "line 2: a quote is opened here and closed amid text in line 3"),
        (b'sep=,\n"a,b\n', "line 2: a quote is opened here and never closed"),
        (b"code,Code \nx,y\n", "the column 'code' stands there 2 times"),
        (b'"a"b,c\n1,2\n', "line 1: something follows a closing quote"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FileError, match=message):
        read_table(data, file="t.csv")


def test_a_missing_column_is_refused_with_what_was_found_and_the_nearest() -> None:
    with pytest.raises(FileError) as caught:
        read_table(b"transkript,kode,memo\n", file="t.csv", required=["transcript", "code", "quote"])
    assert caught.value.problems == (
        "line 1: the column 'transcript' is missing (is it 'transkript'?)",
        "line 1: the column 'code' is missing (is it 'kode'?)",
        "line 1: the column 'quote' is missing",
    )
    assert "Columns found: transkript, kode, memo." in str(caught.value)


def test_talk_in_place_of_a_header_is_not_repeated_in_the_message() -> None:
    talk = "my neighbour told me what the surgeon had really said to her"
    with pytest.raises(FileError) as caught:
        read_table(f"{talk},x\n".encode(), file="t.csv", required=["transcript"])
    assert "neighbour" not in str(caught.value)


def test_unknown_columns_are_read_and_named() -> None:
    table = read_table(b"code,mood,\nx,y,z\n", file="t.csv", required=["code"], optional=["memo"])
    assert table.rows[0].cells == {"code": "x", "mood": "y"}
    assert table.warnings == (
        "not read, for they have no name in the header: column 3",
        "columns not used: mood",
    )


def test_a_header_without_rows_is_told() -> None:
    assert read_table(b"a,b\n", file="t.csv").warnings == ("no rows below the header",)


def test_a_cell_longer_than_the_csv_modules_limit_is_read() -> None:
    assert values(b"a\n" + b"x" * 200_000 + b"\n") == [("x" * 200_000,)]


def test_forty_thousand_rows_are_all_read(tmp_path: Path) -> None:
    rows = [(f"T{n % 50}", str(n), "Anna, P1", "some words of talk " * 8) for n in range(40_000)]
    write_table(tmp_path / "t.csv", ["transcript", "turn", "speaker", "text"], rows)
    table = read_table((tmp_path / "t.csv").read_bytes(), file="t.csv", for_machines=True)
    assert len(table.rows) == 40_000


@pytest.mark.parametrize(
    ("name", "n_rows", "n_rejected", "warned"),
    [
        ("header_only", 0, 0, True),
        ("ragged", 1, 2, False),
        ("semicolon", 1, 0, False),
        ("tab_utf16_excel", 1, 0, False),
        ("sep_line", 1, 0, False),
        ("nul", 0, 1, False),
        ("cr_only", 1, 0, False),
        ("lone_surrogate_row", 0, 1, True),
        ("formula_codes", 4, 0, False),
        ("na_strings", 4, 0, False),
        ("html_codes", 1, 0, False),
    ],
)
def test_odd_tables_have_the_outcome_that_their_manifest_names(
    shared_dir: Path, name: str, n_rows: int, n_rejected: int, warned: bool
) -> None:
    path = shared_dir / "truth" / "badinputs" / "csv" / f"{name}.csv"
    table = read_table(path.read_bytes(), file=path.name)
    assert (len(table.rows), len(table.rejected), bool(table.warnings)) == (n_rows, n_rejected, warned)


@pytest.mark.parametrize("name", ["empty", "unclosed_quote"])
def test_broken_tables_are_refused_as_their_manifest_says(shared_dir: Path, name: str) -> None:
    path = shared_dir / "truth" / "badinputs" / "csv" / f"{name}.csv"
    with pytest.raises(FileError, match=r"empty file|line 2: a quote is opened"):
        read_table(path.read_bytes(), file=path.name)


def test_codes_that_are_formulas_come_through_an_export_unchanged(shared_dir: Path, tmp_path: Path) -> None:
    path = shared_dir / "truth" / "badinputs" / "csv" / "formula_codes.csv"
    table = read_table(path.read_bytes(), file=path.name)
    rows = [tuple(row.cells.values()) for row in table.rows]
    write_table(tmp_path / "out.csv", table.columns, rows)
    assert values((tmp_path / "out.csv").read_bytes(), for_machines=True) == rows
    codes = [row[2] for row in values((tmp_path / "out.csv").read_bytes())]
    assert all(code.startswith("'") for code in codes)


def test_numbers_among_the_rows_keep_their_minus_and_text_does_not_lose_its_guard(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["kappa", "code"], [[-0.25, "-1"]])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1] == "-0.25,'-1"
