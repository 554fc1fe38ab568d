"""Agreement in a plain table of ratings: what is counted, what is refused, what is said."""

from __future__ import annotations

import csv
import math
from dataclasses import fields
from pathlib import Path

import krippendorff
import pytest
from sklearn.metrics import cohen_kappa_score

from corpus.errors import StudyError
from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.agreement.pairs import PAIR_STATISTICS
from pipeline.agreement.ratings import OVERALL, PAIRWISE, RatingsAgreement, RatingsError, rate_table
from pipeline.agreement.sets import DISTANCES
from pipeline.agreement.unitizing import UnitizingAgreement

BAD_TABLES = Path(__file__).parents[2] / "shared" / "truth" / "badinputs" / "csv"


def rate(*rows: str, coders: str = "Ann,Bob") -> RatingsAgreement:
    cells = [row.split(",") for row in rows]
    return rate_table([str(n) for n in range(len(rows))], coders.split(","), cells)


def test_pairs_stand_beside_all_coders() -> None:
    found = rate("a,a,a", "a,b,", "b,b,b", coders="Ann,Bob,Cem")
    assert [(pair.a, pair.b, pair.n_units) for pair in found.pairs] == [
        ("Ann", "Bob", 3),
        ("Ann", "Cem", 2),
        ("Bob", "Cem", 2),
    ]
    assert found.overall["percent_agreement"].value == pytest.approx(2 / 3)
    assert found.pairs[1].statistics["cohen_kappa"].value == 1.0
    assert found.warnings == ()


def test_coder_who_rated_nothing_is_named_and_left_out() -> None:
    found = rate("a,a,", "b,b,", "a,b,", coders="Ann,Bob,Cem")
    alone = rate("a,a", "b,b", "a,b")
    assert found.warnings == ("coder 'Cem' rated nothing", "agreement is over Ann, Bob")
    assert found.overall == alone.overall
    assert found.pairs[0] == alone.pairs[0]
    for pair in found.pairs[1:]:
        assert all("no unit with two coders" in statistic.reason for statistic in pair.statistics.values())


def test_one_unit_is_printed_but_not_to_be_interpreted() -> None:
    found = rate("a,b")
    assert found.overall["percent_agreement"].value == 0.0
    assert found.warnings == ("1 unit: not interpretable",)


@pytest.mark.parametrize("rows", [("a,", ",b", "a,", ",b"), (",", ","), ()])
def test_coders_without_a_common_unit_have_no_agreement(rows: tuple[str, ...]) -> None:
    found = rate(*rows)
    assert "agreement is undefined: no unit with two coders" in found.warnings
    assert all(math.isnan(statistic.value) and statistic.reason for statistic in found.overall.values())
    assert found.coders == ("Ann", "Bob")


def test_one_coder_has_nobody_to_agree_with() -> None:
    found = rate("a", "b", coders="Ann")
    assert found.pairs == ()
    assert found.overall["krippendorff_alpha"].reason == "no unit with two coders: only one coder gave values"


def test_only_the_empty_cell_is_missing() -> None:
    found = rate("NA,None", "null,nan", "N/A,", "a,a")
    assert found.categories == ("N/A", "NA", "None", "a", "nan", "null")
    assert found.overall["percent_agreement"].n_units == 3
    assert found.overall["percent_agreement"].value == pytest.approx(1 / 3)


def test_categories_that_nobody_used_count_when_they_are_given() -> None:
    units, values = ["1", "2"], [["a", "a"], ["a", "b"]]
    two = rate_table(units, ["Ann", "Bob"], values).overall["brennan_prediger"]
    four = rate_table(units, ["Ann", "Bob"], values, categories="abcd").overall["brennan_prediger"]
    assert (two.value, four.value) == pytest.approx((0.0, 1 / 3))


def test_everything_wrong_with_a_table_is_said_at_once() -> None:
    with pytest.raises(RatingsError) as refused:
        rate_table(["1", "1", "2"], ["Ann", "Ann"], [["a", "b"], ["a"], ["z", ""]], categories="ab")
    assert isinstance(refused.value, StudyError)
    assert refused.value.problems == (
        "duplicate unit id: '1' stands 2 times",
        "duplicate coder: 'Ann' stands 2 times",
        "unit '1': 1 values for 2 coders",
        "unit '2': value 'z' is not among the categories",
    )


def test_missing_rows_are_refused() -> None:
    with pytest.raises(RatingsError, match="1 rows of values for 2 units"):
        rate_table(["1", "2"], ["Ann"], [["a"]])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("coder_coded_nothing", "coder 'Cem' rated nothing"),
        ("one_unit", "1 unit: not interpretable"),
        ("no_common_units", "agreement is undefined: no unit with two coders"),
        ("na_strings", ""),
        ("duplicate_unit_ids", "duplicate unit id: '1'"),
    ],
)
def test_odd_table_has_the_outcome_asked_for(name: str, said: str) -> None:
    path = BAD_TABLES / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here: the shared folder is absent")
    header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    try:
        warnings = rate_table([row[0] for row in rows], header[1:], [row[1:] for row in rows]).warnings
    except RatingsError as refused:
        warnings = refused.problems
    assert any(said in warning for warning in warnings) if said else warnings == ()


BEYOND_TABLES = {
    "weighted_kappa",
    "character_kappa",
    *(f"alpha_{distance}" for distance in DISTANCES),
    *(f"unitizing_{found.name}" for found in fields(UnitizingAgreement)),
}


def test_every_coefficient_that_is_computed_says_how() -> None:
    keys = [coefficient.key for coefficient in COEFFICIENTS]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {*PAIR_STATISTICS, *OVERALL, *PAIRWISE, *BEYOND_TABLES}
    for coefficient in COEFFICIENTS:
        assert all((coefficient.formula, coefficient.source, coefficient.missing, coefficient.undefined))


def test_numbers_get_alpha_of_their_level_and_weighted_kappa() -> None:
    rows = [["1", "1"], ["2", "3"], ["10", "9"], ["3", "3"], ["", "2"], ["9", "10"]]
    found = rate_table([str(n) for n in range(len(rows))], ["Ann", "Bob"], rows, level="interval")
    assert found.categories == ("1", "2", "3", "9", "10")
    data = [[float(cell) if cell else math.nan for cell in column] for column in zip(*rows, strict=True)]
    outside = krippendorff.alpha(reliability_data=data, level_of_measurement="interval")
    assert found.overall["krippendorff_alpha"].value == pytest.approx(outside, abs=1e-9)
    a, b = ([row[i] for row in rows if all(row)] for i in (0, 1))
    for weights in ("linear", "quadratic"):
        expected = cohen_kappa_score(a, b, labels=list(found.categories), weights=weights)
        assert found.pairs[0].statistics[f"weighted_kappa_{weights}"].value == pytest.approx(
            expected, abs=1e-9
        )


@pytest.mark.parametrize(("level", "bad"), [("ordinal", "high"), ("interval", "nan"), ("ratio", "-1")])
def test_what_is_no_number_is_refused_where_the_level_asks_for_one(level: str, bad: str) -> None:
    with pytest.raises(RatingsError) as caught:
        rate_table(["u", "v"], ["Ann", "Bob"], [["1", bad], ["2", "2"]], level=level)  # type: ignore[arg-type]
    assert f"unit 'u': value '{bad}' is no number" in str(caught.value)
