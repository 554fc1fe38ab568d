"""OpenDocument texts: white space as the format says, and a word on whatever is left out."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odf import teletype
from odf.opendocument import OpenDocumentText, load
from odf.text import P

from corpus.errors import FileError
from corpus.readers.open_document import read_open_document

NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
    for prefix in ("office", "text", "table", "draw", "style", "manifest")
)
XML_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff") | st.just("\t"),
    min_size=1,
    max_size=30,
)


def odt_file(
    body: str, *, styles: str = "", parts: dict[str, str] | None = None, kind: str = "opendocument.text"
) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.{kind}")
        content = f"<office:automatic-styles>{styles}</office:automatic-styles>"
        content += f"<office:body><office:text>{body}</office:text></office:body>"
        root = f"<office:document-content {NAMESPACES}>{content}</office:document-content>"
        for name, part in {"content.xml": root, **(parts or {})}.items():
            archive.writestr(name, part)
    return written.getvalue()


def read(body: str, *, styles: str = "") -> tuple[str, tuple[str, ...]]:
    reading = read_open_document(odt_file(body, styles=styles), source="a.odt")
    return reading.transcripts[0].text, reading.warnings


@given(paragraphs=st.lists(XML_TEXT, min_size=1, max_size=6))
def test_what_another_library_writes_is_read_back_exactly(paragraphs: list[str]) -> None:
    document = OpenDocumentText()
    for words in paragraphs:
        made = P()
        teletype.addTextToElement(made, f"P1: {words}x")
        document.text.addElement(made)
    written = io.BytesIO()
    document.save(written)
    reading = read_open_document(written.getvalue(), source="a.odt")
    assert reading.transcripts[0].text == "\n".join(f"P1: {words}x" for words in paragraphs)


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ('P1:<text:s text:c="3"/>a<text:tab/>b<text:line-break/>c', "P1:   a\tb\nc"),
        ("  P1:\n\t a  b  ", "P1: a b"),
        ("P1: a<text:s/> b", "P1: a  b"),
        ("P1: <text:span>in <text:span>two</text:span> spans</text:span>!", "P1: in two spans!"),
        ("P1: <text:bookmark/>a<text:a>link</text:a>", "P1: alink"),
        ("P1: Fish &amp; &#99;hips", "P1: Fish & chips"),
        ("P1: <text:date>3 May</text:date>", "P1: 3 May"),
    ],
)
def test_signs_inside_a_paragraph_have_one_rule_each(inside: str, text: str) -> None:
    assert read(f"<text:p>{inside}</text:p>") == (text, ())


DELETION = "<text:changed-region><text:deletion><text:p>gone</text:p></text:deletion></text:changed-region>"
HIDDEN = '<style:style style:name="T1"><style:text-properties text:display="none"/></style:style>'


@pytest.mark.parametrize(
    ("body", "text", "told"),
    [
        (
            f"<text:tracked-changes>{DELETION}</text:tracked-changes><text:p>a<text:change/></text:p>",
            "a",
            "1 tracked deletion: left out",
        ),
        (
            '<text:p>a<text:span text:style-name="T1">secret</text:span></text:p>',
            "a",
            "1 stretch of hidden text: left out",
        ),
        (
            '<text:section text:display="none"><text:p>b</text:p></text:section><text:p>a</text:p>',
            "a",
            "1 stretch of hidden text: left out",
        ),
        (
            "<text:p>a<text:note><text:note-body><text:p>n</text:p></text:note-body></text:note></text:p>",
            "a",
            "1 footnote or endnote: left out",
        ),
        (
            "<text:p>a<office:annotation><text:p>note</text:p></office:annotation></text:p>",
            "a",
            "1 comment: left out",
        ),
        (
            "<text:list><text:list-item><text:p>a</text:p></text:list-item></text:list>",
            "a",
            "1 list item: its number or bullet is not part of the text",
        ),
        (
            "<text:p>P1: a<draw:frame><draw:text-box><text:p>box</text:p></draw:text-box></draw:frame></text:p>",
            "P1: a\nbox",
            "1 text box: read below the paragraph that it hangs on",
        ),
    ],
)
def test_nothing_is_left_out_or_put_in_without_a_word(body: str, text: str, told: str) -> None:
    assert read(body, styles=HIDDEN) == (text, (told,))


def test_a_table_row_is_a_line_with_tabs() -> None:
    rows = [("INT", "How was it?"), ("P1", "Fine.")]
    cells = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{words}</text:p></table:table-cell>" for words in row)
        + "</table:table-row>"
        for row in rows
    )
    data = odt_file(f"<table:table><table:table-rows>{cells}</table:table-rows></table:table>")
    (transcript,) = read_open_document(data, source="a.odt").transcripts
    assert transcript.text == "INT\tHow was it?\nP1\tFine."
    assert [turn.speaker for turn in transcript.turns] == ["INT", "P1"]


def test_headers_and_footers_are_told() -> None:
    styles = f"<office:document-styles {NAMESPACES}><style:header><text:p>Page</text:p></style:header>"
    parts = {"styles.xml": f"{styles}<style:footer><text:p/></style:footer></office:document-styles>"}
    reading = read_open_document(odt_file("<text:p>P1: a</text:p>", parts=parts), source="a.odt")
    assert reading.warnings == ("1 header or footer with words: left out",)


ENCRYPTED = f"<m:manifest {NAMESPACES} xmlns:m='urn:m'><manifest:encryption-data/></m:manifest>"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"P1: hello", "not an OpenDocument text"),
        (odt_file("<text:p/>"), "no text"),
        (odt_file("<text:p>a</text:p>", parts={"META-INF/manifest.xml": ENCRYPTED}), "encrypted"),
        (odt_file('<text:p>P1: <text:s text:c="1001"/>a</text:p>'), "more than 1000 spaces"),
        (odt_file('<text:p>P1: <text:s text:c="99999999999"/>a</text:p>'), "more than 1000 spaces"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FileError) as raised:
        read_open_document(data, source="a.odt")
    assert reason in " ".join(raised.value.problems)


def test_a_spreadsheet_under_this_ending_is_refused() -> None:
    data = odt_file("<text:p>P1: a</text:p>", kind="opendocument.spreadsheet")
    with pytest.raises(FileError, match="not an OpenDocument text"):
        read_open_document(data, source="a.odt")


@pytest.mark.parametrize("name", ["P1_GMT20211118.odt", "P5_GMT20211125.odt"])
def test_real_interviews_are_read_to_the_last_word(shared_dir: Path, name: str) -> None:
    path = shared_dir / "data" / "serdif_original" / name
    reading = read_open_document(path.read_bytes(), source=name)
    (transcript,) = reading.transcripts
    paragraphs = load(str(path)).getElementsByType(P)
    by_odfpy = Counter(word for paragraph in paragraphs for word in teletype.extractText(paragraph).split())
    assert Counter(transcript.text.split()) == by_odfpy
    assert {turn.speaker for turn in transcript.turns} == {"MODERATOR", ""}
    said = Counter(
        word for turn in transcript.turns for word in transcript.text[turn.start : turn.end].split()
    )
    n_labels = sum(turn.speaker == "MODERATOR" for turn in transcript.turns)
    assert by_odfpy - said == Counter({"MODERATOR:": n_labels})
