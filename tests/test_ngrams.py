from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from models.ngrams import (
    CHARACTER_NGRAMS,
    MIN_TEXTS_FOR_CHARACTERS,
    WORD_NGRAMS,
    WORD_PATTERN,
    Vocabulary,
    count_ngrams,
    learn_idf,
    learn_vocabulary,
    share_among_words,
    weigh,
)

TALK = [
    "The waiting was hard, and the waiting was long.",
    "My sister drove me every week; she's kind.",
    "don't wait, don't ask, don’t wait",
    "Everyone's waiting for the taxi to the clinic.",
    "I asked about parking and the taxi.",
    "🙂 … --- ???",
    "",
    "O'Neill and 3 others said: 'wait'.",
]
SIGNS = [
    "a",
    "b",
    "don't",
    "A",
    "wait",
    "ing",
    " ",
    "  ",
    "\n",
    ",",
    "-",
    "/",
    "(",
    "’",
    "🙂",
    "é",
    "İ",
    "ß",
    "ΑΣ",
    "_",
    "9",
]
TEXTS = st.lists(st.sampled_from(SIGNS), max_size=14).map("".join)


def test_contracted_word_is_one_word() -> None:
    assert "don't" in learn_vocabulary(["don't go"]).words
    assert "don’t go" in learn_vocabulary(["Don’t go"]).words


def test_vocabulary_of_texts_without_a_word_is_empty() -> None:
    assert learn_vocabulary(["", "...", "🙂"]) == Vocabulary((), ())
    assert learn_vocabulary([]) == Vocabulary((), ())


def test_character_ngram_of_a_single_text_has_no_column() -> None:
    vocabulary = learn_vocabulary(["xylophone", "piano"])
    assert "xylo" not in vocabulary.characters
    assert "no" in learn_vocabulary(["piano", "volcano"]).characters


def test_texts_with_nothing_known_are_empty_rows() -> None:
    vocabulary = learn_vocabulary(["one two", "two three"])
    counts = count_ngrams(["", "🙂"], vocabulary)
    assert counts.shape == (2, len(vocabulary))
    assert counts.nnz == 0
    empty = Vocabulary((), ())
    assert count_ngrams(["one"], empty).shape == (1, 0)
    assert weigh(count_ngrams(["one"], empty), learn_idf(count_ngrams(["one"], empty), empty), 0).shape == (
        1,
        0,
    )


def scikit_learn_features(texts: list[str], train: list[int], vocabulary: Vocabulary) -> np.ndarray:
    """What vectorizers fitted on the training rows alone give, in the columns of ``vocabulary``."""
    found = np.zeros((len(texts), len(vocabulary)))
    kinds = [
        ({"ngram_range": WORD_NGRAMS, "token_pattern": WORD_PATTERN}, vocabulary.words, 0),
        (
            {"analyzer": "char_wb", "ngram_range": CHARACTER_NGRAMS, "min_df": MIN_TEXTS_FOR_CHARACTERS},
            vocabulary.characters,
            len(vocabulary.words),
        ),
    ]
    for options, grams, first in kinds:
        vectorizer = TfidfVectorizer(sublinear_tf=True, **options)
        try:
            vectorizer.fit([texts[row] for row in train])
        except ValueError:  # no n-gram in these texts
            continue
        place = {gram: first + i for i, gram in enumerate(grams)}
        columns = [place[gram] for gram in vectorizer.get_feature_names_out()]
        found[:, columns] = vectorizer.transform(texts).toarray()
    return found


@pytest.mark.parametrize("train", [[0, 1, 2, 3], [0, 3, 4, 7], [5, 6, 0], list(range(8)), [2, 7]])
def test_weights_equal_a_vectorizer_that_was_fitted_on_the_training_rows(train: list[int]) -> None:
    vocabulary = learn_vocabulary(TALK)
    counts = count_ngrams(TALK, vocabulary)
    idf = learn_idf(counts[train], vocabulary)
    found = weigh(counts, idf, len(vocabulary.words)).toarray()
    np.testing.assert_allclose(found, scikit_learn_features(TALK, train, vocabulary), atol=1e-6)


@given(texts=st.lists(TEXTS, min_size=2, max_size=6), data=st.data())
@settings(max_examples=60, deadline=None)
def test_weights_equal_a_fitted_vectorizer_for_any_texts(texts: list[str], data: st.DataObject) -> None:
    train = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1), min_size=1)))
    vocabulary = learn_vocabulary(texts)
    counts = count_ngrams(texts, vocabulary)
    found = weigh(counts, learn_idf(counts[train], vocabulary), len(vocabulary.words)).toarray()
    np.testing.assert_allclose(found, scikit_learn_features(texts, train, vocabulary), atol=1e-6)


def test_ngram_that_no_training_row_holds_weighs_nothing() -> None:
    vocabulary = learn_vocabulary(TALK)
    counts = count_ngrams(TALK, vocabulary)
    idf = learn_idf(counts[[1, 4]], vocabulary)
    assert idf[vocabulary.words.index("waiting")] == 0
    assert idf[vocabulary.words.index("sister")] > 0


@given(text=TEXTS, others=st.lists(TEXTS, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_shares_of_the_words_sum_to_what_the_text_contributes(
    text: str, others: list[str], seed: int
) -> None:
    vocabulary = learn_vocabulary([text, *others, text])
    weights = np.random.default_rng(seed).normal(size=len(vocabulary))
    values = count_ngrams([text], vocabulary).toarray().ravel() * weights
    shares = share_among_words(text, dict(enumerate(values)), vocabulary)
    assert sum(shares.values()) == pytest.approx(values.sum(), abs=1e-6)


def test_shares_go_to_words_of_the_text_or_to_no_word() -> None:
    vocabulary = learn_vocabulary(TALK)
    values = np.ones(len(vocabulary)) * (count_ngrams(TALK[:1], vocabulary).toarray().ravel() > 0)
    shares = share_among_words(TALK[0], dict(enumerate(values)), vocabulary)
    assert set(shares) <= {"the", "waiting", "was", "hard", "and", "long", ""}


def test_pair_of_words_is_shared_equally() -> None:
    vocabulary = Vocabulary(("long wait",), ())
    assert share_among_words("A long wait", {0: 1.0}, vocabulary) == {"long": 0.5, "wait": 0.5}


def test_ngram_is_shared_by_each_word_that_holds_it_once_for_each_occurrence() -> None:
    vocabulary = Vocabulary((), ("ain",))
    shares = share_among_words("pain and gain, pain!", {0: 3.0}, vocabulary)
    assert shares == pytest.approx({"pain": 2.0, "gain": 1.0})


def test_of_many_texts_pairs_of_words_that_stand_in_one_are_no_columns(monkeypatch) -> None:
    texts = ["a long wait", "the long wait", "queue"]
    assert "the long" in learn_vocabulary(texts).words
    monkeypatch.setattr("models.ngrams.MANY_TEXTS", 3)
    assert learn_vocabulary(texts).words == ("a", "long", "long wait", "queue", "the", "wait")
