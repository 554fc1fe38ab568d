"""Suggestions to read, by transcript: quote, codes, the words that spoke for them, excerpts coded so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.report.codes_view import code_numbers
from pipeline.report.tables import RunTables, Suggestion
from pipeline.report.wording import contribution, count_of, percent, shorten

MOST_SEGMENTS = 1500
#: About how many characters of participants' words and excerpts the section may hold.
MOST_CHARACTERS = 2_000_000
EXCERPT_CHARACTERS = 240
DEFINITION_CHARACTERS = 160
#: With more transcripts than this, small ones share a shelf of at least SHELF_SEGMENTS segments.
MANY_TRANSCRIPTS, SHELF_SEGMENTS = 60, 40


@dataclass(frozen=True, slots=True)
class NearExcerpt:
    """A coded segment that the suggested one is like."""

    transcript: str
    speaker: str
    quote: str
    codes: str


@dataclass(frozen=True, slots=True)
class CodeSuggestion:
    """One code suggested for a segment. number: of the code on the page."""

    number: int
    name: str
    probability: str
    evidence: tuple[tuple[str, str], ...]
    nearest: tuple[NearExcerpt, ...]
    definition: str


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment with its suggestions. quote: pieces of it, True where the words spoke for a code."""

    transcript: str
    speaker: str
    start: int
    end: int
    quote: tuple[tuple[str, bool], ...]
    codes: tuple[CodeSuggestion, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is opened at once: one transcript, or several small ones (then ``last`` names the last)."""

    first: str
    last: str
    count: str
    segments: tuple[SegmentView, ...]


@dataclass(frozen=True, slots=True)
class ReadingView:
    """The section on suggestions. left_out: sentence on what is not on the page, or ""."""

    shelves: tuple[Shelf, ...]
    left_out: str
    filters: tuple[tuple[int, str, int], ...]


Key = tuple[str, int, int]


def reading_view(run: RunTables) -> ReadingView:
    """The section on suggestions; filters are (number, code, segments on the page)."""
    segments = {key: tuple(rows) for key, rows in groupby(run.suggestions, key=_key)}
    shown = _choose(run, segments)
    numbers = code_numbers(run)
    definitions = {code["name"]: code.get("definition", "") for code in run.summary["codebook"]}
    views = [_segment(run, segments[key], numbers, definitions) for key in segments if key in shown]
    used = [code.number for view in views for code in view.codes]
    return ReadingView(
        shelves=tuple(_shelves(views)),
        left_out=_left_out(len(shown), len(segments)),
        filters=tuple(
            (number, code, used.count(number)) for code, number in numbers.items() if number in set(used)
        ),
    )


def _key(row: Suggestion) -> Key:
    return row.transcript, row.start, row.end


def _choose(run: RunTables, segments: Mapping[Key, Sequence[Suggestion]]) -> frozenset[Key]:
    """The segments that fit on the page: for each code its most probable ones first, so that none is drowned."""
    rank: dict[Key, int] = {}
    by_code: dict[str, list[Suggestion]] = {}
    for row in run.suggestions:
        by_code.setdefault(row.code, []).append(row)
    for rows in by_code.values():
        for place, row in enumerate(sorted(rows, key=lambda row: (-row.probability, _key(row)))):
            rank[_key(row)] = min(place, rank.get(_key(row), place))
    chosen: set[Key] = set()
    size = 0
    for key in sorted(segments, key=lambda key: (rank[key], key)):
        size += _size(segments[key])
        if len(chosen) == MOST_SEGMENTS or size > MOST_CHARACTERS:
            break
        chosen.add(key)
    return frozenset(chosen)


def _size(rows: Sequence[Suggestion]) -> int:
    return len(rows[0].quote) + sum(EXCERPT_CHARACTERS * len(row.nearest) + DEFINITION_CHARACTERS for row in rows)


def _left_out(n_shown: int, n_segments: int) -> str:
    if n_shown == n_segments:
        return ""
    return (
        f"Shown are {count_of(n_shown, 'segment')} of {n_segments:,}: for each code its most probable ones. "
        "All are in suggestions.csv."
    )


def _segment(
    run: RunTables, rows: Sequence[Suggestion], numbers: Mapping[str, int], definitions: Mapping[str, str]
) -> SegmentView:
    first = rows[0]
    words = {word for row in rows for word, _ in row.evidence}
    return SegmentView(
        transcript=first.transcript,
        speaker=first.speaker,
        start=first.start,
        end=first.end,
        quote=mark_words(first.quote, words),
        codes=tuple(
            CodeSuggestion(
                number=numbers.get(row.code, 0),
                name=row.code,
                probability=percent(row.probability),
                evidence=tuple((word, contribution(value)) for word, value in row.evidence),
                nearest=tuple(_nearest(run, row.nearest)),
                definition=shorten(definitions.get(row.code, ""), most=DEFINITION_CHARACTERS),
            )
            for row in rows
        ),
    )


def _nearest(run: RunTables, ids: Iterable[str]) -> Iterable[NearExcerpt]:
    for found in (run.excerpts[name] for name in ids if name in run.excerpts):
        quote = shorten(found.quote, most=EXCERPT_CHARACTERS)
        yield NearExcerpt(found.transcript, found.speaker, quote, found.codes)


def mark_words(text: str, words: Iterable[str]) -> tuple[tuple[str, bool], ...]:
    """Pieces of the text in order, True for whole words (in any case) among ``words``; joined they are the text."""
    longest_first = sorted(filter(None, words), key=lambda word: (-len(word), word))
    if not longest_first:
        return ((text, False),)
    wanted = "|".join(map(re.escape, longest_first))
    pieces = re.split(rf"(?<!\w)({wanted})(?!\w)", text, flags=re.IGNORECASE)
    return tuple((piece, place % 2 == 1) for place, piece in enumerate(pieces) if piece)


def _shelves(views: Sequence[SegmentView]) -> Iterable[Shelf]:
    transcripts = [tuple(found) for _, found in groupby(views, key=lambda view: view.transcript)]
    together = SHELF_SEGMENTS if len(transcripts) > MANY_TRANSCRIPTS else 1
    pile: list[SegmentView] = []
    for place, found in enumerate(transcripts):
        pile += found
        if len(pile) >= together or place == len(transcripts) - 1:
            yield _shelf(pile)
            pile = []


def _shelf(views: Sequence[SegmentView]) -> Shelf:
    names = list(dict.fromkeys(view.transcript for view in views))
    last = names[-1] if len(names) > 1 else ""
    segments = count_of(len(views), "segment")
    return Shelf(
        first=names[0],
        last=last,
        count=f"{count_of(len(names), 'transcript')}, {segments}" if last else segments,
        segments=tuple(views),
    )
