"""Where agreement is better and worse, and how many more interviews an interval takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.agreement.alpha import krippendorff_alpha as alpha_of_table
from pipeline.agreement.intervals import FEWEST, Measure, jackknife_interval, leave_one_out
from pipeline.agreement.pairs import count_pairs, f1, krippendorff_alpha
from pipeline.agreement.values import Ratings
from pipeline.compare.basis import Bases, basis_rows
from pipeline.compare.cells import cells_of, figures, pool
from pipeline.compare.columns import Panel
from pipeline.compare.overall import overall_rows
from pipeline.compare.sample_size import MOST_TRANSCRIPTS, sample_size, transcripts_needed, width_of
from pipeline.compare.slices import FEWEST_IN_PERIOD, MOST_PERIODS, MOST_VALUES, _periods, slices
from pipeline.compare.spans import Marked

MakePanel = Callable[..., Panel]
MakeCoders = Callable[..., list[np.ndarray]]
N_TRANSCRIPTS, EACH = 20, 10
PLACE = np.repeat(np.arange(N_TRANSCRIPTS), EACH)


@pytest.fixture
def panel(make_panel: MakePanel, make_coders: MakeCoders) -> Panel:
    """Two coders and the model on 20 transcripts of 10 segments; the second coder left out the last."""
    a, b, model = make_coders((len(PLACE), 2), 3, noise=0.15, seed=4)
    return make_panel({"a": a, "b": b, "model": model}, place=PLACE.tolist(), seen={"b": PLACE < 19})


def found(
    panel: Panel, days: list[str], participants: dict[str, dict[str, str]] | None = None
) -> dict[str, Any]:
    sittings = [
        {"coder": "a", "transcript_id": f"t{t:02d}", "bases": [""], "first": day, "last": day, "n_undated": 0}
        for t, day in enumerate(days)
    ]
    of = participants or {}
    names = list(dict.fromkeys(name for row in of.values() for name in row))
    return slices(panel, cells_of(panel), participants=of, attributes=names, sittings=sittings, seed=1)


def alpha_between(panel: Panel, rows: np.ndarray) -> float:
    a, b = (column.given[rows].ravel() for column in panel.humans)
    return float(krippendorff_alpha(count_pairs(a, b)))


# All readers at once


def read_in_part(make_panel: MakePanel, make_coders: MakeCoders, n_coders: int, n_transcripts: int) -> Panel:
    """Each coder read a part; some segments have one reader or none, and the last transcript one reader."""
    place = np.repeat(np.arange(n_transcripts), EACH)
    coders = make_coders((len(place), 3), n_coders, noise=0.2, seed=4)
    random = np.random.default_rng(8)
    names = "abcdef"[:n_coders]
    last = place == n_transcripts - 1
    seen = {name: (random.random(len(place)) < 0.7) & (~last if name != "a" else True) for name in names}
    return make_panel(dict(zip(names, coders, strict=True)), place=place.tolist(), seen=seen)


@pytest.mark.parametrize("n_coders", [3, 6])
@pytest.mark.parametrize("n_transcripts", [12, 40])
def test_slice_of_everything_is_agreement_of_all_coders(
    make_panel: MakePanel, make_coders: MakeCoders, n_coders: int, n_transcripts: int
) -> None:
    panel = read_in_part(make_panel, make_coders, n_coders, n_transcripts)
    names = [column.name for column in panel.humans]
    nothing = Marked("words", dict.fromkeys(names, ()), {name: [(0, 5)] for name in names})
    pooled = overall_rows(panel, [nothing] * n_transcripts, seed=1)[0]
    cells = cells_of(panel)
    everything = figures(pool(cells), seed=1)
    every = {name: np.ones(n_transcripts, dtype=bool) for name in names}
    blind = basis_rows(cells, Bases(every, 0, 0, 0, 0), seed=1)["kinds"][0]["blind"]
    for found in (everything, blind):
        assert (found["n_units"], found["n_transcripts"]) == (pooled["n_units"], n_transcripts - 1)
        for key in ("percent_agreement", "krippendorff_alpha"):
            assert found[key] == pooled[key]
            assert found["ci"][key] == pooled["ci"][key]


def test_basis_of_three_coders_is_alpha_of_the_readings_of_that_kind(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    panel = read_in_part(make_panel, make_coders, 3, 20)
    random = np.random.default_rng(5)
    blind = {name: random.random(20) < 0.5 for name in "abc"}
    row = basis_rows(cells_of(panel), Bases(blind, 0, 0, 0, 0), seed=1)["kinds"][0]
    kept = {"blind": blind, "seen": {name: ~which for name, which in blind.items()}}
    for kind, readings in kept.items():
        table = [
            np.where((column.seen & readings[column.name][panel.place])[:, None], column.given, -1).ravel()
            for column in panel.humans
        ]
        alpha = alpha_of_table(Ratings(np.array(table).T, (0, 1)))
        assert row[kind]["krippendorff_alpha"] == pytest.approx(alpha.value, abs=1e-12)
        assert row[kind]["n_units"] == alpha.n_units / len(panel.codes)
    difference = row["seen"]["krippendorff_alpha"] - row["blind"]["krippendorff_alpha"]
    assert row["seen_less_blind"]["difference"] == pytest.approx(difference, abs=1e-12)
    assert row["n_units_between"] > 0


# Over time


@given(st.lists(st.integers(1, 12), min_size=1, max_size=60))
def test_periods_never_split_a_day_nor_hold_too_few(drawn: list[int]) -> None:
    days = [f"2026-01-{day:02d}" for day in sorted(drawn)]
    parts = _periods(days)
    assert parts == [] or (parts[0][0], parts[-1][1]) == (0, len(days))
    for (_, last), (first, _) in pairwise(parts):
        assert last == first
        assert days[first - 1] < days[first]
    assert len(parts) <= MOST_PERIODS
    assert len(parts) < 2 or all(last - first >= FEWEST_IN_PERIOD for first, last in parts)


@given(st.integers(8, 200))
def test_periods_are_equal_where_every_day_has_one_transcript(n: int) -> None:
    sizes = [last - first for first, last in _periods([f"{day:04d}" for day in range(n)])]
    assert len(sizes) == min(MOST_PERIODS, n // FEWEST_IN_PERIOD)
    assert max(sizes) - min(sizes) <= 1


def test_over_time_the_last_period_stands_against_the_first(panel: Panel) -> None:
    days = [f"2026-02-{28 - t:02d}" for t in range(N_TRANSCRIPTS)]
    people = found(panel, days)["time"][0]
    # The order is that of the days, the reverse of the transcripts'; the one that b has not read is left out.
    assert [row["n_transcripts"] for row in people["periods"]] == [4, 5, 5, 5]
    assert people["periods"][0]["from"] == days[18]
    assert people["periods"][-1]["to"] == days[0]
    first, last = alpha_between(panel, (PLACE >= 15) & (PLACE < 19)), alpha_between(panel, PLACE < 5)
    assert people["last_less_first"]["difference"] == pytest.approx(last - first)
    reason = people["last_less_first"]["ci"]["reason"]
    assert reason == "the last period: too few transcripts: 5, at least 8 needed"


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ([""] * 20, "too few transcripts with a date in coded_at: 0, at least 8 needed for two periods"),
        (["2026-01-01"] * 20, "19 transcripts with a date in coded_at, on too few days for two periods"),
    ],
)
def test_without_two_periods_there_is_a_reason(panel: Panel, days: list[str], reason: str) -> None:
    people = found(panel, days)["time"][0]
    assert people["periods"] == []
    assert people["reason"] == reason
    assert people["n_undated"] == (19 if not days[0] else 0)


# By attribute


def test_groups_are_held_against_all_others(panel: Panel) -> None:
    role = {f"t{t:02d}": {"role": "carer" if t < 9 else "staff"} for t in range(N_TRANSCRIPTS)}
    people = found(panel, [""] * 20, role)["attributes"][0]
    carers, staff = people["values"]
    assert (carers["value"], staff["value"]) == ("carer", "staff")
    assert (carers["n_transcripts"], staff["n_transcripts"]) == (9, 10)
    alphas = alpha_between(panel, PLACE < 9), alpha_between(panel, (PLACE >= 9) & (PLACE < 19))
    assert carers["krippendorff_alpha"] == pytest.approx(alphas[0])
    assert carers["less_others"]["difference"] == pytest.approx(alphas[0] - alphas[1])
    assert staff["less_others"]["difference"] == pytest.approx(alphas[1] - alphas[0])
    assert carers["less_others"]["ci"]["method"].startswith("jackknife over 9 and 10 transcripts")


def test_value_of_one_transcript_is_counted_and_not_told(panel: Panel) -> None:
    of = {f"t{t:02d}": {"role": "bishop" if t == 3 else "staff" if t % 2 else "carer"} for t in range(20)}
    for row in found(panel, [""] * 20, of)["attributes"]:
        assert ([value["value"] for value in row["values"]], row["n_too_small"]) == (["carer", "staff"], 1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lambda t: "all", "all transcripts that are compared have the same value"),
        (
            lambda t: "only the last" if t == 19 else "",
            "all transcripts that are compared have the same value",
        ),
        (lambda t: f"P{t}", f"19 values: more than {MOST_VALUES} are no groups"),
        (lambda t: f"P{t // 2}", "10 values in 19 transcripts: too many for groups of 2 on average"),
        # A name here and there among empty cells.
        (
            lambda t: f"Anna{t}" if t < 3 else "",
            "3 values in 3 transcripts: too many for groups of 2 on average",
        ),
    ],
)
def test_attributes_that_make_no_groups_say_why(
    panel: Panel, value: Callable[[int], str], reason: str
) -> None:
    people = found(panel, [""] * 20, {f"t{t:02d}": {"x": value(t)} for t in range(20)})["attributes"][0]
    assert (people["values"], people["reason"]) == ([], reason)


def test_attribute_of_people_who_share_nothing_says_so(make_panel: MakePanel) -> None:
    flags, at = np.ones((8, 1), dtype=bool), np.arange(8)
    panel = make_panel({"a": flags, "b": flags}, place=[0] * 4 + [1] * 4, seen={"a": at < 4, "b": at >= 4})
    rows = found(panel, ["", ""], {"t00": {"x": "1"}, "t01": {"x": "2"}})["attributes"]
    assert rows[0]["reason"] == "no segment of which both said something, coders blind"


# By transcript, by coder


def test_transcripts_stand_in_the_order_of_their_days(panel: Panel) -> None:
    days = [f"2026-02-{28 - t:02d}" for t in range(N_TRANSCRIPTS)]
    rows = found(panel, days)["transcripts"]
    assert [row["transcript"] for row in rows] == [f"t{t:02d}" for t in range(18, -1, -1)]
    assert rows[0]["human-human"]["n_units"] == EACH
    assert rows[0]["human-human"]["krippendorff_alpha"] == pytest.approx(alpha_between(panel, PLACE == 18))
    assert "ci" not in rows[0]["human-human"]


def test_coders_are_counted_on_what_they_read(panel: Panel) -> None:
    a, b = found(panel, ["2026-02-03"] * 20)["coders"]
    assert (a["n_units"], b["n_units"]) == (200, 190)
    assert (a["n_transcripts"], b["n_transcripts"]) == (20, 19)
    assert b["n_given"] == int(panel.humans[1].given[PLACE < 19].sum())
    assert b["n_units_with_code"] == int(panel.humans[1].given[PLACE < 19].any(axis=1).sum())
    assert (a["from"], b["from"]) == ("2026-02-03", "")
    assert a["human-human"]["pair_krippendorff_alpha"] == pytest.approx(alpha_between(panel, PLACE < 19))


def test_units_of_pooled_pairs_are_distinct_segments(make_panel: MakePanel, make_coders: MakeCoders) -> None:
    a, b, c = make_coders((len(PLACE), 1), 3, noise=0.1, seed=4)
    half = np.arange(len(PLACE)) % EACH < 5
    panel = make_panel({"a": a, "b": b, "c": c}, place=PLACE.tolist(), seen={"b": half, "c": ~half})
    by_coder = {row["coder"]: row["human-human"]["n_units"] for row in found(panel, [""] * 20)["coders"]}
    assert by_coder == {"a": 200, "b": 100, "c": 100}


def test_interval_of_f1_counts_only_transcripts_that_hold_a_code(make_panel: MakePanel) -> None:
    a = np.zeros((len(PLACE), 1), dtype=bool)
    a[PLACE < 7] = True
    b = a.copy()
    b[::4] = False
    a_row = found(make_panel({"a": a, "b": b}, place=PLACE.tolist()), [""] * 20)["coders"][0]["human-human"]
    assert a_row["f1"] == pytest.approx(float(f1(count_pairs(a[:, 0], b[:, 0]))))
    assert a_row["ci"]["f1"]["reason"] == "too few transcripts: 7, at least 8 needed"
    assert a_row["ci"]["pair_percent_agreement"]["n_transcripts"] == 20


# Sample size


@given(st.floats(0.05, 20), st.floats(0.01, 1), st.floats(0.01, 1))
@settings(max_examples=200)
def test_transcripts_needed_are_the_least_that_meet_the_width(
    spread: float, one: float, other: float
) -> None:
    narrow, wide = sorted((one, other))
    needed = transcripts_needed(spread, width=narrow, level=0.95)
    assert needed >= transcripts_needed(spread, width=wide, level=0.95) >= FEWEST
    if needed <= MOST_TRANSCRIPTS:
        assert width_of(spread, needed, level=0.95) <= narrow
    if needed > FEWEST:
        assert width_of(spread, needed - 1, level=0.95) > narrow


def test_width_now_is_that_of_the_jackknife(make_coders: MakeCoders) -> None:
    a, b = make_coders((len(PLACE), 1), 2, noise=0.15, seed=4)
    sums = np.array([count_pairs(a[t == PLACE], b[t == PLACE]) for t in range(20)], dtype=float)
    (row,) = sample_size(sums, Measure(krippendorff_alpha, "coefficient"), width=0.1)
    value = float(krippendorff_alpha(sums.sum(axis=0))[0])
    without = leave_one_out(sums, krippendorff_alpha)[:, 0]
    # As a difference, for there the interval is not cut at 1.
    interval = jackknife_interval(value, without, scale="difference", level=0.95)
    assert row["width_now"] == pytest.approx(interval.high - interval.low)
    assert row["n_more"] == row["n_needed"] - 20 > 0
    (wide,) = sample_size(sums, Measure(krippendorff_alpha, "coefficient"), width=row["width_now"] * 1.0001)
    assert (wide["n_needed"], wide["n_more"]) == (20, 0)


@pytest.mark.parametrize(
    ("n", "noise", "reason"),
    [
        (7, 0.15, "too few transcripts: 7, at least 8 needed"),
        (12, 0.0, "no spread between transcripts: each gives the same value"),
    ],
)
def test_without_a_spread_no_number_is_given(
    make_coders: MakeCoders, n: int, noise: float, reason: str
) -> None:
    a, b = make_coders((n * EACH, 1), 2, noise=noise, seed=4)
    place = np.repeat(np.arange(n), EACH)
    sums = np.array([count_pairs(a[t == place], b[t == place]) for t in range(n)], dtype=float)
    (row,) = sample_size(sums, Measure(krippendorff_alpha, "coefficient"), width=0.1)
    assert row["reason"] == reason
    assert (row["width_now"], row["n_needed"], row["n_more"]) == (None, None, None)


def test_what_no_study_can_reach_has_a_reason() -> None:
    assert transcripts_needed(math.inf, width=0.1, level=0.95) == MOST_TRANSCRIPTS + 1
    random = np.random.default_rng(0)
    sums = random.integers(1, 9, (10, 1, 4)).astype(float)
    (row,) = sample_size(sums, Measure(krippendorff_alpha, "coefficient"), width=1e-4)
    assert row["reason"] == "more than 100,000 transcripts"
    assert row["n_more"] is None


def test_transcripts_without_the_code_are_needed_in_the_same_proportion() -> None:
    """Ten of twenty transcripts hold it: what it takes is counted in those, and then in all."""
    random = np.random.default_rng(0)
    sums = np.zeros((20, 1, 4))
    sums[:10, 0] = random.integers(1, 9, (10, 4))
    sums[10:, 0, 3] = 9
    held = sums[..., :3].sum(axis=-1) > 0
    (row,) = sample_size(sums, Measure(krippendorff_alpha, "coefficient", held), width=0.1)
    assert (row["n_transcripts"], row["n_with_code"]) == (20, 10)
    without = leave_one_out(sums, krippendorff_alpha)[:10, 0]
    spread = np.sqrt(9 / 10 * np.sum(np.square(without - without.mean()))) * np.sqrt(10)
    assert row["n_needed"] == 2 * transcripts_needed(spread, width=0.1, level=0.95)
