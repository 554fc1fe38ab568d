"""Transcripts in plain text: one file, one transcript."""

from __future__ import annotations

from pathlib import PurePosixPath

from corpus.decode import SAVE_AS_UTF8, decode
from corpus.errors import FileError
from corpus.names import tidy_name
from corpus.readers.speakers import find_turns
from corpus.records import Reading, Transcript


def read_plain_text(data: bytes, *, source: str) -> Reading:
    """The transcript in a ``.txt`` file, cut into turns at its speaker labels (see ``speakers``).

    source: the file's path below ``transcripts/``; its stem is the transcript's id.
    Raises FileError for what is not text and for a file in which nobody says anything.
    """
    decoded = decode(data, file=source)
    turns, warnings = find_turns(decoded.text)
    if not turns:
        problem = "empty file: " + (
            "labels without words" if decoded.text.strip() else "nothing but white space"
        )
        raise FileError(source, [problem], SAVE_AS_UTF8)
    transcript = Transcript(tidy_name(PurePosixPath(source).stem), decoded.text, turns, source)
    return Reading((transcript,), decoded.warnings + warnings)
