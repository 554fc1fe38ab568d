"""Means over codes: of one code they are that code, and what hangs on one transcript is said."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.agreement.many import MANY_STATISTICS, count_many, many_intervals, mean_over_codes


def sums_of(given: np.ndarray, n_transcripts: int) -> np.ndarray:
    """(t, k, 7) of what coders gave (c, n, k) in transcripts of equal length, all of it read."""
    parts = np.split(given, n_transcripts, axis=1)
    return np.array([count_many(part, np.ones(part.shape[:2], dtype=bool)) for part in parts])


def held_by(n_holding: int, *, n_transcripts: int, k: int = 1, seed: int = 0) -> np.ndarray:
    """Sums of three coders and k codes that stand in the first transcripts alone."""
    rng = np.random.default_rng(seed)
    n = 20 * n_transcripts
    holds = (np.arange(n) < 20 * n_holding)[:, None]
    true = (rng.random((n, k)) < 0.4) & holds
    return sums_of(true ^ ((rng.random((3, n, k)) < 0.1) & holds), n_transcripts)


@pytest.mark.parametrize("n_holding", [3, 8, 20, 35, 40])
def test_mean_of_one_code_has_the_interval_of_that_code(n_holding: int) -> None:
    sums = held_by(n_holding, n_transcripts=40)
    each, mean = (of(sums, MANY_STATISTICS, seed=3) for of in (many_intervals, mean_over_codes))
    assert {key: repr(found) for key, found in mean.items()} == {
        key: repr(found[0]) for key, found in each.items()
    }


def test_mean_of_codes_that_few_transcripts_hold_has_no_interval_however_many_do_not() -> None:
    sums = held_by(3, n_transcripts=40, k=4)
    found = mean_over_codes(sums, ["krippendorff_alpha"], seed=0)["krippendorff_alpha"]
    assert found.reason == "too few transcripts with one of the codes: 3, at least 8 needed"


def test_nominal_coverage_is_what_was_asked_for() -> None:
    sums = held_by(12, n_transcripts=12, k=2)
    wide, narrow = (
        mean_over_codes(sums, ["fleiss_kappa"], seed=0, level=level)["fleiss_kappa"] for level in (0.95, 0.5)
    )
    assert (wide.level, narrow.level) == (0.95, 0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def in_one_transcript_each(n_everywhere: int, n_hanging: int) -> np.ndarray:
    """Sums of two coders on 12 transcripts: some codes stand in all of them, others in one each."""
    everywhere = held_by(12, n_transcripts=12, k=n_everywhere, seed=1)
    hanging = np.zeros((2, 240, n_hanging), dtype=bool)
    for j in range(n_hanging):
        hanging[0, 20 * j : 20 * j + 6, j] = hanging[1, 20 * j + 4 : 20 * j + 10, j] = True
    return np.concatenate([everywhere, sums_of(hanging, 12)], axis=1)


def test_codes_that_hang_on_one_transcript_are_counted() -> None:
    sums = in_one_transcript_each(3, 2)
    found = mean_over_codes(sums, ["krippendorff_alpha", "percent_agreement"], seed=0)
    assert found["krippendorff_alpha"].method == (
        "jackknife over 12 transcripts, t(11); 2 of 5 codes, which hang on one transcript each, left out without it"
    )
    assert "hang" not in found["percent_agreement"].method


def test_where_most_codes_hang_on_one_transcript_the_mean_has_no_interval() -> None:
    sums = in_one_transcript_each(1, 5)
    found = mean_over_codes(sums, ["krippendorff_alpha"], seed=0)["krippendorff_alpha"]
    assert found.reason == "5 of 6 codes hang on one transcript each: undefined without it"
    assert np.isnan([found.low, found.high]).all()
    assert found.method == ""
