"""Agreement in a plain table of ratings: what is counted, what is refused, what is said."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import fields
from pathlib import Path

import krippendorff
import pytest
from sklearn.metrics import cohen_kappa_score

from corpus.errors import FileError, StudyError
from pipeline.agreement.alpha import Level
from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.agreement.pairs import PAIR_STATISTICS
from pipeline.agreement.rated_file import as_json, as_lines, audit_table
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
        "coder 'Ann', unit '2': value 'z' is not among the categories",
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


def audited(tmp_path: Path, table: str, *, level: Level = "nominal") -> RatingsAgreement:
    path = tmp_path / "ratings.csv"
    path.write_text(table, encoding="utf-8")
    return audit_table(path, level=level)


TURNS = "unit,speaker,text\n" + "".join(
    f"{n},P{n},Honestly I never told my mother about the {n} letters\n" for n in range(30)
)


def test_a_wrong_table_puts_no_sentence_on_the_terminal(tmp_path: Path) -> None:
    with pytest.raises(FileError) as refused:
        audited(tmp_path, TURNS, level="ordinal")
    told = str(refused.value)
    assert "mother" not in told
    assert "coder 'text', unit '0': value (a long text) is no number, as level ordinal asks" in told
    assert "coder 'text': 27 more values are no number" in told
    assert told.count("coder 'speaker'") == 4

    found = audited(tmp_path, TURNS)
    assert "mother" not in "\n".join(as_lines(found)) + json.dumps(as_json(found))
    assert "values: 60 different ones, 30 of them long texts: are these ratings?" in as_lines(found)
    assert (as_json(found)["n_categories"], len(as_json(found)["categories"])) == (60, 30)


def test_a_table_without_a_header_puts_no_sentence_on_the_terminal(tmp_path: Path) -> None:
    first = "P1,Honestly I never told my mother about it,She did not ask me about it either\n"
    found = audited(tmp_path, first + "P2,a,b\nP3,,b\n")
    told = "\n".join(as_lines(found)) + json.dumps(as_json(found))
    assert "mother" not in told
    assert "ask me" not in told


def test_units_that_stand_twice_are_counted_after_a_few_and_never_sentences(tmp_path: Path) -> None:
    rows = "".join(f"what my mother said in {n // 2},a,a\n" for n in range(40))
    with pytest.raises(FileError) as refused:
        audited(tmp_path, "unit,Ann,Bob\n" + rows)
    told = str(refused.value)
    assert "mother" not in told
    assert told.count("stands 2 times") == 5
    assert "15 more unit ids stand more than once" in told


@pytest.mark.parametrize("level", ["nominal", "interval"])
def test_numbers_are_told_exactly_and_in_their_order(tmp_path: Path, level: Level) -> None:
    table = "unit,Ann,Bob\n1,1234567,1234568\n2,10,9\n3,0.1,-2\n4,9,9\n"
    found = audited(tmp_path, table, level=level)
    assert found.categories == ("-2", "0.1", "9", "10", "1234567", "1234568")
    assert "values: -2, 0.1, 9, 10, 1234567, 1234568" in as_lines(found)


def test_values_that_are_no_numbers_are_in_the_order_of_letters() -> None:
    assert rate("10,9", "b,9").categories == ("10", "9", "b")


def test_above_nominal_every_figure_says_of_which_level_it_is(tmp_path: Path) -> None:
    found = audited(tmp_path, "unit,Ann,Bob\n1,1,2\n2,2,2\n3,3,1\n", level="ordinal")
    labels = {line[2:].rsplit("  ", 1)[0].strip() for line in as_lines(found) if line.startswith("  ")}
    assert labels == {
        "Percent agreement (nominal)",
        "Fleiss' kappa (nominal)",
        "Krippendorff's alpha (ordinal)",
        "Gwet's AC1 (nominal)",
        "Brennan-Prediger (PABAK) (nominal)",
        "Cohen's kappa (nominal)",
        "Scott's pi (nominal)",
        "Precision (nominal, macro over values)",
        "Recall (nominal, macro over values)",
        "F1 (nominal, macro over values)",
        "Cohen's weighted kappa (linear, by rank)",
        "Cohen's weighted kappa (quadratic, by rank)",
    }
    told = as_json(found)
    assert told["level"] == "ordinal"
    assert told["levels"]["krippendorff_alpha"] == "ordinal"
    assert told["levels"]["gwet_ac1"] == "nominal"
    assert told["levels"]["weighted_kappa_quadratic"] == "rank"


def test_a_table_says_once_why_it_has_no_intervals_and_for_machines_how_each_figure_is_computed(
    tmp_path: Path,
) -> None:
    found = audited(tmp_path, "unit,Ann,Bob\n1,a,a\n2,a,b\n")
    assert [line for line in as_lines(found) if "interval" in line] == [
        "No intervals: a table of ratings has no transcripts to take them over."
    ]
    told = as_json(found)
    assert told["intervals"] is None
    assert told["intervals_reason"] == "a table of ratings has no transcripts to take them over"
    computed = {*told["overall"], *told["pairs"][0]} - {"a", "b", "n_units", "undefined"}
    assert told["sources"].keys() == computed
    assert all(source["formula"] and source["source"] for source in told["sources"].values())
    assert "Precision (macro over values)" in {source["title"] for source in told["sources"].values()}
    assert "Cohen (1960)" in told["sources"]["cohen_kappa"]["source"]
