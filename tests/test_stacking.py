from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from models.stacking import learn_weights


def cells(seed: int, n: int = 400, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right, and people's answers drawn from them."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, k)) * 2
    return logits, (random.random((n, k)) < expit(logits)).astype(float)


def test_member_that_says_nothing_true_counts_for_little() -> None:
    logits, targets = cells(0)
    noise = np.random.default_rng(1).normal(size=logits.shape) * 2
    weights = learn_weights(np.stack([logits, noise], axis=-1), targets)
    assert weights[0] > 0.95


def test_members_that_say_the_same_count_the_same() -> None:
    logits, targets = cells(2)
    assert learn_weights(np.stack([logits] * 3, axis=-1), targets) == pytest.approx(
        np.full(3, 1 / 3), abs=1e-4
    )


def test_few_cells_leave_members_near_equal() -> None:
    logits, targets = cells(3, n=4, k=1)
    noise = np.random.default_rng(4).normal(size=logits.shape)
    many = learn_weights(
        np.stack([np.tile(logits, (50, 1)), np.tile(noise, (50, 1))], axis=-1), np.tile(targets, (50, 1))
    )
    few = learn_weights(np.stack([logits, noise], axis=-1), targets)
    assert np.ptp(few) < np.ptp(many)


def test_nothing_true_from_anyone_is_equal_shares() -> None:
    logits, targets = cells(0)
    assert learn_weights(np.stack([-logits, -logits], axis=-1), targets).tolist() == [0.5, 0.5]


def test_one_member_has_it_all() -> None:
    logits, targets = cells(0, n=5)
    assert learn_weights(logits[..., None], targets).tolist() == [1.0]


@given(seed=st.integers(0, 1000), n=st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_shares_are_a_share(seed: int, n: int) -> None:
    logits, targets = cells(seed, n=n, k=2)
    weights = learn_weights(np.stack([logits, np.roll(logits, 1, axis=0)], axis=-1), targets)
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
