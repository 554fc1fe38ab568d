"""Is the model as good as one more coder? A verdict in words for each code, and for all of them pooled.

On what people coded blind alone: who saw suggestions agrees with the model too easily.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.agreement.alternative_annotator import alternative_annotator_test, published_test
from pipeline.agreement.non_inferiority import count_three, non_inferiority, units_at_stake
from pipeline.agreement.verdict import (
    Verdict,
    verdict_of_alternative,
    verdict_of_non_inferiority,
    verdict_of_too_few_coders,
)
from pipeline.compare.columns import BoolArray, Column, IntArray, Panel
from pipeline.compare.rows import number


def verdict_rows(
    panel: Panel, other: Column, *, margin: float, epsilon: float, seed: int
) -> list[dict[str, Any]]:
    """``verdicts`` of agreement.json for one column beside the human coders: pooled first, then each code.

    With three coders or more on common segments the alternative annotator test, with two non-inferiority.
    """
    codes = np.flatnonzero(panel.usable & other.codes)
    keys = [None, *(panel.codes[code] for code in codes)]
    humans = _who_share(panel.humans, other)
    if len(humans) < 2:
        n_readers = sum(bool((human.seen & other.seen).any()) for human in panel.humans)
        return [_row(other, key, verdict_of_too_few_coders(key or "", n_readers)) for key in keys]
    given = np.array([human.given[:, codes] for human in humans])
    read = np.array([human.seen for human in humans])
    model = other.given[:, codes]
    if len(humans) == 2:
        return _of_two(panel, other, keys, given, read, model, margin=margin, seed=seed)
    return _of_many(panel, other, keys, given, read, model, epsilon=epsilon)


def _who_share(humans: Sequence[Column], other: Column) -> list[Column]:
    """The coders who share a segment with another coder and with the column."""
    n_readers = np.zeros(len(other.seen), dtype=np.intp)
    for human in humans:
        n_readers += human.seen
    shared = other.seen & (n_readers >= 2)
    return [human for human in humans if (human.seen & shared).any()]


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
    counts = np.concatenate([counts.sum(axis=1, keepdims=True), counts], axis=1)
    stake = units_at_stake(given, read, model, other.seen)
    any_code = units_at_stake(
        given.any(axis=2, keepdims=True), read, model.any(axis=1, keepdims=True), other.seen
    )
    pooled, *each = non_inferiority(counts, np.concatenate([any_code, stake]), seed=seed, margin=margin)
    # What is pooled is cells, a segment and a code; units are segments all the same.
    tests = [replace(pooled, n_units=int((read.all(axis=0) & other.seen).sum())), *each]
    return [
        _row(other, key, verdict_of_non_inferiority(key or "", test), margin=margin, method=test.method)
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
        rows.append(_row(other, key, verdict_of_alternative(key or "", test), **more))
    return rows


def _row(other: Column, key: str | None, verdict: Verdict, **more: Any) -> dict[str, Any]:
    return {
        "other": other.name,
        "code": key,
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
