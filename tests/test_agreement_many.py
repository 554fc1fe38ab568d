"""All coders at once and a code given or not: the numbers of the general functions, from sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from pipeline.agreement import alpha, brennan, fleiss, gwet, many, pairs, percent
from pipeline.agreement.many import MANY_STATISTICS, count_many, many_intervals, many_statistics
from pipeline.agreement.values import Ratings, pairable

GENERAL = {
    "percent_agreement": percent.percent_agreement,
    "fleiss_kappa": fleiss.fleiss_kappa,
    "krippendorff_alpha": alpha.krippendorff_alpha,
    "gwet_ac1": gwet.gwet_ac1,
    "brennan_prediger": brennan.brennan_prediger,
}
# 0 not given, 1 given, 2 not read
CELLS = st.tuples(st.integers(1, 5), st.integers(1, 12), st.integers(1, 3)).flatmap(
    lambda shape: drawn.arrays(np.int64, shape, elements=st.integers(0, 2))
)


def same(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=0, abs_tol=1e-12)


@given(CELLS)
def test_sums_give_what_the_general_functions_give_on_each_code(cells: np.ndarray) -> None:
    sums = count_many(cells == 1, cells < 2)
    assert sums.shape == (cells.shape[2], many.N_SUMS)
    for k in range(cells.shape[2]):
        ratings = Ratings(np.where(cells[..., k] == 2, -1, cells[..., k]).T, (0, 1))
        n_units, n_coders = pairable(ratings)
        found = many_statistics(sums[k], n_coders=n_coders)
        for key, statistic in GENERAL.items():
            general = statistic(ratings)
            assert same(found[key].value, general.value), key
            assert (found[key].n_units, found[key].n_coders) == (n_units, general.n_coders)
            assert math.isnan(found[key].value) == bool(found[key].reason)


@given(CELLS)
def test_taking_units_away_again_leaves_what_the_others_give(cells: np.ndarray) -> None:
    more = np.concatenate([cells, cells[:, ::2], cells[:, ::3]], axis=1)
    rest = np.concatenate([cells[:, ::2], cells[:, ::3]], axis=1)
    left = count_many(more == 1, more < 2) - count_many(rest == 1, rest < 2)
    alone = count_many(cells == 1, cells < 2)
    for key, statistic in MANY_STATISTICS.items():
        for one, other in zip(statistic(left), statistic(alone), strict=True):
            assert same(one, other) or one == pytest.approx(other, abs=1e-9), key


@given(drawn.arrays(np.bool_, st.tuples(st.just(2), st.integers(1, 12))))
def test_two_coders_have_the_numbers_of_pairs(cells: np.ndarray) -> None:
    sums = count_many(cells, np.ones_like(cells))
    counts = pairs.count_pairs(*cells)
    for key in ("percent_agreement", "krippendorff_alpha", "gwet_ac1", "brennan_prediger"):
        assert same(float(MANY_STATISTICS[key](sums)), float(pairs.PAIR_STATISTICS[key](counts)))
    assert same(float(many.fleiss_kappa(sums)), float(pairs.scott_pi(counts)))


def test_reading_may_be_the_same_for_all_codes_or_differ() -> None:
    rng = np.random.default_rng(0)
    cells, read = rng.random((3, 40, 4)) < 0.3, rng.random((3, 40)) < 0.8
    everywhere = np.repeat(read[..., None], 4, axis=2)
    assert (count_many(cells, read) == count_many(cells, everywhere)).all()
    assert (count_many(cells, read)[2] == count_many(cells[..., 2], read)).all()
    with pytest.raises(ValueError, match=r"read has shape \(3, 9\), expected \(3, 40\)"):
        count_many(cells, read[:, :9])


@pytest.mark.parametrize(
    ("given", "read", "key", "reason"),
    [
        ([[0, 0], [0, 0]], [[1, 1], [1, 1]], "fleiss_kappa", "never given"),
        ([[1, 1], [1, 1]], [[1, 1], [1, 1]], "krippendorff_alpha", "always given"),
        ([[1, 0], [0, 0]], [[1, 0], [0, 1]], "gwet_ac1", "no unit with two coders"),
        ([[0, 1], [0, 0]], [[1, 1], [1, 0]], "krippendorff_alpha", "never given"),
    ],
)
def test_statistic_of_many_is_undefined_with_its_reason(given, read, key: str, reason: str) -> None:
    result = many_statistics(count_many(np.array(given, bool), np.array(read, bool)), n_coders=2)[key]
    assert math.isnan(result.value)
    assert reason in result.reason


@pytest.mark.parametrize(("n", "method"), [(10, "jackknife over 10"), (31, "BCa bootstrap over 31")])
def test_intervals_of_many_lie_around_their_values(n: int, method: str) -> None:
    rng = np.random.default_rng(n)
    common = rng.random((n, 1, 50, 2)) < rng.beta(2, 6, (n, 1, 1, 2))
    cells = common ^ (rng.random((n, 3, 50, 2)) < 0.08)
    sums = np.stack([count_many(transcript, np.ones((3, 50), bool)) for transcript in cells])
    for key, found in many_intervals(sums, MANY_STATISTICS, seed=0).items():
        values = MANY_STATISTICS[key](sums.sum(axis=0))
        for interval, value in zip(found, values, strict=True):
            assert interval.low < value < interval.high <= 1
            assert interval.method.startswith(method)


def test_sums_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(..., 7\)"):
        many.percent_agreement(np.ones(4))
