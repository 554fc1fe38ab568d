"""Word documents: the running text as Word shows it, and a word on whatever is left out."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.readers.word import read_word
from corpus.records import Reading

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    f'<Override PartName="/word/document.xml" ContentType="{TYPE}.document.main+xml"/>'
    "{more}</Types>"
)
XML_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=30
)


def word_file(body: str, *, namespace: str = W, parts: dict[str, str] | None = None) -> bytes:
    """A document with this body; ``parts``: other members, header1.xml and the like listed with their type."""
    parts = parts or {}
    listed = "".join(
        f'<Override PartName="/word/{name}" ContentType="{TYPE}.{name.rstrip("1.xml")}+xml"/>'
        for name in parts
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES.replace("{more}", listed))
        document = f'<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>'
        archive.writestr("word/document.xml", document)
        for name, content in parts.items():
            archive.writestr(f"word/{name}", content)
    return written.getvalue()


def paragraph(inside: str) -> str:
    return f"<w:p>{inside}</w:p>"


def run(words: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{words}</w:t></w:r>'


def read(body: str) -> tuple[str, tuple[str, ...]]:
    """The text and the warnings of a body."""
    reading = read_word(word_file(body), source="a.docx")
    return reading.transcripts[0].text, reading.warnings


def said(reading: Reading) -> list[tuple[str, str, float | None]]:
    (transcript,) = reading.transcripts
    return [(t.speaker, transcript.text[t.start : t.end], t.start_time) for t in transcript.turns]


@given(paragraphs=st.lists(XML_TEXT, min_size=1, max_size=6))
def test_what_another_library_writes_is_read_back_exactly(paragraphs: list[str]) -> None:
    document = docx.Document()
    for words in paragraphs:
        document.add_paragraph(f"P1: x{words}")
    written = io.BytesIO()
    document.save(written)
    reading = read_word(written.getvalue(), source="interview 1.docx")
    assert reading.transcripts[0].text == "\n".join(f"P1: x{words}" for words in paragraphs)
    assert reading.transcripts[0].transcript_id == "interview 1"
    assert reading.rejected == ()


def test_speakers_and_times_are_found_as_teams_writes_them() -> None:
    document = docx.Document()
    document.add_paragraph("Anna Smith   0:03\nHow was it?")
    document.add_paragraph("Ben Jones   0:05\nFine, thanks.")
    written = io.BytesIO()
    document.save(written)
    assert said(read_word(written.getvalue(), source="a.docx")) == [
        ("Anna Smith", "How was it?", 3.0),
        ("Ben Jones", "Fine, thanks.", 5.0),
    ]


def test_a_table_of_speakers_times_and_talk_gives_turns() -> None:
    rows = [("INT", "00:00:03", "How was it?"), ("P1", "00:00:05", "Fine."), ("INT", "00:00:09", "And now?")]
    document = docx.Document()
    table = document.add_table(rows=len(rows), cols=3)
    for at, row in enumerate(rows):
        for column, words in enumerate(row):
            table.cell(at, column).text = words
    written = io.BytesIO()
    document.save(written)
    assert said(read_word(written.getvalue(), source="a.docx")) == [
        ("INT", "How was it?", 3.0),
        ("P1", "Fine.", 5.0),
        ("INT", "And now?", 9.0),
    ]


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r>", "a\tb"),
        ('<w:r><w:t>P1: a</w:t><w:br/><w:t>b</w:t><w:br w:type="page"/><w:cr/></w:r>', "P1: a\nb\n\n"),
        ("<w:r><w:t>well</w:t><w:noBreakHyphen/><w:t>known</w:t></w:r>", "well-known"),
        ("<w:r><w:t>un</w:t><w:softHyphen/><w:t>told</w:t></w:r>", "untold"),
        ('<w:r><w:t>a</w:t><w:sym w:font="Calibri" w:char="2014"/></w:r>', "a—"),
        ('<w:hyperlink w:anchor="x"><w:r><w:t>link</w:t></w:r></w:hyperlink>', "link"),
        ("<w:sdt><w:sdtPr/><w:sdtContent><w:r><w:t>field</w:t></w:r></w:sdtContent></w:sdt>", "field"),
        ("<w:r><w:t>Fish &amp; &#99;hips &lt;b&gt;</w:t></w:r>", "Fish & chips <b>"),
        ('<w:fldSimple w:instr="AUTHOR"><w:r><w:t>result</w:t></w:r></w:fldSimple>', "result"),
    ],
)
def test_signs_inside_a_paragraph_have_one_rule_each(inside: str, text: str) -> None:
    assert read(paragraph(inside)) == (text, ())


@pytest.mark.parametrize(
    ("inside", "text", "told"),
    [
        (f"<w:ins>{run('new ')}</w:ins>{run('old')}", "new old", "1 tracked insertion: read as text"),
        (
            f"{run('kept')}<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>",
            "kept",
            "1 tracked deletion: left out",
        ),
        (f"<w:moveFrom>{run('here')}</w:moveFrom>{run('a')}", "a", "1 tracked deletion: left out"),
        (run("secret", "<w:vanish/>") + run("a"), "a", "1 stretch of hidden text: left out"),
        (run("a") + "<w:r><w:footnoteReference w:id='1'/></w:r>", "a", "1 footnote: left out"),
        (run("a") + "<w:r><w:commentReference w:id='1'/></w:r>", "a", "1 comment: left out"),
        (
            "<w:pPr><w:numPr/></w:pPr>" + run("a"),
            "a",
            "1 list item: its number or bullet is not part of the text",
        ),
        (
            run("a") + '<w:r><w:sym w:font="Wingdings" w:char="F04A"/></w:r>',
            "a",
            "1 sign of a picture font: left out",
        ),
    ],
)
def test_nothing_is_left_out_or_put_in_without_a_word(inside: str, text: str, told: str) -> None:
    assert read(paragraph(inside)) == (text, (told,))


def test_text_that_is_explicitly_not_hidden_is_read() -> None:
    assert read(paragraph(run("a", '<w:vanish w:val="0"/>'))) == ("a", ())


def test_a_paragraph_whose_end_is_deleted_goes_on_in_its_line() -> None:
    body = paragraph("<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>" + run("one ")) + paragraph(run("line"))
    assert read(body) == ("one line", ("1 tracked deletion: left out",))


def test_a_field_over_paragraphs_gives_its_result_and_never_its_instruction() -> None:
    begin, separate, end = (
        f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")
    )
    body = (
        paragraph(f"{begin}<w:r><w:instrText>DDEAUTO cmd</w:instrText><w:t>code</w:t></w:r>{separate}")
        + paragraph(run("P1: result") + end)
        + paragraph(run("after"))
    )
    text, warnings = read(body)
    assert text == "\nP1: result\nafter"
    assert warnings == ("1 field that would start another program (DDE): not run",)


def test_a_text_box_is_read_once_below_its_paragraph() -> None:
    box = f"<w:txbxContent>{paragraph(run('in the box'))}</w:txbxContent>"
    both = (
        f'<mc:AlternateContent xmlns:mc="urn:mc"><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>'
    )
    inside = run("anchor") + f"<w:r>{both}</mc:AlternateContent></w:r>"
    text, warnings = read(paragraph(inside) + paragraph(run("next")))
    assert text == "anchor\nin the box\nnext"
    assert warnings[0] == "1 text box: read below the paragraph that it hangs on"


def test_the_strict_namespace_is_read_alike() -> None:
    data = word_file(paragraph(run("P1: hi")), namespace="http://purl.oclc.org/ooxml/wordprocessingml/main")
    assert said(read_word(data, source="a.docx")) == [("P1", "hi", None)]


def test_headers_and_footers_with_words_are_told_and_empty_ones_are_not() -> None:
    parts = {
        "header1.xml": f'<w:hdr xmlns:w="{W}">{paragraph(run("Confidential"))}</w:hdr>',
        "footer1.xml": f'<w:ftr xmlns:w="{W}"><w:p/></w:ftr>',
    }
    reading = read_word(word_file(paragraph(run("P1: hi")), parts=parts), source="a.docx")
    assert reading.transcripts[0].text == "P1: hi"
    assert reading.warnings == ("1 header or footer with words: left out",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"P1: hello", "not a Word document: content is no zip archive"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "protected by a password, or in the format of Office before 2007"),
        (word_file(""), "no text"),
        (word_file("<w:p>"), "line 1 of word/document.xml: not well-formed XML"),
        (word_file(paragraph(run("&unknown;"))), "line 1 of word/document.xml: not well-formed XML"),
        (word_file(paragraph(run("P1: hi")))[:-40], "cut"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FileError) as raised:
        read_word(data, source="wave 1/a.docx")
    assert raised.value.file == "wave 1/a.docx"
    assert reason in " ".join(raised.value.problems)


def test_another_office_file_under_this_ending_is_refused() -> None:
    data = word_file(paragraph(run("P1: hi")))
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"wordprocessingml.document", b"spreadsheetml.sheet"))
    with pytest.raises(FileError, match="its list of parts names no text"):
        read_word(written.getvalue(), source="a.docx")


def test_messages_hold_no_word_that_was_said() -> None:
    body = paragraph(
        run("Zebulon: quagga", "<w:vanish/>") + f"<w:ins>{run('quagga')}</w:ins>" + run("P1: ok")
    )
    reading = read_word(word_file(body), source="a.docx")
    assert reading.warnings
    assert not any("quagga" in warning or "Zebulon" in warning for warning in reading.warnings)
