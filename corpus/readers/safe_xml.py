"""XML from strangers: no DTD, no entities, no network, under limits."""

from __future__ import annotations

from typing import TypeAlias

from lxml import etree

from corpus.errors import FileError
from corpus.readers.archive import MAX_MEMBER_BYTES, SAVE_AGAIN

#: Tags and attributes, counted as < and = before parsing: each costs up to 200 bytes of memory.
MAX_MARKS = 900_000

#: An element; ``lxml`` gives no public type for it.
Element: TypeAlias = etree._Element

_PROLOG_CHUNK = 256  # small, so that as little as possible behind the first tag is looked at
_STRICT = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}
_ILLEGAL = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_REPLACEMENT = "\ufffd".encode()


def parse_xml(data: bytes, *, file: str, member: str) -> tuple[Element, tuple[str, ...]]:
    """The root of an XML document, and a warning if illegal characters had to be replaced by U+FFFD.

    file: for messages; member: which part of it this is.
    Raises FileError for a DTD (which no office format allows), for what is not well-formed, with its line, and for
    more than 12 MB or 900,000 tags and attributes, or a nesting deeper than 256.
    """
    n_marks = data.count(b"<") + data.count(b"=")
    if len(data) > MAX_MEMBER_BYTES or n_marks > MAX_MARKS:
        problem = f"{member} has {len(data) / 2**20:.1f} MB and {n_marks} tags and attributes"
        limits = f"{MAX_MEMBER_BYTES // 2**20} MB and {MAX_MARKS} are allowed"
        raise FileError(file, [f"{problem}: {limits}"], "Split the file, or copy its text into a new one.")
    try:
        return _parse(data, file, member), ()
    except etree.XMLSyntaxError as error:
        first = error
    mended, n_illegal = _without_illegal_characters(data)
    try:
        if n_illegal:
            noun = "1 illegal character" if n_illegal == 1 else f"{n_illegal} illegal characters"
            return _parse(mended, file, member), (f"{noun} in {member} replaced by U+FFFD",)
    except etree.XMLSyntaxError:
        pass
    line = first.lineno or 1
    raise FileError(
        file, [f"line {line} of {member}: not well-formed XML, or nested too deeply"], SAVE_AGAIN
    ) from None


def local_name(element: Element) -> str:
    """The element's name without its namespace (which differs between transitional and strict files)."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """The value of the attribute with this local name; "" if there is none."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""


def _parse(data: bytes, file: str, member: str) -> Element:
    if _declares_a_dtd(data):
        raise FileError(file, [f"{member}: a DTD is not allowed in this format"], SAVE_AGAIN)
    parser = etree.XMLParser(**_STRICT, remove_comments=True, remove_pis=True)
    root: Element = etree.fromstring(data, parser)
    return root


class _Prolog:
    """What stands before the first tag; nothing of it is kept, and nothing is expanded."""

    def __init__(self) -> None:
        self.has_dtd = False
        self.is_over = False

    def doctype(self, *_: object) -> None:
        self.has_dtd = True

    def start(self, *_: object) -> None:
        self.is_over = True

    def close(self) -> None:
        """Asked for by the parser."""


def _declares_a_dtd(data: bytes) -> bool:
    """Read up to the first tag, or to what cannot be read; in any encoding."""
    prolog = _Prolog()
    parser = etree.XMLParser(target=prolog, **_STRICT)
    for start in range(0, len(data), _PROLOG_CHUNK):
        try:
            parser.feed(data[start : start + _PROLOG_CHUNK])
        except etree.XMLSyntaxError:
            break
        if prolog.has_dtd or prolog.is_over:
            break
    return prolog.has_dtd


def _without_illegal_characters(data: bytes) -> tuple[bytes, int]:
    """UTF-8 XML with U+FFFD for every control character that XML forbids, and their count."""
    pieces = data.translate(bytes.maketrans(_ILLEGAL, b"\0" * len(_ILLEGAL))).split(b"\0")
    return _REPLACEMENT.join(pieces), len(pieces) - 1
