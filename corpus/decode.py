"""Bytes to text: the one place of the text rule.

The rule, in order: a byte-order mark decides; else UTF-16 whose zero bytes all stand on one side; else valid
UTF-8; else damaged UTF-8 (replaced and said), Shift-JIS that is plainly Japanese, or Windows-1252, each named
in a warning. What fits none of them is refused. Then CRLF and CR become LF, NUL and lone surrogates become
U+FFFD and are counted. Nothing else is touched.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from corpus.errors import FileError

SAVE_AS_UTF8 = "Save the file as UTF-8 text and try again."

_BOMS = (  # the four-byte marks first: UTF-32 LE begins like UTF-16 LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SIGNATURES = (
    (b"PK\x03\x04", "a zip or docx"),
    (b"PK\x05\x06", "an empty zip"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an old Word or Excel file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"ID3\x03", "an MP3 recording"),
    (b"ID3\x04", "an MP3 recording"),
    (b"OggS\x00", "an Ogg recording"),
)
_SAMPLE_BYTES = 65_536
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_CONTROL_BYTE = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_ESCAPED = re.compile("[\udc80-\udcff]")  # how Python's surrogateescape marks an invalid byte
_SURROGATE = re.compile("[\ud800-\udfff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_KANA = re.compile("[\u3041-\u30ff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_VOWELS_ALONE = frozenset("àáâèéêìíòóôöùúåæÀÁÈÉÍÒÓÔÖÚÅÆ")  # words of one letter: à, è, ô, å ...


@dataclass(frozen=True, slots=True)
class Decoded:
    """The characters of a file.

    encoding: what the bytes were read as, under its Python name.
    warnings: guesses, replacements and marks that change how text is shown; no words of the text.
    n_replaced: how many U+FFFD stand for something that could not be kept.
    """

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()
    n_replaced: int = 0


def decode(data: bytes, *, file: str, encoding: str = "") -> Decoded:
    """Text of a file by the text rule; ``encoding``, if given, is taken unless a BOM says otherwise.

    Raises FileError for an empty file, for content that is not text, and for bytes in an encoding
    that cannot even be guessed.
    """
    raw = decode_bytes(data, file=file, encoding=encoding)
    text, warnings = clean_text(raw.text)
    n_cleaned = raw.text.count("\0") + len(_SURROGATE.findall(raw.text))
    return Decoded(text, raw.encoding, raw.warnings + warnings, raw.n_replaced + n_cleaned)


def clean_text(text: str) -> tuple[str, tuple[str, ...]]:
    """What the text rule does to characters, whatever format they come from, and warnings of it.

    CRLF and CR become LF, NUL and lone surrogates become U+FFFD; bidi overrides stay and are told.
    """
    warnings = []
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if n_nul := text.count("\0"):
        text = text.replace("\0", "\ufffd")
        warnings.append(f"{_n(n_nul, 'NUL character')} replaced by U+FFFD")
    text, n_lone = _SURROGATE.subn("\ufffd", text)
    if n_lone:
        warnings.append(f"{_n(n_lone, 'lone surrogate')} replaced by U+FFFD")
    if n_bidi := len(_BIDI.findall(text)):
        warnings.append(
            f"{_n(n_bidi, 'character')} that can change the order in which text is shown (bidi controls)"
        )
    return text, tuple(warnings)


def decode_bytes(data: bytes, *, file: str, encoding: str = "") -> Decoded:
    """The first half of ``decode``: bytes to characters; line ends, NUL and surrogates stay as they are."""
    _refuse_what_is_not_text(data, file)
    for bom, name in _BOMS:
        if data.startswith(bom):
            if len(data) == len(bom):
                raise FileError(file, ["empty file"])
            return _decode_as(data[len(bom) :], name, offset=len(bom))
    if encoding:
        return _decode_declared(data, encoding, file)
    if name := _utf16_without_bom(data):
        return _decode_as(data, name)
    if data.count(0) > 0.3 * len(data):
        raise FileError(file, ["content is not text: mostly zero bytes"], SAVE_AS_UTF8)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _guess(data, file)


def _refuse_what_is_not_text(data: bytes, file: str) -> None:
    if not data:
        raise FileError(file, ["empty file"])
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise FileError(
                file,
                [f"content is not text: looks like {kind}"],
                "Give the file its right ending, or convert it.",
            )


def _decode_as(data: bytes, name: str, *, offset: int = 0) -> Decoded:
    """Characters of bytes whose encoding is certain; ``offset``: where ``data`` begins in the file."""
    if name == "utf-8":
        return _replace_invalid_utf8(data, offset=offset)
    try:
        return Decoded(data.decode(name, "surrogatepass"), name)
    except UnicodeDecodeError as error:
        text = data.decode(name, "replace")
        n_bad = text.count("\ufffd")
        where = f"the first at byte {offset + error.start}"
        warning = f"{_n(n_bad, 'place')} that cannot be read as {name.upper()} replaced by U+FFFD, {where}"
        return Decoded(text, name, (warning,), n_bad)


def _decode_declared(data: bytes, encoding: str, file: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), codecs.lookup(encoding).name)
    except LookupError:
        raise FileError(file, [f"encoding {encoding!r} is not known"], SAVE_AS_UTF8) from None
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} cannot be read as {encoding}, the encoding it is said to have"
        raise FileError(file, [problem], SAVE_AS_UTF8) from None


def _utf16_without_bom(data: bytes) -> str:
    """UTF-16 if two in five pairs of bytes have a zero on one side and none has one on the other."""
    sample = data[:_SAMPLE_BYTES]
    if len(data) % 2 or len(data) < 4:
        return ""
    n_even, n_odd, n_pairs = sample[::2].count(0), sample[1::2].count(0), len(sample) // 2
    if n_odd >= 0.4 * n_pairs and n_even == 0:
        return "utf-16-le"
    return "utf-16-be" if n_even >= 0.4 * n_pairs and n_odd == 0 else ""


def _guess(data: bytes, file: str) -> Decoded:
    """Characters of bytes that are not valid UTF-8 and bear no mark."""
    sample = data[:_SAMPLE_BYTES]
    if len(_CONTROL_BYTE.findall(sample)) > 0.02 * len(sample):
        raise FileError(file, ["content is not text"], SAVE_AS_UTF8)
    damaged = _replace_invalid_utf8(data)
    n_valid = len(_NOT_ASCII.findall(damaged.text)) - damaged.n_replaced
    if n_valid >= damaged.n_replaced:
        return damaged
    if japanese := _read_as_japanese(data):
        return Decoded(japanese, "cp932", ("not UTF-8: read as Shift-JIS, which is a guess",))
    if _looks_like_cp1252(data):
        text = data.decode("cp1252", "replace")
        n_bad = text.count("\ufffd")
        warning = "not UTF-8: read as Windows-1252, which is a guess"
        if n_bad:
            warning += f"; {_n(n_bad, 'byte')} replaced by U+FFFD"
        return Decoded(text, "cp1252", (warning,), n_bad)
    if damaged.n_replaced <= 0.3 * len(data):
        return damaged
    raise FileError(file, ["not UTF-8, and its encoding cannot be guessed"], SAVE_AS_UTF8)


def _replace_invalid_utf8(data: bytes, *, offset: int = 0) -> Decoded:
    """UTF-8 with U+FFFD for each invalid byte; the warning gives their count and the first one's place."""
    text = data.decode("utf-8", "surrogateescape")
    first = _ESCAPED.search(text)
    if first is None:
        return Decoded(text, "utf-8")
    place = offset + len(text[: first.start()].encode())
    text, n_bad = _ESCAPED.subn("\ufffd", text)
    warning = (
        f"{_n(n_bad, 'byte')} that cannot be read as UTF-8 replaced by U+FFFD, the first at byte {place}"
    )
    return Decoded(text, "utf-8", (warning,), n_bad)


