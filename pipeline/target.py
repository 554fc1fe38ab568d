"""What the model learns: for each segment and code, the share of coders who gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.errors import StudyError
from models.theme_model import POSITIVE_FROM
from pipeline.units import Units

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

FEWEST_POSITIVE = 10
FEWEST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Target:
    """The rows that can be learned from, and what is to be learned.

    rows: (m,) places in ``units.segments``. shares: (m, k) in 0..1, codes as in ``units.codes``.
    n_positive: (k,) segments with a share of at least one half; n_groups: (k,) groups that hold one.
    """

    rows: IntArray
    shares: FloatArray
    groups: tuple[str, ...]
    n_positive: IntArray
    n_groups: IntArray

    @property
    def learnable(self) -> IntArray:
        """Places of the codes with 10 positive segments or more in 3 groups or more."""
        return np.flatnonzero((self.n_positive >= FEWEST_POSITIVE) & (self.n_groups >= FEWEST_GROUPS))


def headings(codebook: Sequence[Mapping[str, str]], n_positive: Sequence[int]) -> frozenset[str]:
    """Codes that stand above others and were never given themselves: their children are coded, not they.

    n_positive: (k,) of the codes of the codebook, in its order.
    """
    parents = {row["parent"] for row in codebook}
    rows = zip(codebook, n_positive, strict=True)
    return frozenset(row["name"] for row, n in rows if row["name"] in parents and not n)


def unread_rows(units: Units, target: Target) -> IntArray:
    """Places in ``units.segments`` of what no person has read and the model may suggest for."""
    unread = ~units.read_by_person & ~units.context
    unread[target.rows] = False
    return np.flatnonzero(unread)


def learned_coders(units: Units, *, gold: str) -> IntArray:
    """Places in ``units.coders`` of those whose codings are learned from. gold: as ``make_target`` has it.

    Raises StudyError for a coder without codings.
    """
    names = list(units.coders)
    if gold in ("share", "majority", "any"):
        return np.flatnonzero(units.is_human)
    if gold in names and units.coders[gold] != "machine":
        return np.array([names.index(gold)])
    raise StudyError(
        f"study.toml: target.gold '{gold}' is no person's file in codings/ "
        f"(coders: {', '.join(names) or 'none'}; or share, majority, any)"
    )


def make_target(units: Units, *, gold: str) -> Target:
    """The target as ``[target] gold`` says.

    gold: "share", of the humans who read the segment, those who gave the code; "majority", 1 if that is more
        than one half; "any", 1 if it is more than none; "consensus" or a coder's name, their codings alone.
    Raises StudyError for a coder without codings.
    """
    who = learned_coders(units, gold=gold)
    rows = np.flatnonzero(units.read[who].any(axis=0) & ~units.context)
    n_read = units.read[who][:, rows].sum(axis=0)
    shares = units.given[who][:, rows].sum(axis=0) / np.maximum(n_read, 1)[:, None]
    if gold == "majority":
        shares = (shares > POSITIVE_FROM).astype(np.float64)
    elif gold == "any":
        shares = (shares > 0).astype(np.float64)
    groups = tuple(units.groups[row] for row in rows)
    positive = shares >= POSITIVE_FROM
    numbers = np.unique(groups, return_inverse=True)[1] if groups else np.zeros(0, dtype=np.intp)
    n_groups = np.array([len(np.unique(numbers[column])) for column in positive.T], dtype=np.intp)
    return Target(rows, shares, groups, positive.sum(axis=0), n_groups)
