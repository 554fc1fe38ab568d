"""How far people can be relied on for a code: alpha and its interval against Krippendorff's limits, in words.

Where coders differ nowhere alpha is 1 and has no interval over interviews, for none of them moves it. That is no
proof: they may differ in the next. Then the share of interviews without a disagreement stands for alpha. Of n that
hold the code, all in agreement, its exact 95 % interval has the lower end .025^(1/n) (Clopper & Pearson 1934,
Biometrika 26, 404-413): .800 or above from n = 17, .667 or above from n = 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from pipeline.agreement.alpha import RELIABLE, TENTATIVE
from pipeline.agreement.intervals import NO_SPREAD


@dataclass(frozen=True, slots=True)
class Standing:
    """A class of codes. key: its colour in the style sheet."""

    key: str
    title: str
    meaning: str


LEVEL = 0.95


def lowest_share(n: int) -> float:
    """Lower end of the exact interval of a share of n in which all n agree; 0..1.

    Clopper & Pearson (1934): the share p at which n of n have the probability p^n = (1 - LEVEL) / 2. n: 1 or more.
    """
    return float(((1 - LEVEL) / 2) ** (1 / n))


def _fewest(limit: float) -> int:
    """The least number of interviews, all in agreement, of which the interval lies at a limit or above."""
    return next(n for n in count(1) if lowest_share(n) >= limit)


FEWEST_RELIABLE, FEWEST_TENTATIVE = _fewest(RELIABLE), _fewest(TENTATIVE)

SOLID = Standing(
    "well",
    "reliable",
    "the whole interval of alpha lies at .800 or above; or coders differ nowhere, in "
    f"{FEWEST_RELIABLE} interviews with the code or more",
)
FAIR = Standing(
    "partly",
    "tentatively reliable",
    "the whole interval of alpha lies at .667 or above; or coders differ nowhere, in "
    f"{FEWEST_TENTATIVE} to {FEWEST_RELIABLE - 1} interviews with the code",
)
OPEN_ALIKE = Standing(
    "hardly",
    "uncertain, no interval",
    "alpha is .667 or above and every interview gives the same, so it has no interval; coders differ somewhere, or "
    f"nowhere but in fewer than {FEWEST_TENTATIVE} interviews with the code, which is too few to show it",
)
OPEN_HIGH = Standing(
    "hardly",
    "uncertain, alpha high",
    "alpha is .800 or above, but its interval reaches below .667",
)
OPEN = Standing("hardly", "uncertain", "alpha is .667 or above, but its interval reaches below")
OPEN_LOW = Standing("hardly", "uncertain, alpha low", "alpha is below .667, but its interval reaches above")
POOR = Standing("poor", "not reliable", "the whole interval of alpha lies below .667")
UNKNOWN = Standing("not-yet", "unknown", "no alpha, or no interval: too few interviews, or nothing varies")
STANDINGS = (SOLID, FAIR, OPEN_ALIKE, OPEN_HIGH, OPEN, OPEN_LOW, POOR, UNKNOWN)


def standing_of(row: Mapping[str, Any] | None) -> Standing:
    """The class of a row of ``overall``; None where nobody shares a segment."""
    if row is None or row["krippendorff_alpha"] is None:
        return UNKNOWN
    alpha, ci = row["krippendorff_alpha"], row["ci"]["krippendorff_alpha"]
    if ci["reason"].startswith(NO_SPREAD) and alpha >= TENTATIVE:
        return _of_no_spread(alpha, ci["n_transcripts"])
    low, high = ci["low"], ci["high"]
    if low is None:
        return UNKNOWN
    if low >= TENTATIVE:
        return SOLID if low >= RELIABLE else FAIR
    if high < TENTATIVE:
        return POOR
    return OPEN_HIGH if alpha >= RELIABLE else OPEN if alpha >= TENTATIVE else OPEN_LOW


def _of_no_spread(alpha: float, n: int) -> Standing:
    """n: the interviews that hold the code, each of which gives the same alpha."""
    if alpha < 1 or n < FEWEST_TENTATIVE:
        return OPEN_ALIKE
    return SOLID if n >= FEWEST_RELIABLE else FAIR
