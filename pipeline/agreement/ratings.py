"""Agreement in a plain table of ratings: units in rows, coders in columns, a value in each cell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from corpus.errors import StudyError
from corpus.names import MOST_WORDS_IN_NAME
from pipeline.agreement.alpha import Level, krippendorff_alpha
from pipeline.agreement.brennan import brennan_prediger
from pipeline.agreement.cohen import cohen_kappa
from pipeline.agreement.fleiss import fleiss_kappa
from pipeline.agreement.gwet import gwet_ac1
from pipeline.agreement.percent import percent_agreement
from pipeline.agreement.retrieval import f1, precision, recall
from pipeline.agreement.scott import scott_pi
from pipeline.agreement.statistic import NO_COMMON_UNIT, Statistic
from pipeline.agreement.values import Ratings, common_units, encode, pairable, select_pair

OVERALL: dict[str, Callable[[Ratings], Statistic]] = {
    "percent_agreement": percent_agreement,
    "fleiss_kappa": fleiss_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac1,
    "brennan_prediger": brennan_prediger,
}
PAIRWISE: dict[str, Callable[[Ratings], Statistic]] = {
    "percent_agreement": percent_agreement,
    "cohen_kappa": cohen_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac1,
    "scott_pi": scott_pi,
    "brennan_prediger": brennan_prediger,
    "precision": precision,
    "recall": recall,
    "f1": f1,
}

#: Of what cannot be taken this much is told, and the rest counted: bad cells of each coder, units, characters.
MOST_CELLS, MOST_UNITS, LONGEST_VALUE = 3, 5, 20
LONG = "(a long text)"
#: Of a pair beside the others, where values are numbers: disagreements count by how far they lie apart.
WEIGHTED: dict[str, Callable[[Ratings], Statistic]] = {
    "weighted_kappa_linear": partial(cohen_kappa, weights="linear"),
    "weighted_kappa_quadratic": partial(cohen_kappa, weights="quadratic"),
}


class RatingsError(StudyError):
    """A table of ratings that cannot be used. problems: all of them, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([*problems, "Give each unit one row and each coder one column."]))


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two coders on the units that both rated.

    statistics: by field name; precision, recall and F1 are macro averages over the values that occur,
        with ``a`` as the reference.
    """

    a: str
    b: str
    n_units: int
    statistics: dict[str, Statistic]


@dataclass(frozen=True, slots=True)
class RatingsAgreement:
    """Agreement of all coders and of each pair in a table of ratings.

    categories: the values that the coefficients count with (q), for all coders and each pair alike.
    n_units: rows of the table; each statistic says how many of them it stands on.
    warnings: what a reader must know before believing a number, in words.
    level: what the values are, for the figures that ask; see ``level_of``.
    """

    coders: tuple[str, ...]
    categories: tuple[str, ...]
    n_units: int
    overall: dict[str, Statistic]
    pairs: tuple[PairAgreement, ...]
    warnings: tuple[str, ...]
    level: Level = "nominal"


def rate_table(
    units: Sequence[str],
    coders: Sequence[str],
    values: Sequence[Sequence[str | None]],
    *,
    categories: Iterable[str] | None = None,
    level: Level = "nominal",
) -> RatingsAgreement:
    """Agreement of the coders of a table.

    units, coders: names of rows and columns. values: a row a unit; "" and None are missing and
    nothing else is: "NA", "None" and "nan" are values.
    categories: what could be given; without it what occurs in the table.
    level: of alpha. Above "nominal" values are numbers, and pairs get weighted kappa, whose weights count steps
        between the values that are among the categories.
    Refused with every problem at once: a unit or a coder that stands twice, rows of another length
    than the coders, a value that is not among the categories.
    """
    known = None if categories is None else tuple(dict.fromkeys(categories))
    problems = [*_problems(units, coders, values), *_unknown(units, coders, values, known)]
    if problems := problems or (_no_numbers(units, coders, values, level) if level != "nominal" else []):
        raise RatingsError(problems)
    as_value: Callable[[str], str | float] = str if level == "nominal" else float
    table = [[as_value(value) if value else None for value in row] for row in values]
    given = {value for row in values for value in row if value} if known is None else set(known)
    ratings = encode(table, categories=map(as_value, _in_order(given)))
    if not table:
        ratings = Ratings(ratings.values.reshape(0, len(coders)), ratings.categories)
    overall = OVERALL | {"krippendorff_alpha": partial(krippendorff_alpha, level=level)}
    pairwise = PAIRWISE | {"krippendorff_alpha": partial(krippendorff_alpha, level=level)}
    pairwise |= {} if level == "nominal" else WEIGHTED
    return RatingsAgreement(
        coders=tuple(coders),
        categories=tuple(_exact(category) for category in ratings.categories),
        n_units=len(units),
        overall={key: statistic(ratings) for key, statistic in overall.items()},
        pairs=tuple(_pair(ratings, coders, a, b, pairwise) for a, b in combinations(range(len(coders)), 2)),
        warnings=tuple(_warnings(ratings, coders)),
        level=level,
    )


def level_of(key: str, level: Level) -> str:
    """At which level a figure of a table takes its values; "rank": by how many values lie between two."""
    if key in WEIGHTED:
        return "rank"
    return level if key == "krippendorff_alpha" else "nominal"


def _in_order(values: Iterable[str]) -> list[str]:
    """Numbers as numbers if all are, else as texts; "1" and "1.0" are two texts and one number."""
    found = sorted(values)
    numbers = all(_is_number(value, least=-math.inf) for value in found)
    return sorted(found, key=float) if numbers else found


def _exact(category: object) -> str:
    """A number as it can be read back, a whole one without a point."""
    if isinstance(category, float) and category.is_integer() and abs(category) < 2**53:
        return str(int(category))
    return str(category)


def is_long(value: str) -> bool:
    """Whether a cell is more than a value or a name should be: then it may be what somebody said."""
    return len(value) > LONGEST_VALUE or len(value.split()) > MOST_WORDS_IN_NAME


def shown(value: str) -> str:
    """A cell in a message, quoted; of a wrong table a cell may be a sentence, which is not repeated."""
    return LONG if is_long(value) else f"{value!r}"


def named(coder: str) -> str:
    """A column's heading; without a header it is a cell of the first row, which may be a sentence too."""
    return LONG if is_long(coder) else coder


