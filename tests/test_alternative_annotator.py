"""The alternative annotator test: the published numbers, another computation, and what must always hold."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from pipeline.agreement.alternative_annotator import (
    ALWAYS,
    FREQUENT,
    AlternativeAnnotator,
    alternative_annotator_test,
    published_test,
)
from pipeline.agreement.chance import least_alpha
from pipeline.agreement.hypotheses import benjamini_yekutieli, one_sided
from pipeline.agreement.many import count_many, many_intervals
from pipeline.agreement.verdict import verdict_of_alternative

PUBLISHED = json.loads(
    (Path(__file__).parent / "published_alternative_annotator.json").read_text(encoding="utf-8")
)


def mt_bench() -> np.ndarray:
    """(5, 120): three coders and two models; "a", "b", "t", or "-" where not judged."""
    rows = [[list(pair) for pair in row.split()] for row in PUBLISHED["pairs"].values()]
    return np.array(rows).transpose(1, 0, 2).reshape(5, -1)


def coders_and_model(
    *, seed: int, n_transcripts: int = 12, n_units: int = 30, c: int = 3, k: int = 1, error: float = 0.1
) -> list[Any]:
    """Arguments of the test: c coders and a model who all err alike about the same truth."""
    rng = np.random.default_rng(seed)
    n = n_transcripts * n_units
    truth = rng.random((n, k)) < 0.3
    gave = truth ^ (rng.random((c + 1, n, k)) < error)
    transcripts = np.repeat(np.arange(n_transcripts), n_units)
    return [gave[:-1], np.ones((c, n), dtype=bool), gave[-1], np.ones(n, dtype=bool), transcripts]


def naive(
    gave: np.ndarray, read: np.ndarray, model: np.ndarray, transcripts: np.ndarray, *, epsilon: float
) -> list[tuple[float, float, float]]:
    """rho_f, rho_h and p by coder, unit by unit as the paper writes it, means within transcripts, then over codes."""
    result = []
    for j in range(len(gave)):
        by_transcript: dict[int, dict[int, list[tuple[int, int]]]] = {}
        for i, k in np.ndindex(model.shape):
            others = [m for m in range(len(gave)) if m != j and read[m, i]]
            at_stake = model[i, k] or any(gave[m, i, k] for m in range(len(gave)) if read[m, i])
            if not (read[j, i] and others and at_stake):
                continue
            s_f = sum(int(model[i, k] == gave[m, i, k]) for m in others)
            s_h = sum(int(gave[j, i, k] == gave[m, i, k]) for m in others)
            by_code = by_transcript.setdefault(int(transcripts[i]), {})
            by_code.setdefault(k, []).append((s_f >= s_h, s_h >= s_f))
        means = np.array(
            [
                np.mean([np.mean(wins, axis=0) for wins in by_code.values()], axis=0)
                for by_code in by_transcript.values()
            ]
        )
        d = means[:, 1] - means[:, 0]
        p = float(stats.ttest_1samp(d, epsilon, alternative="less").pvalue)
        result.append((float(means[:, 0].mean()), float(means[:, 1].mean()), p))
    return result


@pytest.mark.parametrize(("row", "name"), [(3, "gemini_flash"), (4, "gemini_pro")])
def test_published_winning_rate_and_advantage_come_out(row: int, name: str) -> None:
    values = mt_bench()
    coded = values[..., None] == np.array(["a", "b", "t"])
    found = published_test(
        coded[:3], values[:3] != "-", coded[row], values[row] != "-", epsilon=PUBLISHED["epsilon"]
    )
    expected = PUBLISHED["published"][name]
    assert found.winning_rate == expected["winning_rate"]
    assert round(found.advantage, 2) == expected["advantage"]
    assert [coder.n_units for coder in found.coders] == [74, 84, 88]


def test_published_numbers_would_win_against_one_coder_without_control_over_coders() -> None:
    values = mt_bench()
    coded = values[..., None] == np.array(["a", "b", "t"])
    found = published_test(coded[:3], values[:3] != "-", coded[4], values[4] != "-", epsilon=0.2)
    assert sum(coder.p < 0.05 for coder in found.coders) == 1
    assert found.winning_rate == 0


@pytest.mark.parametrize("k", [1, 4])
def test_numbers_are_those_of_the_paper_written_out(k: int) -> None:
    gave, read, model, seen, transcripts = coders_and_model(seed=k, k=k, c=4, error=0.2)
    read = np.random.default_rng(k).random(read.shape) < 0.8
    found = alternative_annotator_test(gave, read, model, seen, transcripts, epsilon=0.15)
    expected = naive(gave, read, model, transcripts, epsilon=0.15)
    numbers = [(coder.rho_f, coder.rho_h, coder.p) for coder in found.coders]
    np.testing.assert_allclose(numbers, expected, atol=1e-12)
    p = [coder.p for coder in found.coders]
    assert [coder.rejected for coder in found.coders] == multipletests(p, 0.05, "fdr_by")[0].tolist()
    assert found.advantage == pytest.approx(np.mean([rho for rho, _, _ in expected]), abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.01, 0.3))
def test_control_over_several_is_that_of_statsmodels(p: list[float], q: float) -> None:
    assert benjamini_yekutieli(p, q=q).tolist() == multipletests(p, q, "fdr_by")[0].tolist()


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(4)), st.integers(0, 1000))
def test_renaming_coders_changes_nothing_but_their_order(order: list[int], seed: int) -> None:
    arrays = coders_and_model(seed=seed, c=4, error=0.2)
    first = alternative_annotator_test(*arrays, epsilon=0.1)
    other = alternative_annotator_test(arrays[0][order], arrays[1][order], *arrays[2:], epsilon=0.1)
    assert (first.winning_rate, first.losing_rate) == (other.winning_rate, other.losing_rate)
    assert first.advantage == pytest.approx(other.advantage, abs=1e-12)
    assert [first.coders[j].p for j in order] == [coder.p for coder in other.coders]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_model_and_left_out_coder_exchanged_exchange_their_numbers(seed: int) -> None:
    gave, read, model, seen, transcripts = coders_and_model(seed=seed, error=0.2)
    changed = gave.copy()
    changed[0] = model
    one = alternative_annotator_test(gave, read, model, seen, transcripts, epsilon=0).coders[0]
    two = alternative_annotator_test(changed, read, gave[0], seen, transcripts, epsilon=0).coders[0]
    assert (one.rho_f, one.rho_h) == (two.rho_h, two.rho_f)
    assert one.p == pytest.approx(two.p_worse, abs=1e-9)


@pytest.mark.parametrize("copied", [0, 1, 2])
def test_copy_of_a_coder_passes_where_coders_agree_well(copied: int) -> None:
    arrays = coders_and_model(seed=copied, n_transcripts=20, error=0.03)
    arrays[2] = arrays[0][copied]
    found = alternative_annotator_test(*arrays, epsilon=0.1)
    assert found.passes
    assert found.constant_passes == ""


def test_unanimity_is_decided_by_comparing_with_epsilon() -> None:
    arrays = coders_and_model(seed=0, error=0)
    for epsilon, passes in [(0.1, True), (0.0, False)]:
        found = alternative_annotator_test(*arrays, epsilon=epsilon)
        assert found.passes is passes
        assert not found.fails
        assert {coder.p for coder in found.coders} == {0.0 if passes else 1.0}


@pytest.mark.parametrize(("value", "p"), [(0.1, (0.0, 1.0)), (0.2, (1.0, 1.0)), (0.3, (1.0, 0.0))])
def test_differences_all_the_same_give_no_t_but_a_comparison(value: float, p: tuple[float, float]) -> None:
    assert one_sided(np.full(12, value), epsilon=0.2) == p


def test_units_to_which_nobody_gave_the_code_change_the_published_test_alone() -> None:
    gave, read, model, seen, transcripts = coders_and_model(seed=3, error=0.15)
    more = [
        np.concatenate([gave, np.zeros_like(gave)], axis=1),
        np.concatenate([read, read], axis=1),
        np.concatenate([model, np.zeros_like(model)]),
        np.concatenate([seen, seen]),
        np.concatenate([transcripts, transcripts]),
    ]
    few = alternative_annotator_test(gave, read, model, seen, transcripts, epsilon=0.1)
    many = alternative_annotator_test(*more, epsilon=0.1)
    assert replace(many, coders_low=few.coders_low) == few
    assert many.coders_low > few.coders_low  # alpha is corrected for chance, and of all units
    assert (
        published_test(*more[:4], epsilon=0.1).advantage
        > published_test(gave, read, model, seen, epsilon=0.1).advantage
    )


def test_model_that_never_gives_a_rare_code_passes_as_published_and_not_over_units_at_stake() -> None:
    arrays = coders_and_model(seed=5, n_transcripts=20, error=0.0)
    rare = np.random.default_rng(5).random(arrays[0].shape[1:]) < 0.05
    never = [np.stack([rare] * 3), arrays[1], np.zeros_like(rare), *arrays[3:]]
    assert published_test(*never[:4], epsilon=0.1).passes
    found = alternative_annotator_test(*never, epsilon=0.1)
    assert found.fails
    assert not found.passes


def test_where_coders_hardly_agree_it_is_said_that_never_giving_the_code_passes() -> None:
    arrays = coders_and_model(seed=7, n_transcripts=20)
    rng = np.random.default_rng(7)
    arrays[0], arrays[2] = rng.random(arrays[0].shape) < 0.05, rng.random(arrays[2].shape) < 0.05
    assert alternative_annotator_test(*arrays, epsilon=0.1).constant_passes == "never"


def frequent_and_rare(*, seed: int, shares: tuple[float, ...]) -> list[Any]:
    """Three good coders of codes with these prevalences; no model yet."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(20), 30)
    truth = rng.random((600, len(shares))) < shares
    gave = truth ^ (rng.random((3, *truth.shape)) < np.where(truth, 0.05, 0.004))
    return [gave, np.ones(gave.shape[:2], dtype=bool), truth, np.ones(600, dtype=bool), place]


