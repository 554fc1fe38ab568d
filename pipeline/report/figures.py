"""Small figures as inline SVG: a track with a point, an interval and a mark, drawn in shares of its width.

Positions are percentages of the SVG's own width, so a figure fits any screen without being scaled, its
colours are those of the style sheet, and its bytes depend on the numbers alone. The numbers themselves
stand in the table beside: a figure adds nothing that is not written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Room left at both ends, in percent, so that a point at the very end is whole.
INSET = 4.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from ``low`` to ``high``. limits: values with a tick of their own and no label."""

    low: float
    high: float
    limits: tuple[float, ...] = ()

    def place(self, value: float) -> str:
        """Where a value stands, "37.5%"; values beyond the ends stand at the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return f"{INSET + share * (100 - 2 * INSET):.1f}%"

    @property
    def ticks(self) -> tuple[tuple[str, str], ...]:
        """(place, label) of the ends, and of zero and the half where they lie between."""
        values = [self.low, *(value for value in (0.0, 0.5) if self.low < value < self.high), self.high]
        labelled = tuple((self.place(value), f"{value:g}".replace("-", "\N{MINUS SIGN}")) for value in values)
        return (*labelled, *((self.place(value), "") for value in self.limits))


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing on a track.

    kind: "human" (disc), "model" (diamond) or "chance" (tick). at: place of its point.
    low, high: places of the ends of its line, or "". over_pairs: the line is no interval but a range over pairs.
    """

    kind: str
    at: str
    low: str = ""
    high: str = ""
    over_pairs: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a stacked bar: kind (its colour), start and width in percent, and the count it stands for."""

    kind: str
    start: str
    width: str
    n: int


SHARE_AXIS = Axis(0.0, 1.0)


def mark(
    axis: Axis, kind: str, value: float | None, low: float | None = None, high: float | None = None
) -> Mark | None:
    """A mark, or None for an undefined value."""
    if value is None:
        return None
    if low is None or high is None:
        return Mark(kind, axis.place(value))
    return Mark(kind, axis.place(value), axis.place(low), axis.place(high))


def coefficient_axis(values: Iterable[float | None]) -> Axis:
    """From 0, or from the next fifth below the lowest value, to 1."""
    lowest = min((value for value in values if value is not None), default=0.0)
    return Axis(max(-1.0, math.floor(min(lowest, 0.0) * 5) / 5), 1.0)


def stacked(counts: Sequence[tuple[str, int]]) -> tuple[Piece, ...]:
    """The pieces of a bar of all counts; kinds without any are left out."""
    total, start, pieces = sum(n for _, n in counts), 0, []
    for kind, n in counts:
        if n:
            pieces.append(Piece(kind, f"{100 * start / total:.2f}%", f"{100 * n / total:.2f}%", n))
        start += n
    return tuple(pieces)
