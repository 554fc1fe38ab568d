"""Readers of transcripts, one for each kind of file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from corpus.errors import FileError
from corpus.readers.captions import read_subrip, read_webvtt
from corpus.readers.exchange import read_json
from corpus.readers.open_document import read_open_document
from corpus.readers.pdf import read_pdf
from corpus.readers.plain_text import read_plain_text
from corpus.readers.rich_text import read_rich_text
from corpus.readers.turn_table import read_turn_table
from corpus.readers.word import read_word
from corpus.readers.workbook import read_turn_workbook, read_workbook
from corpus.records import Reading
from corpus.tables import Table, read_table

MAX_BYTES = 100 * 1024 * 1024
#: Of one transcript, about 200 hours of talk: its segments are held in memory together.
MAX_CHARACTERS = 10_000_000


class Reader(Protocol):
    """Reads the bytes of one file; ``source`` is its path below ``transcripts/``, for ids and messages."""

    def __call__(self, data: bytes, *, source: str) -> Reading:  # noqa: D102
        ...


#: The reader for each ending, in lower case.
READERS: Mapping[str, Reader] = MappingProxyType(
    {
        ".txt": read_plain_text,
        ".docx": read_word,
        ".odt": read_open_document,
        ".rtf": read_rich_text,
        ".pdf": read_pdf,
        ".vtt": read_webvtt,
        ".srt": read_subrip,
        ".csv": read_turn_table,
        ".xlsx": read_turn_workbook,
        ".json": read_json,
        ".jsonl": read_json,
    }
)


def read_table_file(path: Path, *, file: str) -> Table:
    """The table in a ``.csv`` or ``.xlsx`` file that people or other tools made, whatever its columns.

    Raises FileError as ``corpus.tables.read_table`` and ``corpus.readers.workbook.read_workbook``.
    """
    data = path.read_bytes()
    if path.suffix.lower() == ".xlsx":
        return read_workbook(data, file=file)
    return read_table(data, file=file, for_machines=True)


def read_transcripts(path: Path, *, source: str) -> Reading:
    """What stands in a transcript file of any known kind.

    Raises FileError, naming ``source`` and never ``path``, for an unknown ending, a file over 100 MB, one that
    cannot be opened, and whatever the reader refuses. A transcript of more than 10 million characters is rejected;
    the others of its file are read.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise FileError(source, [f"no reader for the ending '{path.suffix}'"], f"Known endings: {known}.")
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            problem = f"{n_bytes / 2**20:.0f} MB: a transcript file may have {MAX_BYTES // 2**20} MB"
            raise FileError(source, [problem], "Split the file.")
        data = path.read_bytes()
    except OSError as error:
        raise FileError(source, [f"cannot be opened: {error.strerror}"]) from None
    return _without_too_long(reader(data, source=source))


def _without_too_long(reading: Reading) -> Reading:
    too_long = [found for found in reading.transcripts if len(found.text) > MAX_CHARACTERS]
    if not too_long:
        return reading
    problems = [
        f"transcript '{found.transcript_id}' has {len(found.text) / 1e6:.0f} million characters: "
        f"{MAX_CHARACTERS // 1_000_000} million are allowed. Split it."
        for found in too_long
    ]
    kept = tuple(found for found in reading.transcripts if found not in too_long)
    return replace(reading, transcripts=kept, rejected=(*reading.rejected, *problems))
