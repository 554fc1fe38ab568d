"""Word documents (.docx): what Word shows as the running text, in its order.

The text: each paragraph a line. Inside it a tab is a tab, a line, page or column break is LF, a no-break hyphen is
"-"; an optional hyphen is nothing. A table row is a line whose cells are joined by tabs; a text box stands below the
paragraph that it hangs on. Fields give the result that Word stored, never their instruction.

Read and told: tracked insertions, text boxes. Left out and told: tracked deletions, hidden text (hidden by its own
format, not by a style), footnotes, endnotes, comments, headers and footers that hold words, the numbers that Word
gives to list items, signs of picture fonts, reading aids above words (ruby), embedded files. Macros and fields that
start programs are told; nothing is run, and nothing is fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from corpus.errors import FileError
from corpus.readers.archive import SAVE_AGAIN, Archive
from corpus.readers.documents import Sentences, document_reading, row_line, told
from corpus.readers.safe_xml import Element, attribute, local_name, parse_xml
from corpus.records import Reading

KIND = "a Word document"

_TOLD: Sentences = {
    "inserted": ("tracked insertion: read as text", "tracked insertions: read as text"),
    "deleted": ("tracked deletion: left out", "tracked deletions: left out"),
    "hidden": ("stretch of hidden text: left out", "stretches of hidden text: left out"),
    "box": (
        "text box: read below the paragraph that it hangs on",
        "text boxes: each read below the paragraph that it hangs on",
    ),
    "footnoteReference": ("footnote: left out", "footnotes: left out"),
    "endnoteReference": ("endnote: left out", "endnotes: left out"),
    "commentReference": ("comment: left out", "comments: left out"),
    "numPr": (
        "list item: its number or bullet is not part of the text",
        "list items: their numbers or bullets are not part of the text",
    ),
    "sym": ("sign of a picture font: left out", "signs of picture fonts: left out"),
    "rt": ("reading aid above a word (ruby): left out", "reading aids above words (ruby): left out"),
    "altChunk": (
        "part in another format: not read; open the file in Word and save it again to have it read",
        "parts in another format: not read; open the file in Word and save it again to have them read",
    ),
    "program": (
        "field that would start another program (DDE): not run",
        "fields that would start another program (DDE): not run",
    ),
    "margin": ("header or footer with words: left out", "headers and footers with words: left out"),
    "embedded": ("embedded file: not opened", "embedded files: not opened"),
    "macro": ("macro part: not run", "macro parts: not run"),
}
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_THROUGH = frozenset({"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"})
_SKIPPED = frozenset({"rPr", "pPr", "sdtPr", "sdtEndPr", "tblPr", "tblGrid", "trPr", "tcPr", "sectPr"})
_OFF = frozenset({"0", "false", "off", "none"})


def read_word(data: bytes, *, source: str) -> Reading:
    """The transcript in a Word document.

    source: the file's path below ``transcripts/``; its stem is the transcript's id.
    Raises FileError for what is no Word document, is damaged, encrypted or too large (see ``archive`` and
    ``safe_xml``), and for a document without text.
    """
    archive = Archive(data, file=source, kind=KIND)
    types, warnings = _content_types(archive)
    main = _main_part(archive, types)
    root, mended = parse_xml(archive.read(main), file=source, member=main)
    story = _Story()
    lines = [line for body in root if local_name(body) == "body" for line in story.lines(body)]
    story.seen["margin"] = _n_margins(archive, types)
    story.seen["embedded"] = sum("/embeddings/" in name for name in archive.names)
    story.seen["macro"] = sum(name.lower().endswith("vbaproject.bin") for name in archive.names)
    warnings = [*archive.warnings, *warnings, *mended, *told(story.seen, _TOLD)]
    return document_reading(lines, source=source, warnings=warnings)


def _content_types(archive: Archive) -> tuple[Mapping[str, str], list[str]]:
    """Content type by member name, as the archive's own list gives them; "xml" stands for the default."""
    name = "[Content_Types].xml"
    if name not in archive:
        raise FileError(archive.file, [f"not {KIND}: no {name} in it"], SAVE_AGAIN)
    root, warnings = parse_xml(archive.read(name), file=archive.file, member=name)
    types = {}
    for entry in root:
        key = attribute(entry, "PartName").lstrip("/") or attribute(entry, "Extension").lower()
        types[key] = attribute(entry, "ContentType")
    return types, list(warnings)


def _main_part(archive: Archive, types: Mapping[str, str]) -> str:
    """The member that holds the text: the one that the list of content types says it is."""
    for name, content in types.items():
        if content.endswith("main+xml") and ("wordprocessingml" in content or "ms-word" in content):
            wanted = "word/document.xml" if name == "xml" else name
            same = [member for member in archive.names if member.casefold() == wanted.casefold()]
            return wanted if wanted in same or not same else same[0]
    raise FileError(archive.file, [f"not {KIND}: its list of parts names no text"], SAVE_AGAIN)


def _n_margins(archive: Archive, types: Mapping[str, str]) -> int:
    """How many headers and footers hold words."""
    n_margins = 0
    for name, content in types.items():
        if content.endswith(("header+xml", "footer+xml")) and name in archive:
            root, _ = parse_xml(archive.read(name), file=archive.file, member=name)
            n_margins += any((text.text or "").strip() for text in root.iter("{*}t"))
    return n_margins


