"""Intervals over transcripts: which method, how honest, how fast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline.agreement.groups import group_differences
from pipeline.agreement.intervals import (
    Interval,
    bca_interval,
    intervals,
    pair_intervals,
)
from pipeline.agreement.pairs import PAIR_STATISTICS, cohen_kappa, percent_agreement, signed_bias

PREVALENCE, SENSITIVITY, FALSE_ALARM = 0.2, 0.75, 0.08
SHARES = ("percent_agreement", "precision", "recall", "f1", "prevalence_a", "prevalence_b")


def interviews(
    n_transcripts: int, n_codes: int, *, seed: int, n_units: tuple[int, int] = (20, 60)
) -> np.ndarray:
    """Counts of two coders; transcripts differ in length, in prevalence and in how well b follows a."""
    rng = np.random.default_rng(seed)
    shape = (n_transcripts, n_codes)
    p = rng.beta(9 * PREVALENCE, 9 * (1 - PREVALENCE), shape)
    s = rng.beta(10 * SENSITIVITY, 10 * (1 - SENSITIVITY), shape)
    f = rng.beta(20 * FALSE_ALARM, 20 * (1 - FALSE_ALARM), shape)
    cells = np.stack([p * s, p * (1 - s), (1 - p) * f, (1 - p) * (1 - f)], axis=-1)
    return rng.multinomial(rng.integers(*n_units, shape), cells)


def true_value(key: str) -> float:
    p, s, f = PREVALENCE, SENSITIVITY, FALSE_ALARM
    many = 1e9 * np.array([p * s, p * (1 - s), (1 - p) * f, (1 - p) * (1 - f)])
    return float(PAIR_STATISTICS[key](many))


def of_pairs(counts: np.ndarray, key: str, **options: Any) -> tuple[Interval, ...]:
    return pair_intervals(counts, [key], **options)[key]


def coverage(found: tuple[Interval, ...], value: float) -> float:
    assert all(interval.defined for interval in found)
    return float(np.mean([interval.low <= value <= interval.high for interval in found]))


@pytest.mark.parametrize(
    ("n_transcripts", "method"),
    [
        (8, "jackknife over 8 transcripts, t(7)"),
        (29, "jackknife over 29 transcripts, t(28)"),
        (30, "BCa bootstrap over 30 transcripts, 4,999 resamples"),
    ],
)
def test_method_follows_from_the_number_of_transcripts(n_transcripts: int, method: str) -> None:
    (interval,) = of_pairs(interviews(n_transcripts, 1, seed=0), "percent_agreement", seed=0)
    assert interval.method.removesuffix(", logit scale") == method
    assert interval.n_transcripts == n_transcripts
    assert interval.low < interval.high <= 1


def test_fewer_than_eight_transcripts_give_no_interval_but_the_reason() -> None:
    (interval,) = of_pairs(interviews(7, 1, seed=0), "percent_agreement", seed=0)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert interval.reason == "too few transcripts: 7, at least 8 needed"


def test_transcripts_without_units_are_not_counted() -> None:
    counts = np.concatenate([interviews(7, 1, seed=0), np.zeros((5, 1, 4), dtype=np.int64)])
    (interval,) = of_pairs(counts, "percent_agreement", seed=0)
    assert interval.n_transcripts == 7
    assert not interval.defined


def test_shares_of_a_code_count_only_transcripts_that_hold_it() -> None:
    counts = interviews(12, 1, seed=0)
    counts[6:, :, :3] = 0
    by_key = pair_intervals(counts, ["f1", "percent_agreement"], seed=0)
    assert by_key["f1"][0].reason == "too few transcripts: 6, at least 8 needed"
    assert by_key["percent_agreement"][0].defined


@pytest.mark.parametrize("key", ["percent_agreement", "precision", "recall", "f1"])
def test_share_intervals_stay_between_zero_and_one(key: str) -> None:
    counts = interviews(10, 20, seed=3)
    counts[:9, :, 1:3] = 0
    counts[9, :, 1:3] = 1
    for interval in of_pairs(counts, key, seed=0):
        assert 0 < interval.low < interval.high < 1
        assert interval.method.endswith("logit scale")


@pytest.mark.parametrize(
    ("counts", "key", "reason"),
    [
        ([[9, 0, 0, 20]] * 12, "cohen_kappa", "no spread between transcripts"),
        ([[9, 0, 0, 20]] * 40, "percent_agreement", "no spread between transcripts"),
        ([[0, 0, 0, 20]] * 12, "cohen_kappa", "the value is undefined"),
        ([[0, 0, 0, 20]] * 11 + [[4, 1, 1, 14]], "cohen_kappa", "too few transcripts with the code: 1"),
        ([[20, 0, 0, 0]] * 9 + [[4, 1, 1, 14]], "scott_pi", "too few transcripts with the code: 1"),
        (
            [[0, 0, 0, 20]] * 8 + [[9, 0, 0, 1], [8, 1, 0, 2]],
            "krippendorff_alpha",
            "with the code: 2, at least 8",
        ),
    ],
)
def test_no_interval_where_transcripts_cannot_carry_one(
    counts: list[list[int]], key: str, reason: str
) -> None:
    (interval,) = of_pairs(np.array(counts)[:, None], key, seed=0)
    assert reason in interval.reason
    assert math.isnan(interval.low)
    assert interval.method == ""


@pytest.mark.parametrize(("n_holding", "said"), [(1, "hangs on that one"), (2, "of the resamples")])
def test_statistic_that_hangs_on_few_transcripts_has_no_interval(n_holding: int, said: str) -> None:
    counts = np.array([[0, 0, 0, 20]] * (40 - n_holding) + [[4, 1, 1, 14], [3, 0, 1, 5]][:n_holding])
    (interval,) = intervals(counts[:, None], cohen_kappa, scale="coefficient", seed=0)
    assert said in interval.reason


def test_few_undefined_resamples_are_left_out_and_counted() -> None:
    counts = np.array([[0, 0, 0, 20]] * 36 + [[4, 1, 1, 14], [3, 0, 1, 5], [2, 2, 0, 9], [1, 0, 1, 9]])
    (interval,) = intervals(counts[:, None], cohen_kappa, scale="coefficient", seed=0)
    assert interval.defined
    assert interval.method.endswith("of them undefined and left out")


def test_jackknife_of_a_mean_is_students_interval() -> None:
    x = np.random.default_rng(0).normal(0.3, 0.1, 12)
    sums = np.stack([x, np.ones(12)], axis=-1)[:, None]
    (interval,) = intervals(sums, lambda s: s[..., 0] / s[..., 1], scale="coefficient", seed=0)
    low, high = stats.t.interval(0.95, 11, loc=x.mean(), scale=stats.sem(x))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)


def test_bca_is_that_of_scipy_on_the_same_resamples() -> None:
    x = np.random.default_rng(1).exponential(size=40)
    outside = stats.bootstrap((x,), np.mean, n_resamples=4999, method="BCa", rng=np.random.default_rng(2))
    without = (x.sum() - x) / 39
    own = bca_interval(float(x.mean()), without, outside.bootstrap_distribution, level=0.95)
    expected = outside.confidence_interval
    assert (own.low, own.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("key", ["cohen_kappa", "krippendorff_alpha", "gwet_ac1", *SHARES])
def test_jackknife_at_twelve_transcripts_covers_as_often_as_it_says(key: str) -> None:
    found = of_pairs(interviews(12, 1000, seed=12), key, seed=0)
    assert 0.90 < coverage(found, true_value(key)) < 0.99


@pytest.mark.parametrize("key", ["cohen_kappa", "percent_agreement"])
def test_bootstrap_at_forty_transcripts_covers_as_often_as_it_says(key: str) -> None:
    found = of_pairs(interviews(40, 300, seed=40), key, seed=0, n_resamples=999)
    assert 0.89 < coverage(found, true_value(key)) < 0.99


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    counts = interviews(40, 1, seed=0)
    first, again, other = (of_pairs(counts, "cohen_kappa", seed=seed)[0] for seed in (1, 1, 2))
    assert first == again
    assert first.low != other.low


def test_a_code_has_the_interval_that_it_has_alone() -> None:
    counts = interviews(30, 3, seed=0)
    together = of_pairs(counts, "cohen_kappa", seed=0)
    for k in range(3):
        (alone,) = of_pairs(counts[:, [k]], "cohen_kappa", seed=0)
        assert (alone.low, alone.high) == pytest.approx((together[k].low, together[k].high), abs=1e-9)


def test_level_widens_the_interval() -> None:
    counts = interviews(12, 1, seed=0)
    (narrow,), (wide,) = (of_pairs(counts, "cohen_kappa", seed=0, level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def kappa_difference(sums: np.ndarray) -> np.ndarray:
    return cohen_kappa(sums[..., :4]) - cohen_kappa(sums[..., 4:])


def test_interval_of_a_paired_difference_takes_both_sets_of_counts() -> None:
    sums = np.concatenate([interviews(20, 2, seed=0), interviews(20, 2, seed=1)], axis=-1)
    found = intervals(sums, kappa_difference, scale="difference", seed=0)
    assert all(interval.low < 0 < interval.high for interval in found)


@pytest.mark.parametrize("n_transcripts", [20, 40])
def test_paired_difference_of_like_counts_is_narrower_than_of_strangers(n_transcripts: int) -> None:
    one = interviews(n_transcripts, 1, seed=0)
    near = one.copy()
    near[: n_transcripts // 2, :, 3] += 3
    (paired,) = intervals(np.concatenate([one, near], axis=-1), kappa_difference, scale="difference", seed=0)
    ((d, apart),) = group_differences(one, near, cohen_kappa, scale="coefficient")
    assert paired.low < d < paired.high
    assert paired.high - paired.low < (apart.high - apart.low) / 2


def test_difference_of_coefficients_may_lie_above_one() -> None:
    good, bad = [9, 0, 0, 9], [1, 8, 8, 1]
    sums = np.array([[[*good, *bad]], [[*good, 2, 7, 8, 1]]] * 6)
    (interval,) = intervals(sums, kappa_difference, scale="difference", seed=0)
    assert 1 < interval.low < interval.high


def test_difference_between_groups_of_means_is_the_interval_of_welch() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.5, 0.1, 9), rng.normal(0.3, 0.3, 14)
    sums = [np.stack([group, np.ones(len(group))], axis=-1)[:, None] for group in (x, y)]
    ((d, interval),) = group_differences(*sums, lambda s: s[..., 0] / s[..., 1], scale="coefficient")
    expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    assert d == pytest.approx(x.mean() - y.mean(), abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert interval.method.startswith("jackknife over 9 and 14 transcripts, t(")


def test_difference_between_groups_covers_as_often_as_it_says() -> None:
    found = group_differences(
        interviews(12, 1000, seed=1), interviews(15, 1000, seed=2), cohen_kappa, scale="coefficient"
    )
    assert 0.90 < coverage(tuple(interval for _, interval in found), 0.0) < 0.99


def test_a_group_of_fewer_than_eight_transcripts_gives_the_difference_but_no_interval() -> None:
    one, other = interviews(12, 1, seed=1), interviews(7, 1, seed=2)
    ((d, interval),) = group_differences(one, other, cohen_kappa, scale="coefficient")
    assert d == pytest.approx(
        float(cohen_kappa(one.sum(axis=0))[0] - cohen_kappa(other.sum(axis=0))[0]), abs=1e-12
    )
    assert interval.reason == "second group: too few transcripts: 7, at least 8 needed"
    assert math.isnan(interval.low)


def test_groups_in_which_nothing_varies_have_no_interval_of_their_difference() -> None:
    flat = np.array([[[9, 0, 0, 20]]] * 9)
    ((d, interval),) = group_differences(flat, flat, cohen_kappa, scale="coefficient")
    assert d == 0
    assert interval.reason == "no spread between transcripts, in either group"
    ((_, half),) = group_differences(flat, interviews(9, 1, seed=0), cohen_kappa, scale="coefficient")
    assert half.defined


@pytest.mark.parametrize("n_transcripts", [12, 30])
def test_several_statistics_at_once_have_the_intervals_that_each_has_alone(n_transcripts: int) -> None:
    counts = interviews(n_transcripts, 3, seed=0)
    together = pair_intervals(counts, PAIR_STATISTICS, seed=0)
    assert list(together) == list(PAIR_STATISTICS)
    for key, found in together.items():
        assert found == of_pairs(counts, key, seed=0)


@pytest.mark.parametrize("n_transcripts", [12, 40])
def test_interval_of_the_bias_is_that_of_its_signed_form_without_the_sign(n_transcripts: int) -> None:
    counts = interviews(n_transcripts, 20, seed=0)
    counts[:, ::2, 1] //= 3
    signed = intervals(counts, signed_bias, scale="difference", seed=0)
    found = of_pairs(counts, "bias", seed=0)
    assert any(s.low < 0 < s.high for s in signed)
    assert any(s.high < 0 for s in signed)
    for s, interval in zip(signed, found, strict=True):
        ends = sorted((abs(s.low), abs(s.high)))
        assert interval.low == (0 if s.low < 0 < s.high else ends[0])
        assert interval.high == ends[1]


def test_bias_without_an_interval_says_why() -> None:
    (interval,) = of_pairs(interviews(7, 1, seed=0), "bias", seed=0)
    assert interval.reason == "too few transcripts: 7, at least 8 needed"
    assert math.isnan(interval.low)


def test_sums_without_a_dimension_for_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected \\(n_transcripts, n_codes, n_sums\\)"):
        intervals(np.ones((9, 4)), percent_agreement, scale="share", seed=0)


def test_every_statistic_of_thirty_transcripts_and_twenty_codes_has_an_interval_or_a_reason() -> None:
    counts = interviews(30, 20, seed=0, n_units=(300, 400))
    for found in pair_intervals(counts, PAIR_STATISTICS, seed=0).values():
        assert all(interval.defined or interval.reason for interval in found)
