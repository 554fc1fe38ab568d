"""The text rule: what bytes become, what is said of it, what is refused."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.decode import clean_text, decode
from corpus.errors import FileError

TALK = "Interviewer: Why?\nP1: the café – “so”, 𝒯 שלום\n"

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), min_size=1)


@pytest.mark.parametrize(
    ("bom", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-8"),
    ],
)
@given(text=texts)
def test_every_unicode_encoding_with_its_mark_is_read_exactly(bom: bytes, encoding: str, text: str) -> None:
    if not bom and text.startswith(("\ufeff", "PK\x03\x04", "%PDF-", "GIF8", "{\\rtf")):
        return
    decoded = decode(bom + text.encode(encoding), file="a.txt")
    assert (decoded.text, decoded.encoding, decoded.n_replaced) == (text, encoding, 0)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_mark_is_read_where_it_is_unmistakable(encoding: str) -> None:
    assert decode("P1: it was fine\n".encode(encoding), file="a.txt").text == "P1: it was fine\n"


@given(data=st.binary(max_size=300))
def test_any_bytes_give_clean_text_or_a_named_refusal(data: bytes) -> None:
    try:
        decoded = decode(data, file="a.txt")
    except FileError as error:
        assert error.file == "a.txt"
        return
    decoded.text.encode()
    assert not set(decoded.text) & set("\0\r")
    assert decoded.n_replaced == 0 or decoded.warnings


@pytest.mark.parametrize(
    "text",
    ["P1: «it’s» – 5 €\n", "P1: café à Gênes, où l’été…\n", "P1: Straße, schön, für\n", "P1: è così\n"],
)
def test_windows_1252_is_read_and_the_guess_is_named(text: str) -> None:
    decoded = decode(text.encode("cp1252"), file="a.txt")
    assert decoded.text == text
    assert decoded.warnings == ("not UTF-8: read as Windows-1252, which is a guess",)


def test_shift_jis_is_read_and_the_guess_is_named() -> None:
    text = "話者A：こんにちは。\n話者B：はい、そうです。\n"
    decoded = decode(text.encode("cp932"), file="a.txt")
    assert decoded.text == text
    assert "Shift-JIS" in decoded.warnings[0]


@pytest.mark.parametrize(
    ("data", "text", "place", "n_bad"),
    [
        (b"P1: bad \xff\xfe byte\n", "P1: bad \ufffd\ufffd byte\n", 8, 2),
        ("P1: é é é ".encode() + b"\xe9 x", "P1: é é é \ufffd x", 13, 1),
        (b"P1: \xed\xa0\xbd smile", "P1: \ufffd\ufffd\ufffd smile", 4, 3),
        (codecs.BOM_UTF8 + b"P1: caf\xe9", "P1: caf\ufffd", 10, 1),
    ],
)
def test_damaged_utf8_is_replaced_with_place_and_count(
    data: bytes, text: str, place: int, n_bad: int
) -> None:
    decoded = decode(data, file="a.txt")
    assert (decoded.text, decoded.n_replaced) == (text, n_bad)
    noun = "byte" if n_bad == 1 else "bytes"
    assert decoded.warnings == (
        f"{n_bad} {noun} that cannot be read as UTF-8 replaced by U+FFFD, the first at byte {place}",
    )


def test_mac_roman_is_never_silent() -> None:
    assert decode("P1: café ‘ naïve\n".encode("mac-roman"), file="a.txt").warnings


@pytest.mark.parametrize("data", ["привет, как дела".encode("cp1251"), "καλημέρα σας".encode("cp1253")])
def test_text_in_an_encoding_that_cannot_be_guessed_is_refused(data: bytes) -> None:
    with pytest.raises(FileError, match="cannot be guessed"):
        decode(data, file="a.txt")


def test_declared_encoding_is_taken() -> None:
    assert decode("привет".encode("cp1251"), file="a.txt", encoding="cp1251").text == "привет"


@pytest.mark.parametrize(
    ("encoding", "reason"), [("klingon", "is not known"), ("ascii", "byte 4 cannot be read")]
)
def test_wrong_declared_encoding_is_refused(encoding: str, reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        decode("P1: é".encode(), file="a.txt", encoding=encoding)


@pytest.mark.parametrize("data", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE])
def test_empty_file_is_refused(data: bytes) -> None:
    with pytest.raises(FileError, match="empty file"):
        decode(data, file="a.txt")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"PK\x03\x04rest", "a zip or docx"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"{\\rtf1 hello}", "an RTF document"),
        (bytes(range(256)) * 4, "content is not text"),
        (b"a\0\0\0" * 50, "mostly zero bytes"),
    ],
)
def test_content_that_is_not_text_is_refused_and_named(data: bytes, kind: str) -> None:
    with pytest.raises(FileError, match=kind):
        decode(data, file="a.txt")


def test_line_ends_become_lf_and_other_breaks_stay() -> None:
    assert decode("a\r\nb\rc\n\u2028d\x85e\x0cf".encode(), file="a.txt").text == "a\nb\nc\n\u2028d\x85e\x0cf"


def test_nul_and_lone_surrogates_are_replaced_and_counted() -> None:
    data = codecs.BOM_UTF16_LE + "a\0b\ud800c".encode("utf-16-le", "surrogatepass")
    decoded = decode(data, file="a.txt")
    assert (decoded.text, decoded.n_replaced) == ("a\ufffdb\ufffdc", 2)
    assert decoded.warnings == (
        "1 NUL character replaced by U+FFFD",
        "1 lone surrogate replaced by U+FFFD",
    )


def test_truncated_utf16_is_told() -> None:
    decoded = decode(codecs.BOM_UTF16_LE + b"a\0b\0c", file="a.txt")
    assert decoded.text == "ab\ufffd"
    assert "the first at byte 6" in decoded.warnings[0]


def test_bidi_controls_stay_and_are_told() -> None:
    text, warnings = clean_text("I said \u202eyes\u202c")
    assert text == "I said \u202eyes\u202c"
    assert warnings == ("2 characters that can change the order in which text is shown (bidi controls)",)


@pytest.mark.parametrize(
    "text", ["in\u200bvis\u200dible\ufeff so\xadft", TALK, "  spaces \t stay  \n\n", "e\u0301"]
)
def test_nothing_else_is_touched(text: str) -> None:
    assert clean_text(text) == (text, ())
    assert decode(text.encode(), file="a.txt").text == text


@given(text=st.text(st.characters(whitelist_categories=["L", "Zs"]), min_size=1))
def test_messages_hold_no_word_of_the_text(text: str) -> None:
    secret = "Rumpelstiltskin"
    decoded = decode(f"{secret} {text}\0\u202e".encode() + b"\xff\xfe\x81", file="a.txt")
    assert decoded.warnings
    assert all(secret not in warning for warning in decoded.warnings)
