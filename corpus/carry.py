"""From one version of a transcript to the next: where a coding's words stand now, and what still counts as read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from corpus.addresses import AddressError, resolve_address
from corpus.names import tidy_name
from corpus.records import Transcript
from corpus.tables import Row
from corpus.versions import row_digest

Span = tuple[int, int]


def carry(span: Span, old: Transcript, new: Transcript) -> Span | None:
    """Where the words of a span of ``old`` stand in ``new``; None unless they stand once in each."""
    if old.text == new.text:  # only the turns were cut otherwise
        return span
    words = old.text[slice(*span)]
    place, place_before = _only_place(words, new.text), _only_place(words, old.text)
    return place if place_before == span else None


def _only_place(words: str, text: str) -> Span | None:
    start = text.find(words)
    return (start, start + len(words)) if start >= 0 and text.find(words, start + 1) < 0 else None


@dataclass(frozen=True, slots=True)
class Placed:
    """A row of a person's file, the version of its transcript that it was made on, and where it stands.

    made_at: its span in that version, None for a row without a code. span: the same words in the present text, None
    if they do not stand once in each.
    """

    row: Row
    made_on: Transcript
    made_at: Span | None
    span: Span | None


def place_rows(
    rows: Sequence[Row], transcript: Transcript, earlier: Mapping[str, Transcript]
) -> tuple[list[Placed], list[tuple[int, str]]]:
    """Where the rows of one transcript stand in it, and those that name no place, each with its line and reason.

    earlier: digest of a row -> the other version that it was made on, for the rows that were.
    A row that is not among them, or in a file that was renewed, is read in the transcript as it is; if it names no
    place there, in its own earlier version or in any.
    """
    renewed = _is_renewed(rows, transcript, earlier)
    placed, problems = [], []
    for row in rows:
        old = earlier.get(row_digest(row.cells))
        tried = (
            [old] if old and not renewed else [transcript, *([old] if old else _each_once(earlier.values()))]
        )
        try:
            placed.append(_place(row, transcript, tried))
        except AddressError as error:
            problems.append((row.line, str(error)))
    return placed, problems


def _each_once(versions: Iterable[Transcript]) -> list[Transcript]:
    return list({id(version): version for version in versions}.values())


def _place(row: Row, transcript: Transcript, tried: Sequence[Transcript]) -> Placed:
    """The row in the first version in which it names a place; raises what the first that was tried says."""
    if not tidy_name(row.cells["code"]):
        return Placed(row, tried[0], None, None)
    first, *others = tried
    try:
        return _stand(row, transcript, first)
    except AddressError:
        for version in others:
            with suppress(AddressError):
                return _stand(row, transcript, version)
        raise


def _stand(row: Row, transcript: Transcript, version: Transcript) -> Placed:
    span = resolve_address(row.cells, version)
    return Placed(row, version, span, span if version is transcript else carry(span, version, transcript))


def _is_renewed(rows: Sequence[Row], transcript: Transcript, earlier: Mapping[str, Transcript]) -> bool:
    """Whether a researcher wrote all addresses anew for the present version, so that old ones mean new places.

    Turns 5 and 6 may have become 6 and 7: then row 6 looks like an old one. It is new if old rows are gone and,
    reading every row in the present text, no coding is missed that reading the old ones as old would carry over.
    """
    if not earlier.keys() - {row_digest(row.cells) for row in rows}:
        return False
    carried, named = set(), set()
    for row in rows:
        code, here = tidy_name(row.cells["code"]), None
        with suppress(AddressError):
            here = resolve_address(row.cells, transcript)
            named.add((code, here))
        if code and (old := earlier.get(row_digest(row.cells))):
            with suppress(AddressError):
                there = carry(resolve_address(row.cells, old), old, transcript)
                if there and there != here:
                    carried.add((code, there))
    return bool(carried) and carried <= named


@dataclass(frozen=True, slots=True)
class Changed:
    """A transcript of which a coder read an earlier version, and what became of the rows that were made on it.

    before: the earlier versions. rows: all of the coder's rows, as they were placed.
    """

    transcript: Transcript
    before: tuple[Transcript, ...]
    rows: tuple[Placed, ...] = ()

    @property
    def lost(self) -> tuple[Placed, ...]:
        """Codings that are not used."""
        return tuple(placed for placed in self.rows if placed.made_at and not placed.span)

    @property
    def read_anew(self) -> bool:
        """Whether the coder went through the present version: has a row made on it, and none that is not used."""
        return any(placed.made_on is self.transcript for placed in self.rows) and not self.lost

    @property
    def note(self) -> str:
        """What a researcher should know."""
        n = sum(placed.span is not None and placed.made_on is not self.transcript for placed in self.rows)
        told = f"transcript '{self.transcript.transcript_id}' changed: {_codings(n)} carried over"
        if self.lost:
            lines = ", ".join(str(placed.row.line) for placed in self.lost)
            told += f", {len(self.lost):,} not used (line{'s' if len(self.lost) > 1 else ''} {lines})"
            told += ": their words are gone or stand more than once"
        return told if self.read_anew else f"{told}; turns that are new or changed count as not read"


def _codings(n: int) -> str:
    return f"{n:,} coding{'' if n == 1 else 's'}"


def changed_by(transcript: Transcript, rows: Sequence[Placed]) -> Changed | None:
    """None if all rows were made on the transcript as it is."""
    versions = _each_once(placed.made_on for placed in rows)
    others = tuple(version for version in versions if version is not transcript)
    return Changed(transcript, others, tuple(rows)) if others else None


def still_read(changed: Changed) -> list[Span]:
    """What of a transcript its coder has read, who had read all of an earlier version.

    The turns that stood there before word for word, and those that hold a coding. Not those that held a coding
    that is not used: to take them for read would say that the coder declined the code there.
    """
    if changed.read_anew:
        return [(0, len(changed.transcript.text))]
    known = {words for old in changed.before for words in _turns(old).values()}
    for placed in changed.lost:
        known -= {words for turn, words in _turns(placed.made_on).items() if _touches(turn, [placed.made_at])}
    used = [placed.span for placed in changed.rows]
    return [
        turn for turn, words in _turns(changed.transcript).items() if words in known or _touches(turn, used)
    ]


def _turns(transcript: Transcript) -> dict[Span, str]:
    return {(turn.start, turn.end): transcript.text[turn.start : turn.end] for turn in transcript.turns}


def _touches(turn: Span, spans: Iterable[Span | None]) -> bool:
    return any(span is not None and span[0] < turn[1] and turn[0] < span[1] for span in spans)
