"""Two coders and one code, given or not: every coefficient at once from the four counts.

Arrays of any shape go through in one pass (code x transcript, resample x code ...), so that a
jackknife or bootstrap over transcripts is a sum of counts. The numbers are those of the general
functions for two coders and the two categories given and not given, whatever occurs.

Counts: (..., 4), units that both coders read, in this order: ``both`` gave the code, ``only_a``,
``only_b``, ``neither``. Precision, recall and F1 hold coder a as the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.agreement.statistic import NO_COMMON_UNIT, Statistic
from pipeline.agreement.values import FloatArray, divide


def count_pairs(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The four counts of two boolean arrays (n_units, ...) over their first axis; shape (..., 4)."""
    return np.stack([np.sum(cell, axis=0) for cell in _four(a, b)], axis=-1)


def four_cells(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the four each unit counts to; shape (n_units, ..., 4), for sums over units of one's own."""
    return np.stack(_four(a, b), axis=-1)


def _four(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Sequence[NDArray[np.bool_]]:
    return a & b, a & ~b, ~a & b, ~a & ~b


def percent_agreement(counts: ArrayLike) -> FloatArray:
    """(both + neither) / n; undefined without units. Formula and source: ``percent``."""
    both, only_a, only_b, neither = _cells(counts)
    return divide(both + neither, both + only_a + only_b + neither)


def cohen_kappa(counts: ArrayLike) -> FloatArray:
    """2 (both neither - only_a only_b) / (a1 b0 + b1 a0), a1 and b1 how often each gave the code.

    The binary form of ``cohen``. Undefined: both gave the code always or both never.
    """
    both, only_a, only_b, neither = _cells(counts)
    a1, a0, b1, b0 = both + only_a, only_b + neither, both + only_b, only_a + neither
    return divide(2 * (both * neither - only_a * only_b), a1 * b0 + b1 * a0)


def scott_pi(counts: ArrayLike) -> FloatArray:
    """1 - 2 n (only_a + only_b) / (n1 n0), n1 and n0 the values given and not given of both coders.

    The binary form of ``scott``. Undefined as ``cohen_kappa``.
    """
    n, differ, n1, n0 = _margins(counts)
    return 1 - divide(2 * n * differ, n1 * n0)


def krippendorff_alpha(counts: ArrayLike) -> FloatArray:
    """1 - (2 n - 1) (only_a + only_b) / (n1 n0): nominal ``alpha``; undefined as ``cohen_kappa``."""
    n, differ, n1, n0 = _margins(counts)
    return 1 - divide((2 * n - 1) * differ, n1 * n0)


def gwet_ac1(counts: ArrayLike) -> FloatArray:
    """(p_a - p_e) / (1 - p_e), p_e = 2 p (1 - p), p = n1 / 2n: ``gwet``; undefined without units."""
    n, differ, n1, n0 = _margins(counts)
    return 1 - divide(2 * n * differ, 2 * n * n - n1 * n0)


def brennan_prediger(counts: ArrayLike) -> FloatArray:
    """2 p_a - 1, that is PABAK: ``brennan`` for two categories; undefined without units."""
    return 2 * percent_agreement(counts) - 1


def precision(counts: ArrayLike) -> FloatArray:
    """both / (both + only_b); undefined where b never gave the code."""
    both, _, only_b, _ = _cells(counts)
    return divide(both, both + only_b)


def recall(counts: ArrayLike) -> FloatArray:
    """both / (both + only_a); undefined where a never gave the code."""
    both, only_a, _, _ = _cells(counts)
    return divide(both, both + only_a)


def f1(counts: ArrayLike) -> FloatArray:
    """2 both / (2 both + only_a + only_b); undefined where neither gave the code."""
    both, only_a, only_b, _ = _cells(counts)
    return divide(2 * both, 2 * both + only_a + only_b)


def prevalence_a(counts: ArrayLike) -> FloatArray:
    """Share of units to which a gave the code; undefined without units."""
    both, only_a, only_b, neither = _cells(counts)
    return divide(both + only_a, both + only_a + only_b + neither)


def prevalence_b(counts: ArrayLike) -> FloatArray:
    """Share of units to which b gave the code; undefined without units."""
    both, only_a, only_b, neither = _cells(counts)
    return divide(both + only_b, both + only_a + only_b + neither)


def bias(counts: ArrayLike) -> FloatArray:
    """|only_a - only_b| / n: how far apart the two prevalences are, 0..1; undefined without units.

    Source: Byrt, Bishop & Carlin (1993), Journal of Clinical Epidemiology 46, 423-429, bias index,
    without its sign. Kappa rises with it, at the same agreement.
    """
    return np.abs(signed_bias(counts))


def signed_bias(counts: ArrayLike) -> FloatArray:
    """(only_a - only_b) / n, -1..1: above 0 if a gave the code more often; undefined without units."""
    both, only_a, only_b, neither = _cells(counts)
    return divide(only_a - only_b, both + only_a + only_b + neither)


PAIR_STATISTICS: dict[str, Callable[[Any], FloatArray]] = {
    "prevalence_a": prevalence_a,
    "prevalence_b": prevalence_b,
    "bias": bias,
    "percent_agreement": percent_agreement,
    "cohen_kappa": cohen_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac1,
    "scott_pi": scott_pi,
    "brennan_prediger": brennan_prediger,
    "precision": precision,
    "recall": recall,
    "f1": f1,
}
"""By the field of ``agreement.json``, in its order."""

# Counts that carry a share: a transcript with none of them says nothing about it. The bias is a share
# of units too, but one whose interval is made with its sign (``intervals``).
SHARE_CELLS: dict[str, tuple[int, ...]] = {
    "prevalence_a": (0, 1, 2, 3),
    "prevalence_b": (0, 1, 2, 3),
    "percent_agreement": (0, 1, 2, 3),
    "precision": (0, 2),
    "recall": (0, 1),
    "f1": (0, 1, 2),
}

# Coefficients that hang on where the code was given (or, if it nearly always was, declined).
CHANCE_CORRECTED = frozenset({"cohen_kappa", "krippendorff_alpha", "scott_pi"})

_WHY_UNDEFINED = {
    "precision": "{b} never gave the code",
    "recall": "{a} never gave the code",
    "f1": "neither gave the code",
    "cohen_kappa": "neither varied: both {always} gave the code",
    "scott_pi": "neither varied: both {always} gave the code",
    "krippendorff_alpha": "neither varied: both {always} gave the code",
}


def pair_statistics(
    counts: ArrayLike, *, a: str = "the first coder", b: str = "the second"
) -> dict[str, Statistic]:
    """Every pair statistic of one set of counts (shape (4,)), each with its reason where undefined.

    a, b: what to call the two in reasons.
    """
    cells = np.asarray(counts)
    n_units = int(cells.sum())
    n_coders = 2 if n_units else 0
    result = {}
    for key, statistic in PAIR_STATISTICS.items():
        value = float(statistic(cells))
        reason = _why_undefined(key, cells, a, b) if np.isnan(value) else ""
        result[key] = Statistic(value, reason, n_units, n_coders)
    return result


def _why_undefined(key: str, cells: NDArray[Any], a: str, b: str) -> str:
    if not cells.any():
        return NO_COMMON_UNIT
    return _WHY_UNDEFINED[key].format(a=a, b=b, always="always" if cells[0] else "never")


def given_and_declined(counts: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """How often the two gave the code and how often they did not, both together; (...) each."""
    _, _, n1, n0 = _margins(counts)
    return n1, n0


def _cells(counts: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    cells = np.asarray(counts, dtype=np.float64)
    if cells.shape[-1:] != (4,):
        raise ValueError(f"counts has shape {cells.shape}, expected (..., 4)")
    both, only_a, only_b, neither = np.moveaxis(cells, -1, 0)
    return both, only_a, only_b, neither


def _margins(counts: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    both, only_a, only_b, neither = _cells(counts)
    differ = only_a + only_b
    return both + differ + neither, differ, 2 * both + differ, 2 * neither + differ
