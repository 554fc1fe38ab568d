from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from models.linear import fit_linear
from models.members import WORDS, WordsMember
from models.ngrams import count_ngrams, learn_vocabulary
from models.theme_model import POSITIVE_FROM, train_theme_model

# The linear part


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(40, 5))


# Sparse rows are fitted by liblinear, which penalizes the intercept; dense ones by L-BFGS, which does not.
LAYOUTS = [
    pytest.param(sparse.csr_matrix, {"solver": "liblinear", "dual": True}, id="sparse"),
    pytest.param(np.asarray, {"solver": "lbfgs"}, id="dense"),
]


@pytest.mark.parametrize(("layout", "solver"), LAYOUTS)
def test_fractional_targets_equal_doubled_weighted_rows(rows: np.ndarray, layout, solver) -> None:
    shares = np.random.default_rng(2).choice([0, 0.25, 0.5, 1], size=40)
    found = fit_linear(layout(rows), shares[:, None], strength=1.0, seed=0)
    # Two rows each: label 1 with weight y, label 0 with weight 1 - y, then both classes of equal weight.
    doubled, labels = np.vstack([rows, rows]), np.repeat([True, False], 40)
    weights = np.concatenate([shares / shares.sum(), (1 - shares) / (1 - shares).sum()]) * 40 / 2
    kept = weights > 0
    model = LogisticRegression(C=1.0, max_iter=20_000, tol=1e-8, **solver)
    model.fit(doubled[kept], labels[kept], sample_weight=weights[kept])
    np.testing.assert_allclose(found.weights, model.coef_, atol=2e-3)
    np.testing.assert_allclose(found.intercepts, model.intercept_, atol=2e-3)


@pytest.mark.parametrize(("layout", "solver"), LAYOUTS)
def test_whole_targets_equal_balanced_logistic_regression(rows: np.ndarray, layout, solver) -> None:
    y = (rows[:, 0] > 0.7).astype(float)
    found = fit_linear(layout(rows), y[:, None], strength=1.0, seed=0)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=20_000, tol=1e-8, **solver)
    np.testing.assert_allclose(found.weights, model.fit(rows, y).coef_, atol=2e-3)


@pytest.mark.parametrize("layout", [sparse.csr_matrix, np.asarray])
@pytest.mark.parametrize(("share", "sign"), [(0.0, -1), (1.0, 1)])
def test_code_that_is_never_or_always_given_has_no_weights_and_its_smoothed_rate(
    rows: np.ndarray, share: float, sign: int, layout
) -> None:
    found = fit_linear(layout(rows), np.full((40, 1), share), strength=1.0, seed=0)
    assert not found.weights.any()
    assert found.intercepts[0] == pytest.approx(sign * np.log(40.5 / 0.5))


@pytest.mark.parametrize(("layout", "tolerance"), [(sparse.csr_matrix, 0), (np.asarray, 2e-3)])
def test_codes_are_learned_independently(rows: np.ndarray, layout, tolerance: float) -> None:
    y = np.array([rows[:, 0] > 0, rows[:, 1] > 0.5, np.zeros(40)], dtype=float).T
    together = fit_linear(layout(rows), y, strength=1.0, seed=0)
    for code in range(3):
        alone = fit_linear(layout(rows), y[:, [code]], strength=1.0, seed=0)
        np.testing.assert_allclose(alone.weights[0], together.weights[code], atol=tolerance, rtol=0)


def test_no_code_gives_no_column(rows: np.ndarray) -> None:
    assert fit_linear(rows, np.zeros((40, 0)), strength=1.0, seed=0).logits(rows).shape == (40, 0)


# The whole model


def average_precisions(toy, trained) -> list[float]:
    truth = toy.targets >= POSITIVE_FROM
    return [
        average_precision_score(y, p) for y, p in zip(truth.T, trained.scored.probabilities.T, strict=True)
    ]


def test_model_learns_the_words_of_each_code(toy, trained) -> None:
    assert min(average_precisions(toy, trained)) > 0.8


