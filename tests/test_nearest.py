from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from models.nearest import PRIOR_VOTES, REACH, FittedNearest, NearestMember, unit_rows


def fitted(rows: list[list[float]], shares: list[list[float]]) -> FittedNearest:
    view = np.array(rows, dtype=np.float32)
    return NearestMember(view).fit(np.arange(len(view)), np.array(shares), seed=0)


def test_vote_is_the_smoothed_share_of_the_rows_weighed_by_nearness() -> None:
    """Worked by hand: two rows, cosines 1 and .8, so weights 1 and exp(-.2 / REACH)."""
    model = fitted([[1, 0], [0.8, 0.6]], [[1.0], [0.0]])
    further, rate = np.exp(-0.2 / REACH), (1 + 0.5) / 3
    expected = (1 + PRIOR_VOTES * rate) / (1 + further + PRIOR_VOTES)
    found = model.logits(np.array([[2.0, 0.0]], dtype=np.float32))
    assert found[0, 0] == pytest.approx(logit(expected), abs=1e-4)


def test_segment_that_is_like_nothing_gets_what_all_rows_say() -> None:
    """Equally far from every row, each counts the same."""
    model = fitted([[1, 0, 0], [0, 1, 0]], [[1.0], [1.0]])
    asked = np.array([[0, 0, 1]], dtype=np.float32)
    assert expit(model.logits(asked))[0, 0] == pytest.approx((2 + PRIOR_VOTES * 2.5 / 3) / (2 + PRIOR_VOTES))


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_votes_are_finite_and_do_not_depend_on_the_order_of_rows(m: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    view, shares = random.normal(size=(m, 6)).astype(np.float32), random.random((m, k))
    asked = random.normal(size=(5, 6)).astype(np.float32)
    order = random.permutation(m)
    member = NearestMember(view)
    one = member.fit(np.arange(m), shares, seed=0).logits(asked)
    other = member.fit(order, shares[order], seed=0).logits(asked)
    assert np.isfinite(one).all()
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_giving_a_code_to_one_more_row_never_lowers_its_vote() -> None:
    random = np.random.default_rng(1)
    view, shares = random.normal(size=(8, 4)).astype(np.float32), (random.random((8, 1)) < 0.4) * 1.0
    asked = random.normal(size=(20, 4)).astype(np.float32)
    before = fitted(view.tolist(), shares.tolist()).logits(asked)
    shares[np.flatnonzero(shares[:, 0] == 0)[0]] = 1.0
    assert (fitted(view.tolist(), shares.tolist()).logits(asked) > before).all()


def test_code_that_nobody_gave_stays_below_its_rate_everywhere() -> None:
    model = fitted([[1, 0], [0, 1]], [[0.0], [0.0]])
    assert (model.logits(np.eye(2, dtype=np.float32))[:, 0] < model.rate_logits[0]).all()


def test_no_rows_asked_gives_no_logits() -> None:
    assert fitted([[1, 0]], [[1.0, 0.0]]).logits(np.zeros((0, 2), dtype=np.float32)).shape == (0, 2)


def test_row_of_zeros_has_no_direction_and_stays() -> None:
    assert unit_rows(np.zeros((1, 3), dtype=np.float32)).tolist() == [[0, 0, 0]]
