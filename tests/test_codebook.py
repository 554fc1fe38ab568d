from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.codebook import CODEBOOK_COLUMNS, read_codebook
from corpus.errors import FileError
from corpus.records import Code
from corpus.tables import write_table


def test_codebook_keeps_the_order_of_the_file() -> None:
    found = read_codebook(b"code,definition\nzeal,\nalarm,\nmilk,\n").codebook
    assert found.names == ("zeal", "alarm", "milk")
    assert "alarm" in found
    assert "Alarm" not in found


def test_every_column_of_the_codebook_is_read() -> None:
    row = Code("Trust", "Influence", "d", "in", "out", 'they "listened"', "#aabbcc")
    data = (
        ",".join(CODEBOOK_COLUMNS)
        + '\nInfluence,,,,,,\n Trust ,Influence,d,in,out,"they ""listened""",#aabbcc\n'
    )
    assert read_codebook(data.encode()).codebook.codes == (Code("Influence"), row)


def test_parent_without_a_row_becomes_a_code_without_definition() -> None:
    codes = read_codebook(b"code,parent\ntrust,influence\nvoice,influence\n").codebook.codes
    assert codes == (Code("trust", "influence"), Code("voice", "influence"), Code("influence"))


def test_codebook_refuses_duplicate_code_with_every_line() -> None:
    with pytest.raises(FileError) as caught:
        read_codebook(b"code\ntrust\nvoice\ntrust\nvoice\n  trust \n")
    assert caught.value.problems == (
        "lines 2, 4, 6: code 'trust' is defined 3 times",
        "lines 3, 5: code 'voice' is defined 2 times",
    )


def test_codebook_refuses_one_code_in_two_unicode_forms() -> None:
    with pytest.raises(FileError, match="lines 2, 3: code 'Café' is defined 2 times"):
        read_codebook("code\nCafé\nCafe\u0301\n".encode())


def test_codebook_lists_rows_without_a_name_and_damaged_rows_together() -> None:
    with pytest.raises(FileError) as caught:
        read_codebook(b"code,definition\n,nobody\ntrust,a,b\n", file="book.csv")
    assert caught.value.file == "book.csv"
    assert sorted(problem[:7] for problem in caught.value.problems) == ["line 2:", "line 3:"]


@pytest.mark.parametrize(
    ("rows", "in_circle"),
    [("a,a\n", {"a"}), ("a,b\nb,a\n", {"a", "b"}), ("a,b\nb,c\nc,a\nd,a\n", {"a", "b", "c"})],
)
def test_codebook_refuses_circles_of_parents(rows: str, in_circle: set[str]) -> None:
    with pytest.raises(FileError) as caught:
        read_codebook(f"code,parent\n{rows}".encode())
    assert set(caught.value.problems) == {f"code '{name}' is its own ancestor" for name in in_circle}


def test_codebook_without_the_code_column_is_refused() -> None:
    with pytest.raises(FileError, match="the column 'code' is missing"):
        read_codebook(b"codes,parent\na,b\n")


def test_codes_that_differ_only_by_case_are_kept_and_told() -> None:
    found = read_codebook(b"code\nTrust\ntrust\n")
    assert found.codebook.names == ("Trust", "trust")
    assert any("differ only by case" in warning for warning in found.warnings)


def test_codes_with_the_same_definition_are_told() -> None:
    found = read_codebook(b"code,definition\na,Being heard\nb,being heard\nc,\nd,\n")
    assert [w for w in found.warnings if "same definition" in w] == ["codes a, b have the same definition"]


def test_code_called_na_is_a_code() -> None:
    assert read_codebook(b"code\nNA\nnan\nNone\n").codebook.names == ("NA", "nan", "None")


@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
        .map(lambda name: " ".join(name.split()))
        .filter(bool),
        min_size=1,
        max_size=6,
    ),
    definition=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")),
)
@settings(max_examples=60, deadline=None)
def test_codebook_written_for_machines_reads_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], definition: str
) -> None:
    import unicodedata

    tidy = list(dict.fromkeys(unicodedata.normalize("NFC", name) for name in names))
    path: Path = tmp_path_factory.mktemp("book") / "codebook.csv"
    write_table(path, CODEBOOK_COLUMNS, [[name, "", definition, "", "", "", ""] for name in tidy])
    codes = read_codebook(path.read_bytes()).codebook.codes
    assert [code.name for code in codes] == tidy
    assert {code.definition for code in codes} == {definition.strip()}
