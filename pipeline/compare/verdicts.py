"""Is the model as good as one more coder? A verdict in words for each code, and for all of them pooled.

On what people coded blind alone: who saw suggestions agrees with the model too easily.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.agreement.alternative_annotator import (
    FEWEST_TRANSCRIPTS,
    alternative_annotator_test,
    published_test,
)
from pipeline.agreement.non_inferiority import (
    count_three,
    non_inferiority,
    non_inferiority_of_mean,
    units_at_stake,
)
from pipeline.agreement.verdict import (
    Verdict,
    verdict_of_alternative,
    verdict_of_non_inferiority,
    verdict_of_too_few_coders,
)
from pipeline.compare.columns import MODEL, BoolArray, Column, IntArray, Panel
from pipeline.compare.rows import number


def verdict_rows(
    panel: Panel, other: Column, *, margin: float, epsilon: float, seed: int
) -> list[dict[str, Any]]:
    """``verdicts`` of agreement.json for one column beside the human coders: all codes (code null), then each code.

    With three coders or more on common segments the alternative annotator test, with two non-inferiority. A coder who
    shares fewer than 10 transcripts cannot be tested by the first; if only two others can, those two are.
    """
    codes = np.flatnonzero(panel.usable & other.codes)
    keys = [None, *(panel.codes[code] for code in codes)]
    humans = _who_can_be_tested(panel, other)
    if len(humans) < 2:
        n_readers = sum(bool((human.seen & other.seen).any()) for human in panel.humans)
        return [_row(other, key, verdict_of_too_few_coders(key or "", n_readers)) for key in keys]
    given = np.array([human.given[:, codes] for human in humans])
    read = np.array([human.seen for human in humans])
    parts = given, read, other.given[:, codes]
    coders = [human.name for human in humans]
    tests = (
        _of_two(panel, other, keys, *parts, margin=margin, seed=seed)
        if len(humans) == 2
        else _of_many(panel, other, keys, *parts, epsilon=epsilon)
    )
    return [row | {"coders": coders} for row in tests]


def _who_can_be_tested(panel: Panel, other: Column) -> list[Column]:
    """The coders who share segments with another and with the column; two of many if only two share enough."""
    n_readers = np.zeros(len(other.seen), dtype=np.intp)
    for human in panel.humans:
        n_readers += human.seen
    shared = other.seen & (n_readers >= 2)
    sharing = [human for human in panel.humans if (human.seen & shared).any()]
    enough = [
        human for human in sharing if len(np.unique(panel.place[human.seen & shared])) >= FEWEST_TRANSCRIPTS
    ]
    return enough if len(enough) == 2 else sharing


def _of_two(
    panel: Panel,
    other: Column,
    keys: Sequence[str | None],
    given: BoolArray,
    read: BoolArray,
    model: BoolArray,
    *,
    margin: float,
    seed: int,
) -> list[dict[str, Any]]:
    counts = count_three(given, read, model, other.seen, panel.place)
    stake = units_at_stake(given, read, model, other.seen)
    any_code = units_at_stake(
        given.any(axis=2, keepdims=True), read, model.any(axis=1, keepdims=True), other.seen
    )
    tests = [
        non_inferiority_of_mean(counts, int(any_code[0]), seed=seed, margin=margin),
        *non_inferiority(counts, stake, seed=seed, margin=margin),
    ]
    return [
        _row(
            other,
            key,
            verdict_of_non_inferiority(key or "", test, who=_called(other)),
            margin=margin,
            method=test.method,
        )
        for key, test in zip(keys, tests, strict=True)
    ]


def _of_many(
    panel: Panel,
    other: Column,
    keys: Sequence[str | None],
    given: BoolArray,
    read: BoolArray,
    model: BoolArray,
    *,
    epsilon: float,
) -> list[dict[str, Any]]:
    rows = []
    for i, key in enumerate(keys):
        take: IntArray = np.arange(given.shape[2]) if key is None else np.array([i - 1])
        parts = given[:, :, take], read, model[:, take], other.seen
        test = alternative_annotator_test(*parts, panel.place, epsilon=epsilon)
        all_units = published_test(*parts, epsilon=epsilon)
        more = {"epsilon": epsilon, "q": test.q, "winning_rate_all_units": number(all_units.winning_rate)}
        rows.append(_row(other, key, verdict_of_alternative(key or "", test, who=_called(other)), **more))
    return rows


def _called(other: Column) -> str:
    return "The model" if other.kind == MODEL else other.name


def _row(other: Column, key: str | None, verdict: Verdict, **more: Any) -> dict[str, Any]:
    return {
        "other": other.name,
        "code": key,
        "class": verdict.kind,
        "verdict": verdict.words,
        "test": verdict.test,
        "why": verdict.why,
        "n_units": verdict.n_units,
        "n_transcripts": verdict.n_transcripts,
        "winning_rate": number(verdict.winning_rate),
        "advantage": number(verdict.advantage),
        "difference": number(verdict.difference),
        "low": number(verdict.low),
        "high": number(verdict.high),
        **more,
    }
