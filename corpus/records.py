"""The records that cross borders between rooms: plain, frozen, checked where they are made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Turn:
    """Uninterrupted talk of one speaker.

    number: counted from 1 within the transcript; what an address by ``turn`` means.
    speaker: the label as written in the file, without its colon; "" where the file names nobody.
    start, end: offsets of the words (label and timestamp excluded) into ``Transcript.text``,
        in Unicode code points, half-open.
    start_time, end_time: seconds from the beginning of the recording, None where the file has none.
    """

    number: int
    speaker: str
    start: int
    end: int
    start_time: float | None = None
    end_time: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The written record of one interview.

    transcript_id: the file's stem, or the ``transcript`` column of a turn table.
    text: decoded text as DESIGN's text rule leaves it; every offset of the study points into it.
    turns: in order, not overlapping; ``text[turn.start:turn.end]`` are the words of a turn.
    source: path of the file below ``transcripts/``, with forward slashes.
    """

    transcript_id: str
    text: str
    turns: tuple[Turn, ...]
    source: str = ""

    @property
    def sha256(self) -> str:
        """Hex digest of the text: the version that codings refer to."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one speaker turn: the unit that is coded.

    turn: number of the turn that it lies in, from 1.
    start, end: offsets into ``Transcript.text``, in Unicode code points, half-open,
        so ``Transcript.text[start:end] == text``.
    """

    segment_id: str
    transcript_id: str
    turn: int
    speaker: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A label with a definition. ``parent`` is the name of another code, or ""."""

    name: str
    parent: str = ""
    definition: str = ""
    include: str = ""
    exclude: str = ""
    example: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class Codebook:
    """The codes of a study, in the order of the file; names are unique."""

    codes: tuple[Code, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the codes, in order."""
        return tuple(code.name for code in self.codes)

    def __contains__(self, name: object) -> bool:
        return any(code.name == name for code in self.codes)


@dataclass(frozen=True, slots=True)
class Coding:
    """One code applied to one span by one coder.

    start, end: offsets into the transcript's text, in code points, half-open, ``start < end``.
    basis: "blind", "seen" or "accepted" (DESIGN, *Basis*); "" where the file does not say.
    """

    transcript_id: str
    coder: str
    code: str
    start: int
    end: int
    memo: str = ""
    coded_at: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A stretch of a transcript that a coder has read: not coded there means declined there.

    assumed: True if no ``coverage.csv`` row says so and any row in the transcript was taken to
        mean that all of it was read.
    """

    coder: str
    transcript_id: str
    start: int
    end: int
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Sitting:
    """What the rows of one coder in one transcript say of how and when they were made, also rows without a code.

    bases: what stands in ``basis``, "" for rows that do not say. first, last: of the days in ``coded_at``, as
        "2026-11-25", "" where no row has one. n_undated: rows whose ``coded_at`` is empty or no date.
    """

    coder: str
    transcript_id: str
    bases: tuple[str, ...]
    first: str
    last: str
    n_undated: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one transcript file gave.

    warnings: what a researcher should know of the file (a guessed encoding, replaced characters,
        a dropped row with its line); they hold no words of a participant.
    rejected: rows or cues that were not taken, each with its line and reason; not empty means
        that the file was read in part.
    """

    transcripts: tuple[Transcript, ...]
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = field(default=())
