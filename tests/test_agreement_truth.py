"""Every coefficient against numbers that others have printed.

``published_agreement.json`` holds published tables with their citation: ``rows`` are
[how many units, value of coder 1, value of coder 2, ...], ``answers`` are
[metric, options, printed value, tolerance of the printed digits]. Where rows hold sets of codes, a set is a list.
The environment variable AGREEMENT_CASES names a larger file of worked cases; without it the one of
the shared folder beside the checkout is read, if it is there.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.brennan import brennan_prediger
from pipeline.agreement.cohen import cohen_kappa
from pipeline.agreement.continuum import Continuum, span_sums
from pipeline.agreement.fleiss import fleiss_kappa
from pipeline.agreement.gwet import gwet_ac1
from pipeline.agreement.percent import percent_agreement
from pipeline.agreement.retrieval import f1, f1_samples, precision, recall
from pipeline.agreement.scott import scott_pi
from pipeline.agreement.sets import alpha_over_sets, masi_distance
from pipeline.agreement.statistic import Statistic
from pipeline.agreement.unitizing import unitizing_agreement
from pipeline.agreement.values import encode

METRICS: dict[str, Callable[..., Statistic]] = {
    "percent_agreement": percent_agreement,
    "cohen_kappa": cohen_kappa,
    "scott_pi": scott_pi,
    "fleiss_kappa": fleiss_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac1,
    "brennan_prediger": brennan_prediger,
    "precision": precision,
    "recall": recall,
    "f1": f1,
}
WEIGHTED = ("cohen_kappa", "brennan_prediger")
BUILT_OPTIONS: dict[str, tuple[Any, ...]] = {
    "level": ("nominal", "ordinal", "interval", "ratio", "masi", "jaccard", "custom"),
    "weights": ("linear", "quadratic", "ordinal", "toeplitz", "custom"),
    "coefficient": ("u", "binary", "cu"),
    "average": ("macro", "micro", "samples"),
    "zero_division": (0,),
    "truth_column": (0, 1),
}
PUBLISHED = json.loads((Path(__file__).parent / "published_agreement.json").read_text(encoding="utf-8"))
CASES_PATH = Path(
    os.environ.get("AGREEMENT_CASES")
    or Path(__file__).parents[2] / "shared" / "truth" / "agreement_cases.json"
)


def worked_cases() -> list[Any]:
    if not CASES_PATH.is_file():
        skip = pytest.mark.skip(
            reason=f"{CASES_PATH.name} is not here: only the published tables are checked"
        )
        return [pytest.param({}, id="no-case-file", marks=skip)]
    cases = json.loads(CASES_PATH.read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in cases]


def not_built(case: dict[str, Any]) -> str:
    """What the case asks for that is not built, by name; "" if all of it is."""
    if case["metric"] not in (*METRICS, "masi_distance", "ualpha_2016"):
        return str(case["metric"])
    unknown = [
        f"{key} {value}"
        for key, value in case["options"].items()
        if key not in ("categories", "toeplitz", "distance") and value not in BUILT_OPTIONS.get(key, ())
    ]
    return f"{case['metric']} with {', '.join(unknown)}" if unknown else ""


def compute(case: dict[str, Any]) -> Statistic:
    if case["data_format"] == "spans_start_end":
        return of_spans(case["data"], case["options"]["coefficient"])
    if case["data_format"] == "label_sets":
        return of_sets(case["metric"], case["data"], case["options"])
    return of_values(case["metric"], case["data"], case["options"])


def of_spans(data: dict[str, Any], coefficient: str) -> Statistic:
    begin = data["begin"]
    spans = [[(start - begin, end - begin, code) for start, end, code in coder] for coder in data["coders"]]
    found: Statistic = getattr(
        unitizing_agreement(span_sums([Continuum(data["end"] - begin, spans)])), coefficient
    )
    return found


def of_sets(metric: str, data: list[list[Any]], options: dict[str, Any]) -> Statistic:
    table = [[None if codes is None else frozenset(codes) for codes in row] for row in data]
    if metric == "masi_distance":
        [[a, b]] = table
        return Statistic(masi_distance(a, b), "", 1, 2)
    if metric == "krippendorff_alpha":
        return alpha_over_sets(table, distance=options["level"])
    assert metric == "f1", f"label sets with {metric}"
    assert options["average"] == "samples", f"label sets with {options}"
    reference, given = zip(*table, strict=True)
    if options.get("truth_column") == 1:
        reference, given = given, reference
    return f1_samples(reference, given, both_empty=options.get("zero_division", math.nan))


def of_values(metric: str, data: list[list[Any]], options: dict[str, Any]) -> Statistic:
    if options.get("truth_column") == 1:
        data = [row[::-1] for row in data]
    ratings = encode(data, categories=options.get("categories"))
    named = {key: options[key] for key in ("level", "average", "weights") if key in options}
    if options.get("weights") == "toeplitz":
        places = range(len(ratings.categories))
        named["weights"] = [[options["toeplitz"][abs(k - l)] for l in places] for k in places]  # noqa: E741
    if "custom" in named.values():
        table = custom_distance(options["distance"], ratings.categories)
        named = {"weights": table} if metric in WEIGHTED else {"distance": table}
    return METRICS[metric](ratings, **named)


def custom_distance(words: dict[str, float], categories: tuple[Any, ...]) -> list[list[float]]:
    """The distances that a case describes in words: "same", "any pair with <value>", "else"."""
    special = {key.removeprefix("any pair with "): value for key, value in words.items() if "with" in key}

    def between(one: Any, other: Any) -> float:
        if one == other:
            return words["same"]
        return next((special[value] for value in (one, other) if value in special), words["else"])

    return [[between(one, other) for other in categories] for one in categories]


@pytest.mark.parametrize("case", worked_cases())
def test_worked_case_has_its_answer(case: dict[str, Any]) -> None:
    if missing := not_built(case):
        assert not case.get("required"), f"required, but not built: {missing}"
        pytest.skip(f"not built yet: {missing}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compute(case)
    if case["expected"] == "undefined":
        assert math.isnan(result.value)
        assert result.reason
        return
    assert result.value == pytest.approx(case["expected"], rel=0, abs=case["tolerance"])
    if (exact := case.get("expected_exact")) is not None:
        assert result.value == pytest.approx(exact, rel=0, abs=case["exact_tolerance"])


@pytest.mark.parametrize(
    ("rows", "metric", "options", "expected", "tolerance"),
    [
        pytest.param(table["rows"], *answer, id=f"{table['citation']}: {answer[0]}")
        for table in PUBLISHED
        for answer in table["answers"]
    ],
)
def test_published_table_gives_its_printed_value(
    rows: list[list[Any]], metric: str, options: dict[str, Any], expected: float, tolerance: float
) -> None:
    table = [values for n_units, *values in rows for _ in range(n_units)]
    found = (of_sets if isinstance(table[0][0], list) else of_values)(metric, table, options)
    assert found.value == pytest.approx(expected, rel=0, abs=tolerance)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([["a", "a"]] * 10, "no variation"),
        ([["a", None], ["b", None], ["a", None]], "only one coder gave values"),
        ([["a", None], [None, "b"], ["a", None]], "no unit with two coders"),
        ([["a"], ["b"], ["a"]], "only one coder gave values"),
        ([[None, None], [None, None]], "nobody gave a value"),
        ([], "nobody gave a value"),
    ],
)
def test_alpha_is_undefined_with_the_reason(table: list[list[str | None]], reason: str) -> None:
    result = krippendorff_alpha(encode(table))
    assert math.isnan(result.value)
    assert reason in result.reason
