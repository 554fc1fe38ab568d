"""Spans that coders marked on a text, as lengths that add up over texts: what unitizing alpha starts from.

A continuum (one transcript) is cut at every border of a span or of what somebody read. Within a
stretch between two cuts nothing changes, so lengths of stretches are all that is needed, however
long the text is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement.values import FloatArray

Span = tuple[int, int, str]
Stretch = tuple[int, int]
ByCode = dict[str, list[Stretch]]


@dataclass(frozen=True, slots=True)
class Continuum:
    """One text and what each coder marked on it.

    length: of the text, in characters.
    spans: for each coder (start, end, code), half-open; None for a coder who did not read the text,
        an empty sequence for one who read it and marked nothing. Coders stand in the same order in
        every continuum of a study.
    read: for each coder the stretches read, half-open; None, for one coder or all, means the whole text.
        What is marked outside what was read does not count.
    """

    length: int
    spans: Sequence[Sequence[Span] | None]
    read: Sequence[Sequence[Stretch] | None] | None = None

    def __post_init__(self) -> None:
        if self.read is not None and len(self.read) != len(self.spans):
            raise ValueError(f"what {len(self.read)} coders read, for {len(self.spans)} coders")
        marked = (span[:2] for spans in self.spans for span in spans or ())
        read = (stretch for stretches in self.read or () for stretch in stretches or ())
        if wrong := [(s, e) for s, e in chain(marked, read) if not 0 <= s < e <= self.length]:
            raise ValueError(
                f"stretches that do not lie in the text: {', '.join(map(str, wrong))}; expected "
                f"0 <= start < end <= {self.length}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class SpanSums:
    """Lengths of one or more continua; every array is additive over continua, its first axes.

    Only stretches that two coders or more read count (m readers each), in characters.
    n_characters: (...,) of those stretches; ``lengths`` sums over coders instead.
    lengths: (..., k + 1) characters to which coders gave each code, last those without any (a gap),
        each coder's counted.
    coincidences: (..., k + 1) agreeing pairs of coders / (m - 1): the diagonal of l in the paper.
    squares: (..., k) sum over spans of their length squared, by code: a span is one thing, of which no
        part can by chance be paired with another.
    paired, paired_squares: (..., k) as lengths and squares, of the part of each span that meets spans of
        other coders, counted by how many of the m - 1 others it meets.
    marked: (..., 4) as ``of_code`` gives it, of all codes as one: overlapping spans are one span.
    n_overlapping: (...,) characters to which one coder gave two codes or more, each coder's counted.
    n_coders: coders who read something that another read too.
    """

    codes: tuple[str, ...]
    n_characters: FloatArray
    lengths: FloatArray
    coincidences: FloatArray
    squares: FloatArray
    paired: FloatArray
    paired_squares: FloatArray
    marked: FloatArray
    n_overlapping: FloatArray
    n_coders: int

    def of_code(self) -> FloatArray:
        """(..., k, 4): all characters, those given the code, agreeing pairs on it, squares of its spans."""
        total = np.broadcast_to(self.marked[..., :1], self.squares.shape)
        return np.stack([total, self.lengths[..., :-1], self.coincidences[..., :-1], self.squares], axis=-1)


def span_sums(continua: Sequence[Continuum], codes: Sequence[str] | None = None) -> SpanSums:
    """Sums of each continuum: first axis n_continua.

    codes: those of the codebook, in this order; without it those that occur, sorted. A span of a code
        that is not among them is refused.
    """
    occurring = sorted({code for text in continua for spans in text.spans for _, _, code in spans or ()})
    known = tuple(occurring if codes is None else codes)
    if unknown := [code for code in occurring if code not in known]:
        raise ValueError(f"codes that are not in the codebook: {', '.join(map(repr, unknown))}")
    if len({len(text.spans) for text in continua}) > 1:
        raise ValueError("every continuum takes the same coders: give None for one who did not read it")
    parts = [_sums(text, known) for text in continua]
    some = parts or [_sums(Continuum(0, []), known)]
    arrays = {key: np.array([part[key] for part in some])[: len(parts)] for key in some[0]}
    return SpanSums(codes=known, n_coders=int(arrays.pop("readers").any(axis=0).sum()), **arrays)


def merged(spans: Iterable[Span | Stretch]) -> list[Stretch]:
    """The spans as stretches that do not overlap: overlapping ones are one, touching ones stay two."""
    result: list[Stretch] = []
    for start, end in sorted(span[:2] for span in spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _sums(text: Continuum, codes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of ``SpanSums`` for one continuum, and in "readers" which coders read what another read."""
    cuts = _cuts(text)
    read = _read(text, cuts)
    m = read.sum(axis=0)
    read &= m >= 2
    widths = np.where(m >= 2, np.diff(cuts), 0).astype(np.float64)
    pairs = widths / np.maximum(m - 1, 1)
    by_code = [_by_code(spans) for spans in text.spans]
    given = _given(by_code, codes, cuts) & read[:, None]
    n_k, n_marked = given.sum(axis=0), given.any(axis=1).sum(axis=0)
    n_gap = np.where(m >= 2, m - n_marked, 0)
    counts = np.concatenate([n_k, n_gap[None]])
    met = pairs * np.maximum(n_marked - 1, 0)
    along, along_met = (_along(read * lengths) for lengths in (widths, met))
    any_code = [{"": merged(spans or ())} for spans in text.spans]
    return {
        "n_characters": widths.sum(),
        "lengths": counts @ widths,
        "coincidences": (counts * (counts - 1)) @ pairs,
        "squares": _squares(along, by_code, codes, cuts),
        "paired": n_k @ met,
        "paired_squares": _squares(along_met, by_code, codes, cuts),
        "marked": [
            (n_marked + n_gap) @ widths,
            n_marked @ widths,
            (n_marked * (n_marked - 1)) @ pairs,
            *_squares(along, any_code, ("",), cuts),
        ],
        "n_overlapping": ((given.sum(axis=1) >= 2) @ widths).sum(),
        "readers": (read @ widths) > 0,
    }


