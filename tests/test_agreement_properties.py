"""What must hold for any table, whatever its values."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agreement import pairs
from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.brennan import brennan_prediger
from pipeline.agreement.cohen import cohen_kappa
from pipeline.agreement.fleiss import fleiss_kappa
from pipeline.agreement.gwet import gwet_ac1
from pipeline.agreement.percent import percent_agreement
from pipeline.agreement.retrieval import f1, f1_samples, precision, recall
from pipeline.agreement.scott import scott_pi
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.values import Ratings, encode, select_pair

Table = list[list[str | None]]
Measure = Callable[[Ratings], Statistic]

MANY: tuple[Measure, ...] = (percent_agreement, fleiss_kappa, krippendorff_alpha, gwet_ac1, brennan_prediger)
TWO: tuple[Measure, ...] = (cohen_kappa, scott_pi, f1)
CODES = ("hope", "trust", "NA")
TWO_TO_FOUR = st.integers(2, 4)


def tables(
    n_coders: st.SearchStrategy[int] = TWO_TO_FOUR, *, missing: bool = True
) -> st.SearchStrategy[Table]:
    value = st.sampled_from((*CODES, None) if missing else CODES)
    return n_coders.flatmap(
        lambda n: st.lists(st.lists(value, min_size=n, max_size=n), min_size=1, max_size=12)
    )


def same(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=0, abs_tol=1e-12)


def measures_for(table: Table) -> tuple[Measure, ...]:
    return (*MANY, *TWO) if len(table[0]) == 2 else MANY


def coded(table: Table) -> Ratings:
    return encode(table, categories=CODES)


@given(tables())
def test_every_statistic_is_a_number_or_nan_with_a_reason(table: Table) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for measure in measures_for(table):
            result = measure(coded(table))
            assert math.isnan(result.value) == bool(result.reason)
            assert math.isnan(result.value) or result.value <= 1 + 1e-12


@given(tables())
def test_order_of_coders_changes_nothing(table: Table) -> None:
    for measure in measures_for(table):
        assert same(measure(coded(table)).value, measure(coded([row[::-1] for row in table])).value)


@given(tables(), st.randoms(use_true_random=False))
def test_order_of_units_changes_nothing(table: Table, rng: random.Random) -> None:
    shuffled = rng.sample(table, len(table))
    for measure in measures_for(table):
        assert same(measure(coded(table)).value, measure(coded(shuffled)).value)


@given(tables())
def test_names_of_codes_change_nothing(table: Table) -> None:
    names = dict(zip(CODES, ("z", "y", "x"), strict=True))
    renamed = [[None if value is None else names[value] for value in row] for row in table]
    for measure in measures_for(table):
        assert same(measure(coded(table)).value, measure(encode(renamed, categories=names.values())).value)


@given(st.lists(st.sampled_from(CODES), min_size=1, max_size=12), st.integers(2, 4))
def test_perfect_agreement_is_one_or_undefined_without_variation(column: list[str], n_coders: int) -> None:
    table: Table = [[value] * n_coders for value in column]
    for measure in measures_for(table):
        result = measure(coded(table))
        if measure in (fleiss_kappa, krippendorff_alpha, cohen_kappa, scott_pi) and len(set(column)) == 1:
            assert "one and the same" in result.reason or "no variation" in result.reason
        else:
            assert same(result.value, 1.0)


@given(tables())
def test_unit_with_one_value_changes_no_pairwise_statistic(table: Table) -> None:
    lonely: list[str | None] = ["hope", *[None] * (len(table[0]) - 1)]
    for measure in (percent_agreement, krippendorff_alpha, brennan_prediger):
        before, after = measure(coded(table)), measure(coded([*table, lonely]))
        assert same(before.value, after.value)
        assert before.n_units == after.n_units


@given(tables(missing=False))
def test_doubling_the_units_changes_only_alpha(table: Table) -> None:
    for measure in measures_for(table):
        if measure is not krippendorff_alpha:
            assert same(measure(coded(table)).value, measure(coded([*table, *table])).value)


@given(tables(st.just(2), missing=False))
def test_fleiss_kappa_of_two_coders_is_scotts_pi(table: Table) -> None:
    assert same(fleiss_kappa(coded(table)).value, scott_pi(coded(table)).value)


@given(tables(st.just(2)))
def test_recall_is_precision_with_coders_exchanged(table: Table) -> None:
    ratings = coded(table)
    assert same(recall(ratings).value, precision(select_pair(ratings, 1, 0)).value)


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_binary_path_gives_what_the_general_functions_give(counts: list[int]) -> None:
    rows = ([1, 1], [1, 0], [0, 1], [0, 0])
    ratings = encode([row for row, n in zip(rows, counts, strict=True) for _ in range(n)], categories=(1, 0))
    if not sum(counts):
        ratings = Ratings(np.empty((0, 2), dtype=np.int64), (1, 0))
    found = pairs.pair_statistics(counts)
    for measure in (percent_agreement, cohen_kappa, krippendorff_alpha, gwet_ac1, scott_pi, brennan_prediger):
        general = measure(ratings)
        assert same(found[measure.__name__].value, general.value)
        assert found[measure.__name__].n_units == general.n_units


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_binary_precision_recall_and_f1_are_those_of_the_code(cells: list[tuple[bool, bool]]) -> None:
    a, b = np.array(cells).T
    found = pairs.pair_statistics(pairs.count_pairs(a, b))
    both, gave_a, gave_b = int((a & b).sum()), int(a.sum()), int(b.sum())
    assert same(found["recall"].value, both / gave_a if gave_a else math.nan)
    assert same(found["precision"].value, both / gave_b if gave_b else math.nan)
    assert same(found["f1"].value, 2 * both / (gave_a + gave_b) if gave_a + gave_b else math.nan)
    assert same(found["prevalence_a"].value, gave_a / len(cells))
    assert same(found["prevalence_b"].value, gave_b / len(cells))


@pytest.mark.parametrize(
    ("counts", "key", "reason"),
    [
        ([0, 0, 0, 9], "cohen_kappa", "never gave the code"),
        ([9, 0, 0, 0], "krippendorff_alpha", "always gave the code"),
        ([0, 3, 0, 9], "precision", "Bob never gave the code"),
        ([0, 0, 3, 9], "recall", "Ann never gave the code"),
        ([0, 0, 0, 9], "f1", "neither gave the code"),
        ([0, 0, 0, 0], "gwet_ac1", "no unit with two coders"),
    ],
)
def test_pair_statistic_is_undefined_with_its_reason(counts: list[int], key: str, reason: str) -> None:
    result = pairs.pair_statistics(counts, a="Ann", b="Bob")[key]
    assert math.isnan(result.value)
    assert reason in result.reason


@given(tables(st.just(2)), st.lists(st.integers(0, 5), min_size=9, max_size=9))
def test_weighted_kappa_is_its_definition(table: Table, drawn: list[int]) -> None:
    v = np.reshape(drawn, (3, 3)) * (1 - np.eye(3))
    both = [row for row in table if None not in row]
    p = np.zeros((3, 3))
    for a, b in both:
        p[CODES.index(a), CODES.index(b)] += 1 / len(both)
    chance = np.outer(p.sum(axis=1), p.sum(axis=0))
    expected = 1 - (v * p).sum() / (v * chance).sum() if (v * chance).sum() else math.nan
    result = cohen_kappa(coded(table), weights=v)
    assert math.isnan(result.value) == bool(result.reason)
    assert same(result.value, expected) or result.value == pytest.approx(expected, abs=1e-12)


@given(tables())
def test_equal_weights_are_no_weights(table: Table) -> None:
    equal = 7 * (1 - np.eye(3))
    weighted = [(brennan_prediger, {"weights": equal}), (krippendorff_alpha, {"distance": equal})]
    if len(table[0]) == 2:
        weighted.append((cohen_kappa, {"weights": equal}))
    for measure, options in weighted:
        plain, found = measure(coded(table)), measure(coded(table), **options)
        assert same(found.value, plain.value)
        assert found.reason == plain.reason


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("cubic", "expected 'linear', 'quadratic', 'ordinal' or a table"),
        ([[0, 1], [1, 0]], r"shape \(2, 2\), expected \(3, 3\)"),
        ([[0, 1, 1], [1, 0, -1], [1, 1, 0]], "at least 0"),
        ([[0, 1, 1], [1, 0, math.nan], [1, 1, 0]], "finite"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "on the diagonal"),
    ],
)
def test_weights_that_are_none_are_refused(weights: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cohen_kappa(coded([["hope", "trust"]]), weights=weights)  # type: ignore[arg-type]


def test_alpha_refuses_a_distance_that_depends_on_the_direction() -> None:
    with pytest.raises(ValueError, match="and back"):
        krippendorff_alpha(coded([["hope", "trust"]]), distance=[[0, 1, 1], [2, 0, 1], [1, 1, 0]])


def test_weights_of_which_none_can_come_about_leave_kappa_undefined_with_the_reason() -> None:
    result = cohen_kappa(encode([["a", "b"], ["b", "a"]]), weights=np.zeros((2, 2)))
    assert result.reason == "no disagreement that could come about by chance weighs anything"
    assert brennan_prediger(encode([["a", "b"]]), weights=np.zeros((2, 2))).reason == (
        "no disagreement weighs anything"
    )


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_bias_is_the_distance_of_the_prevalences(counts: list[int]) -> None:
    found = pairs.pair_statistics(counts)
    a, b = found["prevalence_a"].value, found["prevalence_b"].value
    assert same(found["bias"].value, abs(a - b))
    assert found["bias"].reason == ("" if sum(counts) else "no unit with two coders")


def test_one_sided_coder_has_kappa_zero_and_opposite_coders_too() -> None:
    assert cohen_kappa(encode([["a", "a"], ["a", "b"], ["a", "a"]])).value == 0.0
    assert cohen_kappa(encode([["a", "b"], ["a", "b"]])).value == 0.0


def test_pair_statistics_keep_the_shape_of_their_counts() -> None:
    counts = np.random.default_rng(0).integers(0, 9, size=(3, 5, 4))
    for statistic in pairs.PAIR_STATISTICS.values():
        assert statistic(counts).shape == (3, 5)
        assert same(float(statistic(counts)[1, 2]), float(statistic(counts[1, 2])))


def test_brennan_prediger_and_ac1_count_categories_that_nobody_used() -> None:
    table = [["a", "a"], ["a", "b"], ["b", "b"]]
    for measure in (brennan_prediger, gwet_ac1):
        assert measure(encode(table, categories="abcde")).value > measure(encode(table)).value


def test_macro_scores_leave_out_codes_that_nobody_gave() -> None:
    table = [["a", "a"], ["b", "a"], ["b", "b"]]
    assert f1(encode(table, categories="abz")).value == f1(encode(table)).value == pytest.approx(2 / 3)


def test_units_without_any_code_are_left_out_of_f1_by_unit() -> None:
    empty: set[str] = set()
    assert f1_samples([{"a"}, empty], [{"a", "b"}, empty]).value == pytest.approx(2 / 3)
    assert f1_samples([{"a"}, empty], [{"a", "b"}, empty], both_empty=1).value == pytest.approx(5 / 6)
    assert f1_samples([empty], [empty]).reason == "neither coder gave a code"


def test_ordinal_alpha_takes_the_order_of_the_categories() -> None:
    table = [
        ["low", "mid"],
        ["mid", "mid"],
        ["high", "high"],
        ["low", "low"],
        ["low", "mid"],
        ["low", "high"],
    ]
    ordered = krippendorff_alpha(encode(table, categories=("low", "mid", "high")), level="ordinal")
    numbers = [[("low", "mid", "high").index(value) for value in row] for row in table]
    assert same(ordered.value, krippendorff_alpha(encode(numbers), level="ordinal").value)
    alphabetic = krippendorff_alpha(encode(table), level="ordinal")
    assert not same(ordered.value, alphabetic.value)


@pytest.mark.parametrize(
    ("table", "categories", "message"),
    [
        ([["a", "b"], ["a"]], None, "row 2 has 1 values, the first has 2"),
        ([[math.nan, "a"]], None, "nan is not a value"),
        ([["a", "zest"]], ("a", "b"), "not among the categories: 'zest'"),
    ],
)
def test_encode_refuses_what_it_cannot_read(
    table: Table, categories: tuple[str, ...] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        encode(table, categories=categories)


@pytest.mark.parametrize("measure", [cohen_kappa, scott_pi, f1])
def test_two_coder_statistics_refuse_a_third(measure: Measure) -> None:
    with pytest.raises(ValueError, match="takes two coders, the table has 3"):
        measure(encode([["a", "a", "b"]]))


@pytest.mark.parametrize("level", ["interval", "ratio"])
def test_alpha_of_numbers_refuses_names(level: str) -> None:
    with pytest.raises(ValueError, match="need numbers"):
        krippendorff_alpha(encode([["a", "b"]]), level=level)


def test_statistic_refuses_nan_without_reason_and_reason_without_nan() -> None:
    for value, reason in ((math.nan, ""), (0.5, "because")):
        with pytest.raises(ValueError, match="nan needs one"):
            Statistic(value, reason, 3, 2)