@pytest.mark.parametrize("shares", [(0.9, 0.05, 0.05, 0.05), (0.8, 0.1, 0.1, 0.1, 0.1), (0.9, 0.9, 0.05)])
def test_model_that_gives_the_frequent_code_and_nothing_else_is_no_coder(shares: tuple[float, ...]) -> None:
    arrays = frequent_and_rare(seed=3, shares=shares)
    arrays[2] = np.zeros_like(arrays[2])
    arrays[2][:, 0] = True
    found = alternative_annotator_test(*arrays, epsilon=0.2)
    assert not found.passes or found.constant_passes
    assert not verdict_of_alternative("", found).as_good
    arrays[2] = frequent_and_rare(seed=3, shares=shares)[0][0]
    assert verdict_of_alternative("", alternative_annotator_test(*arrays, epsilon=0.2)).as_good


def test_each_code_counts_the_same_however_frequent_it_is() -> None:
    """As good as the coders on one code of four, hopeless on the others: pooled cells are nearly all of the first."""
    arrays = frequent_and_rare(seed=3, shares=(0.9, 0.05, 0.05, 0.05))
    arrays[2][:, 1:] = False
    each = [
        alternative_annotator_test(
            arrays[0][..., [k]], arrays[1], arrays[2][:, [k]], *arrays[3:], epsilon=0.2
        )
        for k in range(4)
    ]
    assert [one.passes for one in each] == [True, False, False, False]
    assert alternative_annotator_test(*arrays, epsilon=0.2).winning_rate == 0


