"""By what rule two runs of the same inputs agree, and what comparing a file gives."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Largest absolute difference of a figure between two machines.
TOLERANCE = 1e-3
#: Largest share of suggested flags that may differ between two machines, of the flags of the run verified.
MOST_FLAGS = 1e-3
SAME, WITHIN, DIFFERS = "same bytes", f"figures within {TOLERANCE}", "differs"
RENDERED = "rendered from the tables, not compared"
#: Counts of suggestions: they may differ by as many as flags of suggestions.csv do.
COUNTS = ("n_suggestions", "n_first_suggestions")
# 0.1234 and 0.1244 are 0.001 apart as written, a little more in binary.
_WRITTEN = 1e-9
_NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d+(?:,\d{3})*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in one file that is not as it was.

    where: line and column of a table, path in a JSON file, address and code of a flag.
    then, here: both numbers, None where there is none. what: in words, if numbers do not say it.
    """

    where: str
    then: float | None = None
    here: float | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing one file gave.

    verdict: one of SAME, WITHIN, RENDERED, DIFFERS or, of a model's files, a reason why they are not compared.
    differences: those that count against it. flags: those that differ; n_flags: of how many then (None: no flags
    in this file). n_reasons: of suggestions whose words or nearest excerpts are others, which counts for nothing.
    """

    file: str
    verdict: str
    differences: tuple[Difference, ...] = ()
    flags: tuple[Difference, ...] = ()
    n_flags: int | None = None
    n_reasons: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the file is as the rule wants it."""
        return self.verdict != DIFFERS


@dataclass(frozen=True, slots=True)
class Rule:
    """How far apart figures may be.

    tolerance: absolute; 0 where bytes are compared. n_flags: flags of suggestions.csv that differ; n_said: flags of
    cells.csv that do, what the model says of segments that people read. Counts of either may differ by as many.
    """

    tolerance: float
    n_flags: int = 0
    n_said: int = 0

    def allows(self, name: str, then: float, here: float, *, n_said: int = 0) -> bool:
        """Whether two figures of this name agree; n_said: by how many what counts the model may differ."""
        most = max(self.tolerance, self.n_flags) if name in COUNTS else max(self.tolerance, n_said)
        return abs(then - here) <= most * (1 + _WRITTEN)

    def allows_words(self, then: str, here: str, *, n_said: int = 0) -> bool:
        """Whether two sentences say the same of figures that agree: words alike, numbers as near as they are written.

        A figure may have crossed a border of rounding, so the last decimal may be one more or less. n_said: as above,
        for whole numbers.
        """
        if not self.tolerance or _NUMBER.sub("#", then) != _NUMBER.sub("#", here):
            return False
        pairs = zip(_NUMBER.findall(then), _NUMBER.findall(here), strict=True)
        return all(self._allows_written(a, b, n_said) for a, b in pairs)

    def _allows_written(self, then: str, here: str, n_said: int) -> bool:
        decimals = [len(number.partition(".")[2]) for number in (then, here)]
        if decimals[0] != decimals[1]:
            return False
        most = 10.0 ** -decimals[0] + self.tolerance if decimals[0] else n_said
        return abs(_value(then) - _value(here)) <= most * (1 + _WRITTEN)


def _value(written: str) -> float:
    return float(written.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def judged(name: str, differences: tuple[Difference, ...]) -> Compared:
    """A file without flags."""
    return Compared(name, DIFFERS if differences else WITHIN, differences)
