"""Topic models with one contract: rows of words in documents -> what each topic speaks of, and where.

A topic is a word distribution estimated by a model, and no more than that. How documents become rows is in
``models.topic_rows``; how good topics are, and how many to ask for, in ``models.topic_quality``.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from gensim.corpora import Dictionary
from gensim.models import LdaModel, Phrases
from sklearn.base import BaseEstimator
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

# At INFO gensim writes the words of a corpus into the log.
logging.getLogger("gensim").setLevel(logging.WARNING)

MOST_COMMON = 0.5
"""A word in more than this share of the documents tells none of them from the others."""
MOST_WORDS = 5000
PHRASE_COUNT, PHRASE_NPMI = 10, 0.5
"""Two neighbouring words are one phrase from this count and this normalised mutual information."""
N_TOP_WORDS = 10

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Documents:
    """Distinct documents as counts of the words that topics are made of.

    A text that is said again ("Did not answer") teaches nothing new: it is one document, however often it
    stands there. words: (w,), phrases with a space. counts: (d, w), no empty row. tokens: (d,), all
    words of each document, also those that are no column. row_of: (n,), the document of each text that
    was given, -1 for a text in which no word of ``words`` stands.
    """

    words: tuple[str, ...]
    counts: sp.csr_matrix
    tokens: tuple[tuple[str, ...], ...]
    row_of: IntArray

    def __len__(self) -> int:
        return len(self.tokens)


def make_documents(lemmas: Sequence[str]) -> Documents:
    """Join frequent phrases, drop words that are too rare or too common, merge equal documents.

    lemmas: (n,), each a text's lemmas joined by spaces; may be empty.
    A word is too rare below 2 documents, in larger corpora below one in 200 documents, but never above 5.
    """
    # One object a word, however often it is said: the others would be most of the memory.
    split = {text: tuple(map(sys.intern, text.split())) for text in sorted(set(lemmas)) if text.strip()}
    tokens = dict(zip(split, _join_phrases(list(split.values())), strict=True))
    dictionary = Dictionary(tokens.values())
    rarest = min(5, max(2, len(tokens) // 200))
    dictionary.filter_extremes(no_below=rarest, no_above=MOST_COMMON, keep_n=MOST_WORDS)
    known = {text: dictionary.doc2bow(words) for text, words in tokens.items()}
    texts = [text for text, bag in known.items() if bag]
    place = {text: i for i, text in enumerate(texts)}
    return Documents(
        words=tuple(dictionary[i] for i in range(len(dictionary))),
        counts=_as_matrix([known[text] for text in texts], len(dictionary)),
        tokens=tuple(tokens[text] for text in texts),
        row_of=np.array([place.get(text, -1) for text in lemmas], dtype=np.intp),
    )


def _join_phrases(documents: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Documents with frequent pairs of words as one ("mental health"); Bouma (2009) for the measure."""
    if not documents:
        return []
    phrases = Phrases(
        documents, min_count=PHRASE_COUNT, threshold=PHRASE_NPMI, scoring="npmi", delimiter=" "
    ).freeze()
    return [tuple(phrases[document]) for document in documents]


def _as_matrix(bags: Sequence[Sequence[tuple[int, int]]], n_words: int) -> sp.csr_matrix:
    starts = np.cumsum([0, *(len(bag) for bag in bags)])
    columns = [column for bag in bags for column, _ in bag]
    counts = [count for bag in bags for _, count in bag]
    return sp.csr_matrix((np.array(counts, dtype=np.int64), columns, starts), shape=(len(bags), n_words))


class TopicModel(Protocol):
    """What both models do. topic_words_: (k, w), each row sums to 1, or is 0 for a topic without words."""

    topic_words_: FloatArray

    def fit(self, rows: sp.csr_matrix) -> Self:
        """Estimate topics from rows (d, w), which may not be negative."""
        ...

    def transform(self, rows: sp.csr_matrix) -> FloatArray:
        """(d, k) share of each topic in each document; a row sums to 1, or is 0 if no topic has its words."""
        ...


class NmfTopics(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Non-negative matrix factorisation (Lee & Seung 1999), started from the SVD (nndsvda).

    rows: TF-IDF, perhaps smoothed over neighbours. At most ``n_topics`` topics: fewer if there are fewer documents.
    """

    topic_words_: FloatArray

    def __init__(self, n_topics: int, *, seed: int) -> None:
        self.n_topics = n_topics
        self.seed = seed

    def fit(self, rows: sp.csr_matrix) -> Self:
        """Learn topics."""
        n_topics = min(self.n_topics, *rows.shape)
        self.nmf_ = NMF(n_topics, init="nndsvda", max_iter=1000, random_state=self.seed)
        with threadpool_limits(1), _quiet():
            self.nmf_.fit(rows)
        self.topic_words_ = _rows_of_one(self.nmf_.components_)
        return self

    def transform(self, rows: sp.csr_matrix) -> FloatArray:
        """(d, k) shares."""
        with threadpool_limits(1), _quiet():
            loads = self.nmf_.transform(rows)
        return _rows_of_one(loads * self.nmf_.components_.sum(axis=1))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without two warnings of scikit-learn's NMF that ask nothing of a researcher.

    After the last step it is still a factorisation; the error of an exact fit may be a last bit below 0.
    """
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


class LdaTopics(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Latent Dirichlet allocation by gensim: online variational Bayes (Hoffman, Blei & Bach 2010).

    rows: counts. 10 passes, up to 30 while they are cheap, in chunks of an eighth of the documents, at most 256: on
    interviews this reached the likelihood of 20 passes over the whole in half the time or less.
    """

    topic_words_: FloatArray

    def __init__(self, n_topics: int, *, seed: int) -> None:
        self.n_topics = n_topics
        self.seed = seed

    def fit(self, rows: sp.csr_matrix) -> Self:
        """Learn topics and how common each is."""
        n_documents, n_words = rows.shape
        with threadpool_limits(1):
            self.lda_ = LdaModel(
                _as_bags(rows),
                num_topics=self.n_topics,
                id2word={i: str(i) for i in range(n_words)},
                passes=int(np.clip(10_000 // n_documents, 10, 30)),
                chunksize=int(np.clip(n_documents // 8, 16, 256)),
                alpha="auto",
                eval_every=None,
                random_state=self.seed,
                dtype=np.float64,
            )
        self.topic_words_ = self.lda_.get_topics()
        return self

    def transform(self, rows: sp.csr_matrix) -> FloatArray:
        """(d, k) shares; the same whenever it is asked."""
        self.lda_.random_state = np.random.RandomState(self.seed)
        with threadpool_limits(1):
            loads, _ = self.lda_.inference(_as_bags(rows))
        return _rows_of_one(loads)


def _as_bags(counts: sp.csr_matrix) -> list[list[tuple[int, int]]]:
    rows = np.split(np.column_stack([counts.indices, counts.data]), counts.indptr[1:-1])
    return [[(int(word), int(count)) for word, count in row] for row in rows]


def _rows_of_one(values: FloatArray) -> FloatArray:
    """Each row divided by its sum; a row of 0 stays."""
    totals = values.sum(axis=1, keepdims=True)
    return np.asarray(values / np.where(totals > 0, totals, 1.0))


def top_words(topic_words: FloatArray) -> list[IntArray]:
    """Columns of the (at most 10) heaviest words of each topic, heaviest first, ties in column order."""
    orders = np.argsort(-topic_words, axis=1, kind="stable")[:, :N_TOP_WORDS]
    return [order[row[order] > 0] for order, row in zip(orders, topic_words, strict=True)]
