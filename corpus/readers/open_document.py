"""OpenDocument texts (.odt), as LibreOffice writes them: the running text, in its order.

The text: each paragraph or heading a line, white space in it folded as the format says (ODF 1.2, 6.1.2), so that only
``text:s`` makes several spaces; ``text:tab`` is a tab, ``text:line-break`` LF. A table row is a line whose cells are
joined by tabs; a text box stands below the paragraph that it hangs on. Fields give the result that is stored.

Read and told: tracked insertions, text boxes. Left out and told: tracked deletions, hidden text and hidden sections,
footnotes and endnotes, comments, headers and footers that hold words, embedded objects. Macros are told and not run.
Numbers that the program gives to list items are not part of the text and told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from corpus.errors import FileError
from corpus.readers.archive import SAVE_AGAIN, TAKE_PASSWORD_OFF, Archive
from corpus.readers.documents import Sentences, document_reading, row_line, told
from corpus.readers.safe_xml import Element, attribute, local_name, parse_xml
from corpus.records import Reading

KIND = "an OpenDocument text"
MAX_SPACES = 1_000

_TOLD: Sentences = {
    "insertion": ("tracked insertion: read as text", "tracked insertions: read as text"),
    "deletion": ("tracked deletion: left out", "tracked deletions: left out"),
    "hidden": ("stretch of hidden text: left out", "stretches of hidden text: left out"),
    "text-box": (
        "text box: read below the paragraph that it hangs on",
        "text boxes: each read below the paragraph that it hangs on",
    ),
    "note": ("footnote or endnote: left out", "footnotes or endnotes: left out"),
    "annotation": ("comment: left out", "comments: left out"),
    "list-item": (
        "list item: its number or bullet is not part of the text",
        "list items: their numbers or bullets are not part of the text",
    ),
    "ruby-text": ("reading aid above a word (ruby): left out", "reading aids above words (ruby): left out"),
    "margin": ("header or footer with words: left out", "headers and footers with words: left out"),
    "object": ("embedded object: not opened", "embedded objects: not opened"),
    "script": ("macro part: not run", "macro parts: not run"),
}
_WHITE = re.compile("[ \t\r\n]+")
# What elements stand for, marked until white space is folded; NUL cannot stand in XML.
_MARKED = {"\0s": " ", "\0t": "\t", "\0n": "\n"}
_SHAPES = frozenset({"custom-shape", "rect", "ellipse", "circle", "line", "polygon", "path", "caption"})
_LINES = frozenset({"p", "h"})
_BLOCKS = frozenset({"section", "list", "list-item", "list-header", "numbered-paragraph"}) | {
    "table-of-content",
    "illustration-index",
    "table-index",
    "object-index",
    "user-index",
    "alphabetical-index",
    "bibliography",
    "index-body",
    "index-title",
}
_TABLE_PARTS = frozenset({"table-header-rows", "table-rows", "table-row-group"})
_MARGINS = ("header", "footer", "header-left", "footer-left", "header-first", "footer-first")


def read_open_document(data: bytes, *, source: str) -> Reading:
    """The transcript in an OpenDocument text.

    source: the file's path below ``transcripts/``; its stem is the transcript's id.
    Raises FileError for what is no OpenDocument text, is damaged, encrypted or too large (see ``archive`` and
    ``safe_xml``), for more than 1,000 spaces by one ``text:s``, and for a document without text.
    """
    archive = Archive(data, file=source, kind=KIND)
    _refuse_encrypted(archive)
    _refuse_other_kinds(archive)
    root, mended = parse_xml(archive.read("content.xml"), file=source, member="content.xml")
    story = _Story(_hidden_styles(root), source)
    lines = [line for text in root.iterfind("{*}body/{*}text") for line in story.lines(text)]
    story.seen["margin"] = _n_margins(archive)
    story.seen["script"] = sum(name.startswith(("Basic/", "Scripts/")) for name in archive.names)
    warnings = [*archive.warnings, *mended, *told(story.seen, _TOLD)]
    return document_reading(lines, source=source, warnings=warnings)


def _refuse_encrypted(archive: Archive) -> None:
    name = "META-INF/manifest.xml"
    if name in archive:
        root, _ = parse_xml(archive.read(name), file=archive.file, member=name)
        if next(root.iter("{*}encryption-data"), None) is not None:
            raise FileError(archive.file, ["encrypted"], TAKE_PASSWORD_OFF)


def _refuse_other_kinds(archive: Archive) -> None:
    """A missing ``mimetype`` is forgiven; one that names a spreadsheet or another format is not."""
    kind = archive.read("mimetype").decode("ascii", "replace").strip() if "mimetype" in archive else ""
    if kind and not kind.startswith("application/vnd.oasis.opendocument.text"):
        raise FileError(archive.file, [f"not {KIND}: it says it is {ascii(kind)[:80]}"], SAVE_AGAIN)
    if "content.xml" not in archive:
        raise FileError(archive.file, [f"not {KIND}: no content.xml in it"], SAVE_AGAIN)


def _hidden_styles(root: Element) -> frozenset[str]:
    """Names of the document's own styles that hide their text."""
    return frozenset(
        attribute(style, "name")
        for style in root.iterfind("{*}automatic-styles/{*}style")
        if any(attribute(properties, "display") == "none" for properties in style)
    )