def test_model_that_follows_frequencies_alone_is_among_the_constants() -> None:
    """Coders who hardly differ from always for two codes: giving just these passes."""
    arrays = frequent_and_rare(seed=0, shares=(0.95, 0.95))
    found = alternative_annotator_test(*arrays, epsilon=0.2)
    assert found.constant_passes == f"{ALWAYS} or {FREQUENT}"


def test_coders_who_draw_lots_are_no_standard_on_one_code_or_on_all() -> None:
    """Of 100 studies in which coders and model draw lots at prevalences far apart hardly any says anything."""
    as_good = [0, 0]
    for seed in range(100):
        rng = np.random.default_rng(seed)
        gave = rng.random((4, 300, 3)) < [0.92, 0.05, 0.04]
        arrays = [gave[:3], np.ones((3, 300), dtype=bool), gave[3], np.ones(300, dtype=bool)]
        for place, k in enumerate(([0, 1, 2], [0])):
            found = alternative_annotator_test(
                arrays[0][..., k],
                arrays[1],
                arrays[2][:, k],
                arrays[3],
                np.repeat(np.arange(20), 15),
                epsilon=0.2,
            )
            as_good[place] += verdict_of_alternative("", found).as_good
    assert max(as_good) <= 7  # 2.5 in a hundred, and three standard errors


