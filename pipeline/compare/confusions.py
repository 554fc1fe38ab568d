"""Which codes stand for which: what one gave where the other gave something else, or nothing.

Several codes on a segment are normal, so "instead" needs a definition. Of two columns on a segment that both saw,
A are the codes that the first gave and the second did not, B those that the second gave and the first did not. Codes
that both gave stand on the diagonal and for nothing else. X stands against Y where X is in A and Y in B.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from pipeline.compare.columns import CONSENSUS, MODEL, BoolArray, Column, FloatArray, IntArray, Panel
from pipeline.compare.pairs import beside

#: Columns and rows of a matrix after those of the codes.
NO_CODE, NOTHING_ELSE = "(no code)", "(nothing else)"
#: From so many crossings on the ratio to chance is told.
FEWEST_CROSSINGS = 5
NOBODY_IN_COMMON = "no two coders read the same segments blind"
NO_MODEL = "no model has been trained"
NO_SUGGESTION = "the model suggests none of the codes that it has learned"
NO_MODEL_IN_COMMON = "no segment that a coder read blind and the model had not seen when it was asked"

RULE = (
    "row: a code that one gave; column: what the other gave instead, on a segment that both saw. The diagonal: both "
    "gave it. Where the other gave m codes instead, each counts 1/m, so that a row adds up to how often its code was "
    "given; between coders half of that: each pair counts half in either direction, and the diagonal is how often "
    f"both of a pair gave the code. {NO_CODE}: gave no code at all. {NOTHING_ELSE}: gave only codes that the other "
    "gave too."
)
CHANCE = (
    "observed: segments of a pair in which one gave X and not Y, the other Y and not X, in either direction, summed "
    "over pairs. expected: the sum over pairs a, b of (x_a y_b + y_a x_b) / n, where x_a is how often a gave X and b "
    "did not, and n the segments of both. ratio: observed / expected, told from "
    f"{FEWEST_CROSSINGS} crossings on."
)

Pair = tuple[Column, Column]


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Crossings of each two codes, summed over pairs of columns.

    directed: (k, k), the first of a pair gave the row's code alone and the second the column's.
    expected: (k, k), the same by chance: x_a y_b / n. alone: (k,), given by one of a pair and not the other.
    """

    directed: FloatArray
    expected: FloatArray
    alone: FloatArray

    def observed(self, x: int, y: int) -> int:
        """Crossings of two codes in either direction."""
        return int(self.directed[x, y] + self.directed[y, x])

    def by_chance(self, x: int, y: int) -> float:
        """Crossings to be expected in either direction."""
        return float(self.expected[x, y] + self.expected[y, x])

    def share(self, x: int, y: int) -> float:
        """How much of what was given by one alone the crossings are, of the code of which they are more; 0..1."""
        fewest = min(self.alone[x], self.alone[y])
        return self.observed(x, y) / float(fewest) if fewest else 0.0


def pairs_of_people(panel: Panel) -> list[Pair]:
    """Each two human coders who read segments in common."""
    return [(a, b) for a, b in combinations(panel.humans, 2) if (a.seen & b.seen).any()]


def pairs_with_model(panel: Panel) -> list[Pair]:
    """Each coder with the model, on the segments that people share if there are any; without coders the consensus."""
    people = [beside(human, panel.humans) for human in panel.humans] or panel.of_kind(CONSENSUS)
    return [
        (person, model)
        for model in panel.of_kind(MODEL)
        for person in people
        if (person.seen & model.seen).any()
    ]


def why_none(panel: Panel, *, of_model: bool) -> str:
    """Why there is no pair of columns to look at, or ""."""
    if not of_model:
        return "" if pairs_of_people(panel) else NOBODY_IN_COMMON
    if not panel.of_kind(MODEL):
        return NO_SUGGESTION if panel.not_suggested else NO_MODEL
    return "" if pairs_with_model(panel) else NO_MODEL_IN_COMMON


def common_rows(a: Column, b: Column) -> tuple[IntArray, BoolArray, BoolArray]:
    """Places of the segments that both saw, and what each gave there: (m,), (m, k), (m, k)."""
    rows = np.flatnonzero(a.seen & b.seen)
    return rows, a.given[rows], b.given[rows]


def can_give(pairs: Iterable[Pair], *, n_codes: int) -> BoolArray:
    """(k,), codes that both of each pair can give."""
    found = np.ones(n_codes, dtype=bool)
    for a, b in pairs:
        found &= a.codes & b.codes
    return found


def count_crossings(pairs: Iterable[Pair], *, n_codes: int) -> Crossings:
    """Observed and expected crossings of each two of k codes."""
    directed, expected = np.zeros((2, n_codes, n_codes))
    alone = np.zeros(n_codes)
    for a, b in pairs:
        rows, x, y = common_rows(a, b)
        only_a, only_b = (x & ~y).astype(np.float64), (y & ~x).astype(np.float64)
        x_a, y_b = only_a.sum(axis=0), only_b.sum(axis=0)
        directed += only_a.T @ only_b
        expected += np.outer(x_a, y_b) / len(rows)
        alone += x_a + y_b
    return Crossings(directed, expected, alone)