def test_figures_of_the_unseen_are_finite_and_shaped_as_the_rows(toy, trained) -> None:
    for table in (trained.scored.probabilities, trained.scored.thresholds):
        assert table.shape == toy.targets.shape
        assert np.isfinite(table).all()
        assert ((table >= 0) & (table <= 1)).all()
    assert trained.model.thresholds.shape == (3,)


def test_model_learns_nothing_from_labels_that_mean_nothing(make_toy, train_toy) -> None:
    """Honest numbers: average precision near the prevalence, where training rows would give 1."""
    noise = make_toy(n_groups=12, per_group=25, noise=True)
    rates = (noise.targets >= POSITIVE_FROM).mean(axis=0)
    found = np.array(average_precisions(noise, train_toy(noise)))
    assert np.abs(found - rates).max() < 0.12
    assert np.abs((found - rates).mean()) < 0.05


def test_labels_of_a_held_out_transcript_change_nothing_that_is_said_of_it(toy, train_toy, trained) -> None:
    mine = np.array([group == "t02" for group in toy.groups])
    targets = toy.targets.copy()
    targets[mine] = targets[mine][::-1, ::-1]
    assert not np.array_equal(targets, toy.targets)
    other = train_toy(replace(toy, targets=targets)).scored
    np.testing.assert_array_equal(other.probabilities[mine], trained.scored.probabilities[mine])
    np.testing.assert_array_equal(other.thresholds[mine], trained.scored.thresholds[mine])
    assert not np.array_equal(other.probabilities[~mine], trained.scored.probabilities[~mine])


def test_words_of_a_held_out_transcript_change_nothing_that_is_said_of_the_others_but_through_training(
    toy, train_toy, trained
) -> None:
    """A row's own words alone decide its score: others of its fold could be anything."""
    mine = np.flatnonzero([group == "t02" for group in toy.groups])
    texts = list(toy.texts)
    for row in mine[1:]:
        texts[row] = "zebra quokka"
    other = train_toy(replace(toy, texts=tuple(texts))).scored
    np.testing.assert_allclose(other.probabilities[mine[0]], trained.scored.probabilities[mine[0]], atol=1e-4)


def test_order_of_rows_changes_no_score_beyond_rounding(toy, train_toy, trained) -> None:
    order = np.random.default_rng(3).permutation(len(toy.texts))
    other = train_toy(
        replace(
            toy,
            texts=tuple(toy.texts[i] for i in order),
            targets=toy.targets[order],
            groups=tuple(toy.groups[i] for i in order),
        )
    )
    np.testing.assert_allclose(other.scored.probabilities, trained.scored.probabilities[order], atol=5e-3)


def test_training_twice_gives_the_same_numbers(toy, train_toy, trained) -> None:
    again = train_toy(toy)
    np.testing.assert_array_equal(again.scored.probabilities, trained.scored.probabilities)
    np.testing.assert_array_equal(again.model.words.linear.weights, trained.model.words.linear.weights)


@pytest.mark.parametrize("n_groups", [1, 2])
def test_fewer_than_three_groups_cannot_be_scored(make_toy, train_toy, n_groups: int) -> None:
    with pytest.raises(ValueError, match="3 groups or more"):
        train_toy(make_toy(n_groups=n_groups))


def test_members_are_averaged_in_logits(toy) -> None:
    vocabulary = learn_vocabulary(toy.texts)
    member = WordsMember(vocabulary, count_ngrams(toy.texts, vocabulary))
    one = train_theme_model({WORDS: member}, toy.targets, toy.groups, codes=toy.codes, seed=0)
    two = train_theme_model(
        {WORDS: member, "again": member}, toy.targets, toy.groups, codes=toy.codes, seed=0
    )
    np.testing.assert_allclose(two.scored.probabilities, one.scored.probabilities)
    np.testing.assert_allclose(two.model.thresholds, one.model.thresholds)


def test_code_that_is_in_one_group_only_is_still_scored_with_finite_numbers(toy, train_toy) -> None:
    targets = toy.targets.copy()
    targets[20:, 0] = 0
    found = train_toy(replace(toy, targets=targets)).scored
    assert np.isfinite(found.probabilities).all()