def _pair(
    ratings: Ratings,
    coders: Sequence[str],
    a: int,
    b: int,
    statistics: dict[str, Callable[[Ratings], Statistic]],
) -> PairAgreement:
    """On the units that both rated, as a study has it; where there are none the reasons are those of all."""
    both = select_pair(ratings, a, b)
    n_units, _ = pairable(both)
    both = common_units(both) if n_units else both
    return PairAgreement(
        coders[a], coders[b], n_units, {key: statistic(both) for key, statistic in statistics.items()}
    )


def _warnings(ratings: Ratings, coders: Sequence[str]) -> list[str]:
    given = [bool((column >= 0).any()) for column in ratings.values.T]
    silent = [name for name, any_given in zip(coders, given, strict=True) if not any_given]
    warnings = [f"coder {shown(name)} rated nothing" for name in silent]
    n_units, _ = pairable(ratings)
    if n_units == 0:
        return [*warnings, f"agreement is undefined: {NO_COMMON_UNIT}"]
    if silent:
        others = (named(name) for name in coders if name not in silent)
        warnings.append(f"agreement is over {', '.join(others)}")
    return [*warnings, "1 unit: not interpretable"] if n_units == 1 else warnings


def _problems(
    units: Sequence[str], coders: Sequence[str], values: Sequence[Sequence[str | None]]
) -> list[str]:
    problems = [
        *_twice(units, "duplicate unit id", "unit ids stand more than once"),
        *_twice(coders, "duplicate coder", "coders stand more than once"),
    ]
    if len(values) != len(units):
        return [*problems, f"{len(values)} rows of values for {len(units)} units"]
    ragged = [
        f"unit {shown(unit)}: {len(row)} values for {len(coders)} coders"
        for unit, row in zip(units, values, strict=True)
        if len(row) != len(coders)
    ]
    return [*problems, *_first(ragged, MOST_UNITS, "units with another number of values")]


def _twice(names: Sequence[str], problem: str, more: str) -> list[str]:
    found = [f"{problem}: {shown(name)} stands {n} times" for name, n in Counter(names).items() if n > 1]
    return _first(found, MOST_UNITS, more)


def _first(problems: Sequence[str], most: int, more: str) -> list[str]:
    n_more = len(problems) - most
    return [*problems[:most], *([f"{n_more:,} more {more}"] if n_more > 0 else [])]


def _unknown(
    units: Sequence[str],
    coders: Sequence[str],
    values: Sequence[Sequence[str | None]],
    known: tuple[str, ...] | None,
) -> list[str]:
    if known is None:
        return []
    return _bad_cells(units, coders, values, known.__contains__, "not among the categories")


def _no_numbers(
    units: Sequence[str], coders: Sequence[str], values: Sequence[Sequence[str | None]], level: Level
) -> list[str]:
    wanted = "no number of 0 or more" if level == "ratio" else "no number"
    good = partial(_is_number, least=0.0 if level == "ratio" else -math.inf)
    return _bad_cells(units, coders, values, good, wanted, f", as level {level} asks")


def _bad_cells(
    units: Sequence[str],
    coders: Sequence[str],
    values: Sequence[Sequence[str | None]],
    good: Callable[[str], bool],
    what: str,
    why: str = "",
) -> list[str]:
    """The first cells of each coder that cannot be taken, the others counted. Rows may be of another length."""
    found = []
    for at, coder in enumerate(coders):
        cells = [(unit, row[at]) for unit, row in zip(units, values, strict=False) if at < len(row)]
        bad = [(unit, value) for unit, value in cells if value and not good(value)]
        found += [
            f"coder {shown(coder)}, unit {shown(unit)}: value {shown(value)} is {what}{why}"
            for unit, value in bad[:MOST_CELLS]
        ]
        if len(bad) > MOST_CELLS:
            found.append(f"coder {shown(coder)}: {len(bad) - MOST_CELLS:,} more values are {what}")
    return found


def _is_number(value: str, *, least: float) -> bool:
    try:
        return "_" not in value and math.isfinite(float(value)) and float(value) >= least
    except ValueError:
        return False
