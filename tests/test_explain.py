from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from models.explain import delete_words, nearest_of, other_contributions, similarities
from models.explain import speaking_words as speaking_words_of
from models.explain import word_contributions as word_contributions_of
from models.members import CONTEXT, WORDS, ContextMember, WordsMember
from models.nearest import NEAREST, NearestMember
from models.ngrams import count_ngrams, learn_vocabulary
from models.theme_model import train_theme_model
from models.views import context_view
from pipeline.reasons import named_words, nearest_known

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


def test_nearest_are_those_of_the_highest_cosine_and_ties_go_to_the_first() -> None:
    cosines, everywhere = np.array([0.0, 1.0, 1.0, 0.6]), np.arange(4)
    assert nearest_of(cosines, everywhere, most=3) == [1, 2, 3]
    assert nearest_of(cosines, everywhere[2:], most=1) == [2]
    assert cosines.tolist() == [0.0, 1.0, 1.0, 0.6]


def test_nearest_are_fewer_where_fewer_are_known() -> None:
    assert nearest_of(np.ones(1), np.array([0]), most=3) == [0]
    assert nearest_of(np.ones(1), np.array([], dtype=np.intp), most=3) == []


def test_the_same_text_is_its_own_nearest(toy, trained) -> None:
    model = trained.model
    features = model.words.features(view_of(model, *toy.texts)[WORDS])
    rows = [row for block in similarities(features, features.T.tocsr()) for row in block]
    for row in (0, 57, 119):
        assert nearest_of(rows[row], np.arange(len(rows)), most=1) == [row]


@given(said=st.lists(WORDS_SAID, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_without_the_named_words_the_probability_is_lower(trained, said: list[str]) -> None:
    model, text = trained.model, " ".join(said)
    views = view_of(model, text)
    before = model.probabilities(views)
    cells = [(0, code) for code in range(3)]
    named = named_words(model, [text], views, cells, before=before, encode=None)
    for code, words in enumerate(named):
        if words:
            left = delete_words(text, {word for word, _ in words})
            assert model.probabilities(view_of(model, left))[0, code] < before[0, code]


def test_words_that_bring_down_nothing_are_not_named(trained) -> None:
    """Where every score is the same probability, nothing that is said lowers it."""
    model = trained.model
    silent = replace(model, calibration=replace(model.calibration, bend=np.zeros(3)))
    views = view_of(silent, "we waited in the queue")
    before = silent.probabilities(views)
    assert speaking_words(silent, "we waited in the queue", 0, most=5)
    found = named_words(silent, ["we waited in the queue"], views, [(0, 0)], before=before, encode=None)
    assert found == [[]]


def embed(texts) -> np.ndarray:
    """A unit vector of each text: the mean of one fixed vector a word."""
    out = np.zeros((len(texts), 8), dtype=np.float32)
    for place, text in enumerate(texts):
        for word in text.lower().split():
            out[place] += np.random.default_rng(sum(map(ord, word))).normal(size=8)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def test_named_words_hold_for_the_whole_model_where_it_sees_meaning_too(toy) -> None:
    vocabulary = learn_vocabulary(toy.texts)
    view = context_view(embed(toy.texts), toy.groups)
    views = {WORDS: count_ngrams(toy.texts, vocabulary), CONTEXT: view, NEAREST: view}
    members = {
        WORDS: WordsMember(vocabulary, views[WORDS]),
        CONTEXT: ContextMember(view),
        NEAREST: NearestMember(view),
    }
    model = train_theme_model(members, toy.targets, toy.groups, codes=toy.codes, seed=0).model
    before = model.probabilities(views)
    cells = [(place, code) for place, code in np.argwhere(before >= model.thresholds).tolist()]
    named = named_words(model, toy.texts, views, cells, before=before, encode=embed)
    asked = [(cell, words) for cell, words in zip(cells, named, strict=True) if words]
    assert len(asked) > 20
    for (place, code), words in asked:
        left = [*toy.texts]
        left[place] = delete_words(toy.texts[place], {word for word, _ in words})
        around = context_view(embed(left), toy.groups)[place : place + 1]
        seen = {WORDS: count_ngrams(left, vocabulary)[place : place + 1], CONTEXT: around, NEAREST: around}
        assert model.probabilities(seen)[0, code] < before[place, code]


def test_only_the_named_words_are_deleted_in_any_case_and_all_else_stays() -> None:
    assert delete_words("Queue, don't queue: the queues!", {"queue", "don't"}) == ",  : the queues!"


def test_nearest_known_are_those_coded_so_and_the_nearest_that_nobody_coded_so() -> None:
    known = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.8, 0.2]])
    shares = np.array([[1.0], [0.0], [0.5], [0.25]])
    found = nearest_known(np.array([[0.0, 1.0], [1.0, 0.0]]), known.T, shares, [(1, 0)])
    assert found == [([0, 2], [1])]


@pytest.mark.parametrize("make", [np.array, csr_matrix])
def test_similarities_are_the_same_in_blocks(make, monkeypatch) -> None:
    random = np.random.default_rng(0)
    queries, known = random.normal(size=(110, 4)), random.normal(size=(50, 4))
    monkeypatch.setattr("models.explain._CELLS", 150)
    blocks = list(similarities(make(queries), make(known.T)))
    assert [len(block) for block in blocks] == [3] * 36 + [2]
    np.testing.assert_allclose(np.vstack(blocks), queries @ known.T, atol=1e-12)
