"""Reliability: what the model's probabilities say beside what people coded, as a table and a square figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.reference import reference_of
from pipeline.report.tables import RunTables
from pipeline.report.wording import SPACE, count, percent

#: Fewer cells than this: the observed share may be chance, so its point is hollow.
FEW_CELLS = 30
#: Side of the square, and radius of the point of the fullest bin, in units of the drawing.
SIDE, RADIUS = 200, 9.0
LEAST_RADIUS = 3.0
#: The example in words is taken from bins above this probability, for most cells lie where nothing is suggested.
EXAMPLE_FROM = 0.2


@dataclass(frozen=True, slots=True)
class Bin:
    """A row of the table. few: its share stands on few cells."""

    range: str
    n: str
    predicted: str
    observed: str
    few: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A bin in the figure, in units of the drawing with the origin at the top left."""

    x: str
    y: str
    r: str
    few: bool


@dataclass(frozen=True, slots=True)
class ReliabilityView:
    """The reliability diagram and its table.

    suggested: all that would be suggested; example: one bin; each in words, or "".
    """

    bins: tuple[Bin, ...]
    points: tuple[Point, ...]
    suggested: str
    example: str
    has_few: bool


def reliability_view(run: RunTables) -> ReliabilityView | None:
    """From the scope of all segments; None where nothing was evaluated."""
    scope = run.evaluation["scopes"].get("all", {})
    rows = scope.get("reliability", [])
    if not any(row["n"] for row in rows):
        return None
    most = max(row["n"] for row in rows)
    return ReliabilityView(
        bins=tuple(map(_bin, rows)),
        points=tuple(_point(row, most) for row in rows if row["n"]),
        suggested=_suggested(scope.get("suggested", {}), reference_of(run).long),
        example=_example(rows, reference_of(run).long),
        has_few=any(map(_few, rows)),
    )


def _few(row: Mapping[str, Any]) -> bool:
    return bool(0 < row["n"] < FEW_CELLS)


def _bin(row: Mapping[str, Any]) -> Bin:
    return Bin(
        range=f"{100 * row['low']:.0f} to {100 * row['high']:.0f}{SPACE}%",
        n=count(row["n"]),
        predicted=percent(row["mean_predicted"]) if row["n"] else "",
        observed=percent(row["observed"]) if row["n"] else "",
        few=_few(row),
    )


def _point(row: Mapping[str, Any], most: int) -> Point:
    """Its area goes with the logarithm of the number of cells: the fullest bin holds hundreds of times the others."""
    weight = math.log1p(row["n"]) / math.log1p(most)
    return Point(
        x=f"{SIDE * row['mean_predicted']:.1f}",
        y=f"{SIDE * (1 - row['observed']):.1f}",
        r=f"{max(LEAST_RADIUS, RADIUS * math.sqrt(weight)):.1f}",
        few=_few(row),
    )


def _suggested(found: Mapping[str, Any], who: str) -> str:
    if not found.get("n"):
        return ""
    return (
        f"In what people have read it would have suggested a code {count(found['n'])} times, with "
        f"{percent(found['mean_predicted'])} on average: {who} had coded so in {percent(found['observed'])} of them."
    )


def _example(rows: Sequence[Mapping[str, Any]], who: str) -> str:
    fitting = [row for row in rows if row["low"] >= EXAMPLE_FROM and row["n"] >= FEW_CELLS]
    if not fitting:
        return ""
    row = max(fitting, key=lambda row: (row["n"], row["low"]))
    return (
        f"For example, {count(row['n'])} times it gave a code {100 * row['low']:.0f} to "
        f"{100 * row['high']:.0f}{SPACE}%, on average {percent(row['mean_predicted'])}: "
        f"{who} had coded so in {percent(row['observed'])} of them."
    )
