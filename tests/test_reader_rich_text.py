"""Rich text: characters, code pages and destinations, and a word on whatever is left out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import FileError
from corpus.readers.rich_text import MAX_DEPTH, read_rich_text


def read(inside: str | bytes) -> tuple[str, tuple[str, ...]]:
    data = inside if isinstance(inside, bytes) else inside.encode("latin-1")
    reading = read_rich_text(b"{\\rtf1\\ansi " + data + b"}", source="a.rtf")
    return reading.transcripts[0].text, reading.warnings


def escaped(words: str) -> str:
    """Words as any writer of RTF could put them: every character that is not plain as UTF-16 units."""
    units = memoryview(words.encode("utf-16-le")).cast("H")
    return "".join(
        chr(u) if chr(u).isascii() and chr(u).isalnum() else f"\\u{u - 65536 * (u > 32767)}?" for u in units
    )


@given(words=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40))
def test_escaped_words_are_read_back_exactly(words: str) -> None:
    assert read(f"P1: x{escaped(words)}x")[0] == f"P1: x{words}x"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (r"P1: a\par INT: b\par", "P1: a\nINT: b"),
        (r"P1: a\line b\tab c\page d", "P1: a\nb\tc\nd"),
        (r"P1: well\_known un\-told a\~b \{\\\}", "P1: well-known untold a\xa0b {\\}"),
        (r"P1: \lquote a\rquote \emdash  b", "P1: ‘a’— b"),
        ("P1: one\r\n line\\\nnext", "P1: one line\nnext"),
        (r"P1: {\b bold} {\i it}alic", "P1: bold italic"),
        (r"P1: d\'e9j\'e0", "P1: déjà"),
        (r"\ansicpg1251 P1: \'ef\'f0\'e8", "P1: при"),
        (r"{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset128 B;}}P1: \f1\'93\'fa\'96\'7b", "P1: 日本"),
        (r"P1: \uc2\u26085\'93\'fa\uc1\u26412?", "P1: 日本"),
        (r"P1: \uc0\u233 t\u233", "P1: été"),
        (r"INT\cell a\cell\row P1\cell b\cell\row", "INT\ta\nP1\tb"),
        (r"{\info{\title no}}{\stylesheet{\s0 no;}}{\colortbl;}{\*\unknown no}P1: a", "P1: a"),
        (r"P1: {\field{\*\fldinst HYPERLINK x}{\fldrslt shown}}", "P1: shown"),
        (r"P1: {\pict\bin5 }}}}}ab}c", "P1: c"),
        (r"{\upr{no}{\*\ud{P1: yes}}}", "P1: yes"),
        (r"{\pntext 1.\tab}P1: a", "P1: a"),
    ],
)
def test_control_words_have_one_rule_each(inside: str, text: str) -> None:
    assert read(inside) == (text, ())


@pytest.mark.parametrize(
    ("inside", "text", "told"),
    [
        (r"P1: a{\v secret}", "P1: a", "1 stretch of hidden text: left out"),
        (r"P1: a\v secret\v0 b", "P1: ab", "1 stretch of hidden text: left out"),
        (r"P1: a{\deleted gone}", "P1: a", "1 tracked deletion: left out"),
        (r"P1: a{\revised new}", "P1: anew", "1 tracked insertion: read as text"),
        (r"P1: a{\footnote no}", "P1: a", "1 footnote or endnote: left out"),
        (r"P1: a{\*\annotation no}", "P1: a", "1 comment: left out"),
        (r"{\header no}P1: a", "P1: a", "1 header or footer: left out"),
        (
            r"P1: a{\shp{\*\shpinst{\sp no}{\shptxt box}}}",
            "P1: abox",
            "1 text box: read where it is anchored",
        ),
        (r"P1: a\u-10179 ?", "P1: a\ufffd", "1 lone surrogate replaced by U+FFFD"),
        (r"{\fonttbl{\f2\fcharset2 W;}}P1: a{\f2 J}", "P1: a", "1 sign of a picture font: left out"),
        (r"P1: a{\field{\*\fldinst DDEAUTO cmd}{\fldrslt b}}", "P1: ab", "start another program (DDE): 1"),
    ],
)
def test_nothing_is_left_out_or_put_in_without_a_word(inside: str, text: str, told: str) -> None:
    found, warnings = read(inside)
    assert found == text
    assert len(warnings) == 1
    assert told in warnings[0]


def test_a_file_that_ends_inside_a_group_is_told() -> None:
    reading = read_rich_text(rb"{\rtf1 P1: a {\b b", source="a.rtf")
    assert reading.transcripts[0].text == "P1: a b"
    assert reading.warnings == ("the file ends inside a group: it may be cut",)


def test_plain_text_under_this_ending_is_read_and_told() -> None:
    reading = read_rich_text(b"P1: plain", source="a.rtf")
    assert reading.transcripts[0].text == "P1: plain"
    assert reading.warnings == ("not RTF: read as plain text",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (rb"{\rtf1\par}", "no text"),
        (rb"{\rtf1 P1: a \bin9 x}", "binary data of 9 bytes is announced where 2 bytes are left"),
        (rb"{\rtf1 P1: a \bin-9 x}", "binary data of -9 bytes"),
        (b"{\\rtf1 P1: a " + b"{" * MAX_DEPTH, "groups inside each other"),
        (b"{\\rtf1 P1: a " + b"\\b" * 500_000, "500000"),
        (b"PK\x03\x04" + bytes(30), "looks like a zip"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FileError) as raised:
        read_rich_text(data, source="a.rtf")
    assert reason in " ".join(raised.value.problems)


@given(data=st.binary(max_size=60))
def test_no_bytes_at_all_lead_to_another_error(data: bytes) -> None:
    with contextlib.suppress(FileError):
        read_rich_text(b"{\\rtf1 P1: a " + data, source="a.rtf")
