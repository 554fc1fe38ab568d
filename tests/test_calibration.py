from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from models.calibration import SHRINKAGE, _bent, fit_calibration, fit_thresholds


def drawn(slope: float, shift: float, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels whose chances are expit(slope * logit + shift)."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=n) * 1.5
    return logits, (random.random(n) < expit(slope * logits + shift)).astype(float)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (2.5, -1.0), (0.4, 0.7), (3.0, -3.0)])
def test_calibration_recovers_a_known_slope_and_shift(slope: float, shift: float) -> None:
    logits, labels = drawn(slope, shift, 20_000)
    found = fit_calibration(logits[:, None], labels[:, None])
    assert found.slopes[0] == pytest.approx(slope, rel=0.06)
    assert found.shifts[0] == pytest.approx(shift, abs=0.1)


def test_calibration_of_one_code_equals_logistic_regression_without_penalty() -> None:
    logits, labels = drawn(1.7, -0.5, 2000)
    plain = LogisticRegression(C=1e9).fit(logits[:, None], labels)
    found = fit_calibration(logits[:, None], labels[:, None])
    assert found.slopes[0] == pytest.approx(plain.coef_[0, 0], abs=5e-3)
    assert found.shifts[0] == pytest.approx(plain.intercept_[0], abs=5e-3)


@pytest.mark.parametrize("seed", range(12))
def test_calibration_finds_the_optimum_wherever_the_logits_lie(seed: int) -> None:
    """Logits far from zero and rates far from one half make plain Newton steps overshoot for ever."""
    random = np.random.default_rng(seed)
    spread, centre = 10 ** random.uniform(-1, 1), random.uniform(-5, 5)
    logits = random.normal(size=250) * spread + centre
    chance = expit(2 * (logits - centre) / spread - random.uniform(0, 3))
    labels = (random.random(250) < chance).astype(float)

    def loss(slope: float, shift: float) -> float:
        z = slope * logits + shift
        return float((np.logaddexp(0, z) - labels * z).sum())

    best = LogisticRegression(C=1e6, max_iter=10_000).fit((logits - centre)[:, None] / spread, labels)
    slope = best.coef_[0, 0] / spread
    found = fit_calibration(logits[:, None], labels[:, None])
    assert loss(found.slopes[0], found.shifts[0]) <= loss(slope, best.intercept_[0] - slope * centre) + 0.05


def test_code_with_few_units_takes_mostly_the_common_slope() -> None:
    many, labels = drawn(2.0, 0.0, 4000)
    few = np.linspace(-1, 1, 4000)[:, None]
    wrong_way = np.zeros((4000, 1))
    wrong_way[:2] = 1  # two positives, at the lowest logits
    found = fit_calibration(np.hstack([many[:, None], few]), np.hstack([labels[:, None], wrong_way]))
    alone = fit_calibration(few, wrong_way)
    assert found.slopes[0] == pytest.approx(2.0, rel=0.1)
    assert alone.slopes[0] < found.slopes[1]


def test_fractional_targets_equal_doubled_rows() -> None:
    logits = np.linspace(-2, 2, 9)[:, None]
    shares = np.array([[0, 0, 0.5, 0, 0.5, 1, 0.5, 1, 1]], dtype=float).T
    doubled = np.vstack([logits, logits])
    labels = np.vstack([np.ceil(shares), np.floor(shares)])
    a, b = fit_calibration(np.tile(logits, (2, 1)), np.tile(shares, (2, 1))), fit_calibration(doubled, labels)
    np.testing.assert_allclose([a.slopes, a.shifts], [b.slopes, b.shifts], atol=1e-8)


@given(
    logits=st.lists(st.floats(-40, 40), min_size=4, max_size=12),
    shares=st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=12, max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_probabilities_lie_between_0_and_1_whatever_was_seen(
    logits: list[float], shares: list[float]
) -> None:
    table = np.array([logits, logits[::-1]]).T
    targets = np.array([shares[: len(logits)], [0.0] * len(logits)]).T
    found = fit_calibration(table, targets).probabilities(table)
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1, 1], [1, 0, 1, 0, 1, 0]])
def test_calibrated_mean_is_the_rate_of_positives(labels: list[int]) -> None:
    logits = np.linspace(-1, 1, 6)[:, None]
    found = fit_calibration(np.tile(logits, (40, 1)), np.tile(np.array([labels], dtype=float).T, (40, 1)))
    assert found.probabilities(logits).mean() == pytest.approx(np.mean(labels), abs=1e-3)


