from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import t
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    label_ranking_average_precision_score,
    precision_score,
    recall_score,
)

from models.theme_model import Scored
from pipeline.evaluate import (
    abstention,
    brier_skill,
    calibration_error,
    evaluate,
    macro_average_precision,
    recall_at,
    reliability,
)
from pipeline.evaluate_intervals import _average_precisions, _f1, evaluation_intervals
from pipeline.leak import find_leak
from pipeline.target import Target

CODES = ("a", "b", "c", "rare")


def target_of(shares: np.ndarray, groups: list[str]) -> Target:
    positive = shares >= 0.5
    n_groups = [len({g for g, y in zip(groups, column, strict=True) if y}) for column in positive.T]
    return Target(
        np.arange(len(shares)), shares, tuple(groups), positive.sum(axis=0), np.array(n_groups, dtype=np.intp)
    )


@pytest.fixture
def drawn():
    """Six interviews of ten segments; codes a, b, c are learnable, "rare" is not; scores that mean something."""
    random = np.random.default_rng(5)
    shares = (random.random((60, 4)) < [0.4, 0.3, 0.3, 0.03]).astype(float)
    shares[::7, 0] = 0.5
    groups = [f"t{i // 10}" for i in range(60)]
    p = np.clip(0.25 + 0.4 * shares[:, :3] + random.normal(scale=0.2, size=(60, 3)), 0.01, 0.99)
    scored = Scored(p, np.full((60, 3), 0.45), np.arange(60) // 10)
    return target_of(shares, groups), scored


@pytest.fixture
def evaluated(drawn):
    target, scored = drawn
    return evaluate(
        target,
        scored,
        find_leak([f"this is the text number {i % 50}" for i in range(60)], scored.folds),
        codes=CODES,
        seed=0,
    )


def test_figures_of_all_segments_equal_those_of_scikit_learn(drawn, evaluated) -> None:
    target, scored = drawn
    truth, p, flags = target.shares[:, :3] >= 0.5, scored.probabilities, scored.flags
    found = evaluated["scopes"]["all"]
    some = truth.any(axis=1)
    assert (found["n_units"], found["n_codes"]) == (60, 3)
    assert found["macro_average_precision"] == pytest.approx(
        average_precision_score(truth, p, average="macro")
    )
    assert found["lrap"] == pytest.approx(label_ranking_average_precision_score(truth[some], p[some]))
    assert found["micro_f1"] == pytest.approx(f1_score(truth, flags, average="micro"))
    assert found["macro_f1"] == pytest.approx(f1_score(truth, flags, average="macro"))


def test_figures_of_each_code_equal_those_of_scikit_learn(drawn, evaluated) -> None:
    target, scored = drawn
    assert [row["code"] for row in evaluated["scopes"]["all"]["codes"]] == ["a", "b", "c"]
    for i, row in enumerate(evaluated["scopes"]["all"]["codes"]):
        y, p, flags = target.shares[:, i] >= 0.5, scored.probabilities[:, i], scored.flags[:, i]
        assert row["n_positive"] == y.sum()
        assert row["n_groups"] == target.n_groups[i]
        assert row["prevalence"] == pytest.approx(y.mean())
        assert row["threshold"] == 0.45
        assert row["precision"] == pytest.approx(precision_score(y, flags))
        assert row["recall"] == pytest.approx(recall_score(y, flags))
        assert row["f1"] == pytest.approx(f1_score(y, flags))
        assert row["average_precision"] == pytest.approx(average_precision_score(y, p))
        reference = brier_score_loss(y, np.full(60, y.mean()))
        assert row["brier_skill"] == pytest.approx(1 - brier_score_loss(y, p) / reference)


def test_scope_coded_is_the_slice_that_carries_any_code_with_ranking_figures_only(drawn, evaluated) -> None:
    target, scored = drawn
    coded = (target.shares >= 0.5).any(axis=1)
    truth = target.shares[coded][:, :3] >= 0.5
    found = evaluated["scopes"]["coded"]
    assert set(found) == {"n_units", "n_codes", "macro_average_precision", "lrap", "recall_at_3"}
    assert found["n_units"] == coded.sum()
    assert found["macro_average_precision"] == pytest.approx(
        average_precision_score(truth, scored.probabilities[coded], average="macro")
    )


def test_code_that_is_not_learned_is_listed_with_the_reason(drawn, evaluated) -> None:
    (row,) = evaluated["not_scored"]
    n = int(drawn[0].n_positive[3])
    assert row["code"] == "rare"
    assert row["n_positive"] == n < 10
    assert row["reason"] == abstention(n, row["n_groups"])


@pytest.mark.parametrize(
    ("n_positive", "n_groups", "said"),
    [
        (1, 1, "not learned yet: 1 segment in 1 group (needs 10 in 3)"),
        (3, 2, "not learned yet: 3 segments in 2 groups (needs 10 in 3)"),
    ],
)
def test_abstention_says_what_there_is_and_what_it_takes(n_positive: int, n_groups: int, said: str) -> None:
    assert abstention(n_positive, n_groups) == said


def test_too_few_groups_give_no_interval_and_the_reason(evaluated) -> None:
    for row in evaluated["scopes"]["all"]["ci"].values():
        assert (row["low"], row["high"]) == (None, None)
        assert "too few groups: 6" in row["reason"]
    for row in evaluated["scopes"]["all"]["codes"]:
        assert (
            row["ci"]["average_precision"]["reason"] == "too few groups hold the code: 6, at least 8 needed"
        )


def test_a_table_small_enough_to_count_by_hand() -> None:
    truth = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], dtype=bool)
    p = np.array([[0.9, 0.1, 0.1, 0.1], [0.2, 0.8, 0.7, 0.6], [0.95, 0.0, 0.0, 0.0]])
    # a: its one positive is second of three; b and d: first; c has none.
    assert macro_average_precision(truth, p) == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert recall_at(truth, p, 1) == pytest.approx(2 / 3)
    assert recall_at(truth, p, 3) == 1
    assert recall_at(truth[2:], p[2:], 3) is None


