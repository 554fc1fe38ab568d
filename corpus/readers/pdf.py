"""PDF files with a text layer: the words of each page, line by line as they stand on it.

The text: the lines of all pages, without white space at their ends and without blank lines at the edges of a page;
a line of the page is a line of the text, so a turn goes over several lines. Lines that come again at the same edge
of most pages, numbers aside (running headers, footers, page numbers), are left out and told. A file without speaker
labels has one turn a page.

Left out and told: comments and filled-in form fields, attached files. Pages without words are told: scans need OCR
first. Scripts are not run, and nothing is fetched. What ``pypdf`` mends in a damaged file is told by its count.
"""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

from corpus.decode import clean_text
from corpus.errors import FileError
from corpus.readers.documents import Sentences, no_text, reading_of_words, told
from corpus.readers.speakers import find_turns
from corpus.records import Reading, Turn

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MAX_PAGES = 2_000
#: What one stream of a page may expand to.
MAX_STREAM_BYTES = 4 * 2**20
#: Drawing operations, all pages together; a page of text has 100 to 1,000.
MAX_OPERATIONS = 250_000

SAVE_AGAIN = "Open it in a PDF viewer and print it to a new PDF, or use the document that it was made from."
NEEDS_OCR = "Run text recognition (OCR) on it first, or use the document that it was made from."

_TOLD: Sentences = {
    "edge": (
        "running header, footer or page number: left out",
        "running headers, footers and page numbers: left out",
    ),
    "blank": (
        "page without words (a scan would need OCR first)",
        "pages without words (scans would need OCR first)",
    ),
    "comment": ("comment on a page: left out", "comments on pages: left out"),
    "field": ("form field: left out", "form fields: left out"),
    "attached": ("list of attached files: not opened", "lists of attached files: not opened"),
    "fault": (
        "fault in the file was mended in reading: look whether words are missing",
        "faults in the file were mended in reading: look whether words are missing",
    ),
}
_NUMBER = re.compile(r"\d+")
_EDGE_SHARE = 0.6
_FEWEST_PAGES = 3
_LOOK_FOR_HEAD = 1024

_FAULTS: ContextVar[Counter[str]] = ContextVar("_FAULTS")


def read_pdf(data: bytes, *, source: str) -> Reading:
    """The transcript in a PDF.

    source: the file's path below ``transcripts/``; its stem is the transcript's id.
    Raises FileError for what is no PDF, is damaged beyond mending or protected, has no text layer, more than 2,000
    pages, a stream that expands to more than 4 MB, or more than 250,000 drawing operations.
    """
    if not data:
        raise FileError(source, ["empty file"])
    if b"%PDF-" not in data[:_LOOK_FOR_HEAD]:
        raise FileError(source, ["not a PDF: it does not begin like one"], "Give the file its right ending.")
    seen: Counter[str] = Counter()
    pages = [page.split("\n") for page in _page_texts(data, source, seen)]
    if not any(line.strip() for page in pages for line in page):
        problem = f"no text layer, needs OCR: {len(pages)} page(s) without words"
        raise FileError(source, [problem], NEEDS_OCR)
    seen["blank"] = sum(not any(line.strip() for line in page) for page in pages)
    text, cleaned = clean_text("\f".join("\n".join(page) for page in _without_edges(pages, seen)))
    page_ends = [match.start() for match in re.finditer("\f", text)]
    text = text.replace("\f", "\n")
    turns, doubts = find_turns(text)
    if not turns:
        raise no_text(source)
    if not any(turn.speaker for turn in turns):
        turns = tuple(_turn_per_page(text, page_ends))
        doubts = ("no speaker labels found: each page is a turn of an unnamed speaker",)
    return reading_of_words(text, turns, source=source, warnings=[*told(seen, _TOLD), *cleaned, *doubts])


