"""Numbers and intervals as they stand in the JSON files: numbers, null with a reason, the method of intervals."""

from __future__ import annotations

import math
from typing import Any

from pipeline.agreement.intervals import Interval

#: Nominal coverage of every interval of the audit, but for those of one-sided tests, which say so.
LEVEL = 0.95


def number(value: float) -> float | None:
    """A number, or null where it is undefined."""
    return None if math.isnan(value) else float(value)


def interval_row(interval: Interval) -> dict[str, Any]:
    """low, high (null without an interval), level, method, n_transcripts, reason."""
    return {
        "low": number(interval.low),
        "high": number(interval.high),
        "level": interval.level,
        "method": interval.method,
        "n_transcripts": interval.n_transcripts,
        "reason": interval.reason,
    }


def cell(value: str | float | None) -> str | float:
    """A value as a CSV table has it: empty where there is none."""
    return "" if value is None else value
