"""Unitizing alpha: how far coders agree where spans begin and end, and on the codes given to them.

Of several texts, coincidences and lengths are added, as if the texts stood one after the other: what
stands in one text may by chance be paired with what stands in another, as units in plain alpha.
Every function takes sums with any leading axes (text, resample), so a jackknife or bootstrap over
transcripts is a sum.

In thematic analysis one stretch often has several codes from one coder. The family takes one code a
stretch, so u, cu and (k)u are undefined there, with that reason. "binary" takes whether anything was
marked, and ``alpha_code`` each code alone, given or not: these two always work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.agreement.continuum import SpanSums
from pipeline.agreement.intervals import LEVEL, N_RESAMPLES, Interval, intervals
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import FloatArray

OVERLAP = "one coder gave a stretch two codes: this coefficient takes one code a stretch"
NOTHING_READ = "no stretch that two coders read"
# What rounding leaves of a length, in characters, when a text is taken away again: shares of a
# character are no smaller than 1 / (readers - 1).
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class UnitizingAgreement:
    """Unitizing alpha of all codes together and of each.

    u: borders and codes. binary: whether anything was marked. cu: codes, where two coders marked.
    ku: by code, whether what was marked by two coders is that code. code: by code, u of it alone.
    """

    u: Statistic
    binary: Statistic
    cu: Statistic
    ku: dict[str, Statistic]
    code: dict[str, Statistic]


def alpha_u(sums: FloatArray, n_codes: int) -> FloatArray:
    """u-alpha = 1 - D_o / D_e: l.. - sum_c l_cc over l.. - sum_c e_cc, gaps being one of the c; at most 1.

    e_cc = l.. (l_c^2 - Q_c) / (l..^2 - Q), Q_c the squared lengths of spans of c and for gaps their plain
    length, Q = sum_c Q_c. With spans of one character it is nominal alpha.
    Source: Krippendorff, Mathet, Bouvry & Widlöcher (2016), Quality & Quantity 50;
    Krippendorff (2019), Content Analysis, 4th ed., sec. 12.6.3, eq. 34.
    sums: (..., 2 n_codes + 4), as ``u_sums`` gives them.
    """
    overlapping, squares = sums[..., 0], sums[..., 1]
    agreeing, lengths = sums[..., 2 : n_codes + 3], sums[..., n_codes + 3 :]
    total = lengths.sum(axis=-1)
    chance = np.square(total) - np.square(lengths).sum(axis=-1)
    # The squares of all values but one are 0 where nothing varies: rounding must not hide it.
    chance = np.where(np.count_nonzero(lengths, axis=-1) < 2, 0.0, chance)
    value = _alpha(total - agreeing.sum(axis=-1), chance, total, squares + lengths[..., -1])
    return np.where(overlapping > 0, np.nan, value)


def alpha_code(sums: FloatArray) -> FloatArray:
    """``alpha_u`` of one code alone, given or not; also "binary", all codes taken as one (marked or not).

    sums: (..., 4), as ``SpanSums.of_code`` and ``SpanSums.marked`` give them.
    """
    total, given, agreeing, squares = np.moveaxis(sums, -1, 0)
    rest = total - given
    return _alpha(2 * (given - agreeing), 2 * given * rest, total, squares + rest)


def alpha_cu(sums: FloatArray) -> FloatArray:
    """cu-alpha: agreement on codes where two coders or more marked something, gaps left aside; at most 1.

    1 - (N - sum_k l_kk) (N^2 - Q) / (N (N^2 - sum_k l_k^2)), N = sum_k l_k, l_k the lengths of parts of
    spans that meet spans of others, Q the squares of those parts, summed for each span.
    Source: as ``alpha_u``, sec. 12.6.5, eqs. 36-37. With three coders or more a part counts by how many
    of the m - 1 others it meets, in l_k and in Q alike; with two coders that is its length.
    sums: (..., k, 4), as ``cu_sums`` gives them.
    """
    overlapping, agreeing, lengths, squares = _paired(sums)
    n = lengths.sum(axis=-1)
    chance = np.square(n) - np.square(lengths).sum(axis=-1)
    chance = np.where(np.count_nonzero(lengths, axis=-1) < 2, 0.0, chance)
    value = _alpha(n - agreeing.sum(axis=-1), chance, n, squares.sum(axis=-1))
    return np.where(overlapping.any(axis=-1), np.nan, value)


def alpha_ku(sums: FloatArray) -> FloatArray:
    """(k)u-alpha of each code, (..., k): whether parts that two coders marked are this code; at most 1.

    1 - (l_k - l_kk) (l_k N - Q_k) / (l_k l_k (N - l_k)) in the symbols of ``alpha_cu``.
    Source: as ``alpha_u``, sec. 12.6.6, eq. 38. sums: as ``alpha_cu``.
    """
    overlapping, agreeing, lengths, squares = _paired(sums)
    n = lengths.sum(axis=-1, keepdims=True)
    chance = np.square(lengths) * np.where(n - lengths < ROUNDING, 0.0, n - lengths)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = 1 - (lengths - agreeing) * (lengths * n - squares) / chance
    undefined = (chance <= 0) | overlapping.any(axis=-1, keepdims=True)
    return np.where(undefined, np.nan, value)


def u_sums(sums: SpanSums) -> FloatArray:
    """(..., 2 k + 4): overlap, squares of spans, agreeing pairs and lengths by code, gaps last."""
    first = np.stack([sums.n_overlapping, sums.squares.sum(axis=-1)], axis=-1)
    return np.concatenate([first, sums.coincidences, sums.lengths], axis=-1)


def cu_sums(sums: SpanSums) -> FloatArray:
    """(..., k, 4): overlap, agreeing pairs, paired lengths and their squares, of each code."""
    overlapping = np.broadcast_to(sums.n_overlapping[..., None], sums.paired.shape)
    parts = (overlapping, sums.coincidences[..., :-1], sums.paired, sums.paired_squares)
    return np.stack(parts, axis=-1)


def unitizing_agreement(sums: SpanSums) -> UnitizingAgreement:
    """The whole family over all continua of ``sums`` (first axis), each with its reason where undefined.

    Missing: only stretches that two coders or more read, each pair weighing 1 / (readers - 1).
    """
    base = float(sums.n_characters.sum()), sums.n_coders
    of_code, marked, cu = (part.sum(axis=0) for part in (sums.of_code(), sums.marked, cu_sums(sums)))
    overlap = OVERLAP if sums.n_overlapping.any() else ""
    nobody = _no_variation(marked)
    one_code = overlap or "no variation: where two coders marked, every code is the same"
    u = float(alpha_u(u_sums(sums).sum(axis=0), len(sums.codes)))
    why_u = overlap or "no variation: everybody gave one and the same code, or none, throughout"
    why_cu = one_code if cu[:, 2].any() else overlap or "no stretch that two coders marked"
    return UnitizingAgreement(
        _statistic(u, why_u, *base),
        _statistic(float(alpha_code(marked)), nobody, *base),
        _statistic(float(alpha_cu(cu)) if len(cu) else math.nan, why_cu, *base),
        {
            code: _statistic(
                float(value), why_cu if part[2] else overlap or "not given where two coders marked", *base
            )
            for code, value, part in zip(sums.codes, alpha_ku(cu), cu, strict=True)
        },
        {
            code: _statistic(float(value), _no_variation(part), *base)
            for code, value, part in zip(sums.codes, alpha_code(of_code), of_code, strict=True)
        },
    )


def unitizing_intervals(
    sums: SpanSums, *, seed: int, level: float = LEVEL, n_resamples: int = N_RESAMPLES
) -> dict[str, tuple[Interval, ...]]:
    """Intervals over transcripts: "u", "binary", "cu" (one each), "ku", "code" (one a code, in their order)."""
    k = len(sums.codes)
    cu = cu_sums(sums)
    flat = cu.reshape(len(cu), 1, 4 * k)  # of no text at all -1 would be nothing

    def unfold(some: FloatArray) -> FloatArray:
        return some.reshape(*some.shape[:-2], k, 4)

    def over(
        what: FloatArray, statistic: Callable[[FloatArray], FloatArray], weighty: FloatArray
    ) -> tuple[Interval, ...]:
        return intervals(
            what,
            statistic,
            scale="coefficient",
            weighty=weighty > 0,
            seed=seed,
            level=level,
            n_resamples=n_resamples,
        )

    read, met = sums.n_characters[:, None], sums.paired.sum(axis=-1)[:, None]
    return {
        "u": over(u_sums(sums)[:, None], lambda some: alpha_u(some, k), read),
        "binary": over(sums.marked[:, None], alpha_code, read),
        "cu": over(flat, lambda some: alpha_cu(unfold(some))[..., None], met),
        "ku": over(flat, lambda some: alpha_ku(unfold(some)), np.repeat(met, k, axis=1)),
        "code": over(sums.of_code(), alpha_code, sums.of_code()[..., 1]),
    }


def _paired(sums: FloatArray) -> tuple[FloatArray, ...]:
    return tuple(np.where(np.abs(part) < ROUNDING, 0.0, part) for part in np.moveaxis(sums, -1, 0))


def _alpha(observed: FloatArray, chance: FloatArray, n: FloatArray, squares: FloatArray) -> FloatArray:
    """1 - observed (n^2 - squares) / (n chance), chance = sum of n_c n_k over unlike c and k; nan where 0.

    Nominal alpha is the case where every value is a thing of its own: squares = n.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = 1 - observed * (np.square(n) - squares) / (n * chance)
    return np.where(chance > 0, value, np.nan)


def _statistic(value: float, reason: str, n_characters: float, n_coders: int) -> Statistic:
    if not n_characters:
        return Statistic(math.nan, NOTHING_READ, 0, 0)
    return Statistic(value, reason if math.isnan(value) else "", round(n_characters), n_coders)


def _no_variation(sums: FloatArray) -> str:
    return "no variation: marked throughout" if sums[1] else "no variation: never marked"
