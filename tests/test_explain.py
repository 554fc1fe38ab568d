from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.explain import nearest_rows, other_contributions
from models.explain import speaking_words as speaking_words_of
from models.explain import word_contributions as word_contributions_of
from models.members import CONTEXT, WORDS
from models.nearest import NEAREST
from models.ngrams import count_ngrams

WORDS_SAID = st.sampled_from(
    ["queue", "waited", "MONEY", "parking,", "sister's", "boll", "kand", "(late)", "and/or", "…", "🙂", "zzz"]
)


def view_of(model, *texts: str):
    return {WORDS: count_ngrams(list(texts), model.words.vocabulary)}


def word_contributions(model, text: str, code: int):
    return word_contributions_of(model, text, view_of(model, text)[WORDS], code)


def speaking_words(model, text: str, code: int, *, most: int):
    return speaking_words_of(model, text, view_of(model, text)[WORDS], code, most=most)


@given(said=st.lists(WORDS_SAID, max_size=12), code=st.integers(0, 2))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_contributions_with_the_intercept_are_exactly_the_score(trained, said: list[str], code: int) -> None:
    model, text = trained.model, " ".join(said)
    score = model.calibration.scores(model.logits(view_of(model, text)))[0, code]
    constant = (
        model.calibration.slopes[code] * model.words.linear.intercepts[code] + model.calibration.shifts[code]
    )
    total = constant + sum(word_contributions(model, text, code).values())
    assert total == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("row", [0, 31, 119])
def test_contributions_of_all_members_sum_to_the_score(toy, whole, row: int) -> None:
    model, here = whole.model, {name: view[row : row + 1] for name, view in whole.views.items()}
    for code in range(3):
        constants = (
            model.scale(WORDS, code) * model.words.linear.intercepts[code]
            + model.scale(CONTEXT, code) * model.members[CONTEXT].linear.intercepts[code]
            + model.scale(NEAREST, code) * model.members[NEAREST].rate_logits[code]
            + model.calibration.shifts[code]
        )
        words = word_contributions_of(model, toy.texts[row], here[WORDS], code)
        others = other_contributions(model, here, code)
        assert list(others) == ["meaning", "context", "nearest"]
        total = constants + sum(words.values()) + sum(float(values[0]) for values in others.values())
        assert total == pytest.approx(model.calibration.scores(model.logits(here))[0, code], abs=1e-5)


def test_contributions_are_halved_when_two_members_speak_alike(trained) -> None:
    one = trained.model
    two = replace(one, members={**one.members, "other": one.words}, shares={WORDS: 0.5, "other": 0.5})
    text = "we waited in the queue"
    alone, beside = word_contributions(one, text, 0), word_contributions(two, text, 0)
    assert beside == pytest.approx({word: value / 2 for word, value in alone.items()})


def test_words_of_a_code_speak_for_it_strongest_first(trained) -> None:
    found = speaking_words(trained.model, "boll waited kand in the queue with money", 0, most=2)
    assert {word for word, _ in found} == {"waited", "queue"}
    assert found[0][1] >= found[1][1] > 0


def test_only_words_of_the_text_speak(trained) -> None:
    text = "Waited, and waited! (parking)"
    found = speaking_words(trained.model, text, 0, most=9)
    assert {word for word, _ in found} <= {"waited", "and", "parking"}


def test_text_without_words_has_no_reasons(trained) -> None:
    assert speaking_words(trained.model, "… 🙂", 0, most=5) == []


def test_nearest_rows_are_those_of_the_highest_cosine_and_ties_go_to_the_first() -> None:
    known = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.6, 0.8]])
    found = nearest_rows(np.array([[1.0, 0.0]]), known, most=3)
    assert found.tolist() == [[1, 2, 3]]


def test_nearest_rows_are_fewer_where_fewer_are_known() -> None:
    assert nearest_rows(np.ones((2, 2)), np.ones((1, 2)), most=3).tolist() == [[0], [0]]


def test_the_same_text_is_its_own_nearest(toy, trained) -> None:
    model = trained.model
    features = model.words.features(view_of(model, *toy.texts)[WORDS])
    for row in (0, 57, 119):
        assert nearest_rows(features[row], features, most=1).tolist() == [[row]]