@pytest.mark.parametrize(
    ("p", "y", "error"),
    [
        ([0.05, 0.05], [0, 0], 0.05),
        ([1.0, 0.0], [1, 0], 0.0),
        ([0.95, 0.95], [1, 0], 0.45),
        ([0.2, 0.2, 0.9, 0.9], [0, 1, 1, 1], 0.5 * 0.3 + 0.5 * 0.1),
    ],
)
def test_calibration_error_by_hand(p: list[float], y: list[int], error: float) -> None:
    assert calibration_error(np.array([y], dtype=bool).T, np.array([p]).T) == pytest.approx(error)


def test_always_saying_the_prevalence_has_no_skill_and_knowing_has_all() -> None:
    y = np.array([True, False, False, False])
    assert brier_skill(y, np.full(4, 0.25)) == pytest.approx(0)
    assert brier_skill(y, y.astype(float)) == 1
    assert brier_skill(np.ones(3, dtype=bool), np.ones(3)) is None


WEIGHTED = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.integers(0, 8).map(lambda i: i / 8), min_size=n, max_size=n),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
        st.lists(st.integers(0, 3), min_size=4, max_size=4),
    )
)


@given(WEIGHTED)
@settings(max_examples=150, deadline=None)
def test_average_precision_of_drawn_groups_equals_that_of_doubled_rows(case) -> None:
    y, p, group, times = (np.array(part) for part in case)
    found = _average_precisions(y[:, None], p[:, None], group)(times[None].astype(float))[0, 0]
    repeated = np.repeat(np.arange(len(y)), times[group])
    if not y[repeated].any():
        assert math.isnan(found)
    else:
        assert found == pytest.approx(average_precision_score(y[repeated], p[repeated]))


