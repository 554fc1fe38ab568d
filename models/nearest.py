"""The member of the theme model that asks the nearest coded excerpts: which codes did people give what is like this?

A smoothed vote of all rows that it learned from, each weighing less the further it is (Nadaraya 1964, Watson 1964).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logit

FloatArray = npt.NDArray[np.float64]
Embeddings = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.intp]

NEAREST = "nearest"
"""Name of the member that asks the nearest coded excerpts."""
#: How fast a vote fades: at a cosine lower by this than the nearest row's it counts 1 / e as much.
REACH = 0.05
#: How many votes, each as heavy as the nearest row's, the rate of the code counts beside them.
PRIOR_VOTES = 1.0
#: So many rows are kept, for the size of a model's file: 77 MB with the default encoder.
MOST_ROWS = 20_000
_BATCH = 1024


@dataclass(frozen=True, slots=True)
class FittedNearest:
    """Rows and what people made of them.

    rows: (m, d) of length 1. shares: (m, n_codes), of the coders who read a row those who gave the code.
    """

    rows: Embeddings
    shares: FloatArray

    @property
    def rates(self) -> FloatArray:
        """(n_codes,) smoothed share of rows with the code."""
        return np.asarray((self.shares.sum(axis=0) + 0.5) / (len(self.shares) + 1))

    @property
    def rate_logits(self) -> FloatArray:
        """(n_codes,) what it says where no row speaks for or against."""
        return np.asarray(logit(self.rates))

    def logits(self, view: Embeddings) -> FloatArray:
        """(n, n_codes) of rows as ``models.views.context_view`` gives them."""
        parts = [self._logits(unit_rows(view[at : at + _BATCH])) for at in range(0, len(view), _BATCH)]
        return np.vstack(parts) if parts else np.zeros((0, self.shares.shape[1]))

    def _logits(self, asked: Embeddings) -> FloatArray:
        cosines = (asked @ self.rows.T).astype(np.float64)
        votes = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / REACH)
        given = votes @ self.shares + PRIOR_VOTES * self.rates
        not_given = votes @ (1 - self.shares) + PRIOR_VOTES * (1 - self.rates)
        return np.asarray(np.log(given) - np.log(not_given))


def unit_rows(view: Embeddings) -> Embeddings:
    """Rows of length 1; a row of zeros stays."""
    lengths = np.linalg.norm(view, axis=1, keepdims=True)
    return np.asarray(view / np.where(lengths > 0, lengths, 1))


@dataclass(frozen=True, slots=True)
class NearestMember:
    """Which coded excerpts a segment is like, its neighbours included; view: (n, d) float32."""

    view: Embeddings

    def fit(self, rows: IntArray, targets: FloatArray, *, seed: int) -> FittedNearest:
        """Keep these rows and what was made of them: a random MOST_ROWS of them where there are more."""
        if len(rows) > MOST_ROWS:
            kept = np.sort(np.random.default_rng(seed).choice(len(rows), MOST_ROWS, replace=False))
            rows, targets = rows[kept], targets[kept]
        return FittedNearest(unit_rows(self.view[rows]), targets)
