"""Alpha over sets of codes with thousands of transcripts: the same numbers as from distances between transcripts."""

from __future__ import annotations

import numpy as np
import pytest

import pipeline.agreement.set_agreement as set_agreement_module
from pipeline.agreement.set_agreement import set_agreement
from pipeline.agreement.sets import SetDistance, alpha_over_sets

Table = list[list[frozenset[int] | None]]


def invented(n_transcripts: int, *, missing: float, seed: int = 0) -> tuple[Table, np.ndarray]:
    """Two units a transcript, three coders who give up to three of five codes and often agree."""
    random = np.random.default_rng(seed)
    table: Table = []
    for _ in range(2 * n_transcripts):
        true = random.random(5) < 0.2
        row = [np.where(random.random(5) < 0.1, ~true, true) for _ in range(3)]
        table.append(
            [None if random.random() < missing else frozenset(np.flatnonzero(r).tolist()) for r in row]
        )
    return table, np.repeat(np.arange(n_transcripts), 2)


@pytest.mark.parametrize("distance", ["masi", "jaccard"])
@pytest.mark.parametrize("n_transcripts", [40, 60])
@pytest.mark.parametrize("missing", [0.0, 0.6])
def test_distinct_sets_and_transcripts_give_the_same_alpha_and_interval(
    distance: SetDistance, n_transcripts: int, missing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, place = invented(n_transcripts, missing=missing)
    statistic, interval = set_agreement(table, place, distance=distance, seed=1)
    monkeypatch.setattr(set_agreement_module, "FEW_TRANSCRIPTS", 0)
    other, by_sets = set_agreement(table, place, distance=distance, seed=1)
    assert statistic.value == pytest.approx(alpha_over_sets(table, distance=distance).value, abs=1e-12)
    assert other.value == pytest.approx(statistic.value, abs=1e-12)
    assert (by_sets.low, by_sets.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert (by_sets.method, by_sets.n_transcripts) == (interval.method, interval.n_transcripts)


def test_one_odd_set_in_one_transcript_leaves_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_agreement_module, "FEW_TRANSCRIPTS", 0)
    table: Table = [[frozenset({1}), frozenset({1})] for _ in range(40)]
    table[7] = [frozenset({1}), frozenset({2})]
    statistic, interval = set_agreement(table, np.arange(40), distance="masi", seed=0)
    assert statistic.defined
    assert interval.reason == "undefined without one of the transcripts: it hangs on that one"


def test_everybody_the_same_has_no_alpha_over_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_agreement_module, "FEW_TRANSCRIPTS", 0)
    table: Table = [[frozenset({1}), frozenset({1})] for _ in range(40)]
    statistic, interval = set_agreement(table, np.arange(40), distance="jaccard", seed=0)
    assert statistic.reason == "no variation: every value that can be paired is the same"
    assert interval.reason
