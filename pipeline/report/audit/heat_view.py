"""Which codes stand for which, as a table of shaded cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.report.tables import RunTables
from pipeline.report.wording import count, count_of

#: More codes than this make no picture: those that are confused most are shown.
MOST_CODES = 24
SHADES = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """text: how often, rounded, "" for never; shade: 0 to 5, by the share of its row."""

    text: str
    shade: int
    agreed: bool


@dataclass(frozen=True, slots=True)
class HeatView:
    """labels: of columns; the first len(rows) of them are the codes of the rows. n_left_out: codes without a row.

    n_pairs: of columns that are added up, in words. both_ways: whether neither of a pair stands in rows alone.
    """

    title: str
    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    n_left_out: int
    n_pairs: str
    both_ways: bool


def heat_views(run: RunTables) -> tuple[HeatView, ...]:
    """Of coders with each other, then of coders and model; those that say something."""
    found = run.agreement["confusions"]
    sides = (
        ("Coders with each other", found["people"], True),
        ("Coders (rows) and the model (columns)", found["model"], False),
    )
    return tuple(
        heat_view(title, side, both_ways=both_ways)
        for title, side, both_ways in sides
        if side and not side["reason"]
    )


def heat_view(title: str, side: Mapping[str, Any], *, both_ways: bool = False) -> HeatView:
    """Of one part of ``confusions``; of many codes those that stand for others most, in either direction."""
    matrix, codes = np.array(side["matrix"], dtype=np.float64), list(side["codes"])
    others = matrix[: len(codes), : len(codes)].copy()
    np.fill_diagonal(others, 0.0)
    instead = others.sum(axis=1) + others.sum(axis=0)
    missed = matrix[: len(codes), len(codes) :].sum(axis=1)  # only where that is equal
    chosen = sorted(np.lexsort((-missed, -instead))[:MOST_CODES].tolist())
    columns = [*chosen, *range(len(codes), len(side["labels"]))]
    return HeatView(
        title=title,
        labels=tuple(side["labels"][at] for at in columns),
        rows=tuple((codes[at], tuple(_cell(matrix, at, other) for other in columns)) for at in chosen),
        n_left_out=len(codes) - len(chosen),
        n_pairs=count_of(side["n_pairs"], "pair"),
        both_ways=both_ways,
    )


def _cell(matrix: np.ndarray[Any, Any], row: int, column: int) -> Cell:
    value, total = float(matrix[row, column]), float(matrix[row].sum())
    share = value / total if total else 0.0
    shade = int(np.ceil(share * SHADES)) if share >= 0.02 else 0
    return Cell(_times(value), shade, row == column)


def _times(value: float) -> str:
    """Whole, for a share of one counts as a part; "" for never, which "0" would say of what happened too."""
    return "" if not value else "<1" if value < 1 else count(round(value))
