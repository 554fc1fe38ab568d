"""A table of finished strings: what most sections of the audit are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.agreement.non_inferiority import LEVEL as NON_INFERIORITY_LEVEL
from pipeline.compare.cells import PAIR
from pipeline.report.agreement_view import number_of
from pipeline.report.figures import Axis, Mark
from pipeline.report.wording import UNDEFINED, Number, coefficient, interval, percent

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """A column. how: key of its explanation, or ""; text: whether it holds words rather than numbers."""

    title: str
    how: str = ""
    text: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its name, then a cell a column. total: whether it stands for all others. note: below the name."""

    name: str
    cells: tuple[Number, ...]
    total: bool = False
    note: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """caption: plain words. axis: of the figure that stands in the first column after the name, or None."""

    caption: str
    first: str
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    axis: Axis | None = None


def plain(text: str) -> Number:
    """Words or a count as a cell."""
    return Number(text)


def figure(row: Row, key: str) -> Number:
    """A figure of a row that may lack it: empty there, else with interval or reason."""
    return number_of({"ci": {}, "undefined": {}, **row}, key) if key in row else Number("")


def slice_figure(row: Row, key: str) -> Number:
    """A figure of a slice; where it is of pairs, as with the model, its name says so."""
    return figure(row, key if key in row else f"{PAIR}{key}")


def change(found: Row | None, reason: str = "") -> Number:
    """A difference with its interval: {"difference", "ci"}."""
    if found is None or found["difference"] is None:
        return Number(UNDEFINED, reason=reason)
    ci = found["ci"]
    why = f"no interval ({ci['reason']})" if ci["reason"] else ""
    return Number(signed(found["difference"]), interval(ci["low"], ci["high"]), why)


def signed(value: float) -> str:
    """A difference, with its sign."""
    text = coefficient(value)
    return text if value < 0 or text == "0.00" else f"+{text}"


def difference_of(beside: Row | None, verdict: Row | None) -> Number:
    """The model's kappa less the coders' own, with the interval by which the verdict was reached, if any.

    The level stands before each interval, for it is not that of the others: below each other stand 90 %, of a test of
    non-inferiority, and 95 % where no such test was made.
    """
    if verdict and verdict["difference"] is not None:
        spread = interval(verdict["low"], verdict["high"])
        return Number(signed(verdict["difference"]), at_level(spread, NON_INFERIORITY_LEVEL))
    if not beside:
        return Number("")
    found = change(beside)
    return replace(found, interval=at_level(found.interval, beside["ci"]["level"]))


def at_level(spread: str, level: float) -> str:
    """ "90 %: 0.65 to 0.77", or "" where there is no interval."""
    return f"{percent(level)}: {spread}" if spread else ""
