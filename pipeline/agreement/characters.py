"""Two coders on the characters of a text: agreement on spans of different borders by the coefficients of ``pairs``.

Every character but white space is a unit, given a code if it lies in a span of it. Characters of one
span hang together, so the number of characters says nothing about certainty: intervals are over
transcripts. With kappa this is character-level kappa, Cohen (1960) on characters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement.continuum import Span, Stretch
from pipeline.agreement.pairs import count_pairs


def count_characters(
    text: str,
    a: Sequence[Span],
    b: Sequence[Span],
    codes: Sequence[str],
    *,
    read_a: Sequence[Stretch] | None = None,
    read_b: Sequence[Stretch] | None = None,
    solid: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """The four counts of ``pairs`` for each code, in characters that are no white space; shape (k, 4).

    a, b: spans (start, end, code), half-open, that may overlap: a character in two spans of one code
        counts once. A span of a code that is not among ``codes`` is refused.
    read_a, read_b: stretches that each coder read; None: all of the text. Only what both read counts.
    solid: ``~white_space(text)``, where it is known already from another pair.
    Add the counts of several texts (their first axis) for coefficients and intervals over transcripts.
    """
    solid = ~white_space(text) if solid is None else solid
    before = np.concatenate([[0], np.cumsum(solid)])
    both = _covered(before, read_a) & _covered(before, read_b)
    return count_pairs(_given(before, a, codes)[both], _given(before, b, codes)[both])


def white_space(text: str) -> NDArray[np.bool_]:
    """(n_characters,), ``str.isspace`` of each character, without a Python step for each."""
    characters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<U1")
    return np.asarray(np.char.isspace(characters), dtype=np.bool_)


def _given(before: NDArray[np.int64], spans: Sequence[Span], codes: Sequence[str]) -> NDArray[np.bool_]:
    """(n_solid_characters, k), whether a character lies in a span of the code."""
    place = {code: k for k, code in enumerate(codes)}
    if unknown := sorted({code for _, _, code in spans} - place.keys()):
        raise ValueError(f"codes that are not in the codebook: {', '.join(map(repr, unknown))}")
    given = np.zeros((before[-1], len(codes)), dtype=bool)
    for start, end, code in spans:
        _refuse_outside(before, start, end)
        given[before[start] : before[end], place[code]] = True
    return given


def _covered(before: NDArray[np.int64], stretches: Sequence[Stretch] | None) -> NDArray[np.bool_]:
    covered = np.full(before[-1], stretches is None)
    for start, end in stretches or ():
        _refuse_outside(before, start, end)
        covered[before[start] : before[end]] = True
    return covered


def _refuse_outside(before: NDArray[np.int64], start: int, end: int) -> None:
    if not 0 <= start < end < len(before):
        raise ValueError(f"stretch {(start, end)}: expected 0 <= start < end <= {len(before) - 1}")
