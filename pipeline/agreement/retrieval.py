"""Precision, recall and F1: how well one coder, or the model, finds what a reference gave."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import Ratings, pairable, why_nothing_common

Average = Literal["macro", "micro"]


def precision(ratings: Ratings, *, average: Average = "macro") -> Statistic:
    """Share of what the second coder gave that the first, the reference, gave too: TP / (TP + FP); 0..1.

    Source: van Rijsbergen (1979), Information Retrieval, 2nd ed., ch. 7; scikit-learn's computation.
    average: "macro", the mean over the categories for which it is defined (scikit-learn's default
        counts the others as 0); "micro", over all values at once.
    Missing: only units that both gave a value.
    Undefined: no unit in common, or (macro) no category that the second coder gave.
    """
    return _score(ratings, 0, average)


def recall(ratings: Ratings, *, average: Average = "macro") -> Statistic:
    """Share of what the first coder, the reference, gave that the second gave too: TP / (TP + FN); 0..1.

    Source, average, missing and undefined: as ``precision``, with the coders exchanged.
    """
    return _score(ratings, 1, average)


def f1(ratings: Ratings, *, average: Average = "macro") -> Statistic:
    """Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN); 0..1, the same for either reference.

    Source, average, missing: as ``precision``; a category that neither coder gave is left out.
    """
    return _score(ratings, 2, average)


def _score(ratings: Ratings, which: int, average: Average) -> Statistic:
    if ratings.values.shape[1] != 2:
        raise ValueError(f"this statistic takes two coders, the table has {ratings.values.shape[1]}")
    n_units, n_coders = pairable(ratings)
    if n_units == 0:
        return Statistic(math.nan, why_nothing_common(ratings), n_units, n_coders)
    truth, given = ratings.values[(ratings.values >= 0).all(axis=1)].T
    scores = precision_recall_fscore_support(
        truth, given, labels=range(len(ratings.categories)), average=average, zero_division=np.nan
    )
    return Statistic(float(scores[which]), "", n_units, n_coders)


def f1_samples(
    reference: Sequence[AbstractSet[Hashable]],
    given: Sequence[AbstractSet[Hashable]],
    *,
    both_empty: float = math.nan,
) -> Statistic:
    """Mean over units of 2 |A and B| / (|A| + |B|), A and B the sets of codes given to the unit; 0..1.

    Source: Godbole & Sarawagi (2004), PAKDD, pp. 22-30, example-based F1; scikit-learn's computation.
    both_empty: what a unit counts that neither gave a code; nan leaves it out.
    Undefined: no unit, or every unit left out.
    """
    if len(reference) != len(given):
        raise ValueError(f"{len(reference)} sets of the reference beside {len(given)} of the other coder")
    if not reference:
        return Statistic(math.nan, "no units", 0, 0)
    if math.isnan(both_empty) and not any(map(len, [*reference, *given])):
        return Statistic(math.nan, "neither coder gave a code", len(given), 2)
    binarizer = MultiLabelBinarizer().fit([*reference, *given])
    sets = binarizer.transform(reference), binarizer.transform(given)
    value = f1_score(*sets, average="samples", zero_division=both_empty)
    return Statistic(float(value), "", len(given), 2)