class _Story:
    """Walks through a body and counts what is not plain text; fields may run over paragraphs."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._fields: list[str] = []  # "code" or "result", the innermost last
        self._boxes: list[str] = []  # lines of the text boxes that hang on the paragraph at hand
        self._special: Mapping[str, Callable[[Element], Iterator[str]]] = {
            "r": self._run,
            "t": self._text,
            "sym": self._symbol,
            "fldChar": self._field_mark,
            "instrText": self._instruction,
            "fldSimple": self._simple_field,
            "AlternateContent": self._alternative,
            "txbxContent": self._box,
        }

    def lines(self, container: Element) -> list[str]:
        """The paragraphs, table rows and text boxes of a body, a cell or a box."""
        lines: list[str] = []
        joined = False
        for block in _children(container, self.seen):
            name = local_name(block)
            if name == "tbl":
                lines += self._rows(block)
            elif name == "altChunk":
                self.seen[name] += 1
            elif name == "p":
                self._boxes = []
                words = "".join(self._inside(block))
                if joined:
                    lines[-1] += words
                else:
                    lines.append(words)
                joined = self._mark_is_deleted(block) and not self._boxes
                lines += self._boxes
        return lines

    def _rows(self, table: Element) -> list[str]:
        rows = []
        for row in _children(table, self.seen):
            if local_name(row) != "tr":
                continue
            if any(True for _ in row.iterfind("{*}trPr/{*}del")):
                self.seen["deleted"] += 1
                continue
            cells = [self.lines(cell) for cell in _children(row, self.seen) if local_name(cell) == "tc"]
            rows.append(row_line(cells))
        return rows

    def _mark_is_deleted(self, paragraph: Element) -> bool:
        """Whether the end of the paragraph is a tracked deletion: then the next one goes on in its line."""
        self.seen["numPr"] += sum(1 for _ in paragraph.iterfind("{*}pPr/{*}numPr"))
        n_deleted = sum(1 for _ in paragraph.iterfind("{*}pPr/{*}rPr/{*}del"))
        self.seen["deleted"] += n_deleted
        return n_deleted > 0

    def _inside(self, element: Element) -> Iterator[str]:
        """The words of what stands in an element, in order."""
        for child in element:
            name = local_name(child)
            if name in self._special:
                yield from self._special[name](child)
            elif name in _SIGNS:
                yield from self._shown(_SIGNS[name])
            elif name in ("del", "moveFrom"):
                self.seen["deleted"] += 1
            elif name.endswith("Reference") or name == "rt":
                self.seen[name] += 1
            elif name not in _SKIPPED:
                self.seen["inserted"] += name in ("ins", "moveTo")
                yield from self._inside(child)

    def _shown(self, words: str) -> Iterator[str]:
        if "code" not in self._fields:
            yield words

    def _text(self, element: Element) -> Iterator[str]:
        yield from self._shown(element.text or "")

    def _run(self, run: Element) -> Iterator[str]:
        if any(attribute(mark, "val") not in _OFF for mark in run.iterfind("{*}rPr/{*}vanish")):
            words = "".join(self._inside(run))
            self.seen["hidden"] += bool(words)
            return
        yield from self._inside(run)

    def _symbol(self, element: Element) -> Iterator[str]:
        """A character by its number; those of picture fonts stand in the private area and mean nothing."""
        try:
            character = chr(int(attribute(element, "char"), 16))
        except (ValueError, OverflowError):
            character = "\ue000"
        if "\ue000" <= character <= "\uf8ff":
            self.seen["sym"] += 1
        else:
            yield from self._shown(character)

    def _field_mark(self, element: Element) -> Iterator[str]:
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            self._fields.append("code")
        elif self._fields and kind == "separate":
            self._fields[-1] = "result"
        elif self._fields and kind == "end":
            self._fields.pop()
        yield from ()

    def _instruction(self, element: Element) -> Iterator[str]:
        self.seen["program"] += (element.text or "").strip().upper().startswith("DDE")
        yield from ()

    def _simple_field(self, element: Element) -> Iterator[str]:
        self.seen["program"] += attribute(element, "instr").strip().upper().startswith("DDE")
        yield from self._inside(element)

    def _alternative(self, element: Element) -> Iterator[str]:
        """The same thing for new and old programs: the first of them is read."""
        choices: Sequence[Element] = list(element)
        if choices:
            yield from self._inside(choices[0])

    def _box(self, element: Element) -> Iterator[str]:
        outer, fields, self._fields = self._boxes, self._fields, []
        lines = self.lines(element)
        self._boxes, self._fields = [*outer, *lines], fields
        self.seen["box"] += 1
        yield from ()


def _children(container: Element, seen: Counter[str]) -> Iterator[Element]:
    """Children of a container, and of what only wraps them (content controls, tracked insertions)."""
    for child in container:
        name = local_name(child)
        if name in _THROUGH:
            seen["inserted"] += name in ("ins", "moveTo")
            yield from _children(child, seen)
        elif name in ("del", "moveFrom"):
            seen["deleted"] += 1
        else:
            yield child
