"""What every statistic of agreement returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NO_COMMON_UNIT = "no unit with two coders"


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number and what it stands on.

    value: not rounded; nan if and only if ``reason`` says why it is undefined.
    n_units: units with values of two coders or more, those that the number stands on.
    n_coders: coders with a value in at least one of those units.
    """

    value: float
    reason: str
    n_units: int
    n_coders: int

    def __post_init__(self) -> None:
        if math.isnan(self.value) != bool(self.reason):
            raise ValueError(
                f"value {self.value} with reason {self.reason!r}: nan needs one, a number has none"
            )

    @property
    def defined(self) -> bool:
        """Whether there is a number."""
        return not self.reason


def statistics_row(found: Mapping[str, Statistic]) -> dict[str, Any]:
    """As JSON has them: each value by its key, null where undefined, and ``undefined``: the reasons of those."""
    return {
        **{key: float(statistic.value) if statistic.defined else None for key, statistic in found.items()},
        "undefined": {key: statistic.reason for key, statistic in found.items() if not statistic.defined},
    }
