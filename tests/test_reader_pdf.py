"""PDF: the words of each page in its lines; running lines, scans and damage are told."""

from __future__ import annotations

import io
import logging
import zlib
from collections.abc import Sequence

import pytest
from pypdf import PdfWriter

from corpus.errors import FileError
from corpus.readers.pdf import MAX_OPERATIONS, MAX_STREAM_BYTES, read_pdf
from corpus.records import Reading

CATALOG = "<< /Type /Catalog /Pages 2 0 R >>"
FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def pdf_of(objects: Sequence[bytes]) -> bytes:
    """A file of these objects, numbered from 1."""
    written, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, len(written))
    return written + head + table + trailer


def pdf(*pages: Sequence[str], content: bytes = b"", entries: str = "", page_entries: str = "") -> bytes:
    """Pages of lines; ``content``: of all pages instead; ``entries``: of its stream, ``page_entries``: of a page."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    objects = [CATALOG, f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>", FONT]
    made = [text.encode() for text in objects]
    for at, lines in enumerate(pages):
        drawn = (
            content
            or ("BT /F1 10 Tf 40 780 Td 14 TL " + "".join(f"({x}) Tj T* " for x in lines) + "ET").encode()
        )
        box = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R {box} /Contents {5 + 2 * at} 0 R {page_entries} >>"
        stream = f"<< /Length {len(drawn)} {entries} >>\nstream\n".encode() + drawn + b"\nendstream"
        made += [page.encode(), stream]
    return pdf_of(made)


def said(reading: Reading) -> list[tuple[str, str]]:
    (transcript,) = reading.transcripts
    return [(turn.speaker, transcript.text[turn.start : turn.end]) for turn in transcript.turns]


def reason(data: bytes) -> str:
    with pytest.raises(FileError) as raised:
        read_pdf(data, source="a.pdf")
    return " ".join(raised.value.problems)


def test_lines_and_pages_follow_each_other() -> None:
    reading = read_pdf(pdf(["INT: How was", "it?"], ["P1: Fine."]), source="wave 1/int 3.pdf")
    assert reading.transcripts[0].text == "INT: How was\nit?\nP1: Fine."
    assert reading.transcripts[0].transcript_id == "int 3"
    assert said(reading) == [("INT", "How was\nit?"), ("P1", "Fine.")]
    assert reading.warnings == ()


def test_running_headers_and_page_numbers_are_left_out_and_told() -> None:
    talk = [f"P1: {word}\nand {word} again" for word in ("tea", "rain", "work", "home")]
    pages = [
        ["Study 7, interview", *said.split("\n"), f"Page {at} of 4"] for at, said in enumerate(talk, start=1)
    ]
    reading = read_pdf(pdf(*pages), source="a.pdf")
    assert reading.transcripts[0].text == "\n".join(talk)
    assert reading.warnings == ("8 running headers, footers and page numbers: left out",)


def test_lines_that_come_twice_only_are_kept() -> None:
    assert len(said(read_pdf(pdf(["P1: yes"], ["P1: yes"]), source="a.pdf"))) == 2


def test_without_labels_a_page_is_a_turn() -> None:
    reading = read_pdf(pdf(["It was a long", "day."], ["Then it rained."]), source="a.pdf")
    assert said(reading) == [("", "It was a long\nday."), ("", "Then it rained.")]
    assert reading.warnings == ("no speaker labels found: each page is a turn of an unnamed speaker",)


def test_pages_without_words_are_told() -> None:
    reading = read_pdf(pdf(["P1: yes"], []), source="a.pdf")
    assert reading.warnings == ("1 page without words (a scan would need OCR first)",)


def test_comments_are_left_out_and_told() -> None:
    notes = "/Annots [<< /Type /Annot /Subtype /Text /Contents (no) >> << /Subtype /Link /Contents (x) >>]"
    reading = read_pdf(pdf(["P1: yes"], page_entries=notes), source="a.pdf")
    assert reading.warnings == ("1 comment on a page: left out",)


def protected(password: str) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf(["P1: yes"])))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_file_that_only_forbids_changes_is_read() -> None:
    assert said(read_pdf(protected(""), source="a.pdf")) == [("P1", "yes")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty file"),
        (b"<html>P1: hi</html>", "not a PDF"),
        (b"%PDF-1.4\n", "damaged"),
        (pdf(["P1: yes"])[:300], "damaged"),
        (pdf([], []), "no text layer, needs OCR: 2 page(s)"),
        (pdf_of([CATALOG.encode(), b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]), "damaged"),
        (protected("secret"), "encrypted: it asks for a password"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, expected: str) -> None:
    assert expected in reason(data)


def test_a_stream_that_expands_too_far_is_refused() -> None:
    bomb = zlib.compress(bytes(MAX_STREAM_BYTES + 1), 9)
    assert "larger than is allowed" in reason(pdf([""], content=bomb, entries="/Filter /FlateDecode"))


def test_too_many_operations_are_refused() -> None:
    assert str(MAX_OPERATIONS) in reason(pdf([""], content=b"q " * (MAX_OPERATIONS + 2)))


class Kept(logging.Handler):
    """Keeps what reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_damage_is_told_and_no_log_holds_it() -> None:
    log = Kept()
    data = pdf(["P1: yes"]).replace(b"startxref\n", b"startxref\n9")
    logging.getLogger().addHandler(log)
    try:
        reading = read_pdf(data, source="a.pdf")
    finally:
        logging.getLogger().removeHandler(log)
    assert said(reading) == [("P1", "yes")]
    assert "mended in reading" in reading.warnings[0]
    assert log.records == []
