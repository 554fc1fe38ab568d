"""Word and character n-grams of texts: counted once, weighted anew for every training part.

Counting learns nothing, so every fold shares it. Which n-grams matter, and how much (document
frequencies), is learned from training rows alone; the result equals a vectorizer fitted on those rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer

# A word keeps its inner apostrophes: "don't" is one word.
WORD_PATTERN = r"(?u)\b\w[\w'’]*"
WORD_NGRAMS = (1, 2)
CHARACTER_NGRAMS = (2, 5)
MIN_TEXTS_FOR_CHARACTERS = 2
MANY_TEXTS = 10_000
"""From so many texts on, pairs of words too must stand in two of them: most columns would be pairs that stand in
one, and weights of all codes would fill the memory of a laptop."""
_AT_ONCE = 2048

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The n-grams that have a column: first word n-grams, then character n-grams."""

    words: tuple[str, ...]
    characters: tuple[str, ...]

    def __hash__(self) -> int:
        # Hashing every n-gram would cost more than what is kept under the hash saves.
        return hash((len(self.words), len(self.characters), self.words[-1:], self.characters[-1:]))

    def __len__(self) -> int:
        return len(self.words) + len(self.characters)


@lru_cache(maxsize=4)
def _counters(vocabulary: Vocabulary | None) -> tuple[CountVectorizer, CountVectorizer]:
    words = {gram: i for i, gram in enumerate(vocabulary.words)} if vocabulary is not None else None
    characters = {gram: i for i, gram in enumerate(vocabulary.characters)} if vocabulary is not None else None
    return (
        CountVectorizer(
            ngram_range=WORD_NGRAMS, token_pattern=WORD_PATTERN, dtype=np.float32, vocabulary=words
        ),
        CountVectorizer(
            analyzer="char_wb", ngram_range=CHARACTER_NGRAMS, dtype=np.float32, vocabulary=characters
        ),
    )


def learn_vocabulary(texts: Sequence[str]) -> Vocabulary:
    """All word n-grams, but of many texts no pair that stands in one; and character n-grams of at least two texts."""
    word, character = (clone(counter) for counter in _counters(None))
    words, n_texts = _occurring(word, texts)
    if len(texts) >= MANY_TEXTS:
        words = words[(n_texts >= 2) | np.array([" " not in gram for gram in words], dtype=bool)]
    characters, n_texts = _occurring(character, texts)
    kept = n_texts >= MIN_TEXTS_FOR_CHARACTERS
    return Vocabulary(tuple(words), tuple(characters[kept]))


def _occurring(counter: CountVectorizer, texts: Sequence[str]) -> tuple[npt.NDArray[np.str_], FloatArray]:
    """The n-grams that occur, and in how many texts each does."""
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # scikit-learn's "empty vocabulary"
        return np.array([], dtype=object), np.zeros(0)
    return counter.get_feature_names_out(), np.asarray((counts > 0).sum(axis=0)).ravel()


def count_ngrams(texts: Sequence[str], vocabulary: Vocabulary) -> sp.csr_matrix:
    """1 + log(count) of each n-gram in each text: (n_texts, len(vocabulary)), float32, sparse."""
    parts = [
        counter.transform(texts) if counter.vocabulary else sp.csr_matrix((len(texts), 0), dtype=np.float32)
        for counter in _counters(vocabulary)
    ]
    counts = sp.hstack(parts, format="csr")
    counts.data = 1 + np.log(counts.data)
    return counts


def learn_idf(counts: sp.csr_matrix, vocabulary: Vocabulary) -> FloatArray:
    """Inverse document frequency ln((1 + n) / (1 + df)) + 1 of each column; 0 for n-grams that are too rare.

    Smoothed as in scikit-learn's TfidfTransformer. counts: the training rows, (n, len(vocabulary)).
    """
    n_texts = counts.shape[0]
    df = np.bincount(counts.indices, minlength=len(vocabulary))
    least = np.ones(len(vocabulary))
    least[len(vocabulary.words) :] = MIN_TEXTS_FOR_CHARACTERS
    return np.where(df >= least, np.log((1 + n_texts) / (1 + df)) + 1, 0.0)


def weigh(counts: sp.csr_matrix, idf: FloatArray, n_words: int) -> sp.csr_matrix:
    """TF-IDF rows: the word part and the character part each of length 1 (or 0), float64, sparse.

    Column numbers are shared with ``counts``, and rows are weighed some at a time, to bound memory.
    """
    values = np.empty(counts.nnz)
    for first in range(0, counts.shape[0], _AT_ONCE):
        borders = counts.indptr[first : first + _AT_ONCE + 1]
        here = slice(borders[0], borders[-1])
        columns = counts.indices[here]
        values[here] = counts.data[here] * idf[columns]
        part = 2 * np.repeat(np.arange(len(borders) - 1), np.diff(borders)) + (columns >= n_words)
        lengths = np.sqrt(np.bincount(part, weights=values[here] ** 2))
        lengths[lengths == 0] = 1
        values[here] /= lengths[part]
    return sp.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def share_among_words(text: str, values: Mapping[int, float], vocabulary: Vocabulary) -> dict[str, float]:
    """Distribute what each n-gram of a text contributes onto the words of the text.

    values: column -> its contribution, for each n-gram of this text that has a column. A bigram is shared equally by
    its two words; a character n-gram by the words that it occurs in, once for each occurrence. Returns word ->
    contribution; they sum to what ``values`` sum to: n-grams of signs that stand in no word are under "".
    """
    word_counter, character_counter = _counters(vocabulary)
    index = word_counter.vocabulary
    shares: dict[str, float] = defaultdict(float)
    words = word_counter.build_tokenizer()(text.lower())
    occurrences = _word_occurrences(words, index)
    for gram, holders in occurrences.items():
        for holder in holders:
            shares[holder] += values[index[gram]] / len(holders)
    _share_characters(text.lower(), values, len(vocabulary.words), character_counter, shares)
    return dict(shares)


def _word_occurrences(words: Sequence[str], index: dict[str, int]) -> dict[str, list[str]]:
    holders: dict[str, list[str]] = defaultdict(list)
    for place, word in enumerate(words):
        if word in index:
            holders[word].append(word)
        pair = " ".join(words[place : place + 2])
        if place + 1 < len(words) and pair in index:
            holders[pair] += words[place : place + 2]
    return holders


def _share_characters(
    text: str, values: Mapping[int, float], first: int, counter: CountVectorizer, shares: dict[str, float]
) -> None:
    """first: column of the first character n-gram."""
    analyze, index = counter.build_analyzer(), counter.vocabulary
    tokenize = _counters(None)[0].build_tokenizer()
    holders: dict[str, list[str]] = defaultdict(list)
    for chunk in text.split():
        words = tokenize(chunk)
        # A chunk such as "(yes," holds one word; "and/or" two: the longest takes the chunk's n-grams.
        owner = max(words, key=len) if words else ""
        for gram in analyze(chunk):
            if gram in index:
                holders[gram].append(owner)
    for gram, owners in holders.items():
        for owner in owners:
            shares[owner] += values[first + index[gram]] / len(owners)
