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
        total = np.broadcast_to(_total(self.marked)[..., None], self.squares.shape)
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
    readers = np.any([reads for *_, reads in parts], axis=0)
    arrays = [np.array(column) for column in list(zip(*parts, strict=True))[:-1]] or _no_sums(len(known))
    fields: list[Any] = [known, *arrays, int(np.sum(readers))]
    return SpanSums(*fields)


def merged(spans: Iterable[Span | Stretch]) -> list[Stretch]:
    """The spans as stretches that do not overlap: overlapping ones are one, touching ones stay two."""
    result: list[Stretch] = []
    for start, end in sorted(span[:2] for span in spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _sums(text: Continuum, codes: tuple[str, ...]) -> tuple[Any, ...]:
    cuts = _cuts(text)
    widths = np.diff(cuts).astype(np.float64)
    read = _read(text, cuts)
    m = read.sum(axis=0)
    read &= m >= 2
    pairs = np.where(m >= 2, widths / np.maximum(m - 1, 1), 0.0)
    widths = np.where(m >= 2, widths, 0.0)
    place = {code: k for k, code in enumerate(codes)}
    by_code = [_by_code(spans, codes) for spans in text.spans]
    given = np.zeros((len(text.spans), len(codes), len(widths)), dtype=bool)
    for i, of_coder in enumerate(by_code):
        for code, stretches in of_coder.items():
            for first, last in np.searchsorted(cuts, stretches):
                given[i, place[code], first:last] = True
    given &= read[:, None]
    marked = given.any(axis=1)
    n_k, n_marked = given.sum(axis=0), marked.sum(axis=0)
    met = pairs * np.maximum(n_marked - 1, 0)
    squares, paired_squares = np.zeros((2, len(codes)))
    any_code = 0.0
    for i, of_coder in enumerate(by_code):
        along, along_met = _along(widths * read[i]), _along(met * read[i])
        for code, stretches in of_coder.items():
            squares[place[code]] += _squared(along, cuts, stretches)
            paired_squares[place[code]] += _squared(along_met, cuts, stretches)
        any_code += _squared(along, cuts, merged(text.spans[i] or ()))
    n_gap = np.where(m >= 2, m - n_marked, 0)
    counts = np.concatenate([n_k, n_gap[None]])
    return (
        widths.sum(),
        counts @ widths,
        (counts * (counts - 1)) @ pairs,
        squares,
        n_k @ met,
        paired_squares,
        [(n_marked + n_gap) @ widths, n_marked @ widths, (n_marked * (n_marked - 1)) @ pairs, any_code],
        ((given.sum(axis=1) >= 2) @ widths).sum(),
        (read @ widths) > 0,
    )


def _by_code(spans: Sequence[Span] | None, codes: Sequence[str]) -> dict[str, list[Stretch]]:
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


def _along(widths: FloatArray) -> FloatArray:
    """Length before each cut."""
    return np.concatenate([[0.0], np.cumsum(widths)])


def _squared(along: FloatArray, cuts: NDArray[np.int64], stretches: Sequence[Stretch]) -> float:
    if not stretches:
        return 0.0
    at = np.searchsorted(cuts, np.array(stretches))
    return float(np.sum(np.square(along[at[:, 1]] - along[at[:, 0]])))


def _total(marked: FloatArray) -> FloatArray:
    total: FloatArray = marked[..., 0]
    return total


def _no_sums(k: int) -> list[FloatArray]:
    shapes = ((0,), (0, k + 1), (0, k + 1), (0, k), (0, k), (0, k), (0, 4), (0,))
    return [np.zeros(shape) for shape in shapes]