@given(WEIGHTED, st.booleans())
@settings(max_examples=100, deadline=None)
def test_f1_of_drawn_groups_equals_that_of_doubled_rows(case, macro: bool) -> None:
    y, p, group, times = (np.array(part) for part in case)
    truth, flags = np.array([y, ~y]).T, np.array([p >= 0.5, p >= 0.25]).T
    found = _f1(truth, flags, group, 4, macro=macro)(times[None].astype(float))[0]
    repeated = np.repeat(np.arange(len(y)), times[group])
    truth, flags = truth[repeated], flags[repeated]
    used = (truth | flags).any(axis=0)
    if not used.any():
        assert math.isnan(found)
    else:
        kind = "macro" if macro else "micro"
        assert found == pytest.approx(
            f1_score(truth[:, used], flags[:, used], average=kind, zero_division=0)
            if used.sum() > 1
            else f1_score(truth[:, used].ravel(), flags[:, used].ravel())
        )


@pytest.mark.parametrize(("n_groups", "method"), [(8, "jackknife"), (29, "jackknife"), (30, "BCa")])
def test_interval_is_over_groups_by_the_rule_of_their_number(n_groups: int, method: str) -> None:
    random = np.random.default_rng(0)
    groups = [f"t{i % n_groups:02d}" for i in range(10 * n_groups)]
    truth = random.random((len(groups), 2)) < 0.4
    p = np.clip(0.3 + 0.3 * truth + random.normal(scale=0.2, size=truth.shape), 0, 1)
    scored = Scored(p, np.full(truth.shape, 0.5), np.zeros(len(groups), dtype=np.intp))
    found = evaluation_intervals(truth, scored, groups, seed=1)
    assert set(found.overall) == {"macro_average_precision", "micro_f1", "macro_f1"}
    for row in [*found.overall.values(), *found.average_precision]:
        assert method in row["method"]
        assert row["n_groups"] == n_groups
        assert 0 <= row["low"] < row["high"] <= 1
    values = [average_precision_score(y, p_y) for y, p_y in zip(truth.T, p.T, strict=True)]
    rows = [found.overall["macro_average_precision"], *found.average_precision]
    for row, value in zip(rows, [np.mean(values), *values], strict=True):
        assert row["low"] < value < row["high"]
    assert evaluation_intervals(truth, scored, groups, seed=1) == found


def of_one_code(holding: int, n_groups: int = 40):
    """An interval where ``holding`` of the groups hold the code."""
    random = np.random.default_rng(2)
    place = np.arange(10 * n_groups) % n_groups
    truth = ((place < holding) & (random.random(len(place)) < 0.4))[:, None]
    truth[:holding] = True
    p = np.clip(0.3 + 0.3 * truth + random.normal(scale=0.2, size=truth.shape), 0, 1)
    scored = Scored(p, np.full(truth.shape, 0.5), np.zeros(len(place), dtype=np.intp))
    (row,) = evaluation_intervals(truth, scored, [f"t{i:02d}" for i in place], seed=1).average_precision
    return row, truth, p, place


@pytest.mark.parametrize(
    ("holding", "method"),
    [
        (8, "jackknife over 40 groups, 8 of them with the code, t(7), logit scale"),
        (29, "jackknife over 40 groups, 29 of them with the code, t(28), logit scale"),
        (30, "BCa bootstrap over 40 groups, 999 resamples"),
    ],
)
def test_interval_of_a_code_goes_by_the_groups_that_hold_it(holding: int, method: str) -> None:
    row, truth, p, _ = of_one_code(holding)
    assert row["method"] == method
    assert row["low"] < average_precision_score(truth[:, 0], p[:, 0]) < row["high"]


