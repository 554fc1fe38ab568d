"""How well a code is known, in three words, so that a reader can sort before reading figures."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.tables import CodeRow


@dataclass(frozen=True, slots=True)
class Level:
    """A class of codes. least: lowest average precision. key: its name in the style sheet."""

    key: str
    title: str
    least: float


WELL, PARTLY, HARDLY = Level("well", "well", 0.6), Level("partly", "partly", 0.3), Level("hardly", "hardly", 0.0)
NOT_YET = Level("not-yet", "not learned yet", 0.0)
LEVELS = (WELL, PARTLY, HARDLY, NOT_YET)
LIMITS_IN_WORDS = f"well from {WELL.least:g}, partly from {PARTLY.least:g}, hardly below"


def level_of(row: CodeRow) -> Level:
    """The class of a code."""
    if row.average_precision is None:
        return NOT_YET
    return next(level for level in (WELL, PARTLY, HARDLY) if row.average_precision >= level.least)
