"""Suggestions to read, by transcript: quote, codes, the words that spoke for them, excerpts coded so and not so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.report.codes_view import code_numbers
from pipeline.report.levels import NOT_YET, Level, level_of
from pipeline.report.tables import RunTables, Suggestion
from pipeline.report.wording import contribution, count, count_of, percent, shorten

MOST_SEGMENTS = 1500
#: Up to so many segments are printed without being opened, about four to a sheet.
MOST_ON_PAPER = 200
#: About how many characters of participants' words and excerpts the section may hold.
MOST_CHARACTERS = 2_000_000
EXCERPT_CHARACTERS = 240
CODEBOOK_CHARACTERS = 400
#: From these contributions on, in logits, a word is marked in the quote, and marked strongly.
FAINT, STRONG = 0.15, 0.35
PART_WORDS = {
    "meaning": "what it means as a whole",
    "context": "what was said around it",
    "nearest": "excerpts coded so that are like it",
}
#: With more transcripts than this, small ones share a shelf of at least SHELF_SEGMENTS segments.
MANY_TRANSCRIPTS, SHELF_SEGMENTS = 60, 40


@dataclass(frozen=True, slots=True)
class NearExcerpt:
    """A segment that people read and the suggested one is like; codes: "" if it was not coded."""

    transcript: str
    speaker: str
    quote: str
    codes: str


@dataclass(frozen=True, slots=True)
class CodeSuggestion:
    """One code suggested for a segment.

    number: of the code on the page. probability: "" where the code is not learned yet. level: how well it is known.
    evidence, parts: what words, and what the meaning of the segment and of those around it, added. nearest: coded so;
    nearest_not: read and not coded so. codebook: what it says of the code.
    """

    number: int
    name: str
    level: Level
    probability: str
    evidence: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]
    nearest: tuple[NearExcerpt, ...]
    nearest_not: tuple[NearExcerpt, ...]
    codebook: str


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment with its suggestions. quote: pieces of it with how much they spoke for a code (``mark_words``)."""

    transcript: str
    speaker: str
    start: int
    end: int
    quote: tuple[tuple[str, str], ...]
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
    """The section on suggestions. left_out: sentence on what is not on the page, or "". many: too many to print."""

    shelves: tuple[Shelf, ...]
    left_out: str
    filters: tuple[tuple[int, str, int], ...]
    n_segments: str
    many: bool


@dataclass(frozen=True, slots=True)
class _About:
    """What is said of a code wherever it is suggested."""

    numbers: Mapping[str, int]
    levels: Mapping[str, Level]


Key = tuple[str, int, int]


def reading_view(run: RunTables) -> ReadingView:
    """The section on suggestions; filters are (number, code, segments on the page)."""
    segments = {key: tuple(rows) for key, rows in groupby(run.suggestions, key=_key)}
    shown = _choose(run, segments)
    about = _About(
        numbers=code_numbers(run),
        levels={row.code: level_of(row) for row in run.codes},
    )
    views = [_segment(run, segments[key], about) for key in segments if key in shown]
    used = [code.number for view in views for code in view.codes]
    return ReadingView(
        shelves=tuple(_shelves(views)),
        left_out=_left_out(len(shown), len(segments)),
        filters=tuple(
            (number, code, used.count(number))
            for code, number in about.numbers.items()
            if number in set(used)
        ),
        n_segments=count(len(views)),
        many=len(views) > MOST_ON_PAPER,
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
        for place, row in enumerate(sorted(rows, key=lambda row: (-(row.probability or 0), _key(row)))):
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
    return len(rows[0].quote) + sum(
        EXCERPT_CHARACTERS * len(row.nearest + row.nearest_not) + min(len(row.codebook), CODEBOOK_CHARACTERS)
        for row in rows
    )


def _left_out(n_shown: int, n_segments: int) -> str:
    if n_shown == n_segments:
        return ""
    return (
        f"Shown are {count_of(n_shown, 'segment')} of {n_segments:,}: for each code its most probable ones. "
        "All are in suggestions.csv."
    )


def _segment(run: RunTables, rows: Sequence[Suggestion], about: _About) -> SegmentView:
    first = rows[0]
    words: dict[str, float] = {}
    for word, value in (pair for row in rows for pair in row.evidence):
        if value >= FAINT:
            words[word] = max(value, words.get(word, value))
    return SegmentView(
        transcript=first.transcript,
        speaker=first.speaker,
        start=first.start,
        end=first.end,
        quote=mark_words(first.quote, words),
        codes=tuple(
            CodeSuggestion(
                number=about.numbers.get(row.code, 0),
                name=row.code,
                level=about.levels.get(row.code, NOT_YET),
                probability=percent(row.probability) if row.probability is not None else "",
                evidence=tuple((word, contribution(value)) for word, value in row.evidence),
                parts=tuple((PART_WORDS[name], contribution(value)) for name, value in row.parts),
                nearest=tuple(_nearest(run, row.nearest)),
                nearest_not=tuple(_nearest(run, row.nearest_not)),
                codebook=shorten(row.codebook, most=CODEBOOK_CHARACTERS),
            )
            for row in rows
        ),
    )


def _nearest(run: RunTables, ids: Iterable[str]) -> Iterable[NearExcerpt]:
    for found in (run.excerpts[name] for name in ids if name in run.excerpts):
        quote = shorten(found.quote, most=EXCERPT_CHARACTERS)
        yield NearExcerpt(found.transcript, found.speaker, quote, found.codes)


def mark_words(text: str, words: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Pieces of the text in order, each with "strong" or "faint" for a whole word (in any case) that spoke, else "".

    words: word -> its contribution. Joined, the pieces are the text.
    """
    weight = {word.casefold(): value for word, value in words.items() if word}
    if not weight:
        return ((text, ""),)
    wanted = "|".join(map(re.escape, sorted(weight, key=lambda word: (-len(word), word))))
    pieces = re.split(rf"(?<!\w)({wanted})(?!\w)", text, flags=re.IGNORECASE)
    return tuple(
        (piece, _strength(weight, piece) if place % 2 else "") for place, piece in enumerate(pieces) if piece
    )


def _strength(weight: Mapping[str, float], word: str) -> str:
    return "strong" if weight.get(word.casefold(), 0.0) >= STRONG else "faint"


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
