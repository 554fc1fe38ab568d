"""Agreement in a plain table of ratings: units in rows, coders in columns, a value in each cell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from corpus.errors import StudyError
from pipeline.agreement.alpha import Level, krippendorff_alpha
from pipeline.agreement.brennan import brennan_prediger
from pipeline.agreement.cohen import cohen_kappa
from pipeline.agreement.fleiss import fleiss_kappa
from pipeline.agreement.gwet import gwet_ac1
from pipeline.agreement.percent import percent_agreement
from pipeline.agreement.retrieval import f1, precision, recall
from pipeline.agreement.scott import scott_pi
from pipeline.agreement.statistic import NO_COMMON_UNIT, Statistic
from pipeline.agreement.values import Ratings, encode, pairable, select_pair

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
    """

    coders: tuple[str, ...]
    categories: tuple[str, ...]
    n_units: int
    overall: dict[str, Statistic]
    pairs: tuple[PairAgreement, ...]
    warnings: tuple[str, ...]


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
    problems = [*_problems(units, coders, values), *_unknown(units, values, known)]
    if problems := problems or (_no_numbers(units, values, level) if level != "nominal" else []):
        raise RatingsError(problems)
    as_value: Callable[[str], str | float] = str if level == "nominal" else float
    table = [[as_value(value) if value else None for value in row] for row in values]
    ratings = encode(table, categories=None if known is None else sorted(map(as_value, known)))
    if not table:
        ratings = Ratings(ratings.values.reshape(0, len(coders)), ratings.categories)
    overall = OVERALL | {"krippendorff_alpha": partial(krippendorff_alpha, level=level)}
    pairwise = PAIRWISE | {"krippendorff_alpha": partial(krippendorff_alpha, level=level)}
    pairwise |= {} if level == "nominal" else WEIGHTED
    return RatingsAgreement(
        coders=tuple(coders),
        categories=tuple(_shown(category) for category in ratings.categories),
        n_units=len(units),
        overall={key: statistic(ratings) for key, statistic in overall.items()},
        pairs=tuple(_pair(ratings, coders, a, b, pairwise) for a, b in combinations(range(len(coders)), 2)),
        warnings=tuple(_warnings(ratings, coders)),
    )


def _shown(category: object) -> str:
    return f"{category:g}" if isinstance(category, float) else str(category)


def _pair(
    ratings: Ratings,
    coders: Sequence[str],
    a: int,
    b: int,
    statistics: dict[str, Callable[[Ratings], Statistic]],
) -> PairAgreement:
    both = select_pair(ratings, a, b)
    n_units, _ = pairable(both)
    return PairAgreement(
        coders[a], coders[b], n_units, {key: statistic(both) for key, statistic in statistics.items()}
    )


def _warnings(ratings: Ratings, coders: Sequence[str]) -> list[str]:
    given = [bool((column >= 0).any()) for column in ratings.values.T]
    silent = [name for name, any_given in zip(coders, given, strict=True) if not any_given]
    warnings = [f"coder {name!r} rated nothing" for name in silent]
    n_units, _ = pairable(ratings)
    if n_units == 0:
        return [*warnings, f"agreement is undefined: {NO_COMMON_UNIT}"]
    if silent:
        warnings.append(f"agreement is over {', '.join(name for name in coders if name not in silent)}")
    return [*warnings, "1 unit: not interpretable"] if n_units == 1 else warnings


def _problems(
    units: Sequence[str], coders: Sequence[str], values: Sequence[Sequence[str | None]]
) -> list[str]:
    problems = [
        f"duplicate unit id: {name!r} stands {n} times" for name, n in Counter(units).items() if n > 1
    ]
    problems += [
        f"duplicate coder: {name!r} stands {n} times" for name, n in Counter(coders).items() if n > 1
    ]
    if len(values) != len(units):
        return [*problems, f"{len(values)} rows of values for {len(units)} units"]
    problems += [
        f"unit {unit!r}: {len(row)} values for {len(coders)} coders"
        for unit, row in zip(units, values, strict=True)
        if len(row) != len(coders)
    ]
    return problems


def _unknown(
    units: Sequence[str], values: Sequence[Sequence[str | None]], known: tuple[str, ...] | None
) -> list[str]:
    if known is None:
        return []
    return [
        f"unit {unit!r}: value {value!r} is not among the categories"
        for unit, row in zip(units, values, strict=False)
        for value in row
        if value and value not in known
    ]


def _no_numbers(units: Sequence[str], values: Sequence[Sequence[str | None]], level: Level) -> list[str]:
    wanted = "number of 0 or more" if level == "ratio" else "number"
    return [
        f"unit {unit!r}: value {value!r} is no {wanted}, as level {level} asks"
        for unit, row in zip(units, values, strict=True)
        for value in row
        if value and not _is_number(value, least=0.0 if level == "ratio" else -math.inf)
    ]


def _is_number(value: str, *, least: float) -> bool:
    try:
        return math.isfinite(float(value)) and float(value) >= least
    except ValueError:
        return False
