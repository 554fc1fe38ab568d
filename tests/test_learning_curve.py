from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from typer.testing import CliRunner

from flows.cli import app
from models.members import WORDS, WordsMember
from models.ngrams import count_ngrams, learn_vocabulary
from models.told import Told
from pipeline.forecast import Curve, backtest, fit_slopes, gain, line_slopes, log_step, shrunk
from pipeline.learning_curve import (
    FLAT,
    NO_BETTER,
    PARTS,
    curve_so_far,
    forecasts,
    make_curve,
    part_rows,
)
from pipeline.next_told import curve_lines

NUMBERS = st.floats(-1, 1)


def line_curve(slopes: list[float], *, noise: float = 0.0, seed: int = 0) -> Curve:
    """A curve whose codes lie on lines in log(n + 1), with noise of that standard deviation in each block."""
    random = np.random.default_rng(seed)
    n = np.array([10.0, 20.0, 40.0])[:, None, None] * np.ones((3, 2, len(slopes)))
    ap = 0.2 + np.array(slopes) * np.log1p(n) + noise * random.normal(size=n.shape)
    blocks = ap + noise * random.normal(size=(10, *n.shape)) / 10
    return Curve(n, ap, blocks)


@pytest.fixture(scope="session")
def curve_of(make_toy) -> Callable[..., Curve]:
    """The curve of an invented corpus with few excerpts, by its words alone."""

    def make(**options: object) -> Curve:
        toy = make_toy(12, 8, **options)
        # The names of the codes say nothing of what is said.
        vocabulary = learn_vocabulary([*toy.texts, *toy.codes])
        members = {WORDS: WordsMember(vocabulary, count_ngrams([*toy.texts, *toy.codes], vocabulary))}
        return make_curve(
            members,
            {WORDS: 1.0},
            toy.targets,
            toy.groups,
            told=Told(np.eye(3), np.zeros((3, len(toy.texts)), dtype=bool)),
            seed=0,
        )

    return make


# The line


@given(arrays(float, (4,), elements=NUMBERS), arrays(float, (4,), elements=NUMBERS))
def test_the_slope_of_a_line_is_found(slope, start) -> None:
    x = np.log1p(np.arange(24.0).reshape(3, 2, 4))
    assert line_slopes(x, start + slope * x) == pytest.approx(slope, abs=1e-9)


def test_a_code_whose_number_of_excerpts_never_varied_has_no_slope() -> None:
    assert np.isnan(line_slopes(np.ones((3, 2, 1)), np.arange(6.0).reshape(3, 2, 1))).all()


@given(arrays(float, (6,), elements=NUMBERS), arrays(float, (6,), elements=st.floats(1e-4, 1)))
def test_shrinkage_keeps_each_slope_between_its_own_and_the_mean(raw, variance) -> None:
    found = shrunk(raw, variance)
    low, high = np.minimum(raw, found.mean), np.maximum(raw, found.mean)
    assert (found.values >= low - 1e-9).all()
    assert (found.values <= high + 1e-9).all()


def test_slopes_that_are_sure_stay_and_slopes_that_are_noise_become_one() -> None:
    raw = np.array([0.0, 0.1, 0.2, 0.3])
    assert shrunk(raw, np.full(4, 1e-9)).values == pytest.approx(raw, abs=1e-6)
    assert shrunk(raw, np.full(4, 1.0)).values == pytest.approx([0.15] * 4)


def test_a_code_without_a_slope_takes_none_from_the_others() -> None:
    found = shrunk(np.array([0.1, 0.1, 0.1, 0.1, np.nan]), np.full(5, 0.01))
    assert np.isnan(found.values[4])
    assert found.mean == pytest.approx(0.1)


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.01, 0.2))
def test_more_excerpts_bring_less_the_more_there_are(n, m, slope) -> None:
    fewer, many = sorted([n, n + m])
    first, second = (
        gain(slope, 0.001, step=float(log_step(np.array(float(k)))), noise=0.001) for k in (fewer, many)
    )
    assert first.value > second.value > 0
    assert first.low < first.value < first.high
    assert not first.is_flat


def test_a_slope_within_its_error_is_flat() -> None:
    assert gain(0.01, 0.01, step=1, noise=0).is_flat
    assert gain(-0.1, 0.01, step=1, noise=0).is_flat
    assert gain(np.nan, np.nan, step=1, noise=0).is_flat


# The backtest


def test_the_smaller_parts_of_a_line_forecast_all_of_it() -> None:
    found = backtest(line_curve([0.05, 0.1, 0.15, 0.02]))
    assert found.forecast == pytest.approx(0, abs=1e-9)
    assert found.no_change > 0.01
    assert found.is_better


def test_a_curve_that_bends_down_is_no_better_than_no_change() -> None:
    rising = line_curve([0.1, 0.1, 0.1, 0.1])
    ap = rising.ap.copy()
    ap[2] = ap[1]
    assert not backtest(Curve(rising.n, ap, np.broadcast_to(ap, rising.blocks.shape))).is_better


def test_where_the_backtest_failed_nothing_is_forecast() -> None:
    rising = line_curve([0.1] * 4)
    ap = rising.ap.copy()
    ap[2] = ap[1]
    bent = Curve(rising.n, ap, np.broadcast_to(ap, rising.blocks.shape))
    found = forecasts(bent, list("abcd"), np.full(4, 40))
    assert {row["reason"] for row in [*found["codes"], found["macro"]]} == {NO_BETTER}
    assert all(row["gain"] is row["low"] is row["high"] is None for row in found["codes"])
    assert found["codes"][0]["parts"][0] == {"n": 10.0, "average_precision": pytest.approx(ap[0, 0, 0])}