def _read_as_japanese(data: bytes) -> str:
    """The text if all of it is valid Shift-JIS and a third of what is not ASCII is kana, else ""."""
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return ""
    foreign = _NOT_ASCII.findall(text)
    return text if 3 * len(_KANA.findall(text)) >= len(foreign) else ""


def _looks_like_cp1252(data: bytes) -> bool:
    """Whether at least half of the letters beyond ASCII stand where letters of a Western word stand.

    Such a letter touches an ASCII letter (and is no capital after a small one) or is a vowel on its own.
    A byte that Windows-1252 leaves undefined counts as misplaced. Quotes, dashes and the like alone will do.
    """
    n_letters = n_placed = 0
    for match in _HIGH_BYTE.finditer(data):
        at = match.start()
        character = match.group().decode("cp1252", "replace")
        if character.isalpha() or character == "\ufffd":
            n_letters += 1
            n_placed += _stands_well(character, data[max(at - 1, 0) : at], data[at + 1 : at + 2])
    return 2 * n_placed >= n_letters


def _stands_well(character: str, before: bytes, after: bytes) -> bool:
    if not character.isalpha() or (character.isupper() and before.islower()):
        return False
    if before.isalpha() or after.isalpha():
        return True
    return before.isascii() and after.isascii() and character in _VOWELS_ALONE


def _n(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