def _given(by_code: Sequence[ByCode], codes: Sequence[str], cuts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each coder gave each code to each stretch; (n_coders, k, n_stretches)."""
    place = {code: k for k, code in enumerate(codes)}
    given = np.zeros((len(by_code), len(codes), len(cuts) - 1), dtype=bool)
    for i, of_coder in enumerate(by_code):
        for code, spans in of_coder.items():
            for first, last in np.searchsorted(cuts, spans):
                given[i, place[code], first:last] = True
    return given


def _squares(
    along: FloatArray, by_code: Sequence[ByCode], codes: Sequence[str], cuts: NDArray[np.int64]
) -> FloatArray:
    """Sum of squared lengths of the spans of all coders, by code. along: (n_coders, n_cuts), length before."""
    place = {code: k for k, code in enumerate(codes)}
    squares = np.zeros(len(codes))
    for before, of_coder in zip(along, by_code, strict=True):
        for code, spans in of_coder.items():
            if spans:
                first, last = np.searchsorted(cuts, np.array(spans)).T
                squares[place[code]] += np.sum(np.square(before[last] - before[first]))
    return squares


def _by_code(spans: Sequence[Span] | None) -> ByCode:
    """The stretches of each code; spans of one code that overlap are one."""
    held: dict[str, list[Span]] = {}
    for span in spans or ():
        held.setdefault(span[2], []).append(span)
    return {code: merged(of_code) for code, of_code in held.items()}


def _cuts(text: Continuum) -> NDArray[np.int64]:
    marked = (bound for spans in text.spans for span in spans or () for bound in span[:2])
    read = (bound for stretches in text.read or () for stretch in stretches or () for bound in stretch)
    return np.unique(np.fromiter(chain((0, text.length), marked, read), dtype=np.int64))


def _read(text: Continuum, cuts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which stretches each coder read; (n_coders, n_stretches)."""
    read = np.zeros((len(text.spans), len(cuts) - 1), dtype=bool)
    for i, spans in enumerate(text.spans):
        stretches = None if text.read is None else text.read[i]
        if spans is None:
            continue
        for start, end in [(0, text.length)] if stretches is None else stretches:
            read[i, np.searchsorted(cuts, start) : np.searchsorted(cuts, end)] = True
    return read


def _along(lengths: FloatArray) -> FloatArray:
    """Length before each cut, of each coder."""
    return np.cumsum(np.pad(lengths, ((0, 0), (1, 0))), axis=1)