def test_a_forecast_is_the_line_twenty_excerpts_on() -> None:
    found = forecasts(line_curve([0.05, 0.1, 0.15, 0.2]), list("abcd"), np.array([40, 40, 40, 100]))
    expected = np.array([0.05, 0.1, 0.15, 0.2]) * np.log(np.array([61, 61, 61, 121]) / [41, 41, 41, 101])
    assert [row["gain"] for row in found["codes"]] == pytest.approx(expected, rel=1e-3)
    assert found["macro"]["gain"] == pytest.approx(
        0.125 * np.log([61 / 41] * 3 + [121 / 101]).mean(), rel=1e-3
    )


def test_noise_without_a_rise_gives_no_forecast() -> None:
    found = forecasts(line_curve([0.0] * 6, noise=0.1, seed=3), list("abcdef"), np.full(6, 40))
    assert {row["reason"] for row in found["codes"]} <= {NO_BETTER, FLAT}


# The curve


@given(st.integers(2, 12), st.sampled_from([0.25, 0.5, 1.0]), st.integers(0, 99))
def test_a_part_holds_whole_training_groups_and_lies_in_the_larger_part(n_groups, share, seed) -> None:
    groups = [f"g{i % n_groups}" for i in range(40)]
    training = np.array([group != "g0" for group in groups])
    part, all_of_it = (
        part_rows(training, groups, how_much, np.random.default_rng(seed)) for how_much in (share, 1.0)
    )
    chosen = {groups[row] for row in part}
    assert "g0" not in chosen
    assert len(chosen) == max(1, round(share * (n_groups - 1)))
    assert sum(group in chosen for group in groups) == len(part)
    assert set(part) <= set(all_of_it)


def test_a_model_of_more_excerpts_is_better_and_the_forecast_says_so(curve_of) -> None:
    curve = curve_of()
    assert curve.ap.shape == curve.n.shape == (len(PARTS), 3, 3)
    assert (np.diff(curve.n.mean(axis=(1, 2))) > 0).all()
    assert (np.diff(curve.ap.mean(axis=(1, 2))) > 0).all()
    assert fit_slopes(curve).mean > 0.05


def test_codes_given_without_looking_have_a_flat_curve(curve_of) -> None:
    curve = curve_of(noise=True)
    found = forecasts(curve, ["wait", "cost", "kin"], np.full(3, 60))
    assert {row["reason"] for row in found["codes"]} <= {NO_BETTER, FLAT}


def test_the_same_seed_gives_the_same_curve(curve_of) -> None:
    one, other = curve_of(), curve_of()
    assert np.array_equal(one.ap, other.ap)
    assert np.array_equal(one.blocks, other.blocks)


# In a study


@pytest.fixture
def ten_interviews(make_study, tiny_study_files):
    """The tiny study, and four more interviews that Ann coded; t5 and t6 are unread."""
    files = dict(tiny_study_files)
    codings = files["codings/ann.csv"]
    for number in range(1, 5):
        files[f"transcripts/u{number}.txt"] = files[f"transcripts/t{number}.txt"].replace("that", "this")
        codings += "".join(
            line.replace(f"t{number},", f"u{number},") + "\n"
            for line in files["codings/ann.csv"].splitlines()
            if line.startswith(f"t{number},")
        )
    return make_study(files | {"codings/ann.csv": codings})


def test_a_study_has_a_curve_that_is_made_once(ten_interviews) -> None:
    found = curve_so_far(ten_interviews)
    assert [row["code"] for row in found.curve["codes"]] == ["Waiting", "Money"]
    assert set(found.average_precision) == {"Waiting", "Money"}
    (path,) = ten_interviews.cache_dir.glob("curve/*/curve.json")
    when = path.stat().st_mtime_ns
    assert curve_so_far(ten_interviews) == found
    assert path.stat().st_mtime_ns == when


def test_nothing_is_learned_so_there_is_no_curve(make_study, tiny_study_files) -> None:
    study = make_study({**tiny_study_files, "codings/ann.csv": "transcript,code,turn\nt1,Money,4\n"})
    (study.codings_dir / "bob.csv").unlink()
    found = curve_so_far(study)
    assert found.curve["reason"] == "no code is learned yet"
    assert curve_lines(found) == ["Learning curve: no code is learned yet."]


def test_the_command_tells_every_learned_code_or_counts_it(ten_interviews) -> None:
    told = CliRunner().invoke(app, ["next", str(ten_interviews.root), "--json"])
    assert told.exit_code == 0, told.output
    rows = json.loads(told.stdout)["learning_curve"]["codes"]
    assert all((row["gain"] is None) == bool(row["reason"]) for row in rows)
    assert {row["code"] for row in rows} == {"Waiting", "Money"}
    assert all(0 < row["average_precision"] <= 1 for row in rows)


def test_a_forecast_is_said_with_the_figure_now_and_its_range() -> None:
    from pipeline.learning_curve import CurveSoFar

    curve = forecasts(line_curve([0.1, 0.1, 0.1, 0.0]), ["Trust", "Money", "Hope", "Kin"], np.full(4, 18))
    curve["codes"][3] |= {"gain": None, "low": None, "high": None, "reason": FLAT}
    lines = curve_lines(CurveSoFar(curve, dict.fromkeys(("Trust", "Money", "Hope", "Kin"), 0.42)))
    assert any(
        line.startswith("  Trust: average precision .42 now, from 18 excerpts; 20 more: about +.07 (")
        for line in lines
    )
    assert lines[-1] == f"  Kin: {FLAT}"
