"""``precode audit TABLE``: agreement in a .csv or .xlsx file of ratings, one unit a row and one coder a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.errors import FileError
from corpus.readers import read_table_file
from pipeline.agreement.alpha import Level
from pipeline.agreement.coefficients import COEFFICIENTS
from pipeline.agreement.ratings import (
    WEIGHTED,
    RatingsAgreement,
    RatingsError,
    is_long,
    level_of,
    named,
    rate_table,
)
from pipeline.agreement.statistic import Statistic, statistics_row

LIKE_MISSING = frozenset({"na", "n/a", "nan", "none", "null", "-", ".", "?", "missing"})
MOST_VALUES = 20
NO_INTERVALS = "a table of ratings has no transcripts to take them over"
MACRO = frozenset({"precision", "recall", "f1"})
_DESCRIBED = {coefficient.key: coefficient for coefficient in COEFFICIENTS}
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
    """The result for machines; undefined values are null, with their reasons beside them.

    Values that are long texts are counted in ``n_categories`` and not repeated.
    """
    keys = _keys(found)
    return {
        "level": found.level,
        "levels": {key: level_of(key, found.level) for key in keys},
        "coders": [named(coder) for coder in found.coders],
        "categories": [value for value in found.categories if not is_long(value)],
        "n_categories": len(found.categories),
        "n_units": found.n_units,
        "intervals": None,
        "intervals_reason": NO_INTERVALS,
        "overall": statistics_row(found.overall),
        "pairs": [
            {
                "a": named(pair.a),
                "b": named(pair.b),
                "n_units": pair.n_units,
                **statistics_row(pair.statistics),
            }
            for pair in found.pairs
        ],
        "warnings": [*found.warnings, *_missing_words(found)],
        "sources": {key: _source(key, found.level) for key in keys},
    }


def _keys(found: RatingsAgreement) -> list[str]:
    """Every figure that the table gives, once."""
    return list(dict.fromkeys([*found.overall, *(key for pair in found.pairs for key in pair.statistics)]))


def _source(key: str, level: Level) -> dict[str, str]:
    described = _DESCRIBED[_described_by(key)]
    return {
        "title": _label(key, level),
        "formula": described.formula,
        "source": described.source,
        "range": described.range,
        "missing": described.missing,
        "undefined": described.undefined,
    }


def _described_by(key: str) -> str:
    return "weighted_kappa" if key in WEIGHTED else key


def _label(key: str, level: Level) -> str:
    """A figure's name; what it is of is said where it could be taken for something else."""
    title = _DESCRIBED[_described_by(key)].title.removesuffix(" (nominal)")
    said = [f"{key.removeprefix('weighted_kappa_')}, by rank"] if key in WEIGHTED else []
    if level != "nominal" and not said:
        said.append(level_of(key, level))
    if key in MACRO:
        said.append("macro over values")
    return f"{title} ({', '.join(said)})" if said else title


def _missing_words(found: RatingsAgreement) -> list[str]:
    """Values that often mean "not rated" in other tools; here only an empty cell does."""
    said = [value for value in found.categories if value.strip().casefold() in LIKE_MISSING]
    return [
        f"{value!r} counts as a value; leave the cell empty if it means that nothing was rated"
        for value in said
    ]


def as_lines(found: RatingsAgreement) -> list[str]:
    """The result for a person, a line each."""
    coders = ", ".join(named(coder) for coder in found.coders)
    lines = [f"{found.n_units} units, {len(found.coders)} coders: {coders}", f"values: {_values(found)}"]
    lines += [f"warning: {warning}" for warning in (*found.warnings, *_missing_words(found))]
    lines.append(f"No intervals: {NO_INTERVALS}.")
    width = max(len(_label(key, found.level)) for key in _keys(found)) + 2
    lines += ["all coders", *_lines(found.overall, found.level, width)]
    for pair in found.pairs:
        lines.append(f"{named(pair.a)} and {named(pair.b)} ({pair.n_units} units)")
        lines += _lines(pair.statistics, found.level, width)
    return lines


def _values(found: RatingsAgreement) -> str:
    n_long = sum(is_long(value) for value in found.categories)
    if not n_long and len(found.categories) <= MOST_VALUES:
        return ", ".join(found.categories)
    long = f", {n_long:,} of them long texts: are these ratings?" if n_long else ""
    return f"{len(found.categories):,} different ones{long}"


def _lines(found: dict[str, Statistic], level: Level, width: int) -> list[str]:
    return [
        f"  {_label(key, level):<{width}}"
        f"{f'undefined: {value.reason}' if value.reason else f'{value.value:.3f}'}"
        for key, value in found.items()
    ]
