from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.members import WORDS, WordsMember
from models.ngrams import count_ngrams, learn_vocabulary
from models.theme_model import train_theme_model
from models.told import Told
from pipeline.leak import quoted

SAID = ["Well, we waited in the long queue again.", "Money was tight.", "It cost a lot of money, really."]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('Use it as in "we waited in the LONG queue"', [0]),
        ("money was tight", [1]),
        ("Money.", []),
        ("a lot of", [2]),
        ("Waiting. Time that was lost.", []),
        ("", []),
    ],
)
def test_text_of_the_codebook_is_found_where_it_was_said(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(quoted([text], SAID)[0]).tolist() == rows


def test_what_was_said_in_a_segment_that_is_left_out_is_left_out_with_it() -> None:
    said = np.array([[False, False, False], [True, False, False], [True, False, True]])
    told = Told(np.eye(3), said)
    assert told.beside(np.array([0, 1])).tolist() == [0, 1, 3, 4]
    assert told.beside(np.array([1, 2])).tolist() == [1, 2, 3]
    assert told.beside(np.arange(3)).tolist() == [0, 1, 2, 3, 4, 5]
    assert told.n_quoted == 2


def test_example_that_quotes_a_held_out_segment_does_not_help_to_find_it(toy, make_toy: Callable) -> None:
    """Told of all but its own fold, a segment is judged just as if the codebook had been silent."""
    examples = [toy.texts[0], toy.texts[1], toy.texts[2]]
    texts = [*toy.texts, *examples]
    vocabulary = learn_vocabulary(texts)
    members = {WORDS: WordsMember(vocabulary, count_ngrams(texts, vocabulary))}

    def scored(told: Told) -> np.ndarray:
        found = train_theme_model(members, toy.targets, toy.groups, codes=toy.codes, seed=0, told=told).scored
        return found.probabilities[found.folds == found.folds[0]]

    said = quoted(examples, toy.texts)
    assert {toy.groups[row] for row in np.flatnonzero(said.any(axis=0))} == {toy.groups[0]}
    hidden = scored(Told(np.eye(3), said))
    silent = scored(Told(np.eye(3), np.ones_like(said)))
    leaking = scored(Told(np.eye(3), np.zeros_like(said)))
    np.testing.assert_array_equal(hidden, silent)
    assert not np.allclose(hidden, leaking)