def _n_margins(archive: Archive) -> int:
    """How many headers and footers hold words."""
    name = "styles.xml"
    if name not in archive:
        return 0
    root, _ = parse_xml(archive.read(name), file=archive.file, member=name)
    margins = (margin for kind in _MARGINS for margin in root.iter("{*}" + kind))
    return sum(bool("".join(margin.itertext()).strip()) for margin in margins)


class _Story:
    """Walks through a text and counts what is not plain text."""

    def __init__(self, hidden: frozenset[str], file: str) -> None:
        self.seen: Counter[str] = Counter()
        self._hidden = hidden
        self._file = file
        self._boxes: list[str] = []  # lines of the text boxes that hang on the paragraph at hand
        self._special: Mapping[str, Callable[[Element], Iterator[str]]] = {
            "s": self._spaces,
            "tab": lambda _: iter(["\0t"]),
            "line-break": lambda _: iter(["\0n"]),
            "hidden-text": self._left_out_hidden,
            "hidden-paragraph": self._left_out_hidden,
            **dict.fromkeys(("text-box", *_SHAPES), self._box),
            **dict.fromkeys(("note", "annotation", "ruby-text"), self._left_out),
            **dict.fromkeys(("object", "object-ole"), self._object),
            **dict.fromkeys(("title", "desc", "script", "forms", "event-listeners"), lambda _: iter(())),
        }

    def lines(self, container: Element) -> list[str]:
        """The paragraphs, table rows and text boxes of a text, a cell or a box."""
        lines: list[str] = []
        for block in container:
            name = local_name(block)
            if name == "tracked-changes":
                for change in block.iterfind("{*}changed-region/*"):
                    self.seen[local_name(change)] += 1
            elif name in _LINES:
                lines += self._paragraph(block)
            elif name == "table":
                lines += self._rows(block)
            elif name == "section" and attribute(block, "display") == "none":
                self.seen["hidden"] += 1
            elif name in _BLOCKS:
                self.seen["list-item"] += name == "list-item"
                lines += self.lines(block)
            elif name in ("frame", "g"):
                lines += self._paragraph(block)[1:]
            elif name in _SHAPES:
                self.seen["text-box"] += 1
                lines += self.lines(block)
        return lines

    def _paragraph(self, element: Element) -> list[str]:
        """One line, and the lines of the boxes that hang on it."""
        outer, self._boxes = self._boxes, []
        words = _fold_white_space("".join(self._shown(element)))
        lines, self._boxes = [words, *self._boxes], outer
        return lines

    def _rows(self, table: Element) -> list[str]:
        rows = []
        for part in table:
            name = local_name(part)
            if name in _TABLE_PARTS:
                rows += self._rows(part)
            elif name == "table-row":
                cells = [self.lines(cell) for cell in part if local_name(cell) == "table-cell"]
                rows.append(row_line(cells))
        return rows

    def _shown(self, element: Element) -> Iterator[str]:
        """The words of an element, unless its style hides them."""
        inside = self._inside(element)
        if attribute(element, "style-name") in self._hidden:
            self.seen["hidden"] += bool("".join(inside))
            return
        yield from inside

    def _inside(self, element: Element) -> Iterator[str]:
        yield element.text or ""
        for child in element:
            special = self._special.get(local_name(child))
            yield from special(child) if special else self._shown(child)
            yield child.tail or ""

    def _spaces(self, element: Element) -> Iterator[str]:
        count = attribute(element, "c") or "1"
        if not count.isdecimal() or len(count) > 9 or int(count) > MAX_SPACES:
            raise FileError(
                self._file, [f"content.xml asks for more than {MAX_SPACES} spaces at once"], SAVE_AGAIN
            )
        yield "\0s" * int(count)

    def _box(self, element: Element) -> Iterator[str]:
        outer, self._boxes = self._boxes, []
        lines = self.lines(element)
        self._boxes = [*outer, *lines]
        self.seen["text-box"] += any(lines)
        yield from ()

    def _left_out(self, element: Element) -> Iterator[str]:
        self.seen[local_name(element)] += 1
        yield from ()

    def _left_out_hidden(self, element: Element) -> Iterator[str]:
        self.seen["hidden"] += 1
        yield from ()

    def _object(self, element: Element) -> Iterator[str]:
        self.seen["object"] += 1
        yield from ()


def _fold_white_space(raw: str) -> str:
    """White space after ODF 1.2, 6.1.2: runs are one space, none at either end; marked spaces stay."""
    folded = _WHITE.sub(" ", raw).strip(" ")
    for mark, character in _MARKED.items():
        folded = folded.replace(mark, character)
    return folded
