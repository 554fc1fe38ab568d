"""Findings on two codes: mixed up, always together, defined alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import pdtrc
from scipy.stats import false_discovery_control

from pipeline.compare.columns import CONSENSUS, HUMAN, MODEL, IntArray, Panel
from pipeline.compare.confusions import (
    Crossings,
    Pair,
    can_give,
    count_crossings,
    crossing_segments,
    numbers_of,
    pairs_of_people,
    pairs_with_model,
)
from pipeline.compare.findings import Finding, given_by_anyone

MIXED_UP, TOGETHER, ALIKE = "mixed up", "always together", "defined alike"

FEWEST_SEGMENTS = 5
LEAST_RATIO = 2.0
LEAST_SHARE = 0.2
FALSE_DISCOVERY = 0.05
LEAST_JACCARD = 0.8

RULES = {
    MIXED_UP: f"crossings (see confusions) of coders, or of the model and coders, on {FEWEST_SEGMENTS} segments or "
    f"more, {LEAST_RATIO:g} times what chance gives or more, and {LEAST_SHARE:.0%} or more of what one alone gave of "
    "either code; more than chance by a Poisson test of the number of segments (expected: crossings by chance times "
    f"segments per crossing), false discoveries held to {FALSE_DISCOVERY:.0%} over all pairs of codes (Benjamini and "
    "Hochberg 1995)",
    TOGETHER: f"given by the same coder to the same segment {FEWEST_SEGMENTS} times or more, {LEAST_JACCARD:.0%} or "
    f"more of the times that either was given, and {LEAST_RATIO:g} times as often as by chance or more; a code and "
    "its parent are left out",
    ALIKE: "entries of the codebook whose likeness reaches what stands in `least`; a code and its parent, and "
    "headings, are left out. Opposites are near each other in meaning too: read both entries",
}

CodePair = tuple[int, int]


def mixed_up(panel: Panel) -> list[Finding]:
    """Pairs of codes that stand for each other more than chance explains, between coders or with the model."""
    sides = {"coders": pairs_of_people(panel), "model": pairs_with_model(panel)}
    crossed = {name: count_crossings(pairs, n_codes=len(panel.codes)) for name, pairs in sides.items()}
    found = {name: _more_than_chance(panel, sides[name], crossed[name]) for name in sides}
    return [
        _mixed_up(panel, pair, sides, crossed, [name for name in sides if pair in found[name]])
        for pair in sorted(set().union(*found.values()))
    ]


def _mixed_up(
    panel: Panel,
    pair: CodePair,
    sides: Mapping[str, Sequence[Pair]],
    crossed: Mapping[str, Crossings],
    between: list[str],
) -> Finding:
    numbers: dict[str, Any] = {"between": between}
    for name, crossings in crossed.items():
        told = bool(sides[name]) and can_give(sides[name], n_codes=len(panel.codes))[list(pair)].all()
        n_segments = len(crossing_segments(sides[name], *pair))
        numbers[name] = {**numbers_of(crossings, *pair), "n_segments": n_segments} if told else None
    rows = crossing_segments(sides[between[0]], *pair)
    weight = float(sum(crossed[name].observed(*pair) - crossed[name].by_chance(*pair) for name in between))
    columns = panel.humans if between == ["coders"] else panel.of_kind(HUMAN, CONSENSUS, MODEL)
    return Finding(MIXED_UP, pair, weight, numbers, rows, columns)


def _more_than_chance(panel: Panel, pairs: Sequence[Pair], crossings: Crossings) -> set[CodePair]:
    """Pairs of codes that keep the rule of MIXED_UP; codes that one of the two columns cannot give are none."""
    codes = np.flatnonzero(can_give(pairs, n_codes=len(panel.codes))) if pairs else ()
    every = list(combinations(map(int, codes), 2))
    p = np.array([_chance(pairs, crossings, x, y) for x, y in every])
    if not len(p):
        return set()
    kept = false_discovery_control(p) <= FALSE_DISCOVERY
    return {pair for pair, keep in zip(every, kept, strict=True) if keep}


def _chance(pairs: Sequence[Pair], crossings: Crossings, x: int, y: int) -> float:
    """Probability of so many segments by chance; 1 where the other parts of the rule are not kept.

    Pairs of coders are not independent: ten coders who split over one segment cross 25 times. So segments are
    counted, and the expectation is scaled to them.
    """
    observed, expected = crossings.observed(x, y), crossings.by_chance(x, y)
    if observed < max(FEWEST_SEGMENTS, LEAST_RATIO * expected) or crossings.share(x, y) < LEAST_SHARE:
        return 1.0
    n = len(crossing_segments(pairs, x, y))
    return float(pdtrc(n - 1, expected * n / observed)) if n >= FEWEST_SEGMENTS else 1.0


def always_together(panel: Panel, family: set[CodePair]) -> list[Finding]:
    """Pairs of codes that a coder who gives one nearly always gives both of. family: codes with their parents."""
    n_codes = len(panel.codes)
    both, by_chance, times = np.zeros((n_codes, n_codes)), np.zeros((n_codes, n_codes)), np.zeros(n_codes)
    for human in panel.humans:
        given = human.given[human.seen].astype(np.float64)
        n_given = given.sum(axis=0)
        both += given.T @ given
        by_chance += np.outer(n_given, n_given) / max(len(given), 1)
        times += n_given
    found = []
    for x, y in combinations(range(n_codes), 2):
        either = times[x] + times[y] - both[x, y]
        if (
            both[x, y] < max(FEWEST_SEGMENTS, LEAST_JACCARD * either, LEAST_RATIO * by_chance[x, y])
            or (x, y) in family
        ):
            continue
        numbers = {
            "n_both": int(both[x, y]),
            "n_either": int(either),
            "jaccard": float(both[x, y] / either),
            "expected": float(by_chance[x, y]),
        }
        rows = np.intersect1d(given_by_anyone(panel.humans, x), given_by_anyone(panel.humans, y))
        found.append(Finding(TOGETHER, (x, y), float(both[x, y] / either), numbers, rows, panel.humans))
    return found


def defined_alike(panel: Panel, alike: Sequence[Mapping[str, Any]], family: set[CodePair]) -> list[Finding]:
    """Pairs of codes that ``definitions_alike`` found, but for headings and what belongs together.

    Examples are segments to which one of the two was given.
    """
    place = {code: i for i, code in enumerate(panel.codes)}
    found = []
    for row in alike:
        x, y = sorted(place[code] for code in row["codes"])
        if (x, y) in family or not panel.usable[[x, y]].all():
            continue
        numbers = {key: value for key, value in row.items() if key != "codes"}
        of_x, of_y = given_by_anyone(panel.humans, x), given_by_anyone(panel.humans, y)
        rows: IntArray = np.unique(np.concatenate([of_x[:2], of_y[:2]]))
        found.append(Finding(ALIKE, (x, y), float(row["similarity"]), numbers, rows, panel.humans))
    return found
