"""Documents with codings in JSON: one object in a ``.json`` file, one object a line in a ``.jsonl`` file.

An object has ``text`` and ``doc_id`` (the transcript's id; without it, in a ``.json`` file, the file's stem), and may
have ``codings``: a list of objects with ``coder``, ``code``, ``start``, ``end`` (half-open), maybe ``quote`` (then
checked) and ``memo``; ``offset_unit``: "code points" (the default), "utf-16" or "utf-8"; ``schema_version``: 1.
Offsets are whole numbers; 4.0 is one, 3.7 is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.decode import clean_text, decode
from corpus.errors import FileError
from corpus.names import tidy_name
from corpus.readers.documents import transcript_id
from corpus.readers.offsets import OffsetRule, unit_called
from corpus.readers.speakers import find_turns
from corpus.readers.strict_json import MAX_BYTES, JsonError, parse_json
from corpus.readers.whisper import find_segments, read_segments
from corpus.records import Reading, Transcript
from corpus.tables import Row, Table

SCHEMA_VERSION = 1
COLUMNS = ("transcript", "coder", "code", "start", "end", "quote", "memo")
REMEDY = "Expected: an object with doc_id, text and, if there are any, codings; or Whisper's segments."


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a file of documents and codings holds.

    codings: a table of ``COLUMNS`` as ``import_codings`` takes it, offsets in code points of our text; a row's line
        is that of its document in the file.
    rejected: documents and codings that were not taken, each with its place and reason.
    """

    transcripts: tuple[Transcript, ...]
    codings: Table
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


def read_json(data: bytes, *, source: str) -> Reading:
    """The transcripts in a ``.json`` or ``.jsonl`` file: a machine transcript, or documents with codings.

    Raises FileError for more than 10 MB and for what is neither.
    """
    if _has_lines(source):
        return _without_codings(read_exchange(data, source=source))
    value, warnings = _parse(data, source)
    if (segments := find_segments(value)) is not None:
        return read_segments(segments, source=source, warnings=warnings)
    return _without_codings(_Gathering(source).gather_one(value, warnings))


def _without_codings(found: Exchange) -> Reading:
    n_codings = len(found.codings.rows)
    told = [f"codings in this file: {n_codings}; 'precode import' brings them in"] if n_codings else []
    return Reading(found.transcripts, (*found.warnings, *told), found.rejected)


def read_exchange(data: bytes, *, source: str) -> Exchange:
    """The documents and codings of a ``.json`` or ``.jsonl`` file.

    A line of a ``.jsonl`` file that cannot be used is listed in ``rejected``, as is a coding whose offsets are no
    whole numbers, lie outside the text or do not fit the quote. Raises FileError if no document can be used.
    """
    if _has_lines(source):
        return _Gathering(source).gather_lines(data)
    document, warnings = _parse(data, source)
    return _Gathering(source).gather_one(document, warnings)


def _has_lines(source: str) -> bool:
    return source.lower().endswith(".jsonl")


def _parse(data: bytes, source: str) -> tuple[Any, tuple[str, ...]]:
    text, warnings = _decode(data, source)
    try:
        return parse_json(text), warnings
    except JsonError as error:
        raise FileError(source, [str(error)], REMEDY) from None


