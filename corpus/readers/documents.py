"""What all readers of office documents share: from lines to a transcript, and from counts to warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from corpus.decode import clean_text
from corpus.errors import FileError
from corpus.names import tidy_name
from corpus.readers.speakers import find_turns
from corpus.records import Reading, Transcript, Turn

#: What was seen -> what to say of one, and of more.
Sentences = Mapping[str, tuple[str, str]]


def document_reading(
    lines: Iterable[str], *, source: str, warnings: Sequence[str] = (), rejected: Sequence[str] = ()
) -> Reading:
    """The transcript whose text is the lines joined by LF, its turns found as in plain text.

    source: the file's path below ``transcripts/``; its stem is the transcript's id.
    Raises FileError if nobody says anything.
    """
    text, cleaned = clean_text("\n".join(lines))
    turns, doubts = find_turns(text)
    if not turns:
        raise no_text(source)
    transcript = Transcript(transcript_id(source), text, turns, source)
    return Reading((transcript,), (*warnings, *cleaned, *doubts), tuple(rejected))


def reading_of_words(
    text: str,
    turns: Sequence[Turn],
    *,
    source: str,
    warnings: Sequence[str] = (),
    rejected: Sequence[str] = (),
) -> Reading:
    """The transcript of a file that says itself where turns begin (captions, machine transcripts)."""
    if not turns:
        raise FileError(source, [*rejected, "no text: nobody says anything in it"])
    transcript = Transcript(transcript_id(source), text, tuple(turns), source)
    return Reading((transcript,), tuple(warnings), tuple(rejected))


def transcript_id(source: str) -> str:
    """The transcript's id: the stem of its file."""
    return tidy_name(PurePosixPath(source).stem)


def no_text(source: str) -> FileError:
    """The error for a document in which nobody says anything."""
    return FileError(source, ["no text: nobody says anything in it"], "Is it the right file?")


def told(seen: Mapping[str, int], sentences: Sentences) -> list[str]:
    """A warning for each thing that was seen, with its count, in the order of ``sentences``."""
    return [
        f"{seen[key]} {one if seen[key] == 1 else more}"
        for key, (one, more) in sentences.items()
        if seen.get(key)
    ]


def row_line(cells: Sequence[Sequence[str]]) -> str:
    """A table row as one line, or more if a cell holds several paragraphs: cells are joined by tabs."""
    return "\t".join("\n".join(lines) for lines in cells)
