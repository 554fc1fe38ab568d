"""Documents as rows that topics are estimated from: counts, TF-IDF, or TF-IDF smoothed over neighbours in meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer
from threadpoolctl import threadpool_limits

from models.topics import Documents, IntArray

N_NEIGHBOURS = 10
SHARE_OF_NEIGHBOURS = 0.8
"""How much of a smoothed row its neighbours make. Measured as agreement with human codes (adjusted mutual
information, mean over 8 to 30 topics) on 17 interviews and 7,400 survey answers: .7 gave .266 and .249, .8 .278 and
.254, .9 .279 and .253, and no smoothing .117 and .206; the least of those that are as good."""
BLOCK_CELLS = 1 << 20
"""Similarities that are held at once, so that memory does not grow with the square of the documents."""

BoolArray = npt.NDArray[np.bool_]
Vectors = npt.NDArray[np.float32]
MakeRows = Callable[[Documents, BoolArray], sp.csr_matrix]
"""(documents, mask (n,) of texts) -> rows (m, w), in order, of the documents that stand among these texts."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a topic model is fitted to: all documents, and those of each half by itself."""

    whole: sp.csr_matrix
    halves: tuple[sp.csr_matrix, ...]


def make_rows(documents: Documents, halves: Sequence[BoolArray], make: MakeRows) -> Rows:
    """Rows of all documents and of each half; nothing outside a half tells on its rows."""
    everything = np.ones(len(documents.row_of), dtype=bool)
    return Rows(make(documents, everything), tuple(make(documents, half) for half in halves))


def count_rows(documents: Documents, among: BoolArray) -> sp.csr_matrix:
    """Counts of words."""
    return documents.counts[_places(documents, among)]


def weighted_rows(documents: Documents, among: BoolArray) -> sp.csr_matrix:
    """TF-IDF with logarithmic counts; document frequencies are those among these texts."""
    counts = count_rows(documents, among)
    return TfidfTransformer(sublinear_tf=True).fit_transform(counts) if counts.shape[0] else counts * 1.0


def smoothed_rows(documents: Documents, among: BoolArray, *, vectors: Vectors) -> sp.csr_matrix:
    """TF-IDF, of each row a fifth its own and the rest the mean of the ten nearest documents among these texts.

    vectors: (n, v) meaning of every text; a document's is the mean of its texts'. Nearness is the cosine.
    """
    rows = weighted_rows(documents, among)
    near = nearest(_means(documents, among, vectors))
    n_documents, n_near = near.shape
    if not n_near:
        return rows
    mean = sp.csr_matrix(
        (np.full(near.size, 1 / n_near), near.ravel(), np.arange(0, near.size + 1, n_near)),
        shape=(n_documents, n_documents),
    )
    smoothed = sp.csr_matrix((1 - SHARE_OF_NEIGHBOURS) * rows + SHARE_OF_NEIGHBOURS * (mean @ rows))
    smoothed.sort_indices()
    return smoothed


def _places(documents: Documents, among: BoolArray) -> IntArray:
    return np.unique(documents.row_of[among & (documents.row_of >= 0)])


def _means(documents: Documents, among: BoolArray, vectors: Vectors) -> Vectors:
    """(m, v) mean vector, of length 1, of each document among these texts."""
    texts = np.flatnonzero(among & (documents.row_of >= 0))
    _, place = np.unique(documents.row_of[texts], return_inverse=True)
    n_documents = int(place.max()) + 1 if len(place) else 0
    share = sp.csr_matrix(
        (np.ones(len(texts), dtype=np.float32), (place, np.arange(len(texts)))),
        shape=(n_documents, len(texts)),
    )
    sums = np.asarray(share @ vectors[texts])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def nearest(vectors: Vectors) -> IntArray:
    """(m, at most 10) places of the rows with the greatest inner product with each row, itself left out.

    Ascending, not by nearness; of rows that are equally near the first.
    """
    n_near = min(N_NEIGHBOURS, len(vectors) - 1)
    if n_near < 1:
        return np.zeros((len(vectors), 0), dtype=np.intp)
    with threadpool_limits(1):
        blocks = [_nearest_of(block, vectors, n_near) for block in _blocks(len(vectors))]
    return np.sort(np.concatenate(blocks), axis=1)


def _blocks(n: int) -> Iterator[IntArray]:
    size = max(1, BLOCK_CELLS // n)
    return (np.arange(start, min(start + size, n)) for start in range(0, n, size))


def _nearest_of(block: IntArray, vectors: Vectors, n_near: int) -> IntArray:
    distances = -(vectors[block] @ vectors.T)
    distances[np.arange(len(block)), block] = np.inf
    # A copy, for a view would keep the order of every other row alive.
    found = np.argpartition(distances, n_near - 1, axis=1)[:, :n_near].copy()
    farthest = np.take_along_axis(distances, found, axis=1).max(axis=1, keepdims=True)
    for row in np.flatnonzero((distances <= farthest).sum(axis=1) > n_near):
        found[row] = np.argsort(distances[row], kind="stable")[:n_near]
    return found
