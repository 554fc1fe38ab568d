"""What the codebook says of codes, as rows that a model is taught beside the segments that people read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Told:
    """The last rows of each view.

    targets: (e, n_codes) in 0..1. said: (e, n), the text stands in a segment: a codebook quotes what people said,
    and a quotation would tell a model of what is held out.
    """

    targets: FloatArray
    said: BoolArray

    @property
    def n_quoted(self) -> int:
        """How many of the texts were said in a segment."""
        return int(self.said.any(axis=1).sum())

    def beside(self, rows: IntArray) -> IntArray:
        """These rows of segments, and of the codebook what was said in no other segment."""
        n = self.said.shape[1]
        others = np.ones(n, dtype=bool)
        others[rows] = False
        return np.concatenate([rows, n + np.flatnonzero(~self.said[:, others].any(axis=1))])


def nothing_told(n: int, n_codes: int) -> Told:
    """Of n segments, without a codebook."""
    return Told(np.zeros((0, n_codes)), np.zeros((0, n), dtype=bool))
