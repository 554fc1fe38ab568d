"""Non-inferiority with two coders, verdicts in words, and how often both tests are wrong."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from pipeline.agreement.alternative_annotator import (
    AlternativeAnnotator,
    LeftOut,
    alternative_annotator_test,
)
from pipeline.agreement.intervals import pair_intervals
from pipeline.agreement.non_inferiority import (
    MARGIN,
    NonInferiority,
    count_three,
    non_inferiority,
    non_inferiority_of_mean,
    units_at_stake,
)
from pipeline.agreement.verdict import (
    AS_GOOD,
    NOT_SHOWN,
    WORSE,
    Verdict,
    verdict_of_alternative,
    verdict_of_non_inferiority,
    verdict_of_too_few_coders,
)
from tests.benchmarks.verdicts import (
    AT_MARGIN,
    EPSILON,
    alternative_words,
    non_inferiority_words,
    true_loss_of_kappa,
    true_shortfall,
)

N_STUDIES = 400


def two_coders(*, seed: int, n_transcripts: int = 12, error: float = 0.1, k: int = 1) -> list[Any]:
    """given, read, model, model_seen, transcripts: all err alike about the same truth."""
    rng = np.random.default_rng(seed)
    n = 30 * n_transcripts
    gave = (rng.random((n, k)) < 0.3) ^ (rng.random((3, n, k)) < error)
    return [
        gave[:2],
        np.ones((2, n), dtype=bool),
        gave[2],
        np.ones(n, dtype=bool),
        np.repeat(np.arange(n_transcripts), 30),
    ]


def non_inferiority_of(arrays: list[Any], *, margin: float = MARGIN) -> NonInferiority:
    (found,) = non_inferiority(count_three(*arrays), units_at_stake(*arrays[:4]), seed=0, margin=margin)
    return found


def alternative(*, won: int, lost: int, n_coders: int, **changed: Any) -> AlternativeAnnotator:
    coders = tuple(
        LeftOut(j, 0.8, 0.9, 0.01, 0.99, 40, 12, rejected=j < won, lost=j >= n_coders - lost)
        for j in range(n_coders)
    )
    return replace(
        AlternativeAnnotator(
            epsilon=0.2, q=0.05, coders=coders, n_units=40, n_transcripts=12, coders_low=0.5
        ),
        **changed,
    )


def interval(low: float, high: float, **changed: Any) -> NonInferiority:
    found = NonInferiority(
        (low + high) / 2, low, high, 0.6, 0.65, 0.1, 500, 60, 12, method="jackknife", coders_low=0.5
    )
    return replace(found, **changed)


def test_kappas_are_those_of_scikit_learn_on_the_units_that_all_three_read() -> None:
    gave, read, model, seen, transcripts = two_coders(seed=0)
    rng = np.random.default_rng(1)
    read, seen = rng.random(read.shape) < 0.8, rng.random(seen.shape) < 0.8
    found = non_inferiority_of([gave, read, model, seen, transcripts])
    common = read.all(axis=0) & seen
    first, second, model = gave[0, common, 0], gave[1, common, 0], model[common, 0]
    kappas = [cohen_kappa_score(model, coder) for coder in (first, second)]
    assert found.kappa_model == pytest.approx(np.mean(kappas), abs=1e-12)
    assert found.kappa_coders == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    assert found.difference == pytest.approx(found.kappa_model - found.kappa_coders, abs=1e-12)
    assert found.n_units == common.sum()
    assert found.n_at_stake == (first | second | model).sum()


def test_bounds_are_the_jackknife_of_the_paired_difference() -> None:
    arrays = two_coders(seed=0)
    found = non_inferiority_of(arrays)

    def without(transcript: int) -> float:
        keep = arrays[4] != transcript
        first, second, model = arrays[0][0, keep, 0], arrays[0][1, keep, 0], arrays[2][keep, 0]
        kappas = [cohen_kappa_score(model, coder) for coder in (first, second)]
        return float(np.mean(kappas)) - float(cohen_kappa_score(first, second))

    values = np.array([without(transcript) for transcript in range(12)])
    se = math.sqrt(11 / 12 * np.square(values - values.mean()).sum())
    t = stats.t.ppf(0.95, 11)
    expected = (found.difference - t * se, found.difference + t * se)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_exchanging_the_two_coders_changes_nothing(seed: int) -> None:
    gave, *rest = two_coders(seed=seed)
    one, two = non_inferiority_of([gave, *rest]), non_inferiority_of([gave[::-1], *rest])
    assert (one.low, one.high) == pytest.approx((two.low, two.high), abs=1e-9)


def test_several_codes_at_once_are_what_each_is_alone() -> None:
    gave, read, model, seen, transcripts = two_coders(seed=0, k=3)
    together = non_inferiority(
        count_three(gave, read, model, seen, transcripts), units_at_stake(gave, read, model, seen), seed=0
    )
    for k in range(3):
        assert together[k] == non_inferiority_of([gave[..., [k]], read, model[:, [k]], seen, transcripts])


def test_perfect_agreement_of_all_is_non_inferior_by_comparison() -> None:
    found = non_inferiority_of(two_coders(seed=0, error=0))
    assert found.passes
    assert found.method == "each of 12 transcripts gives the same difference"
    assert (found.low, found.high) == (0, 0)


@pytest.mark.parametrize("k", [1, 3])
def test_perfect_agreement_of_all_on_each_code_is_so_on_all_codes(k: int) -> None:
    arrays = two_coders(seed=0, error=0, k=k)
    found = non_inferiority_of_mean(count_three(*arrays), int(arrays[2].any(axis=1).sum()), seed=0)
    assert (found.low, found.high, found.coders_low) == (0, 0, 1)
    assert verdict_of_non_inferiority("", found).as_good


@pytest.mark.parametrize("n_holding", [5, 8, 20, 35, 40])
def test_mean_of_one_code_is_that_code(n_holding: int) -> None:
    """Also the interval: a code that 8 of 40 transcripts hold stands on 8, whatever it is called."""
    arrays = two_coders(seed=3, n_transcripts=40)
    held = (arrays[4] < n_holding)[:, None]
    arrays[0], arrays[2] = arrays[0] & held, arrays[2] & held
    n_at_stake = units_at_stake(*arrays[:4])[0]
    mean = non_inferiority_of_mean(count_three(*arrays), int(n_at_stake), seed=0)
    assert repr(mean) == repr(non_inferiority_of(arrays))


def test_kappas_of_all_codes_are_the_means_of_each() -> None:
    arrays = two_coders(seed=0, k=3)
    counts, stake = count_three(*arrays), units_at_stake(*arrays[:4])
    each, mean = non_inferiority(counts, stake, seed=0), non_inferiority_of_mean(counts, 100, seed=0)
    for name in ("kappa_model", "kappa_coders", "difference"):
        assert getattr(mean, name) == pytest.approx(np.mean([getattr(one, name) for one in each]), abs=1e-12)
    assert mean.n_units == each[0].n_units


def test_lower_bound_of_the_coders_is_that_of_their_own_kappa() -> None:
    arrays = two_coders(seed=0)
    found = non_inferiority_of(arrays)
    own = pair_intervals(count_three(*arrays)[:, :, 0], ["cohen_kappa"], seed=0)["cohen_kappa"][0]
    assert found.coders_low == pytest.approx(own.low, abs=1e-12)
    assert found.coders_agree


def test_pairs_on_different_units_are_refused() -> None:
    counts = count_three(*two_coders(seed=0))
    counts[0, 0, 1, 0] += 1
    with pytest.raises(ValueError, match="do not have the same units"):
        non_inferiority(counts, [60], seed=0)


def test_three_coders_are_refused_by_the_test_for_two() -> None:
    gave, read, *rest = two_coders(seed=0)
    with pytest.raises(ValueError, match="exactly two coders"):
        count_three(np.concatenate([gave, gave[:1]]), np.concatenate([read, read[:1]]), *rest)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (alternative(won=2, lost=0, n_coders=3), AS_GOOD),
        (alternative(won=1, lost=0, n_coders=3), NOT_SHOWN),
        (alternative(won=0, lost=2, n_coders=3), WORSE),
        (alternative(won=2, lost=2, n_coders=4), NOT_SHOWN),
        (alternative(won=3, lost=0, n_coders=3, constant_passes="never"), NOT_SHOWN),
        (alternative(won=3, lost=0, n_coders=3, coders_low=0.0), NOT_SHOWN),
        (alternative(won=3, lost=0, n_coders=3, coders_low=math.nan), NOT_SHOWN),
        (alternative(won=0, lost=3, n_coders=3, coders_low=-0.1), WORSE),
        (alternative(won=3, lost=0, n_coders=3, n_units=9), "too few units (n = 9)"),
        (alternative(won=2, lost=0, n_coders=2, reason="too few coders"), "too few coders (n = 2)"),
        (
            alternative(won=0, lost=0, n_coders=3, n_transcripts=7, reason="too few"),
            "too few transcripts (n = 7)",
        ),
    ],
)
def test_words_of_the_alternative_annotator_test(found: AlternativeAnnotator, words: str) -> None:
    verdict = verdict_of_alternative("trust", found)
    assert verdict.words == words
    assert verdict.as_good is (words == AS_GOOD)
    assert verdict.why.endswith(".")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (interval(-0.09, 0.05), AS_GOOD),
        (interval(-0.10, 0.05), NOT_SHOWN),
        (interval(-0.3, -0.11), WORSE),
        (interval(-0.05, 0.05, constant_passes=True), NOT_SHOWN),
        (interval(-0.05, 0.05, coders_low=0.0), NOT_SHOWN),
        (interval(-0.05, 0.05, coders_low=math.nan), NOT_SHOWN),
        (interval(-0.3, -0.11, coders_low=-0.1), WORSE),
        (interval(math.nan, math.nan, reason="kappa is undefined"), NOT_SHOWN),
        (interval(-0.05, 0.05, n_at_stake=9), "too few units (n = 9)"),
        (interval(math.nan, math.nan, n_transcripts=7, reason="few"), "too few transcripts (n = 7)"),
    ],
)
def test_words_of_non_inferiority(found: NonInferiority, words: str) -> None:
    verdict = verdict_of_non_inferiority("trust", found)
    assert verdict.words == words
    assert verdict.why.endswith(".")


def test_reasons_carry_the_numbers() -> None:
    why = verdict_of_alternative("trust", alternative(won=2, lost=0, n_coders=3)).why
    assert why == (
        "The model held its own against 2 of 3 coders: on 40 segments of 12 transcripts it was as close to the "
        "other coders as the coder left out, or closer, 80 % of the time (mean over transcripts), and that coder "
        "90 % (allowance 20 %)."
    )
    assert verdict_of_non_inferiority("trust", interval(-0.09, 0.05)).why == (
        "The model agrees with the coders no worse than the margin allows: kappa 0.60 with the coders, 0.65 "
        "between them, difference −0.02 (90 % interval −0.09 to +0.05, margin 0.10), on 500 segments of 12 "
        "transcripts."
    )
    assert verdict_of_too_few_coders("trust", 1).words == "too few coders (n = 1)"


def test_code_given_in_few_transcripts_is_too_few_transcripts() -> None:
    arrays = two_coders(seed=0)
    rare = arrays[4] < 7
    arrays[0], arrays[2] = arrays[0] & rare[:, None], arrays[2] & rare[:, None]
    found = non_inferiority_of(arrays)
    assert found.reason == "too few transcripts with the code: 7, at least 8 needed"
    assert math.isnan(found.low)
    assert verdict_of_non_inferiority("trust", found).words == "too few transcripts (n = 7)"


def test_kappa_that_is_undefined_gives_no_verdict_but_the_reason() -> None:
    arrays = two_coders(seed=0)
    arrays[0] = np.zeros_like(arrays[0])
    verdict = verdict_of_non_inferiority("trust", non_inferiority_of(arrays))
    assert verdict.words == NOT_SHOWN
    assert "of a pair, both always or both never gave the code" in verdict.why


def test_no_unit_that_all_read_is_too_few_units() -> None:
    arrays = two_coders(seed=0)
    arrays[3] = np.zeros_like(arrays[3])
    assert verdict_of_non_inferiority("trust", non_inferiority_of(arrays)).words == "too few units (n = 0)"


def verdict_of(model: np.ndarray, *, n_coders: int, prevalence: float, error: float, seed: int) -> Verdict:
    """The verdict on a given model whose coders err so about a code as frequent as this."""
    rng = np.random.default_rng(seed)
    truth = rng.random(len(model)) < prevalence
    gave = (truth ^ (rng.random((n_coders, len(model))) < error))[..., None]
    everywhere = np.ones(gave.shape[:2], dtype=bool)
    place = np.repeat(np.arange(20), len(model) // 20)
    arrays = [gave, everywhere, model[:, None], everywhere[0], place]
    if n_coders == 2:
        return verdict_of_non_inferiority("trust", non_inferiority_of(arrays))
    return verdict_of_alternative("trust", alternative_annotator_test(*arrays, epsilon=0.2))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 5),
    st.floats(0, 0.9),
    st.floats(0, 0.5),
    st.sampled_from([False, True]),
    st.integers(0, 99),
)
def test_model_that_gives_the_code_never_or_always_is_never_as_good_as_a_coder(
    n_coders: int, prevalence: float, error: float, always: bool, seed: int
) -> None:
    model = np.full(400, always)
    assert not verdict_of(model, n_coders=n_coders, prevalence=prevalence, error=error, seed=seed).as_good


@pytest.mark.parametrize("n_coders", [2, 3, 5])
@pytest.mark.parametrize("error", [0.02, 0.1, 0.3, 0.5])
def test_random_model_is_not_as_good_as_a_coder(n_coders: int, error: float) -> None:
    rng = np.random.default_rng(1000)
    words = [
        verdict_of(rng.random(600) < 0.2, n_coders=n_coders, prevalence=0.2, error=error, seed=seed).words
        for seed in range(10)
    ]
    assert AS_GOOD not in words


def test_lapses_at_the_margin_are_there() -> None:
    assert true_shortfall(AT_MARGIN["alternative"]) == pytest.approx(EPSILON, abs=0.003)
    assert true_loss_of_kappa(AT_MARGIN["non-inferiority"]) == pytest.approx(MARGIN, abs=0.003)


def shares(test: str, *, n_transcripts: int, lapses: float) -> Counter[str]:
    """Share of simulated studies by verdict; lapses: the model's, in lapses at the margin."""
    words = alternative_words if test == "alternative" else non_inferiority_words
    found = Counter(words(N_STUDIES, n_transcripts=n_transcripts, lapse=lapses * AT_MARGIN[test]))
    return Counter({word: n / N_STUDIES for word, n in found.items()})


