"""Alpha over sets of codes: distances, sums over transcripts, bounded memory."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.sets import (
    SetDistance,
    alpha_from_sums,
    alpha_over_sets,
    encode_sets,
    jaccard_distance,
    masi_distance,
    set_interval,
    set_sums,
)

Sets = list[list[frozenset[str] | None]]
ONE = {"masi": masi_distance, "jaccard": jaccard_distance}
CODES = st.frozensets(st.sampled_from("ABCD"))
NAMES = st.sampled_from(("masi", "jaccard"))
TABLES = st.integers(2, 4).flatmap(
    lambda n: st.lists(st.lists(st.none() | CODES, min_size=n, max_size=n), min_size=1, max_size=12)
)


def same(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=0, abs_tol=1e-12)


def random_sets(n_units: int, *, seed: int, n_codes: int = 8) -> Sets:
    """Three coders who follow common sets and err."""
    rng = np.random.default_rng(seed)
    common = rng.random((n_units, 1, n_codes)) < 0.2
    given = common ^ (rng.random((n_units, 3, n_codes)) < 0.05)
    return [[frozenset(f"c{k}" for k in np.flatnonzero(row)) for row in unit] for unit in given]


@pytest.mark.parametrize(
    ("a", "b", "masi", "jaccard"),
    [
        ("AB", "AB", 0, 0),
        ("AB", "ABCD", 1 - 1 / 2 * 2 / 3, 1 / 2),
        ("AB", "BC", 1 - 1 / 3 * 1 / 3, 2 / 3),
        ("A", "B", 1, 1),
        ("A", "", 1, 1),
        ("", "", 0, 0),
    ],
)
def test_distance_of_two_sets(a: str, b: str, masi: float, jaccard: float) -> None:
    assert masi_distance(set(a), set(b)) == masi_distance(set(b), set(a)) == pytest.approx(masi, abs=1e-15)
    assert jaccard_distance(set(a), set(b)) == pytest.approx(jaccard, abs=1e-15)


@given(TABLES, NAMES)
def test_alpha_over_sets_is_alpha_with_the_table_of_their_distances(table: Sets, name: SetDistance) -> None:
    ratings = encode_sets(table)
    d = [[ONE[name](a, b) for b in ratings.categories] for a in ratings.categories]
    general = krippendorff_alpha(ratings, distance=np.reshape(d, (len(d), len(d))))
    found = alpha_over_sets(table, distance=name)
    assert same(found.value, general.value)
    assert (found.n_units, found.n_coders, found.reason) == (
        general.n_units,
        general.n_coders,
        general.reason,
    )


@given(st.lists(st.sampled_from("ABC"), min_size=2, max_size=12), st.randoms(use_true_random=False), NAMES)
def test_sets_of_one_code_have_nominal_alpha(column: list[str], rng, name: SetDistance) -> None:
    other = [code if rng.random() < 0.6 else rng.choice("ABC") for code in column]
    table: Sets = [[frozenset(a), frozenset(b)] for a, b in zip(column, other, strict=True)]
    nominal = krippendorff_alpha(encode_sets(table)).value
    assert same(alpha_over_sets(table, distance=name).value, nominal)


@given(TABLES, st.data(), NAMES)
def test_counting_a_transcript_so_often_is_having_its_units_so_often(
    table: Sets, data: st.DataObject, name: SetDistance
) -> None:
    transcripts = data.draw(st.lists(st.integers(0, 2), min_size=len(table), max_size=len(table)))
    sums = set_sums(table, distance=name, transcripts=transcripts)
    order = list(dict.fromkeys(transcripts))
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(order), max_size=len(order)))
    units = [
        row
        for row, transcript in zip(table, transcripts, strict=True)
        for _ in range(times[order.index(transcript)])
    ]
    assert same(
        float(alpha_from_sums(sums, np.array(times, float))), alpha_over_sets(units, distance=name).value
    )


def test_interval_over_sets_holds_alpha_and_is_the_jackknife_of_leaving_transcripts_out() -> None:
    table = random_sets(240, seed=0)
    transcripts = [i // 20 for i in range(240)]
    found = set_interval(set_sums(table, transcripts=transcripts), seed=0)
    without = np.array(
        [
            alpha_over_sets([row for row, t in zip(table, transcripts, strict=True) if t != left]).value
            for left in range(12)
        ]
    )
    se = math.sqrt(11 / 12 * np.sum((without - without.mean()) ** 2))
    assert found.method == "jackknife over 12 transcripts, t(11)"
    alpha = alpha_over_sets(table).value
    assert (found.low + found.high) / 2 == pytest.approx(alpha, abs=1e-12)
    assert found.high - alpha == pytest.approx(2.200985160082949 * se, abs=1e-9)


def test_transcripts_that_nobody_else_read_do_not_count_towards_eight() -> None:
    table: Sets = [[frozenset("A"), frozenset("A")], [frozenset("B"), frozenset("AB")]] * 7
    table += [[frozenset("A"), None]] * 3
    found = set_interval(set_sums(table, transcripts=[*range(7), *range(7), 7, 8, 9]), seed=0)
    assert found.reason == "too few transcripts: 7, at least 8 needed"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([["A", "A"], ["A", "A"]], "no variation"),
        ([["", ""], ["", ""]], "no variation"),
        ([["A", None], ["B", None]], "only one coder gave values"),
        ([[None, None]], "nobody gave a value"),
        ([], "nobody gave a value"),
    ],
)
def test_alpha_over_sets_is_undefined_with_the_reason(table: list[list[str | None]], reason: str) -> None:
    sets = [[None if codes is None else frozenset(codes) for codes in row] for row in table]
    result = alpha_over_sets(sets)
    assert math.isnan(result.value)
    assert reason in result.reason


def test_thousands_of_distinct_sets_take_little_memory() -> None:
    rng = np.random.default_rng(0)
    codes = [f"c{k}" for k in range(40)]
    given = rng.random((6000, 2, 40)) < 0.1
    table = [[frozenset(itertools.compress(codes, row)) for row in unit] for unit in given]
    assert len({codes for row in table for codes in row}) > 5000
    tracemalloc.start()
    sums = set_sums(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(sums.ratings.categories) ** 2 * 8 > 2.5e8 > 1.5e8 > peak


def test_transcripts_must_be_as_many_as_units() -> None:
    with pytest.raises(ValueError, match="1 transcripts for 2 units"):
        set_sums([[frozenset("A")], [frozenset("B")]], transcripts=["t1"])