def crossing_segments(pairs: Iterable[Pair], x: int, y: int) -> IntArray:
    """Places of the segments in which any of the pairs crosses two codes, ascending."""
    found = [np.zeros(0, dtype=np.intp)]
    for a, b in pairs:
        rows = np.flatnonzero(a.seen & b.seen)
        a_x, a_y, b_x, b_y = a.given[rows, x], a.given[rows, y], b.given[rows, x], b.given[rows, y]
        found.append(rows[(a_x & ~a_y & b_y & ~b_x) | (a_y & ~a_x & b_x & ~b_y)])
    return np.unique(np.concatenate(found))


def confusions(panel: Panel) -> dict[str, Any]:
    """confusions: what people gave instead of what another gave; and the model, in columns, against people, in rows.

    Each of ``people`` and ``model``: codes, labels (codes and two more), matrix, crossings (of codes that both of a
    pair can give), cannot_give (codes that the model does not suggest, so that their columns are empty), n_pairs (of
    columns), n_units (segments of all pairs together), and reason, "" unless there is nothing to count.
    """
    return {
        "rule": RULE,
        "chance": CHANCE,
        "people": _part(panel, pairs_of_people(panel), why_none(panel, of_model=False), both_ways=True),
        "model": _part(panel, pairs_with_model(panel), why_none(panel, of_model=True), both_ways=False),
    }


def _part(panel: Panel, pairs: Sequence[Pair], reason: str, *, both_ways: bool) -> dict[str, Any]:
    usable, givable = np.flatnonzero(panel.usable), can_give(pairs, n_codes=len(panel.codes))
    codes = [panel.codes[code] for code in usable]
    crossings = count_crossings(pairs, n_codes=len(panel.codes))
    return {
        "codes": codes,
        "labels": [*codes, NO_CODE, NOTHING_ELSE],
        "matrix": [] if reason else _matrix(pairs, usable, both_ways=both_ways).tolist(),
        "crossings": [] if reason else _rows(panel, crossings, np.flatnonzero(givable)),
        "cannot_give": [panel.codes[code] for code in usable if not givable[code]],
        "n_pairs": len(pairs),
        "n_units": int(sum((a.seen & b.seen).sum() for a, b in pairs)),
        "reason": reason,
    }


def _matrix(pairs: Iterable[Pair], usable: IntArray, *, both_ways: bool) -> FloatArray:
    """(k + 2, k + 2): see RULE; ``both_ways``: each of a pair is the one and the other in turn, half each."""
    total = np.zeros((len(usable) + 2, len(usable) + 2))
    for a, b in pairs:
        _, x, y = common_rows(a, b)
        x, y = x[:, usable], y[:, usable]
        total += (instead(x, y) + instead(y, x)) / 2 if both_ways else instead(x, y)
    return total


def instead(x: BoolArray, y: BoolArray) -> FloatArray:
    """What the second gave instead of each code of the first; (m, k) each, returns (k + 2, k + 2) as RULE says."""
    only_x, only_y = _alone(x, y), _alone(y, x)
    counts = only_x.T @ (only_y / only_y.sum(axis=1, keepdims=True))
    n_codes = x.shape[1]
    counts[:n_codes, :n_codes] += np.diag((x & y).sum(axis=0))
    return np.asarray(counts)


def _alone(x: BoolArray, y: BoolArray) -> FloatArray:
    """(m, k + 2): the codes of x that y lacks; where there are none, no code at all or nothing else."""
    only, anything = x & ~y, x.any(axis=1)
    nothing = ~only.any(axis=1)
    return np.column_stack([only, nothing & ~anything, nothing & anything]).astype(np.float64)


def _rows(panel: Panel, crossings: Crossings, givable: IntArray) -> list[dict[str, Any]]:
    """Each two codes that were crossed often enough to be told of, most above chance first."""
    rows = [
        {"codes": [panel.codes[x], panel.codes[y]], **numbers_of(crossings, x, y)}
        for x, y in combinations(map(int, givable), 2)
        if crossings.observed(x, y) >= FEWEST_CROSSINGS
    ]
    return sorted(rows, key=lambda row: row["expected"] - row["observed"])


def numbers_of(crossings: Crossings, x: int, y: int) -> dict[str, Any]:
    """Crossings of two codes, in either direction and in each; ``ratio`` is null for few."""
    observed, expected = crossings.observed(x, y), crossings.by_chance(x, y)
    return {
        "observed": observed,
        "expected": expected,
        "ratio": observed / expected if observed >= FEWEST_CROSSINGS else None,
        "first_then_second": int(crossings.directed[x, y]),
        "second_then_first": int(crossings.directed[y, x]),
        "alone": [int(crossings.alone[x]), int(crossings.alone[y])],
        "share": crossings.share(x, y),
    }