# Measured by tests.benchmarks.verdicts, 400 studies: as good .010, .015 and .043, .055; worse .010, .020 and
# .048, .040. The first test stays below .05 since half of the coders must be won, with control over them.
@pytest.mark.parametrize("n_transcripts", [10, 20])
@pytest.mark.parametrize("test", ["alternative", "non-inferiority"])
def test_at_the_margin_neither_verdict_is_given_more_often_than_a_test_at_five_in_a_hundred_may(
    test: str, n_transcripts: int
) -> None:
    found = shares(test, n_transcripts=n_transcripts, lapses=1)
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / N_STUDIES)
    assert found[AS_GOOD] <= most
    assert found[WORSE] <= most


# Measured: equal to a coder at 20 transcripts .530 and .560; much worse .635 and .782; the bounds are these less
# 3 standard errors of 400 studies.
@pytest.mark.parametrize(
    ("test", "lapses", "word", "least"),
    [
        ("alternative", 0.0, AS_GOOD, 0.45),
        ("non-inferiority", 0.0, AS_GOOD, 0.48),
        ("alternative", 2.5, WORSE, 0.56),
        ("non-inferiority", 2.5, WORSE, 0.72),
    ],
)
def test_what_is_so_is_seen_about_as_often_as_stated(
    test: str, lapses: float, word: str, least: float
) -> None:
    found = shares(test, n_transcripts=20, lapses=lapses)
    assert found[word] >= least
    assert found[WORSE if word == AS_GOOD else AS_GOOD] <= 0.01