def best_f1(p: np.ndarray, y: np.ndarray) -> float:
    return max(f1_score(y, p >= cut, zero_division=0) for cut in np.unique(p))


@given(data=st.data(), n=st.integers(2, 15))
@settings(max_examples=80, deadline=None)
def test_threshold_of_a_single_code_maximises_f1(data: st.DataObject, n: int) -> None:
    # With one code the common threshold is the code's own, so nothing is shrunk.
    p = np.array(data.draw(st.lists(st.integers(5, 95).map(lambda i: i / 100), min_size=n, max_size=n)))
    y = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    y[0] = True
    (cut,) = fit_thresholds(p[:, None], y[:, None])
    assert f1_score(y, p >= cut) == pytest.approx(best_f1(p, y))


@pytest.mark.parametrize("n_positive", [0, 1, 5, 20, 200])
def test_threshold_is_shrunk_towards_the_common_one_by_n_over_n_plus_20(n_positive: int) -> None:
    n = 400
    big_p = np.concatenate([np.full(200, 0.8), np.full(200, 0.4)])
    big_y = np.arange(n) < 200  # own and common best cut: 0.6
    y = np.arange(n) < n_positive
    p = np.where(y, 0.3, 0.1)  # own best cut: 0.2, but 0.5 where there is no positive
    common, shrunk = fit_thresholds(np.array([big_p, p]).T, np.array([big_y, y]).T)
    pooled_p, pooled_y = np.concatenate([big_p, p]), np.concatenate([big_y, y])
    both = fit_thresholds(pooled_p[:, None], pooled_y[:, None])[0]
    share = n_positive / (n_positive + SHRINKAGE)
    own = 0.2 if n_positive else 0.5
    assert shrunk == pytest.approx(expit(share * logit(own) + (1 - share) * logit(both)))
    assert 0.2 < common < 0.7


def test_without_any_positive_the_threshold_is_one_half() -> None:
    assert fit_thresholds(np.array([[0.1], [0.9]]), np.zeros((2, 1), dtype=bool)) == pytest.approx([0.5])


def test_bend_recovers_what_bent_the_probabilities() -> None:
    """Labels whose chances are a beta-calibrated sigmoid: the surest scores promise too much."""
    random = np.random.default_rng(3)
    logits = random.normal(size=60_000) * 2.5
    true = expit(_bent(logits, np.array([1.0, 0.4, 0.0])))
    labels = (random.random(60_000) < true).astype(float)
    found = fit_calibration(logits[:, None], labels[:, None])
    assert np.abs(found.probabilities(logits[:, None])[:, 0] - true).max() < 0.03
    straight = expit(found.scores(logits[:, None])[:, 0])
    assert np.abs(straight - true).max() > 0.05


def test_straight_bend_changes_nothing() -> None:
    scores = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(_bent(scores, np.array([1.0, 1.0, 0.0])), scores, atol=1e-9)


@given(
    st.floats(0, 5), st.floats(0, 5), st.floats(-3, 3), st.lists(st.floats(-50, 50), min_size=2, max_size=20)
)
def test_bent_scores_never_fall_where_scores_rise(a: float, b: float, c: float, scores: list[float]) -> None:
    bent = _bent(np.sort(scores), np.array([a, b, c]))
    assert (np.diff(bent) >= -1e-9).all()


def test_mean_probability_is_the_observed_share_over_all_cells() -> None:
    random = np.random.default_rng(5)
    logits = random.normal(size=(4000, 3)) * [1.0, 2.0, 3.0]
    labels = (random.random((4000, 3)) < expit(0.7 * logits - 2)).astype(float)
    found = fit_calibration(logits, labels).probabilities(logits)
    assert found.mean() == pytest.approx(labels.mean(), abs=1e-4)