def test_code_in_few_of_many_groups_has_no_interval_and_the_reason() -> None:
    row, *_ = of_one_code(7)
    assert (row["low"], row["high"], row["method"]) == (None, None, "")
    assert row["reason"] == "too few groups hold the code: 7, at least 8 needed"


def test_jackknife_of_a_code_leaves_out_every_group_with_degrees_of_freedom_of_those_that_hold_it() -> None:
    row, truth, p, place = of_one_code(8)
    theta = average_precision_score(truth, p)
    without = np.array([average_precision_score(truth[place != g], p[place != g]) for g in range(40)])
    se = math.sqrt(39 / 40 * ((without - without.mean()) ** 2).sum()) / (theta * (1 - theta))
    for bound, sign in (("low", -1), ("high", 1)):
        assert row[bound] == pytest.approx(expit(logit(theta) + sign * t.ppf(0.975, 7) * se))


@pytest.mark.parametrize("n_groups", [9, 40])
@pytest.mark.parametrize("right", [True, False])
def test_figure_that_no_group_changes_has_no_interval_and_the_reason(n_groups: int, right: bool) -> None:
    truth = np.tile([[True], [False]], (n_groups, 1))
    p = np.where(truth == right, 0.9, 0.1)
    scored = Scored(p, np.full(truth.shape, 0.5), np.zeros(len(truth), dtype=np.intp))
    groups = [f"t{i:02d}" for i in np.arange(2 * n_groups) // 2]
    found = evaluation_intervals(truth, scored, groups, seed=1)
    for row in [found.overall["micro_f1"], *found.average_precision]:
        assert row["low"] is None
        assert row["reason"] == "no spread between groups: each gives the same value"


def test_reliability_holds_each_cell_once_and_its_gaps_are_the_calibration_error(drawn, evaluated) -> None:
    target, scored = drawn
    rows = evaluated["scopes"]["all"]["reliability"]
    assert [(row["low"], row["high"]) for row in rows] == [(i / 10, (i + 1) / 10) for i in range(10)]
    assert sum(row["n"] for row in rows) == 180
    gaps = sum(row["n"] * abs(row["mean_predicted"] - row["observed"]) for row in rows if row["n"])
    assert gaps / 180 == pytest.approx(evaluated["scopes"]["all"]["ece"])
    for row in rows:
        inside = (scored.probabilities >= row["low"]) & (scored.probabilities < row["high"])
        assert row["n"] == inside.sum()
        if row["n"]:
            assert row["observed"] == pytest.approx((target.shares[:, :3] >= 0.5)[inside].mean())
            assert row["low"] <= row["mean_predicted"] <= row["high"]


def test_reliability_by_hand() -> None:
    rows = reliability(np.array([[True, False, True]]), np.array([[0.2, 0.25, 1.0]]))
    assert rows[2] == {"low": 0.2, "high": 0.3, "n": 2, "mean_predicted": 0.225, "observed": 0.5}
    assert rows[9] == {"low": 0.9, "high": 1.0, "n": 1, "mean_predicted": 1.0, "observed": 1.0}
    assert rows[5] == {"low": 0.5, "high": 0.6, "n": 0, "mean_predicted": None, "observed": None}


def test_figures_without_what_leaks_are_those_of_the_other_segments(drawn, evaluated) -> None:
    target, scored = drawn
    alone = slice(10, 50)  # the first and the last ten texts are the same, in different folds
    assert evaluated["leak"]["n_texts_on_both_sides"] == 20
    found = evaluated["leak"]["without"]
    assert found["n_units"] == 40
    assert found["macro_average_precision"] == pytest.approx(
        macro_average_precision(target.shares[alone, :3] >= 0.5, scored.probabilities[alone])
    )


def test_nothing_is_said_without_what_leaks_where_nothing_leaks(drawn) -> None:
    target, scored = drawn
    leak = find_leak([f"text {i}" for i in range(60)], scored.folds)
    assert evaluate(target, scored, leak, codes=CODES, seed=0)["leak"]["without"] is None
