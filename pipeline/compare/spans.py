"""What people marked, character by character: the spans behind the segments.

The text is that of segments which can be coded; what a context speaker says, labels and gaps between turns are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from corpus.study import Study
from pipeline.agreement.characters import count_characters, white_space
from pipeline.agreement.continuum import Continuum, Span, SpanSums, Stretch, merged, span_sums
from pipeline.compare.columns import BoolArray, FloatArray, IntArray, Panel
from pipeline.units import Units, read_spans, read_stretches


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """One transcript: its text, spaces where nobody could code; what each coder marked, and what each read.

    solid: (n_characters,), no white space; kept, for every pair of coders asks for it.
    """

    text: str
    spans: Mapping[str, Sequence[Span]]
    read: Mapping[str, Sequence[Stretch]]
    solid: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "solid", ~white_space(self.text))


def read_marked(study: Study, units_key: str, units: Units, panel: Panel) -> tuple[Marked, ...]:
    """(t,), one a transcript of the panel; spans of codes that people can give."""
    usable = {code for code, used in zip(panel.codes, panel.usable, strict=True) if used}
    spans: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for name, coder, code, start, end in read_spans(study, units_key).itertuples(index=False, name=None):
        if code in usable:
            spans[name, coder].append((start, end, code))
    stretches: dict[tuple[str, str], list[Stretch]] = defaultdict(list)
    for name, coder, start, end in read_stretches(study, units_key).itertuples(index=False, name=None):
        stretches[name, coder].append((start, end))
    places: dict[str, list[Stretch]] = defaultdict(list)
    words: dict[str, list[str]] = defaultdict(list)
    for segment, context in zip(units.segments, units.context, strict=True):
        if not context:
            places[segment.transcript_id].append((segment.start, segment.end))
            words[segment.transcript_id].append(segment.text)
    coders = list(units.coders)
    return tuple(
        Marked(
            text=_laid_out(places[name], words[name]),
            spans={coder: _within(spans[name, coder], places[name]) for coder in coders},
            read={coder: _overlaps(stretches[name, coder], places[name]) for coder in coders},
        )
        for name in panel.transcripts
    )


def _laid_out(places: Sequence[Stretch], words: Sequence[str]) -> str:
    text, at = [], 0
    for (start, end), said in zip(places, words, strict=True):
        text += [" " * (start - at), said]
        at = end
    return "".join(text)


def _within(spans: Sequence[Span], places: Sequence[Stretch]) -> list[Span]:
    """Spans cut at the end of what can be coded: beyond the last segment there is nothing."""
    end_of_all = places[-1][1] if places else 0
    return [(start, min(end, end_of_all), code) for start, end, code in spans if start < end_of_all]


def _overlaps(stretches: Sequence[Stretch], places: Sequence[Stretch]) -> list[Stretch]:
    """The parts of the places that lie in a stretch, in order; touching ones stay two.

    places: in order, none overlapping another.
    """
    found, held, i, j = [], merged(stretches), 0, 0
    while i < len(held) and j < len(places):
        start, end = max(held[i][0], places[j][0]), min(held[i][1], places[j][1])
        if start < end:
            found.append((start, end))
        if held[i][1] <= places[j][1]:
            i += 1
        else:
            j += 1
    return found


def sums_of_spans(marked: Sequence[Marked], coders: Sequence[str], codes: Sequence[str]) -> SpanSums:
    """Lengths for unitizing alpha, of each transcript and of these coders."""
    continua = [
        Continuum(
            len(one.text),
            [one.spans[coder] if one.read[coder] else None for coder in coders],
            [one.read[coder] for coder in coders],
        )
        for one in marked
        if one.text
    ]
    return span_sums(continua, codes)


def stretches_of(panel: Panel, rows: IntArray) -> list[list[Stretch]]:
    """(t,), where the segments of each transcript stand. rows: places of segments, ascending."""
    found: list[list[Stretch]] = [[] for _ in panel.transcripts]
    for row in rows.tolist():
        found[panel.place[row]].append((panel.segments[row].start, panel.segments[row].end))
    return found


def character_counts(
    marked: Sequence[Marked],
    a: str,
    b: str,
    codes: Sequence[str],
    *,
    within: Sequence[Sequence[Stretch]] | None = None,
) -> FloatArray:
    """(t, k, 4), characters that are no white space, of the transcripts that both read: as ``pairs`` counts units.

    within: (t,), the stretches that count; without it all that both read.
    """
    counts = []
    for t, one in enumerate(marked):
        read = [one.read[name] if within is None else _overlaps(one.read[name], within[t]) for name in (a, b)]
        if all(read):
            spans = one.spans[a], one.spans[b]
            counts.append(
                count_characters(one.text, *spans, codes, read_a=read[0], read_b=read[1], solid=one.solid)
            )
    return np.array(counts, dtype=np.float64).reshape(-1, len(codes), 4)
