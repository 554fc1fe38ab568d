"""A model without some words: no n-gram that is left tells that they were said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.linear import Linear
from models.members import WORDS
from models.ngrams import WORD_PATTERN, Vocabulary, count_ngrams
from models.theme_model import ThemeModel

_WORD = re.compile(WORD_PATTERN)
BoolArray = npt.NDArray[np.bool_]


def without_words(model: ThemeModel, texts: Iterable[str], leaves_out: Callable[[str], bool]) -> ThemeModel:
    """The model without the word n-grams that hold a word to be left out, and what only such words brought.

    A character n-gram stays if it stands in the texts with those words blanked out, so that another word accounts for
    it. All else in the model is as it was; what it says of texts that hold none of the n-grams does not change.
    texts: all that the model may have learned from. leaves_out: of a lower-case word, as the vocabulary has it.
    """
    vocabulary = model.words.vocabulary
    words = np.array([not _holds(gram, leaves_out) for gram in vocabulary.words], dtype=bool)
    kept = np.concatenate([words, ~_brought_only_by(vocabulary, texts, leaves_out)])
    fewer = Vocabulary(_chosen(vocabulary.words, words), _chosen(vocabulary.characters, kept[len(words) :]))
    linear = Linear(model.words.linear.weights[:, kept], model.words.linear.intercepts)
    member = replace(model.words, vocabulary=fewer, idf=model.words.idf[kept], linear=linear)
    return replace(model, members={**model.members, WORDS: member})


def _holds(gram: str, leaves_out: Callable[[str], bool]) -> bool:
    return any(leaves_out(word) for word in gram.split(" "))


def _brought_only_by(
    vocabulary: Vocabulary, texts: Iterable[str], leaves_out: Callable[[str], bool]
) -> BoolArray:
    """(n_characters,): of each character n-gram, whether it stands in the texts only because of those words."""
    # These n-grams never reach over white space: to know the different pieces between is enough.
    pieces = {piece for text in texts for piece in text.lower().split()}
    blanked = {_WORD.sub(lambda found: " " if leaves_out(found[0]) else found[0], piece) for piece in pieces}
    return _stands(vocabulary, pieces) & ~_stands(vocabulary, blanked)


def _stands(vocabulary: Vocabulary, pieces: Iterable[str]) -> BoolArray:
    characters = Vocabulary((), vocabulary.characters)
    counts = count_ngrams([" ".join(sorted(pieces))], characters)
    return np.asarray(counts.toarray()[0] > 0)


def _chosen(grams: tuple[str, ...], kept: BoolArray) -> tuple[str, ...]:
    return tuple(gram for gram, stays in zip(grams, kept, strict=True) if stays)
