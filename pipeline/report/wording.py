"""How numbers and counts are written in the report: the one place for rounding."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

UNDEFINED = "undefined"
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the report shows it.

    text: the rounded value, or "undefined". interval: "0.65 to 0.77" or "". reason: why it is undefined, or
    why there is no interval.
    pairs: of a mean over pairs, how many and how far apart: "2 pairs: 0.33–0.34", or "".
    """

    text: str
    interval: str = ""
    reason: str = ""
    pairs: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return self.text != UNDEFINED


def count(number: int) -> str:
    """11358 -> "11,358"."""
    return f"{number:,}"


def count_of(number: int, one: str, many: str = "") -> str:
    """1 segment, 2 segments, with a space that does not break."""
    return f"{count(number)}{SPACE}{one if number == 1 else many or one + 's'}"


def percent(share: float | None) -> str:
    """Whole percent; one decimal below 1 %; never 0 % or 100 % for what is not exactly that."""
    if share is None:
        return UNDEFINED
    hundredfold = share * 100
    if 0 < hundredfold < 0.1:
        return f"<0.1{SPACE}%"
    if 0 < hundredfold < 0.95:
        return f"{hundredfold:.1f}{SPACE}%"
    if 99.5 <= hundredfold < 100:
        return f">99{SPACE}%"
    return f"{hundredfold:.0f}{SPACE}%"


def percent_from(share: float) -> str:
    """Where something begins, never above it: two digits, rounded down; 0 % for what is below 0.001 %."""
    hundredfold = share * 100
    digits = min(3, max(0, 1 - math.floor(math.log10(hundredfold)))) if hundredfold else 0
    down = math.floor(hundredfold * 10**digits) / 10**digits
    return f"{down:.{digits if down else 0}f}{SPACE}%"


def coefficient(value: float | None) -> str:
    """Two decimals; never 1.00 for what is not exactly that, nor a zero with a sign."""
    if value is None:
        return UNDEFINED
    if 0.995 <= value < 1 - 1e-12:
        return ">0.99"
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", MINUS)


def error(value: float | None) -> str:
    """A mean distance, at least 0: two decimals, never 0.00 for what is not exactly that."""
    return "<0.01" if value is not None and 0 < value < 0.005 else coefficient(value)


def interval(low: float | None, high: float | None) -> str:
    """ "0.65 to 0.77", or "" where there is none."""
    return "" if low is None or high is None else f"{_bound(low)} to {_bound(high)}"


def spread(low: float, high: float) -> str:
    """Lowest and highest, "0.33–0.34"; with "to" where a sign would stand beside the dash."""
    between = "\N{EN DASH}" if low >= 0 else " to "
    return f"{coefficient(low)}{between}{coefficient(high)}"


def _bound(value: float) -> str:
    # A bound may round to 1.00: it says where the value may lie, not that it is perfect.
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", MINUS)


def contribution(value: float) -> str:
    """A signed contribution in logits, as the table of suggestions has it."""
    return f"{value:+.2f}".replace("-", MINUS)


def listing(items: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = list(items) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def shorten(text: str, *, most: int) -> str:
    """The text, cut at a space before ``most`` characters and marked with an ellipsis if it is longer."""
    flat = " ".join(text.split())
    if len(flat) <= most:
        return flat
    cut = flat[:most]
    return (cut[: cut.rfind(" ")] if " " in cut[most // 2 :] else cut) + "\N{HORIZONTAL ELLIPSIS}"
