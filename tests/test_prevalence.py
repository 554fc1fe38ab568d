"""How common a code is: the estimate and its interval, which transcripts are a random sample, what a run writes."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import logit, stdtrit
from scipy.stats import hypergeom

from corpus.draws import RANDOM, READ_BEFORE, TEACHES_MOST, Draw, permanent_number, write_draws
from corpus.records import Segment
from corpus.study import load_study
from corpus.tables import read_table
from pipeline.predicted import Predicted
from pipeline.prevalence import (
    BOUND,
    COUNTED,
    COVERAGE,
    MANY,
    PREDICTION,
    SAMPLE,
    Cases,
    most_unnoticed,
    share_of,
)
from pipeline.prevalence_entries import count_by_transcript
from pipeline.prevalence_sample import NONE_YET, NOT_RANDOM, NOTHING_WHOLE, random_sample
from pipeline.report.page import render_page
from pipeline.report.prevalence_view import prevalence_view
from pipeline.report.tables import read_run
from pipeline.run import run_study
from pipeline.units import Units


def cases_of(size, count, predicted, drawn, known=None) -> Cases:
    """A population whose counts are seen only where transcripts were drawn or known."""
    size, count = np.asarray(size, dtype=float), np.asarray(count, dtype=float)
    drawn = np.asarray(drawn, dtype=bool)
    known = np.zeros(len(size), dtype=bool) if known is None else np.asarray(known, dtype=bool)
    seen = drawn | known
    predicted = None if predicted is None else np.asarray(predicted, dtype=float)
    return Cases(size, np.where(seen, count, 0), np.where(seen, 0, size), predicted, drawn, known)


def samples(n_all: int, n: int):
    """Every sample of n of n_all."""
    for chosen in itertools.combinations(range(n_all), n):
        yield np.isin(np.arange(n_all), chosen)


# The estimate


def test_estimate_by_hand() -> None:
    """Two of three interviews drawn hold the code where 1.8 were expected; of three others 0.9 are expected.

    Others: 0.9 / 3 + (2 - 1.8) / 3; with what was counted (2 + 0.9 + 0.2) / 6.
    """
    cases = cases_of(np.ones(6), [1, 0, 1, 0, 0, 0], [0.8, 0.2, 0.8, 0.5, 0.3, 0.1], [1, 1, 1, 0, 0, 0])
    assert share_of(cases, power=1).value == pytest.approx(3.1 / 6)
    assert share_of(cases, power=0).value == pytest.approx(2 / 3)
    assert share_of(cases, power=0.5).value == pytest.approx((3.1 / 6 + 2 / 3) / 2)


def test_estimate_by_hand_with_transcripts_of_unequal_length() -> None:
    """Of 10 + 30 segments 12 are coded, 10 expected: 0.05 more a segment; of 60 others 6 are expected, so 9."""
    cases = cases_of([10, 30, 60], [3, 9, 0], [4, 6, 6], [1, 1, 0])
    assert share_of(cases, power=1).value == pytest.approx((12 + 6 + 60 * 0.05) / 100)


def test_transcripts_that_were_chosen_are_counted_and_say_nothing_of_others() -> None:
    cases = cases_of([10, 10, 10, 10], [10, 2, 0, 0], None, [0, 1, 0, 0], [1, 0, 0, 0])
    assert share_of(cases).value == pytest.approx((10 + 2 + 2 * 2) / 40)


@pytest.mark.parametrize("power", [0.0, 0.6, 1.0])
def test_over_all_samples_the_estimate_and_its_variance_are_right_on_average(power: float) -> None:
    """All 165 samples of 8 of 11 transcripts of equal length; no chance in it. Predictions are bad on purpose."""
    random = np.random.default_rng(2)
    size = np.full(11, 1e7)  # so large that rounding to whole counts is nothing
    count = size * random.uniform(0.4, 0.6, 11)
    predicted = size * random.uniform(0.2, 0.6, 11)
    values, variances = [], []
    for drawn in samples(11, 8):
        share = share_of(cases_of(size, count, predicted, drawn), power=power)
        values.append(share.value)
        width = logit(share.high) - logit(share.low)
        variances.append((width / 2 / stdtrit(7, 0.975) * share.value * (1 - share.value)) ** 2)
    assert np.mean(values) == pytest.approx(count.sum() / size.sum(), rel=1e-9)
    assert np.mean(variances) == pytest.approx(np.var(values), rel=1e-3)


def test_weight_is_the_slope_that_another_package_finds() -> None:
    random = np.random.default_rng(3)
    count = (random.random(40) < 0.4).astype(float)
    predicted = np.clip(0.3 + 0.3 * count + random.normal(0, 0.15, 40), 0, 1)
    drawn = np.arange(40) < 15
    share = share_of(cases_of(np.ones(40), count, predicted, drawn))
    fit = statsmodels.api.OLS(count[drawn], statsmodels.api.add_constant(predicted[drawn])).fit()
    slope = fit.params[1]
    assert slope > 0
    assert share.power == pytest.approx(min(slope, 1))
    # With the slope as weight it is the regression estimate; its prediction at the mean of all is another way to it.
    within = share_of(cases_of(np.ones(40), count, predicted * 2, drawn))
    assert within.power == pytest.approx(min(slope / 2, 1))
    assert slope / 2 < 1
    assert within.value == pytest.approx(fit.predict([[1, predicted.mean()]])[0])


def test_weight_with_unequal_lengths_makes_the_residuals_smallest() -> None:
    random = np.random.default_rng(4)
    size = random.integers(5, 60, 30).astype(float)
    expected = size * random.uniform(0.05, 0.4, 30)
    count = np.round(0.5 * expected + size * random.uniform(0, 0.1, 30))
    drawn = np.arange(30) < 20
    found = share_of(cases_of(size, count, expected, drawn)).power

    def spread(power: float) -> float:
        left = (count - power * expected)[drawn]
        return float(np.square(left - left.sum() / size[drawn].sum() * size[drawn]).sum())

    assert 0 < found < 1
    assert spread(found) <= min(spread(found - 0.01), spread(found + 0.01))


def test_predictions_that_say_nothing_change_nothing() -> None:
    size, count = np.full(30, 20.0), np.arange(30) % 7
    drawn = np.arange(30) % 2 == 0
    alone = share_of(cases_of(size, count, None, drawn))
    assert share_of(cases_of(size, count, np.full(30, 3.0), drawn)) == alone
    assert share_of(cases_of(size, count, 20.0 - count, drawn)) == alone
    assert (alone.method, alone.power) == (SAMPLE, 0)


def test_good_predictions_make_the_interval_narrower() -> None:
    random = np.random.default_rng(5)
    size, rate = np.full(60, 50.0), random.beta(2, 6, 60)
    count = random.binomial(50, rate).astype(float)
    drawn = np.arange(60) < 20
    share, alone = (share_of(cases_of(size, count, p, drawn)) for p in (50 * rate, None))
    assert share.method == PREDICTION
    assert share.high - share.low < 0.7 * (alone.high - alone.low)


# What cannot be estimated


def test_everything_read_is_counted() -> None:
    share = share_of(cases_of([10, 20], [1, 5], [3, 3], [1, 1]))
    assert (share.value, share.low, share.high, share.method) == (0.2, 0.2, 0.2, COUNTED)


def test_fewer_than_eight_have_no_interval_and_use_no_predictions() -> None:
    count = np.tile([1.0, 0.0], 10)
    share = share_of(cases_of(np.ones(20), count, count, np.arange(20) < 7))
    assert (share.value, share.power, share.method) == (pytest.approx(4 / 7), 0, SAMPLE)
    assert math.isnan(share.low)
    assert share.reason == "too few transcripts drawn at random: 7, at least 8 needed"


def test_nothing_drawn_gives_nothing() -> None:
    for n, reason in ((5, "no transcript was drawn at random"), (0, "there is nothing that can be coded")):
        share = share_of(cases_of(np.ones(n), np.zeros(n), None, np.zeros(n)))
        assert math.isnan(share.value)
        assert share.reason == reason


def test_code_in_none_of_the_sample_has_an_exact_bound_on_one_side() -> None:
    """0 of 10 of 40: nine of the others may hold it, P = .046 with ten. The longest nine bound the segments."""
    predicted, drawn = np.full(40, 0.3), np.arange(40) < 10
    share = share_of(cases_of(np.ones(40), np.zeros(40), predicted, drawn))
    assert hypergeom.pmf(0, 40, 9, 10) > 0.05 >= hypergeom.pmf(0, 40, 10, 10)
    assert (share.value, share.low, share.high, share.method) == (0, 0, 9 / 40, BOUND)
    size = np.arange(1.0, 41.0)
    share = share_of(cases_of(size, np.zeros(40), predicted, drawn))
    assert share.high == pytest.approx(size[-9:].sum() / size.sum())


def test_code_in_all_of_the_sample_has_the_same_bound_from_below() -> None:
    share = share_of(cases_of(np.ones(40), np.ones(40), None, np.arange(40) < 10))
    assert (share.value, share.low, share.high) == (1, pytest.approx(31 / 40), 1)


@given(st.integers(1, 60), st.integers(0, 60))
def test_bound_is_the_largest_that_the_hypergeometric_allows(n: int, left: int) -> None:
    most = most_unnoticed(n, n + left)
    assert most == 0 or hypergeom.pmf(0, n + left, most, n) > 0.05
    assert most == left or hypergeom.pmf(0, n + left, most + 1, n) <= 0.05 * (1 + 1e-9)


# What always holds

TRANSCRIPTS = st.lists(
    st.tuples(st.integers(1, 40), st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=9, max_size=60
)


def drawn_population(rows) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    size = np.array([size for size, _, _, _ in rows], dtype=float)
    count = np.array([round(size * share) for size, share, _, _ in rows], dtype=float)
    predicted = np.array([size * p for size, _, p, _ in rows])
    return size, count, predicted, np.array([drawn for _, _, _, drawn in rows])


@given(TRANSCRIPTS)
def test_interval_holds_the_estimate_and_what_was_read_allows_both(rows) -> None:
    size, count, predicted, drawn = drawn_population(rows)
    assume(drawn.any())
    cases = cases_of(size, count, predicted, drawn)
    share = share_of(cases)
    least, most = cases.possible
    assert least <= share.value <= most
    assert 0 <= share.power <= 1
    assert bool(share.reason) == math.isnan(share.low)
    if not share.reason:
        assert least <= share.low <= share.value + 1e-9
        assert share.value - 1e-9 <= share.high <= most


@given(TRANSCRIPTS, st.randoms(use_true_random=False))
def test_order_of_transcripts_changes_nothing(rows, random) -> None:
    share = share_of(cases_of(*drawn_population(rows)))
    shuffled = list(rows)
    random.shuffle(shuffled)
    other = share_of(cases_of(*drawn_population(shuffled)))
    assert (share.method, share.reason) == (other.method, other.reason)
    assert (other.value, other.power) == pytest.approx((share.value, share.power), nan_ok=True, abs=1e-6)


@given(TRANSCRIPTS)
def test_share_without_the_code_is_the_rest(rows) -> None:
    size, count, predicted, drawn = drawn_population(rows)
    share = share_of(cases_of(size, count, predicted, drawn), power=0.5)
    without = share_of(cases_of(size, size - count, size - predicted, drawn), power=0.5)
    assert without.value == pytest.approx(1 - share.value, nan_ok=True, abs=1e-9)
    assert (without.low, without.high) == pytest.approx(
        (1 - share.high, 1 - share.low), nan_ok=True, abs=1e-6
    )


@pytest.mark.parametrize(("n", "least"), [(12, 0.90), (30, 0.93)])
def test_intervals_hold_the_true_share_in_draws(n: int, least: float) -> None:
    """Interviews with rates of their own, predictions that are biased: whole interviews drawn 400 times."""
    random = np.random.default_rng(6)
    size = random.integers(20, 120, 150).astype(float)
    rate = random.beta(1.5, 12, 150)
    count = random.binomial(size.astype(int), rate).astype(float)
    predicted = size * (0.03 + 0.6 * rate + random.uniform(0, 0.05, 150))
    truth = count.sum() / size.sum()
    held = []
    for _ in range(400):
        drawn = np.isin(np.arange(150), random.choice(150, n, replace=False))
        share = share_of(cases_of(size, count, predicted, drawn))
        held.append(share.low <= truth <= share.high)
    assert least <= np.mean(held) < 1


def test_measured_coverage_is_told_where_few_were_drawn() -> None:
    assert [size for size, _, _ in COVERAGE] == sorted(size for size, _, _ in COVERAGE)
    assert COVERAGE[0][0] == 8
    assert COVERAGE[-1][0] < MANY
    assert all(0.5 < share <= 1 for _, *shares in COVERAGE for share in shares)


# What is added up of a transcript


def test_counts_and_expectations_of_a_transcript_add_up_over_its_segments() -> None:
    """Two interviews of two answers and a question; one answer has no probability, so it gets the mean of the others.

    Ann reads the first interview and one answer of the second, and codes one answer of each.
    """
    names, speakers = ("a", "a", "a", "b", "b", "b"), ("I", "P", "P", "I", "P", "P")
    segments = tuple(
        Segment(f"{name}#{i}-{i + 1}", name, 1, speaker, i, i + 1, "x")
        for i, (name, speaker) in enumerate(zip(names, speakers, strict=True))
    )
    read = np.array([[True, True, True, False, True, False]])
    units = Units(
        segments=segments,
        lemmas=("x",) * 6,
        surfaces=("x",) * 6,
        context=np.array([speaker == "I" for speaker in speakers]),
        codes=("Hope", "Trust"),
        coders={"ann": "human"},
        read=read,
        given=np.array([[[False, place in (1, 4)] for place in range(6)]]),
        groups=names,
    )
    known = (1, 2, 4)
    predicted = Predicted(
        segment_ids=tuple(segments[row].segment_id for row in known),
        transcripts=tuple(names[row] for row in known),
        groups=tuple(names[row] for row in known),
        read=np.ones(3, dtype=bool),
        codes=("Trust",),
        probabilities=np.array([[0.5], [0.2], [0.8]]),
        positive=np.ones((3, 1), dtype=bool),
    )
    counts = count_by_transcript(units, predicted, gold="share")
    assert counts.names == ("a", "b")
    assert (counts.n_segments.tolist(), counts.n_read.tolist(), counts.whole.tolist()) == (
        [2, 2],
        [2, 1],
        [True, False],
    )
    assert counts.n_with.tolist() == [[0, 1], [0, 1]]
    assert counts.learned == {"Trust": 0}
    assert counts.expected[:, 0] == pytest.approx([0.7, 1.3])
    assert counts.chance[:, 0] == pytest.approx([1 - 0.5 * 0.8, 1 - 0.2 * 0.5])
    none = count_by_transcript(units, None, gold="share")
    assert none.expected.shape == none.chance.shape == (2, 0)


# Which transcripts are a random sample

NAMES = tuple(f"t{i:02d}" for i in range(12))
ORDER = sorted(range(12), key=lambda t: permanent_number(0, NAMES[t]))


def drawn_as(**whys: str) -> list[Draw]:
    return [
        Draw(name, 0 if why == READ_BEFORE else 1, why, permanent_number(0, name))
        for name, why in whys.items()
    ]


def whole(*places: int) -> np.ndarray:
    """Read are those at these places of the order of permanent numbers."""
    return np.isin(np.arange(12), [ORDER[place] for place in places])


def at(place: int) -> str:
    return NAMES[ORDER[place]]


def places(chosen: np.ndarray) -> list[int]:
    return [place for place in range(12) if chosen[ORDER[place]]]


def test_without_a_word_on_it_nothing_is_a_random_sample() -> None:
    sample = random_sample(NAMES, whole(0, 1, 2), (), declared=False, seed=0)
    assert not sample.drawn.any()
    assert sample.why == NOT_RANDOM


def test_declared_sample_is_all_that_was_wholly_read() -> None:
    sample = random_sample(NAMES, whole(3, 7), (), declared=True, seed=0)
    assert (places(sample.drawn), places(sample.known), sample.why) == ([3, 7], [], "")
    assert random_sample(NAMES, whole(), (), declared=True, seed=0).why == NOTHING_WHOLE


def test_random_share_ends_at_the_first_that_was_not_read() -> None:
    draws = drawn_as(**{at(0): RANDOM, at(1): RANDOM, at(2): RANDOM, at(3): RANDOM})
    sample = random_sample(NAMES, whole(0, 1, 3), draws, declared=False, seed=0)
    assert places(sample.drawn) == [0, 1]


def test_what_teaches_most_counts_only_among_those_drawn_at_random() -> None:
    """The second would have been drawn anyway, since the third was; the fourth and the ninth perhaps not."""
    draws = drawn_as(
        **{at(0): RANDOM, at(1): TEACHES_MOST, at(2): RANDOM, at(3): TEACHES_MOST, at(8): TEACHES_MOST}
    )
    sample = random_sample(NAMES, whole(0, 1, 2, 3, 8), draws, declared=False, seed=0)
    assert (places(sample.drawn), places(sample.known), sample.why) == ([0, 1, 2], [], "")


def test_what_stood_read_before_is_known_and_leaves_the_order() -> None:
    draws = drawn_as(**{at(0): READ_BEFORE, at(1): RANDOM, at(5): READ_BEFORE})
    sample = random_sample(NAMES, whole(0, 1, 5), draws, declared=False, seed=0)
    assert (places(sample.drawn), places(sample.known)) == ([1], [0, 5])


def test_random_sample_and_a_draw_of_the_rest_are_one_sample() -> None:
    draws = drawn_as(**{at(0): READ_BEFORE, at(1): RANDOM, at(5): READ_BEFORE, at(9): TEACHES_MOST})
    sample = random_sample(NAMES, whole(0, 1, 5, 9), draws, declared=True, seed=0)
    assert (places(sample.drawn), places(sample.known)) == ([0, 1, 5], [])


def test_draws_of_which_none_was_read_yet_are_said() -> None:
    draws = drawn_as(**{at(0): RANDOM, at(5): READ_BEFORE})
    assert random_sample(NAMES, whole(5), draws, declared=False, seed=0).why == NONE_YET


# What a run writes

RANDOM_SAMPLE = '[study]\nsample = "random"\n'


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str]], Path]:
    """Files of a study -> the folder of its run."""

    def run(files: dict[str, str], draws: list[Draw] | None = None) -> Path:
        root = tmp_path_factory.mktemp("common") / "study"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
        study = load_study(root)
        if draws:
            write_draws(study, draws)
        return run_study(study).run_dir

    return run


@pytest.fixture(scope="module")
def ten_files(tiny_study_files: dict[str, str], more_interviews) -> dict[str, str]:
    """Ten interviews that Ann read and two that nobody read; in the fourth to the tenth she found no Money."""
    files = more_interviews(tiny_study_files, 10)
    late = tuple(f"i{t:02d},Money" for t in range(3, 10))
    rows = [row for row in files["codings/ann.csv"].splitlines() if not row.startswith(late)]
    return {**files, "codings/ann.csv": "\n".join([*rows, ""])}


@pytest.fixture(scope="module")
def ten(run_files, ten_files: dict[str, str]) -> Path:
    """The run of a random sample of ten interviews; only to be looked at."""
    return run_files({**ten_files, "study.toml": RANDOM_SAMPLE})


def entries(run_dir: Path) -> dict[str, dict]:
    found = json.loads((run_dir / "estimates.json").read_text())
    return {entry["code"]: entry["prevalence"] for entry in found["codes"]}


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_run_counts_and_estimates(ten: Path) -> None:
    found = entries(ten)
    waiting, money, hope = (found[code] for code in ("Waiting", "Money", "Hope"))
    assert (waiting["interviews"]["n_with"], waiting["interviews"]["n_read"]) == (10, 10)
    assert (waiting["segments"]["n_with"], waiting["segments"]["n_read"]) == (40, 120)
    assert (money["interviews"]["n_with"], money["segments"]["n_with"]) == (3, 12)
    # All of ten, two left: that both are without it has a chance of 1 in 66, that one of them is, one of 1 in 6.
    assert (waiting["interviews"]["low"], waiting["interviews"]["high"]) == (pytest.approx(11 / 12), 1)
    segments = money["segments"]
    assert 12 / 144 <= segments["low"] <= segments["share"] <= segments["high"] <= 36 / 144
    assert (hope["interviews"]["low"], hope["interviews"]["high"]) == (0, pytest.approx(1 / 12))
    assert hope["interviews"]["power"] == 0


def test_codes_table_has_the_shares(ten: Path) -> None:
    table = read_table((ten / "codes.csv").read_bytes(), file="codes.csv", for_machines=True)
    money = next(row.cells for row in table.rows if row.cells["code"] == "Money")
    assert (money["n_interviews"], money["n_interviews_read"], money["share_reason"]) == ("3", "10", "")
    assert float(money["segments_share"]) == round(entries(ten)["Money"]["segments"]["share"], 4)
    assert float(money["interviews_low"]) < float(money["interviews_share"]) < float(money["interviews_high"])


def test_report_gives_counts_shares_and_what_few_interviews_are_worth(ten: Path) -> None:
    run = read_run(ten)
    view = prevalence_view(run)
    assert view.known
    rows = {row.name: row for row in view.rows}
    assert plain(rows["Money"].interviews) == "3 of 10 (30 %)"
    assert plain(rows["Money"].segments) == "12 of 120 (10 %)"
    assert plain(rows["Hope"].all_interviews.text) == "at most 8 %"
    assert plain(rows["Waiting"].all_interviews.text) == "at least 92 %"
    assert " to " in rows["Money"].all_segments.interval
    assert plain(view.lead).startswith(
        "Counted in what was read (10 of 12 interviews), and for all 12 interviews"
    )
    assert "those with two ends, from 10 interviews, held the true share of segments in 91 %" in plain(
        " ".join(view.aside)
    )
    page = plain(render_page(run))
    assert "3 of 10 (30 %)" in page
    assert 'id="how-common_all"' in page


def test_without_a_random_sample_there_are_counts_and_the_reason(
    run_files, ten_files: dict[str, str]
) -> None:
    run_dir = run_files(ten_files)
    money = entries(run_dir)["Money"]
    assert (money["interviews"]["n_with"], money["interviews"]["share"]) == (3, None)
    assert money["segments"]["reason"] == NOT_RANDOM
    view = prevalence_view(read_run(run_dir))
    assert not view.known
    assert "is not said, because the coded interviews are not known to be a random sample" in view.lead
    assert 'sample = "random"' in view.lead
    assert "Of all interviews" not in render_page(read_run(run_dir))


def test_random_share_of_draws_is_a_sample(run_files, ten_files: dict[str, str]) -> None:
    """The one that stood read is known; the next nine in the order were drawn; two are left."""
    names = [*(f"i{t:02d}" for t in range(10)), "t5", "t6"]
    order = sorted(names, key=lambda name: permanent_number(0, name))
    drawn = [name for name in order if name.startswith("i")]
    draws = drawn_as(**{drawn[0]: READ_BEFORE, **dict.fromkeys(drawn[1:], RANDOM)})
    sample = json.loads((run_files(ten_files, draws) / "estimates.json").read_text())["sample"]
    first_unread = min(order.index("t5"), order.index("t6"))
    n_known = 1
    assert (sample["n_known"], sample["n_drawn"]) == (n_known, len(set(order[:first_unread]) - {drawn[0]}))
    assert sample["reason"] == ("" if sample["n_drawn"] else NONE_YET)


def test_all_read_is_counted_and_needs_no_sample(run_files, tiny_study_files: dict[str, str]) -> None:
    files = {
        **tiny_study_files,
        "codings/ann.csv": tiny_study_files["codings/ann.csv"] + "t5,Money,2\nt6,,1\n",
    }
    run_dir = run_files(files)
    view = prevalence_view(read_run(run_dir))
    assert plain(view.lead) == "All 6 interviews were read, so this is counted and nothing is estimated."
    money = entries(run_dir)["Money"]["interviews"]
    assert (money["share"], money["low"], money["high"], money["method"]) == (5 / 6, 5 / 6, 5 / 6, COUNTED)


def test_interview_read_in_part_counts_as_not_read(run_files, ten_files: dict[str, str]) -> None:
    coverage = (
        "coder,transcript,start,end\n" + "".join(f"ann,i{t:02d},,\n" for t in range(9)) + "ann,i09,0,200\n"
    )
    run_dir = run_files({**ten_files, "study.toml": RANDOM_SAMPLE, "coverage.csv": coverage})
    sample = json.loads((run_dir / "estimates.json").read_text())["sample"]
    assert (sample["n_read"], sample["n_in_part"], sample["n_drawn"]) == (10, 1, 9)
    assert "1 interview read in part only" in plain(" ".join(prevalence_view(read_run(run_dir)).aside))


def test_nothing_coded_is_nothing_counted(run_files, tiny_study_files: dict[str, str]) -> None:
    files = {name: text for name, text in tiny_study_files.items() if "codings" not in name}
    assert prevalence_view(read_run(run_files(files))).nothing.startswith("Nobody has read anything yet")
