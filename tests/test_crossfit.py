from __future__ import annotations

from collections import Counter
from threading import Lock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.crossfit import LEAVE_ONE_OUT_BELOW, N_FOLDS, assign_folds, crossfit

GROUPS = st.lists(st.integers(0, 30).map(lambda number: f"t{number:02d}"), min_size=1, max_size=200)


@given(GROUPS)
@settings(deadline=None)
def test_no_group_is_in_two_folds_and_no_fold_is_empty(groups: list[str]) -> None:
    folds = assign_folds(groups)
    assert len({(group, fold) for group, fold in zip(groups, folds.tolist(), strict=True)}) == len(
        set(groups)
    )
    n_groups = len(set(groups))
    n_folds = n_groups if n_groups < LEAVE_ONE_OUT_BELOW else N_FOLDS
    assert set(folds.tolist()) == set(range(n_folds))


@given(GROUPS)
@settings(deadline=None)
def test_folds_differ_by_no_more_than_the_largest_group(groups: list[str]) -> None:
    sizes = Counter(groups)
    loads = np.bincount(assign_folds(groups))
    assert loads.max() - loads.min() <= max(sizes.values())


@given(GROUPS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_rows_changes_no_fold(groups: list[str], random) -> None:
    shuffled = list(groups)
    random.shuffle(shuffled)
    first = dict(zip(groups, assign_folds(groups).tolist(), strict=True))
    assert dict(zip(shuffled, assign_folds(shuffled).tolist(), strict=True)) == first


@pytest.mark.parametrize(("n_groups", "n_folds"), [(3, 3), (9, 9), (10, 5), (40, 5)])
def test_fewer_than_ten_groups_are_left_out_one_by_one(n_groups: int, n_folds: int) -> None:
    assert assign_folds([f"t{i}" for i in range(n_groups)] * 4).max() + 1 == n_folds


@pytest.fixture
def watched():
    """A fit_predict that answers 1 plus the sum of 2 ** fold over the folds that it saw, and its calls."""

    def make(folds: np.ndarray):
        calls, lock = [], Lock()

        def fit_predict(train: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            seen = set(folds[train].tolist())
            with lock:
                calls.append((seen, set(folds[predicted].tolist()), len(train)))
            return np.full((len(predicted), 2), 1.0 + sum(2**fold for fold in seen))

        return fit_predict, calls

    return make


def folds_seen(answer: float, n_folds: int) -> set[int]:
    return {fold for fold in range(n_folds) if (int(answer) - 1) >> fold & 1}


@pytest.mark.parametrize("n_groups", [3, 4, 9, 10, 23])
def test_no_row_is_predicted_by_a_model_that_saw_its_fold(watched, n_groups: int) -> None:
    groups = [f"t{i % n_groups:02d}" for i in range(5 * n_groups + 3)]
    folds = assign_folds(groups)
    n_folds = int(folds.max()) + 1
    fit_predict, calls = watched(folds)
    found = crossfit(fit_predict, folds, 2)

    assert all(not seen & predicted for seen, predicted, _ in calls)
    everything = set(range(n_folds))
    for row, fold in enumerate(folds.tolist()):
        assert folds_seen(found.outer[row, 0], n_folds) == everything - {fold}
        for held in range(n_folds):
            if held == fold:
                assert np.isnan(found.inner[held, row]).all()
            else:
                assert folds_seen(found.inner[held, row, 0], n_folds) == everything - {fold, held}


@pytest.mark.parametrize("n_groups", [5, 9, 10])
def test_models_are_trained_once_for_each_fold_and_pair_of_folds(watched, n_groups: int) -> None:
    folds = assign_folds([f"t{i}" for i in range(n_groups)])
    n_folds = int(folds.max()) + 1
    fit_predict, calls = watched(folds)
    crossfit(fit_predict, folds, 2)
    assert len(calls) == n_folds + n_folds * (n_folds - 1) // 2


def test_error_in_a_model_is_not_swallowed() -> None:
    def fit_predict(train: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        raise ArithmeticError("no model")

    with pytest.raises(ArithmeticError, match="no model"):
        crossfit(fit_predict, np.array([0, 1, 2]), 1)
