"""How well a code is known, in three words, so that a reader can sort before reading figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.tables import CodeRow


@dataclass(frozen=True, slots=True)
class Level:
    """A class of codes. least: lowest average precision. key: its name in the style sheet."""

    key: str
    title: str
    phrase: str
    least: float


WELL = Level("well", "well", "well known", 0.6)
PARTLY = Level("partly", "partly", "partly known", 0.3)
HARDLY = Level("hardly", "hardly", "hardly known", 0.0)
NOT_YET = Level("not-yet", "not learned yet", "not learned yet", 0.0)
LEVELS = (WELL, PARTLY, HARDLY, NOT_YET)
FEW_SEGMENTS = 20
"""Fewer coded segments than this: the figures of a code may be quite other ones next time."""
LIMITS_IN_WORDS = f"well from {WELL.least:g}, partly from {PARTLY.least:g}, hardly below"


def level_of(row: CodeRow) -> Level:
    """The class of a code, by the figure as it is shown."""
    if row.average_precision is None:
        return NOT_YET
    shown = round(row.average_precision, 2)
    return next(level for level in (WELL, PARTLY, HARDLY) if shown >= level.least)


def scored_rows(rows: Sequence[CodeRow]) -> list[CodeRow]:
    """Codes that are more than a heading: parents without a coded segment of their own are left out."""
    parents = {row.parent for row in rows}
    return [row for row in rows if row.n_positive or row.code not in parents]


def judged_on_few(row: CodeRow) -> bool:
    """Whether a code was learned and scored on so few segments that its class is uncertain."""
    return row.learned and row.n_positive < FEW_SEGMENTS