def _decode(data: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    if len(data) > MAX_BYTES:
        problem = f"{len(data) / 2**20:.0f} MB: a JSON file may have {MAX_BYTES // 2**20} MB"
        raise FileError(source, [problem], "Split the file.")
    decoded = decode(data, file=source)
    return decoded.text, decoded.warnings


class _RefusedError(Exception):
    """Why a document or coding is not taken."""


class _Gathering:
    """Collects documents and codings of one file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.transcripts: dict[str, Transcript] = {}
        self.rows: list[Row] = []
        self.warnings: dict[str, None] = {}
        self.rejected: list[str] = []

    def gather_one(self, document: Any, warnings: Sequence[str]) -> Exchange:
        self.warnings |= dict.fromkeys(warnings)
        try:
            self._take(document, 1, default_id=transcript_id(self.source))
        except _RefusedError as refused:
            raise FileError(self.source, [str(refused)], REMEDY) from None
        return self._exchange()

    def gather_lines(self, data: bytes) -> Exchange:
        for line, document in self._documents(data):
            try:
                self._take(document, line, default_id="")
            except _RefusedError as refused:
                self.rejected.append(f"line {line}: {refused}")
        if not self.transcripts:
            raise FileError(self.source, self.rejected or ["no documents in it"], REMEDY)
        return self._exchange()

    def _exchange(self) -> Exchange:
        codings = Table(COLUMNS, tuple(self.rows))
        return Exchange(tuple(self.transcripts.values()), codings, tuple(self.warnings), tuple(self.rejected))

    def _documents(self, data: bytes) -> Iterator[tuple[int, Any]]:
        """Line numbers and parsed lines; a line that is no JSON is listed."""
        text, warnings = _decode(data, self.source)
        self.warnings |= dict.fromkeys(warnings)
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    yield number, parse_json(line)
                except JsonError as error:
                    self.rejected.append(f"line {number}: {error}")

    def _take(self, document: Any, line: int, *, default_id: str) -> None:
        raw, name = _check_document(document, default_id)
        if name in self.transcripts:
            raise _RefusedError("its doc_id stands in the file already")
        unit = unit_called(str(document.get("offset_unit", "code points")))
        if not unit:
            raise _RefusedError("'offset_unit' is none of code points, utf-16, utf-8")
        text, cleaned = clean_text(raw)
        turns, doubts = find_turns(text)
        if not turns:
            raise _RefusedError("no text: nobody says anything in it")
        self.warnings |= dict.fromkeys((*cleaned, *doubts))
        self.transcripts[name] = Transcript(name, text, turns, self.source)
        codings = document.get("codings") or []
        if codings:
            self._take_codings(codings, line, self.transcripts[name], OffsetRule(raw, unit))

    def _take_codings(
        self, codings: Sequence[Any], line: int, transcript: Transcript, rule: OffsetRule
    ) -> None:
        for number, coding in enumerate(codings, start=1):
            try:
                cells = _cells(coding, transcript, rule)
            except _RefusedError as refused:
                self.rejected.append(f"line {line}, coding {number}: {refused}")
            else:
                self.rows.append(Row(line, cells))


def _check_document(document: Any, default_id: str) -> tuple[str, str]:
    """The text as written and the transcript's id."""
    if not isinstance(document, Mapping):
        raise _RefusedError("no JSON object")
    version = document.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        found = f"{version}: made by a newer version" if newer else "not one that is known"
        raise _RefusedError(f"'schema_version' is {found} (this program reads {SCHEMA_VERSION})")
    text = document.get("text")
    if not isinstance(text, str):
        found = "missing" if "text" not in document else "null" if text is None else "no string"
        raise _RefusedError(f"'text' is {found}")
    doc_id = document.get("doc_id", default_id)
    name = tidy_name(clean_text(doc_id)[0]) if isinstance(doc_id, str) else ""
    if not name:
        raise _RefusedError("'doc_id' is missing, empty or no string")
    if not isinstance(document.get("codings") or [], list):
        raise _RefusedError("'codings' is no list")
    return text, name


def _cells(coding: Any, transcript: Transcript, rule: OffsetRule) -> dict[str, str]:
    """A coding as a row of ``COLUMNS``."""
    if not isinstance(coding, Mapping):
        raise _RefusedError("no JSON object")
    for key in ("coder", "code"):
        if not isinstance(coding.get(key), str) or not coding[key].strip():
            raise _RefusedError(f"'{key}' is missing, empty or no string")
    start, end = (_offset(coding, key, rule) for key in ("start", "end"))
    if start >= end:
        raise _RefusedError("'start' is not before 'end'")
    words = transcript.text[start:end]
    quote = coding.get("quote")
    if quote is not None and (not isinstance(quote, str) or clean_text(quote)[0] != words):
        raise _RefusedError("the words at its offsets are not those of 'quote'")
    memo = coding.get("memo")
    named = {key: clean_text(coding[key])[0] for key in ("coder", "code")}
    memo = clean_text(memo)[0] if isinstance(memo, str) else ""
    place = {"start": str(start), "end": str(end), "quote": words, "memo": memo}
    return {"transcript": transcript.transcript_id, **named, **place}


def _offset(coding: Mapping[str, Any], key: str, rule: OffsetRule) -> int:
    value = coding.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        found = f"{value}, no whole number" if isinstance(value, float) else "missing or no whole number"
        raise _RefusedError(f"'{key}' is {found}")
    converted = rule.convert(value)
    if converted is None:
        raise _RefusedError(f"'{key}' is {value}: outside the text or inside a character")
    return converted