def _page_texts(data: bytes, source: str, seen: Counter[str]) -> list[str]:
    """The text of each page, within limits; ``pypdf`` raises nearly anything on a damaged file."""
    from pypdf import PdfReader, apply_configuration
    from pypdf.errors import LimitReachedError

    _listen_to_pypdf()
    listening = _FAULTS.set(seen)
    try:
        with apply_configuration(
            zlib_maximum_output_length=MAX_STREAM_BYTES,
            lzw_maximum_output_length=MAX_STREAM_BYTES,
            run_length_maximum_output_length=MAX_STREAM_BYTES,
            array_based_stream_maximum_output_length=MAX_STREAM_BYTES,
            page_tree_maximum_entries=MAX_PAGES,
            stream_parsing_work_maximum_count=MAX_OPERATIONS,
        ):
            reader = PdfReader(io.BytesIO(data))
            _refuse_protected(reader, source)
            return list(_read_pages(reader, source, seen))
    except FileError:
        raise
    except LimitReachedError:
        limits = f"{MAX_PAGES} pages, {MAX_STREAM_BYTES // 2**20} MB a stream, {MAX_OPERATIONS} operations"
        raise FileError(source, [f"larger than is allowed ({limits})"], SAVE_AGAIN) from None
    except Exception:
        problem = "damaged: its structure cannot be followed to the words"
        raise FileError(source, [problem], SAVE_AGAIN) from None
    finally:
        _FAULTS.reset(listening)


def _refuse_protected(reader: PdfReader, source: str) -> None:
    """A file that opens without a password but forbids changes is read; one that asks for a password is not."""
    if reader.is_encrypted and not reader.decrypt(""):
        raise FileError(source, ["encrypted: it asks for a password"], "Save it without a password.")


def _read_pages(reader: PdfReader, source: str, seen: Counter[str]) -> Iterator[str]:
    n_pages = len(reader.pages)
    if n_pages > MAX_PAGES:
        raise FileError(source, [f"{n_pages} pages: {MAX_PAGES} are allowed"], "Split the file.")
    seen["attached"] += "/EmbeddedFiles" in (reader.root_object.get("/Names") or {})
    n_operations = 0

    def count(*_: object) -> None:
        nonlocal n_operations
        n_operations += 1
        if n_operations > MAX_OPERATIONS:
            raise FileError(source, [f"more than {MAX_OPERATIONS} drawing operations"], "Split the file.")

    for page in reader.pages:
        text = page.extract_text(visitor_operand_before=count)
        count()  # what was refused inside a form is refused here: pypdf passes over errors there
        yield "\n".join(line.rstrip() for line in text.replace("\f", "\n").split("\n")).strip("\n")
        _count_annotations(page, seen)


def _count_annotations(page: PageObject, seen: Counter[str]) -> None:
    annotations: Any = page.get("/Annots") or ()
    for reference in annotations:
        note = reference.get_object()
        if note.get("/Subtype") == "/Widget":
            seen["field"] += bool(note.get("/V"))
        elif note.get("/Subtype") not in ("/Link", "/Popup"):
            seen["comment"] += bool(note.get("/Contents"))


class _Listener(logging.Handler):
    """Counts what ``pypdf`` logs, and keeps it from the log: its messages may hold pieces of the file."""

    def emit(self, record: logging.LogRecord) -> None:
        faults = _FAULTS.get(None)
        if faults is not None and record.levelno >= logging.WARNING:
            faults["fault"] += 1


@cache
def _listen_to_pypdf() -> None:
    logger = logging.getLogger("pypdf")
    logger.addHandler(_Listener())
    logger.propagate = False


def _without_edges(pages: Sequence[list[str]], seen: Counter[str]) -> list[list[str]]:
    """The pages without first and last lines that come again on most of them, two of each at most."""
    kept = [list(page) for page in pages]
    for _ in range(2):
        for edge in (0, -1):
            shapes = [_shape(page, edge) for page in kept]
            shape, n_pages = Counter(filter(None, shapes)).most_common(1)[0] if any(shapes) else ("", 0)
            if n_pages < max(_FEWEST_PAGES, _EDGE_SHARE * len(pages)):
                continue
            for page, own in zip(kept, shapes, strict=True):
                if own == shape:
                    _drop_edge(page, edge)
                    seen["edge"] += 1
    return kept


def _shape(page: Sequence[str], edge: int) -> str:
    """The first or last line that holds something, numbers aside."""
    lines = [line.strip() for line in page if line.strip()]
    return _NUMBER.sub("#", lines[edge]) if lines else ""


def _drop_edge(page: list[str], edge: int) -> None:
    """Take off the first or last line that holds something, and the blank ones outside it."""
    while page and not page.pop(edge).strip():
        pass


def _turn_per_page(text: str, page_ends: Sequence[int]) -> Iterator[Turn]:
    number, at = 1, 0
    for end in [*page_ends, len(text)]:
        words = text[at:end]
        start = at + len(words) - len(words.lstrip())
        if words.strip():
            yield Turn(number, "", start, at + len(words.rstrip()))
            number += 1
        at = end + 1
