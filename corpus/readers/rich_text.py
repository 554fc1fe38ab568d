"""Rich text (.rtf): the running text, as Word, WordPad or TextEdit show it.

The text: each paragraph a line, spaces at its end left out. Inside it a tab is a tab, a line, page or column break is
LF, a no-break hyphen is "-"; an optional hyphen is nothing. A table row is a line whose cells are joined by tabs.
Characters come from ``\\u`` escapes (two halves of a pair become one character) or from bytes in the code page of
their font. Fields give the result that is stored; nothing is run, and nothing is fetched.

Read and told: tracked insertions, text boxes. Left out and told: tracked deletions, hidden text, footnotes, comments,
headers and footers, signs of picture fonts, embedded objects. Numbers of list items are not part of the text.

Written by hand: striprtf reads hidden and deleted text as if it were said, and halves of pairs as they stand.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from corpus.errors import FileError
from corpus.readers.archive import SAVE_AGAIN
from corpus.readers.documents import Sentences, document_reading, told
from corpus.readers.plain_text import read_plain_text
from corpus.records import Reading

MAX_BYTES = 50 * 2**20
#: Control words, braces and, a little cheaper, line ends: each is a step of the reader.
MAX_CONTROLS = 500_000
MAX_LINES = 1_000_000
MAX_DEPTH = 1_000

_TOLD: Sentences = {
    "revised": ("tracked insertion: read as text", "tracked insertions: read as text"),
    "deleted": ("tracked deletion: left out", "tracked deletions: left out"),
    "v": ("stretch of hidden text: left out", "stretches of hidden text: left out"),
    "shptxt": ("text box: read where it is anchored", "text boxes: read where they are anchored"),
    "footnote": ("footnote or endnote: left out", "footnotes or endnotes: left out"),
    "annotation": ("comment: left out", "comments: left out"),
    "margin": ("header or footer: left out", "headers and footers: left out"),
    "object": ("embedded object: not opened", "embedded objects: not opened"),
    "symbol": ("sign of a picture font: left out", "signs of picture fonts: left out"),
    "unreadable": (
        "byte that its code page does not know: replaced by U+FFFD",
        "bytes that their code page does not know: replaced by U+FFFD",
    ),
}
_TOKEN = re.compile(
    r"\\(?P<word>[A-Za-z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9A-Fa-f]{2})|\\(?P<symbol>[^A-Za-z])"
    r"|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)|\\",
    re.DOTALL,
)
_LETTERS = {
    "tab": "\t", "cell": "\t", "nestcell": "\t",
    "par": "\n", "line": "\n", "page": "\n", "column": "\n", "sect": "\n", "row": "\n", "nestrow": "\n",
    "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
    "bullet": "•", "emspace": "\u2003", "enspace": "\u2002", "qmspace": "\u2005",
    "zwj": "\u200d", "zwnj": "\u200c", "zwbo": "\u200b", "ltrmark": "\u200e", "rtlmark": "\u200f",
}  # fmt: skip
_SYMBOLS = {"~": "\xa0", "_": "-", "\\": "\\", "{": "{", "}": "}", "\n": "\n", "\r": "\n", "\t": "\t"}
_MARGINS = frozenset({"header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"})
_NOT_TEXT = _MARGINS | frozenset(
    {"colortbl", "stylesheet", "info", "pict", "objdata", "fldinst", "footnote", "annotation", "filetbl"}
    | {"listtable", "listoverridetable", "revtbl", "rsidtbl", "bkmkstart", "bkmkend", "pntext", "listtext"}
    | {"pntxta", "pntxtb", "shprslt", "nonshppict", "tc", "tcn", "xe", "upr", "generator", "themedata"}
    | {"atnid", "atnauthor", "atndate", "atnref", "atnparent", "atnicn", "do", "template", "xmlnstbl"}
)
_BACK_TO_TEXT = {"shptxt": ("shpinst", "*"), "ud": ("upr", "*")}
_CODE_PAGES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_SYMBOL_CHARSET = 2
_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
_DDE = re.compile(rb"\\fldinst[^}]{0,40}?DDE", re.IGNORECASE)


def read_rich_text(data: bytes, *, source: str) -> Reading:
    """The transcript in an RTF file; plain text under that ending is read as such, and told.

    source: the file's path below ``transcripts/``; its stem is the transcript's id.
    Raises FileError for more than 50 MB, 500,000 control words and braces or 1,000 nested groups, for binary data
    that would be longer than the file, and for a document without text.
    """
    if not data.lstrip().startswith(b"{\\rtf"):
        reading = read_plain_text(data, source=source)
        return replace(reading, warnings=("not RTF: read as plain text", *reading.warnings))
    n_controls = sum(data.count(mark) for mark in (b"\\", b"{", b"}"))
    n_lines = data.count(b"\n") + data.count(b"\r")
    if len(data) > MAX_BYTES or n_controls > MAX_CONTROLS or n_lines > MAX_LINES:
        problem = (
            f"{len(data) / 2**20:.0f} MB with {n_controls} control words and braces and {n_lines} line ends"
        )
        limits = f"{MAX_BYTES // 2**20} MB, {MAX_CONTROLS} and {MAX_LINES} are allowed"
        raise FileError(source, [f"{problem}: {limits}"], "Split the file, or save it as .docx.")
    story = _Story(source)
    story.read(data.decode("latin-1"))
    warnings = told(story.seen, _TOLD)
    if n_programs := len(_DDE.findall(data)):
        warnings.append(f"fields that would start another program (DDE): {n_programs}, not run")
    if story.is_open:
        warnings.append("the file ends inside a group: it may be cut")
    lines = [line.rstrip(" ") for line in story.text().removesuffix("\n").split("\n")]
    return document_reading(lines, source=source, warnings=warnings)


class _State(NamedTuple):
    """What holds for the rest of a group.

    skip: the destination whose content is not text, "" in text; n_fallback: characters behind each ``\\u``.
    """

    skip: str = ""
    hidden: bool = False
    deleted: bool = False
    n_fallback: int = 1
    font: int = -1


class _Story:
    """Reads tokens one after the other."""

    def __init__(self, file: str) -> None:
        self.seen: Counter[str] = Counter()
        self._file = file
        self._state = _State()
        self._outer: list[_State] = []
        self._n_to_skip = 0
        self._star = False
        self._code_page = "cp1252"
        self._charsets: dict[int, int] = {}
        self._default_font = -1
        self._bytes = bytearray()
        self._out: list[str] = []

    @property
    def is_open(self) -> bool:
        """Whether a group has not been closed."""
        return bool(self._outer)

    def text(self) -> str:
        """What was read, the two halves of characters beyond U+FFFF joined."""
        self._flush()
        return _PAIR.sub(_join_pair, "".join(self._out))

    def read(self, rtf: str) -> None:
        """Read the whole file; what follows the end of its group is not part of it."""
        at = 0
        while match := _TOKEN.match(rtf, at):
            at = match.end()
            if brace := match["brace"]:
                self._brace(brace)
                if not self._outer:
                    break
            elif match["word"] == "bin":
                at += self._n_binary(int(match["number"] or 0), left=len(rtf) - at)
            elif word := match["word"]:
                self._control(word, int(match["number"]) if match["number"] else None)
            elif match["hex"]:
                self._add_bytes(bytes.fromhex(match["hex"]))
            elif symbol := match["symbol"]:
                self._symbol(symbol)
            elif text := match["text"]:
                self._add_bytes(text.encode("latin-1"))

    def _brace(self, brace: str) -> None:
        self._flush()
        self._n_to_skip = 0
        self._star = False
        if brace == "}":
            self._state = self._outer.pop() if self._outer else _State()
            return
        if len(self._outer) >= MAX_DEPTH:
            raise FileError(self._file, [f"more than {MAX_DEPTH} groups inside each other"], SAVE_AGAIN)
        self._outer.append(self._state)

    def _n_binary(self, n_bytes: int, *, left: int) -> int:
        if not 0 <= n_bytes <= left:
            problem = f"binary data of {n_bytes} bytes is announced where {left} bytes are left"
            raise FileError(self._file, [problem], SAVE_AGAIN)
        return n_bytes

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._star = True
        elif symbol in _SYMBOLS:
            self._add(_SYMBOLS[symbol])

    def _control(self, word: str, number: int | None) -> None:
        star, self._star = self._star, False
        if word in _LETTERS:
            if word in ("row", "nestrow") and not self._bytes and self._out and self._out[-1] == "\t":
                self._out.pop()  # each cell ends with a tab, the last of a row too
            self._add(_LETTERS[word])
        elif word == "u" and number is not None:
            self._add(chr(number % 65_536))
            self._n_to_skip = self._state.n_fallback
        elif word in ("v", "deleted", "revised", "plain"):
            self._toggle(word, on=number != 0)
        elif word == "uc":
            self._state = self._state._replace(n_fallback=max(number or 0, 0))
        elif word in _BACK_TO_TEXT:
            if self._state.skip in _BACK_TO_TEXT[word] or star:
                self.seen[word] += 1
                self._state = self._state._replace(skip="")
        elif word in _NOT_TEXT or star:
            self._leave_out(word if word in _NOT_TEXT or word == "shpinst" else "*")
        else:
            self._font(word, number)

    def _leave_out(self, destination: str) -> None:
        """The rest of the group is not text."""
        if self._state.skip:
            return
        self._flush()
        self.seen["margin" if destination in _MARGINS else destination] += 1
        self._state = self._state._replace(skip=destination)

    def _toggle(self, word: str, *, on: bool) -> None:
        self._flush()
        if word == "plain":
            self._state = self._state._replace(hidden=False, deleted=False)
            return
        self.seen[word] += on and not self._state.skip
        if word == "v":
            self._state = self._state._replace(hidden=on)
        elif word == "deleted":
            self._state = self._state._replace(deleted=on)

    def _font(self, word: str, number: int | None) -> None:
        """Code pages: of the file, of the fonts in its table, and the font at hand."""
        if word in _CODE_PAGES:
            self._code_page = _CODE_PAGES[word]
        elif word == "ansicpg" and number:
            self._code_page = _known_code_page(number)
        elif word == "deff" and number is not None:
            self._default_font = number
        elif word == "fonttbl":
            self._state = self._state._replace(skip="fonttbl")
        elif word == "f" and number is not None:
            self._flush()
            self._state = self._state._replace(font=number)
        elif word == "fcharset" and number is not None and self._state.skip == "fonttbl":
            self._charsets[self._state.font] = number
        elif word == "object":
            self.seen["object"] += not self._state.skip

    @property
    def _is_shown(self) -> bool:
        return not (self._state.skip or self._state.hidden or self._state.deleted)

    def _add(self, words: str) -> None:
        if self._n_to_skip:
            self._n_to_skip -= 1
            return
        self._flush()
        if self._is_shown:
            self._out.append(words)

    def _add_bytes(self, raw: bytes) -> None:
        n_skipped = min(self._n_to_skip, len(raw))
        self._n_to_skip -= n_skipped
        if self._is_shown:
            self._bytes += raw[n_skipped:]

    def _flush(self) -> None:
        """Decode the bytes that stand together: in some code pages two of them make a character."""
        if not self._bytes:
            return
        raw, self._bytes = bytes(self._bytes), bytearray()
        font = self._state.font if self._state.font >= 0 else self._default_font
        charset = self._charsets.get(font, 0)
        if charset == _SYMBOL_CHARSET and (n_signs := sum(byte > 32 for byte in raw)):
            self.seen["symbol"] += n_signs
            return
        words = raw.decode(_CHARSETS.get(charset, self._code_page), "replace")
        self.seen["unreadable"] += words.count("\ufffd")
        self._out.append(words)


def _known_code_page(number: int) -> str:
    name = "utf-8" if number == 65_001 else f"cp{number}"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def _join_pair(match: re.Match[str]) -> str:
    high, low = (ord(half) for half in match.groups())
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
