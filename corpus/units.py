"""Units: how turns become segments, and how codings and readings map onto them.

This is the one place for the rule; every stage uses it. Segments depend on transcript and settings
only, never on who coded what.
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from corpus.records import Coding, Read, Segment, Transcript, Turn

MAX_WORDS = 120
_WORD = re.compile(r"\S+")

SentenceEnds = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Applied:
    """A coding applies to a segment.

    coding: its place in the sequence that was mapped.
    """

    segment_id: str
    coding: int


@dataclass(frozen=True, slots=True)
class Placement:
    """How codings map onto segments.

    exact: codings whose segments hold the same words as they do; narrowed: some of their words lie in no
    segment that they apply to; widened: all of their words do, and the segments hold more.
    unplaced: places of codings that touch no word of any segment.
    """

    applied: tuple[Applied, ...]
    n_exact: int
    n_widened: int
    n_narrowed: int
    unplaced: tuple[int, ...]


def segment_transcript(transcript: Transcript, *, unit: str, sentence_ends: SentenceEnds) -> list[Segment]:
    """Segments of a transcript in order; a turn without words has none.

    unit: "turn", the turn whatever its length; or "passage", turns over 120 words cut at sentence ends
        into near-equal parts of at most 120 words.
    sentence_ends: text -> offsets at which its sentences end, ascending.
    """
    segments = []
    for turn in transcript.turns:
        words = transcript.text[turn.start : turn.end]
        if not words.strip():
            continue
        parts = _passages(words, sentence_ends) if unit == "passage" else [(0, len(words))]
        segments += [_segment(transcript, turn, turn.start + start, turn.start + end) for start, end in parts]
    return segments


def _segment(transcript: Transcript, turn: Turn, start: int, end: int) -> Segment:
    return Segment(
        segment_id=f"{transcript.transcript_id}#{start}-{end}",
        transcript_id=transcript.transcript_id,
        turn=turn.number,
        speaker=turn.speaker,
        start=start,
        end=end,
        text=transcript.text[start:end],
    )


def _passages(text: str, sentence_ends: SentenceEnds) -> list[tuple[int, int]]:
    words = [match.span() for match in _WORD.finditer(text)]
    if len(words) <= MAX_WORDS:
        return [(0, len(text))]
    atoms = _atoms(words, sentence_ends(text))
    cuts = _balanced_cuts([last - first for first, last in atoms])
    groups = [(atoms[first][0], atoms[last - 1][1]) for first, last in pairwise(cuts)]
    return [(words[first][0], words[last - 1][1]) for first, last in groups]


def _atoms(words: Sequence[tuple[int, int]], ends: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges of words that stay together: sentences, and near-equal parts of sentences over the limit."""
    starts = [start for start, _ in words]
    # A word belongs to the sentence that it begins in.
    borders = sorted({0, len(words), *(bisect_right(starts, end - 1) for end in ends)})
    atoms = []
    for first, last in pairwise(borders):
        n_parts = math.ceil((last - first) / MAX_WORDS)
        marks = [first + (last - first) * part // n_parts for part in range(n_parts + 1)]
        atoms += list(pairwise(marks))
    return atoms


def _balanced_cuts(sizes: Sequence[int]) -> list[int]:
    """Borders of the fewest runs of at most MAX_WORDS words, then the most equal (least sum of squares)."""
    before = [0, *accumulate(sizes)]
    best: list[tuple[int, int]] = [(0, 0)]
    came_from = [0]
    for last in range(1, len(before)):
        options = []
        for first in range(last - 1, -1, -1):
            size = before[last] - before[first]
            if size > MAX_WORDS:
                break
            options.append((best[first][0] + 1, best[first][1] + size * size, first))
        n_runs, squares, first = min(options)
        best.append((n_runs, squares))
        came_from.append(first)
    cuts = [len(sizes)]
    while cuts[-1]:
        cuts.append(came_from[cuts[-1]])
    return cuts[::-1]


class _Words:
    """Counts of non-space characters between offsets of one transcript."""

    def __init__(self, text: str) -> None:
        # Four bytes a character: people may have read hundreds of interviews.
        self._before = array("I", [0])
        self._before.extend(accumulate(not character.isspace() for character in text))

    def count(self, start: int, end: int) -> int:
        return self._before[end] - self._before[start] if end > start else 0


def place_codings(
    segments: Sequence[Segment], codings: Sequence[Coding], texts: Mapping[str, str]
) -> Placement:
    """Map codings onto segments.

    A coding applies to a segment if it covers at least half of the segment's non-space characters, or at
    least half of its own lie in it; if to none, to the segment with the largest overlap (tie: the first).

    texts: transcript id -> text.
    """
    per_transcript = _by_transcript(segments)
    words = {name: _Words(texts[name]) for name in {coding.transcript_id for coding in codings}}
    applied: list[Applied] = []
    unplaced = []
    counts = {"exact": 0, "widened": 0, "narrowed": 0}
    for place, coding in enumerate(codings):
        chosen = _segments_of(
            coding, per_transcript.get(coding.transcript_id, []), words[coding.transcript_id]
        )
        if not chosen:
            unplaced.append(place)
            continue
        applied += [Applied(segment.segment_id, place) for segment in chosen]
        counts[_how(coding, chosen, words[coding.transcript_id])] += 1
    return Placement(tuple(applied), counts["exact"], counts["widened"], counts["narrowed"], tuple(unplaced))


def _segments_of(coding: Coding, segments: Sequence[Segment], words: _Words) -> list[Segment]:
    own = words.count(coding.start, coding.end)
    touched = [
        (overlap, segment)
        for segment in segments
        if (overlap := words.count(max(coding.start, segment.start), min(coding.end, segment.end)))
    ]
    chosen = [
        segment
        for overlap, segment in touched
        if 2 * overlap >= words.count(segment.start, segment.end) or 2 * overlap >= own
    ]
    if chosen or not touched:
        return chosen
    return [max(touched, key=lambda pair: pair[0])[1]]


def _how(coding: Coding, chosen: Iterable[Segment], words: _Words) -> str:
    inside = held = 0
    for segment in chosen:
        inside += words.count(max(coding.start, segment.start), min(coding.end, segment.end))
        held += words.count(segment.start, segment.end)
    if inside < words.count(coding.start, coding.end):
        return "narrowed"
    return "widened" if held > inside else "exact"


def read_segments(
    segments: Sequence[Segment], reads: Sequence[Read], texts: Mapping[str, str]
) -> dict[str, set[str]]:
    """Coder -> ids of the segments that they read: at least half of its non-space characters."""
    per_transcript = _by_transcript(segments)
    spans: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for read in reads:
        spans[read.coder, read.transcript_id].append((read.start, read.end))
    found: dict[str, set[str]] = {read.coder: set() for read in reads}
    for (coder, transcript_id), parts in spans.items():
        merged = _merge(parts)
        words = _Words(texts[transcript_id])
        for segment in per_transcript.get(transcript_id, []):
            seen = sum(words.count(max(a, segment.start), min(b, segment.end)) for a, b in merged)
            if seen and 2 * seen >= words.count(segment.start, segment.end):
                found[coder].add(segment.segment_id)
    return found


def _merge(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _by_transcript(segments: Iterable[Segment]) -> dict[str, list[Segment]]:
    grouped: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        grouped[segment.transcript_id].append(segment)
    return grouped
