"""How far people can be relied on for a code: alpha and its interval against Krippendorff's limits, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.agreement.alpha import RELIABLE, TENTATIVE
from pipeline.agreement.intervals import NO_SPREAD


@dataclass(frozen=True, slots=True)
class Standing:
    """A class of codes. key: its colour in the style sheet."""

    key: str
    title: str
    meaning: str


SOLID = Standing(
    "well",
    "reliable",
    "the whole interval of alpha lies at .800 or above, or all interviews agree",
)
FAIR = Standing("partly", "tentatively reliable", "the whole interval of alpha lies at .667 or above")
OPEN_HIGH = Standing(
    "hardly",
    "uncertain, alpha high",
    "alpha is .800 or above, but its interval reaches below .667",
)
OPEN = Standing("hardly", "uncertain", "alpha is .667 or above, but its interval reaches below")
OPEN_LOW = Standing("hardly", "uncertain, alpha low", "alpha is below .667, but its interval reaches above")
POOR = Standing("poor", "not reliable", "the whole interval of alpha lies below .667")
UNKNOWN = Standing("not-yet", "unknown", "no alpha, or no interval: too few interviews, or nothing varies")
STANDINGS = (SOLID, FAIR, OPEN_HIGH, OPEN, OPEN_LOW, POOR, UNKNOWN)


def standing_of(row: Mapping[str, Any] | None) -> Standing:
    """The class of a row of ``overall``; None where nobody shares a segment."""
    if row is None or row["krippendorff_alpha"] is None:
        return UNKNOWN
    alpha, ci = row["krippendorff_alpha"], row["ci"]["krippendorff_alpha"]
    if ci["reason"].startswith(NO_SPREAD) and alpha >= RELIABLE:
        return SOLID  # every interview gives the same value, so there is nothing that an interval could span
    low, high = ci["low"], ci["high"]
    if low is None:
        return UNKNOWN
    if low >= TENTATIVE:
        return SOLID if low >= RELIABLE else FAIR
    if high < TENTATIVE:
        return POOR
    return OPEN_HIGH if alpha >= RELIABLE else OPEN if alpha >= TENTATIVE else OPEN_LOW
