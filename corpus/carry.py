"""From one version of a transcript to the next: where a coding's words stand now, and what still counts as read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from corpus.addresses import AddressError, resolve_address
from corpus.names import tidy_name
from corpus.records import Transcript
from corpus.tables import Row
from corpus.versions import address_digest, address_part, row_digest

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
    if they do not stand once in each. in_doubt: nobody can tell which version the row was made on, so no span.
    """

    row: Row
    made_on: Transcript
    made_at: Span | None = None
    span: Span | None = None
    in_doubt: bool = False


class Placing:
    """Where the rows of one coder in one transcript stand.

    earlier: digest of a row -> the other version of the transcript that it was made on, for the rows that were.

    A row that is not among them is read in the transcript as it is now; if it names no place there, in the earlier
    versions. So is every row of a file that was renewed. An address that stood there before with another code means
    the same words as before if no address is gone, that is, codes were merely renamed; else it is in doubt, for it
    may be the old numbering or the new, unless both say the same words.
    """

    def __init__(
        self, rows: Sequence[Row], transcript: Transcript, earlier: Mapping[str, Transcript]
    ) -> None:
        self._rows, self._now, self._earlier = rows, transcript, earlier
        self._digests = {row_digest(row.cells) for row in rows}
        self._versions = _each_once(earlier.values())
        self._by_address: dict[str, dict[str, Transcript]] = defaultdict(dict)
        for row, version in earlier.items():
            self._by_address[address_part(row)][row] = version
        self._all_addresses_stand = self._by_address.keys() <= {address_part(row) for row in self._digests}
        self._renewed = self._is_renewed()

    def place(self, row: Row) -> Placed:
        """Raises AddressError if the row names no place in any version that it may refer to."""
        old = self._earlier.get(row_digest(row.cells))
        if not tidy_name(row.cells["code"]):
            return Placed(row, old if old and not self._renewed else self._now)
        if self._renewed:
            return self._in_first(row, [self._now, *([old] if old else self._versions)])
        if old:
            return self._in_first(row, [old])
        if there := self._by_address.get(address_digest(row.cells)):
            return self._at_known_address(row, there)
        return self._in_first(row, [self._now, *self._versions])

    def _at_known_address(self, row: Row, there: Mapping[str, Transcript]) -> Placed:
        before = [self._in_first(row, [version]) for version in _each_once(there.values())]
        if self._all_addresses_stand and not self._digests & there.keys() and len(before) == 1:
            return before[0]
        with suppress(AddressError):
            now = self._in_first(row, [self._now])
            if all(_words(placed) == _words(now) for placed in before):
                return now
        return replace(before[0], span=None, in_doubt=True)

    def _in_first(self, row: Row, versions: Sequence[Transcript]) -> Placed:
        """The row in the first version where it names a place; raises what the first of all says."""
        first, *others = versions
        try:
            return self._stand(row, first)
        except AddressError:
            for version in others:
                with suppress(AddressError):
                    return self._stand(row, version)
            raise

    def _stand(self, row: Row, version: Transcript) -> Placed:
        span = resolve_address(row.cells, version)
        return Placed(row, version, span, span if version is self._now else carry(span, version, self._now))

    def _is_renewed(self) -> bool:
        """Whether a researcher wrote all addresses anew for the present version, so that old ones mean new places.

        Turns 5 and 6 may have become 6 and 7: then row 6 looks like an old one. It is new if an old address is gone
        and, with every row read in the present text, nothing is missed that the old meanings would carry over.
        """
        if self._all_addresses_stand:
            return False
        carried, named = set[tuple[str, Span]](), set[tuple[str, Span]]()
        for row in self._rows:
            code, here = tidy_name(row.cells["code"]), None
            with suppress(AddressError):
                here = resolve_address(row.cells, self._now)
                named |= {(code, here), ("", here)}
            there = self._by_address.get(address_digest(row.cells), {})
            same = there.get(row_digest(row.cells))
            for version in [same] if same else _each_once(there.values()):
                with suppress(AddressError):
                    span = self._stand(row, version).span
                    if code and span and span != here:
                        carried.add((code if same else "", span))
        return bool(carried) and carried <= named


def place_rows(
    rows: Sequence[Row], transcript: Transcript, earlier: Mapping[str, Transcript]
) -> tuple[list[Placed], list[tuple[int, str]]]:
    """Where the rows of one transcript stand in it, and those that name no place, each with its line and reason."""
    placing = Placing(rows, transcript, earlier)
    placed, problems = [], []
    for row in rows:
        try:
            placed.append(placing.place(row))
        except AddressError as error:
            problems.append((row.line, str(error)))
    return placed, problems


def versions_of_rows(placed: Sequence[Placed], earlier: Mapping[str, Transcript]) -> dict[str, Transcript]:
    """Digest of a row -> the version that it was made on; what was known before, too, while a row is in doubt."""
    known = dict(earlier) if any(row.in_doubt for row in placed) else {}
    return known | {row_digest(p.row.cells): p.made_on for p in placed if not p.in_doubt}


def _words(placed: Placed) -> str:
    return placed.made_on.text[slice(*placed.made_at)] if placed.made_at else ""


def _each_once(versions: Iterable[Transcript]) -> list[Transcript]:
    return list({id(version): version for version in versions}.values())


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
        told += _not_used(
            [placed for placed in self.lost if not placed.in_doubt],
            "their words are gone or stand more than once",
        )
        told += _not_used(
            [placed for placed in self.lost if placed.in_doubt],
            "their addresses stood there before the change with other codes, so give start, end and quote",
        )
        return told if self.read_anew else f"{told}; turns that are new or changed count as not read"


def _not_used(rows: Sequence[Placed], reason: str) -> str:
    lines = ", ".join(str(placed.row.line) for placed in rows)
    return f", {len(rows):,} not used (line{'s' if len(rows) > 1 else ''} {lines}): {reason}" if rows else ""


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
