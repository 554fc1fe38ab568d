"""Members of the theme model: each sees one view of the segments and gives a logit for each code.

A member holds the views of all rows; ``fit`` learns from some of them, and what it returns can score any rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.linear import Linear, Rows, fit_linear
from models.ngrams import Vocabulary, learn_idf, weigh

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

STRENGTH = 1.0
_AT_ONCE = 2048
# Rows of n-grams are the most memory of a run, and liblinear works for one thread at a time anyway.
_ONE_AT_A_TIME = Lock()
WORDS = "words"
"""Name of the member that sees the words and characters of a segment."""
CONTEXT = "context"
"""Name of the member that sees the meaning of a segment and of its neighbours."""


class Fitted(Protocol):
    """What a member learned."""

    def logits(self, view: Rows) -> FloatArray:
        """(n, n_codes) of a view (n, d)."""


class Member(Protocol):
    """A view of all rows, and how to learn from it."""

    @property
    def view(self) -> Rows:
        """(n, d) of all rows, in the order of the targets."""

    def fit(self, rows: IntArray, targets: FloatArray, *, seed: int) -> Fitted:
        """Learn from these rows; targets: (len(rows), n_codes) in 0..1."""


@dataclass(frozen=True, slots=True)
class FittedWords:
    """Words and characters: vocabulary, inverse document frequencies of the training rows, weights."""

    vocabulary: Vocabulary
    idf: FloatArray
    linear: Linear

    def features(self, view: Rows) -> Rows:
        """TF-IDF of counts as ``models.ngrams.count_ngrams`` gives them."""
        return weigh(view, self.idf, len(self.vocabulary.words))

    def logits(self, view: Rows) -> FloatArray:
        """(n, n_codes)."""
        # Some rows at a time, to bound memory.
        starts = range(0, max(view.shape[0], 1), _AT_ONCE)
        return np.vstack([self.linear.logits(self.features(view[at : at + _AT_ONCE])) for at in starts])


@dataclass(frozen=True, slots=True)
class WordsMember:
    """Words and characters of the segment itself."""

    vocabulary: Vocabulary
    view: sp.csr_matrix

    def fit(self, rows: IntArray, targets: FloatArray, *, seed: int) -> FittedWords:
        """Weights from these rows alone; the vocabulary's other n-grams get weight 0."""
        with _ONE_AT_A_TIME:
            counts = self.view[rows]
            idf = learn_idf(counts, self.vocabulary)
            features = weigh(counts, idf, len(self.vocabulary.words))
            del counts  # as large as what is learned from
            linear = fit_linear(features, targets, strength=STRENGTH, seed=seed, emphasize=True)
        return FittedWords(self.vocabulary, idf, linear)


@dataclass(frozen=True, slots=True)
class FittedContext:
    """Weights over a segment's embedding and those of its neighbours."""

    linear: Linear

    def logits(self, view: Rows) -> FloatArray:
        """(n, n_codes) of rows as ``models.views.context_view`` gives them."""
        return self.linear.logits(view)


@dataclass(frozen=True, slots=True)
class ContextMember:
    """The meaning of the segment and of what was said before and after it; view: (n, d) float32."""

    view: npt.NDArray[np.float32]

    def fit(self, rows: IntArray, targets: FloatArray, *, seed: int) -> FittedContext:
        """Weights from these rows alone; nothing here is random."""
        return FittedContext(fit_linear(self.view[rows], targets, strength=STRENGTH, seed=seed))


def mean_logits(
    members: Mapping[str, Member],
    rows: IntArray,
    targets: FloatArray,
    asked: IntArray,
    *,
    seed: int,
    shares: Mapping[str, float] | None = None,
) -> FloatArray:
    """What members that learned from some rows of their views say of others: (len(asked), n_codes), uncalibrated.

    targets: (len(rows), n_codes). shares: how much each member counts; left out, all count the same.
    """
    weights = shares or dict.fromkeys(members, 1 / len(members))
    parts = [
        weights[name] * member.fit(rows, targets, seed=seed).logits(member.view[asked])
        for name, member in members.items()
    ]
    return np.asarray(np.sum(parts, axis=0))
