"""``precode audit TABLE``: agreement in a .csv or .xlsx file of ratings, one unit a row and one coder a column."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from corpus.errors import FileError
from corpus.readers import read_table_file
from pipeline.agreement.alpha import Level
from pipeline.agreement.ratings import RatingsAgreement, RatingsError, rate_table
from pipeline.agreement.statistic import Statistic

LIKE_MISSING = frozenset({"na", "n/a", "nan", "none", "null", "-", ".", "?", "missing"})
REMEDY = "The first column names the unit, each other column a coder; an empty cell means not rated."


def audit_table(path: Path, *, level: Level = "nominal") -> RatingsAgreement:
    """Agreement of the coders of a table; only an empty cell is missing, "NA" is a value.

    Raises FileError for a damaged table, a unit that stands twice, or fewer than two coders.
    """
    file = path.name
    table = read_table_file(path, file=file)
    problems = list(table.rejected)
    if len(table.columns) < 3:
        problems.append(f"{max(len(table.columns) - 1, 0)} columns of coders; at least 2 are compared")
    if problems:
        raise FileError(file, problems, REMEDY)
    unit, *coders = table.columns
    values = [[row.cells.get(coder, "") or None for coder in coders] for row in table.rows]
    try:
        return rate_table(
            [row.cells.get(unit, "") for row in table.rows], table.titles[1:], values, level=level
        )
    except RatingsError as error:
        raise FileError(file, error.problems, REMEDY) from None


def as_json(found: RatingsAgreement) -> dict[str, Any]:
    """The result for machines; undefined values are null, with their reasons beside them."""
    return {
        "coders": list(found.coders),
        "categories": [str(category) for category in found.categories],
        "n_units": found.n_units,
        "overall": _statistics(found.overall),
        "pairs": [
            {"a": pair.a, "b": pair.b, "n_units": pair.n_units, **_statistics(pair.statistics)}
            for pair in found.pairs
        ],
        "warnings": [*found.warnings, *_missing_words(found)],
    }


def _missing_words(found: RatingsAgreement) -> list[str]:
    """Values that often mean "not rated" in other tools; here only an empty cell does."""
    said = [str(value) for value in found.categories if str(value).strip().casefold() in LIKE_MISSING]
    return [
        f"{value!r} counts as a value; leave the cell empty if it means that nothing was rated"
        for value in said
    ]


def _statistics(found: dict[str, Statistic]) -> dict[str, Any]:
    return {
        **{key: None if math.isnan(value.value) else value.value for key, value in found.items()},
        "undefined": {key: value.reason for key, value in found.items() if value.reason},
    }


def as_lines(found: RatingsAgreement) -> list[str]:
    """The result for a person, a line each."""
    lines = [f"{found.n_units} units, {len(found.coders)} coders: {', '.join(found.coders)}"]
    lines.append(f"values: {', '.join(str(value) for value in found.categories)}")
    lines += [f"warning: {warning}" for warning in (*found.warnings, *_missing_words(found))]
    lines += ["all coders", *_lines(found.overall)]
    for pair in found.pairs:
        lines += [f"{pair.a} and {pair.b} ({pair.n_units} units)", *_lines(pair.statistics)]
    return lines


def _lines(found: dict[str, Statistic]) -> list[str]:
    return [
        f"  {key.replace('_', ' '):<22}{f'undefined: {value.reason}' if value.reason else f'{value.value:.3f}'}"
        for key, value in found.items()
    ]