@pytest.mark.parametrize("read_by", [2, 3])
def test_lower_bound_of_the_coders_is_that_of_their_alpha_on_what_the_model_read(read_by: int) -> None:
    gave, read, _, seen, transcripts = coders_and_model(seed=1, error=0.2)
    read[2], seen = read[2] & (read_by == 3), seen & (transcripts > 1)
    read[2, transcripts == 4] = False
    found = least_alpha(gave, read & seen, transcripts)
    here = [np.flatnonzero(transcripts == t) for t in range(2, 12)]
    sums = np.array([count_many(gave[:, units], read[:, units]) for units in here])
    (expected,) = many_intervals(sums, ["krippendorff_alpha"], seed=0)["krippendorff_alpha"]
    assert found == pytest.approx(expected.low, abs=1e-12)


def test_coders_who_agree_on_everything_agree_better_than_chance() -> None:
    gave, read, _, _, transcripts = coders_and_model(seed=0, error=0)
    assert least_alpha(gave, read, transcripts) == 1
    assert math.isnan(least_alpha(np.zeros_like(gave), read, transcripts))
    assert math.isnan(least_alpha(gave & (transcripts < 7)[:, None], read, transcripts))


def undefined(change: str) -> AlternativeAnnotator:
    gave, read, model, seen, transcripts = coders_and_model(
        seed=0, n_transcripts=7 if change == "transcripts" else 12
    )
    read = read.copy()
    if change == "coders":
        read[2] = False
    elif change == "overlap":
        read[2] = transcripts < 5
    elif change == "nobody":
        gave, model = np.zeros_like(gave), np.zeros_like(model)
    elif change == "unseen":
        seen = np.zeros_like(seen)
    return alternative_annotator_test(gave, read, model, seen, transcripts, epsilon=0.1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("transcripts", "too few transcripts: 7, at least 10 needed"),
        ("coders", "too few coders: 2, at least 3 needed"),
        ("overlap", "too few coders: 2 with 10 transcripts or more, at least 3 needed"),
        ("nobody", "no unit to which anybody gave the code, read by two coders and the model"),
        ("unseen", "no unit to which anybody gave the code, read by two coders and the model"),
    ],
)
def test_what_cannot_be_tested_has_a_reason_and_no_number(change: str, reason: str) -> None:
    found = undefined(change)
    assert found.reason == reason
    assert math.isnan(found.winning_rate)
    assert math.isnan(found.losing_rate)
    assert math.isnan(found.advantage)
    assert not found.passes
    assert not found.fails


def test_coder_without_units_in_common_is_set_aside_with_the_reason() -> None:
    gave, read, model, seen, transcripts = coders_and_model(seed=0, c=4, error=0.05)
    read = read.copy()
    read[3] = False
    found = alternative_annotator_test(gave, read, model, seen, transcripts, epsilon=0.2)
    assert found.coders[3].reason == "no unit that this coder, another coder and the model read"
    assert math.isnan(found.coders[3].p)
    without = alternative_annotator_test(gave[:3], read[:3], model, seen, transcripts, epsilon=0.2)
    assert (found.winning_rate, found.advantage) == (without.winning_rate, without.advantage)


def test_what_a_coder_gave_without_reading_does_not_count() -> None:
    gave, read, model, seen, transcripts = coders_and_model(seed=1, c=4)
    read = np.random.default_rng(0).random(read.shape) < 0.7
    found = alternative_annotator_test(gave, read, model, seen, transcripts, epsilon=0.2)
    changed = alternative_annotator_test(gave ^ ~read[..., None], read, model, seen, transcripts, epsilon=0.2)
    assert found == changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsilon": 1.5}, "epsilon is 1.5, expected 0..1"),
        ({"epsilon": 0.1, "q": 0}, "q is 0, expected"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        alternative_annotator_test(*coders_and_model(seed=0), **change)


def test_arrays_of_unequal_length_are_refused() -> None:
    gave, read, model, seen, transcripts = coders_and_model(seed=0)
    with pytest.raises(ValueError, match=r"model_seen has shape \(10,\), expected \(360,\)"):
        alternative_annotator_test(gave, read, model, seen[:10], transcripts, epsilon=0.1)
