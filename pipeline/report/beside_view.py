"""People and model on the same codes: one number a kind, a range where there are several pairs, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from pipeline.report.figures import Axis, Mark, coefficient_axis, mark
from pipeline.report.levels import scored_rows
from pipeline.report.tables import RunTables
from pipeline.report.wording import UNDEFINED, Number, coefficient, count, count_of, interval, percent, spread

KEY = "cohen_kappa"
KINDS = ("human-human", "model-human")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """The pairs of one kind for one code. value: mean of those that are defined, None if undefined in all.

    low, high: interval if one pair is defined, lowest and highest of several. n_pairs: with common segments.
    """

    value: float | None
    low: float | None
    high: float | None
    n_pairs: int
    n_defined: int

    @property
    def number(self) -> Number:
        """As the table shows it."""
        text = coefficient(self.value)
        of = f"{self.n_defined} of " if self.n_defined < self.n_pairs else ""
        n_pairs = f"{of}{count_of(self.n_pairs, 'pair')}"
        if self.n_defined > 1 and self.low is not None and self.high is not None:
            return Number(text, pairs=f"{n_pairs}: {spread(self.low, self.high)}")
        return Number(text, interval(self.low, self.high), pairs=n_pairs if of and self.n_defined else "")


@dataclass(frozen=True, slots=True)
class BesideRow:
    """One code in the table and figure. prevalence: mean over pairs; people's, then the model's."""

    code: str
    n_units: str
    people: Number
    model: Number
    prevalence: str
    model_prevalence: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class BesideView:
    """The model beside the coders.

    n_pairs: of coders, of coder and model, those with common segments. people, model: means over the codes in
        ``n_codes``, undefined (with n_codes 0) where no code has both. model_alone: the same for coder
        and model, whoever else coded.
    """

    rows: tuple[BesideRow, ...]
    axis: Axis
    n_pairs: tuple[int, int]
    n_codes: int
    people: Number
    model: Number
    model_alone: Number
    n_units: str


def beside_view(run: RunTables) -> BesideView:
    """Kappa per code between coders and between coder and model."""
    # Two who read nothing in common are no pair; two who read too little are in no mean.
    comparisons = [row for row in run.agreement["comparisons"] if row["n_units"] and row["in_means"]]
    found = {kind: _by_code(comparisons, kind) for kind in KINDS}
    codes = [row.code for row in scored_rows(run.codes) if any(row.code in found[kind] for kind in KINDS)]
    sides = [tuple(side_of(found[kind].get(code, [])) for kind in KINDS) for code in codes]
    axis = coefficient_axis(bound for pair in sides for side in pair for bound in (side.value, side.low))
    both = [(a.value, b.value) for a, b in sides if a.value is not None and b.value is not None]
    alone = [b.value for _, b in sides if b.value is not None]
    pooled = [row for row in comparisons if row["code"] is None]
    return BesideView(
        rows=tuple(
            _row(code, pair, [found[kind].get(code, []) for kind in KINDS], axis)
            for code, pair in zip(codes, sides, strict=True)
        ),
        axis=axis,
        n_pairs=(
            sum(row["kind"] == KINDS[0] for row in pooled),
            sum(row["kind"] == KINDS[1] for row in pooled),
        ),
        n_codes=len(both),
        people=Number(coefficient(fmean(a for a, _ in both)) if both else UNDEFINED),
        model=Number(coefficient(fmean(b for _, b in both)) if both else UNDEFINED),
        model_alone=Number(coefficient(fmean(alone) if alone else None)),
        n_units=_n_units([row for row in pooled if row["kind"] == KINDS[0]]),
    )


def _by_code(comparisons: Sequence[Row], kind: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in comparisons:
        if row["kind"] == kind and row["code"] is not None:
            found.setdefault(row["code"], []).append(row)
    return found


def side_of(rows: Sequence[Row]) -> Side:
    """Of one code, the pairs of one kind."""
    values = [row[KEY] for row in rows if row[KEY] is not None]
    if not values:
        return Side(None, None, None, len(rows), 0)
    if len(values) > 1:
        return Side(fmean(values), min(values), max(values), len(rows), len(values))
    ci = next(row for row in rows if row[KEY] is not None)["ci"].get(KEY, {})
    return Side(values[0], ci.get("low"), ci.get("high"), len(rows), 1)


def _row(code: str, sides: Sequence[Side], rows: Sequence[Sequence[Row]], axis: Axis) -> BesideRow:
    drawn = (
        (mark(axis, kind, side.value, side.low, side.high), side.n_defined > 1)
        for kind, side in zip(("human", "model"), sides, strict=True)
    )
    everyone = rows[0] or rows[1]
    people = [row["prevalence_a"] for row in everyone] + [row["prevalence_b"] for row in rows[0]]
    return BesideRow(
        code=code,
        n_units=_n_units(everyone),
        people=sides[0].number if rows[0] else Number(""),
        model=sides[1].number if rows[1] else Number(""),
        prevalence=_mean_percent(people),
        model_prevalence=_mean_percent([row["prevalence_b"] for row in rows[1]]) if rows[1] else "",
        marks=tuple(replace(found, over_pairs=several) for found, several in drawn if found),
    )


def _mean_percent(shares: Sequence[float | None]) -> str:
    known = [share for share in shares if share is not None]
    return percent(fmean(known) if known else None)


def _n_units(rows: Sequence[Row]) -> str:
    """ "113", or "90 to 113" over several pairs."""
    numbers = sorted({row["n_units"] for row in rows})
    if not numbers:
        return "0"
    return count(numbers[0]) if len(numbers) == 1 else f"{count(numbers[0])} to {count(numbers[-1])}"
