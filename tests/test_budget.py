"""Reading budgets: the cut and its guarantee, what is too little for one, and what a run writes of them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

import pipeline.reading_list
from corpus.study import Study, load_study
from corpus.tables import read_table
from pipeline.budget import (
    average_cut,
    fewest_on_average,
    fewest_to_be_sure,
    hoeffding_bentkus,
    sure_cut,
)
from pipeline.estimate import code_budget, groups_word
from pipeline.predicted import Predicted
from pipeline.reading_list import listed
from pipeline.report.budget_view import budget_view
from pipeline.report.page import render_page
from pipeline.report.tables import read_run
from pipeline.report.wording import percent_from
from pipeline.run import RunResult, run_study

# The cut


def one_each(values: list[float]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A coded segment in each group, and beside it one that is not."""
    p = np.array([p for value in values for p in (value, 0.5)])
    positive = np.tile([True, False], len(values))
    return p, positive, [f"t{i // 2}" for i in range(len(p))]


@pytest.mark.parametrize(("alpha", "n"), [(0.1, 9), (0.2, 4), (0.05, 19), (0.3, 3)])
def test_fewest_on_average_is_the_least_that_one_more_group_cannot_spoil(alpha: float, n: int) -> None:
    assert fewest_on_average(alpha) == n
    assert 1 / (n + 1) <= alpha + 1e-12 < 1 / n + 1e-12


def test_to_be_sure_takes_29_groups_without_a_miss() -> None:
    assert fewest_to_be_sure() == 29
    assert 0.9**29 < 0.05 < 0.9**28
    assert hoeffding_bentkus(np.array([0.0]), 29, alpha=0.1)[0] == pytest.approx(0.9**29)


@pytest.mark.parametrize(("n", "n_missed"), [(9, 0), (18, 0), (19, 1), (29, 2), (99, 9)])
def test_average_cut_leaves_as_many_groups_as_the_theorem_allows(n: int, n_missed: int) -> None:
    """n / (n + 1) * mean + 1 / (n + 1) <= .1 with one segment a group: missed <= .1 (n + 1) - 1."""
    values = [(i + 1) / 200 for i in range(n)]
    cut = average_cut(*one_each(values))
    assert cut.enough
    assert cut.value == values[n_missed]


def test_loss_is_a_share_of_each_groups_own_segments() -> None:
    """Twenty low segments of one group are one loss; one in each of two groups are two halves."""
    many = [*np.linspace(0.01, 0.2, 20), *[0.9] * 18]
    groups = ["big"] * 20 + [f"t{i}" for i in range(18)]
    assert average_cut(np.array(many), np.ones(38, dtype=bool), groups).value == 0.9
    halves = [0.1, 0.9, 0.2, 0.9, *[0.8] * 17]
    groups = ["a", "a", "b", "b", *[f"t{i}" for i in range(17)]]
    # 19 groups may lose 1 in all: the halves of a and b.
    assert average_cut(np.array(halves), np.ones(21, dtype=bool), groups).value == 0.8


def test_shares_that_add_up_to_the_limit_but_for_rounding_are_allowed() -> None:
    """Two losses of one half and ten of one tenth: 2 in all, which 29 groups may lose. In floats it is a bit more."""
    parts = [2] * 2 + [10] * 10 + [1] * 17
    groups = [f"t{i}" for i, n in enumerate(parts) for _ in range(n)]
    p = [p for i, n in enumerate(parts) for p in ([0.1 + i / 100, *[0.5] * (n - 1)] if n > 1 else [0.5])]
    assert average_cut(np.array(p), np.ones(len(p), dtype=bool), groups).value == 0.5


def test_segments_of_equal_probability_are_read_or_left_together() -> None:
    values = [0.2, 0.2, *[0.7] * 17]
    assert average_cut(*one_each(values)).value == 0.2
    assert average_cut(*one_each([0.2, *[0.7] * 18])).value == 0.7


def test_code_that_the_model_gives_nothing_makes_everything_read() -> None:
    p, positive, groups = one_each([0.0] * 12)
    cut = average_cut(p, positive, groups)
    assert cut.value == 0.0
    assert (p >= cut.value).all()


@pytest.mark.parametrize(("make", "fewest"), [(average_cut, 9), (sure_cut, 29)])
def test_too_few_groups_that_contain_the_code_give_no_cut(make, fewest: int) -> None:
    for n in (0, 1, fewest - 1):
        cut = make(*one_each([0.9] * n))
        assert (cut.enough, cut.n_groups, cut.fewest) == (False, n, fewest)
        assert math.isnan(cut.value)
    assert make(*one_each([0.9] * fewest)).value == 0.9


def test_groups_without_the_code_do_not_count() -> None:
    p, positive, groups = one_each([0.9] * 12)
    positive[:8] = False
    assert average_cut(p, positive, groups).n_groups == 8


def test_nothing_at_all_gives_no_cut() -> None:
    nothing = np.zeros(0), np.zeros(0, dtype=bool), []
    assert not average_cut(*nothing).enough
    assert not sure_cut(*nothing).enough


SEGMENTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([0.0, 0.05, 0.2, 0.2000001, 0.5, 0.9, 1.0]), st.booleans()),
    max_size=150,
)


@given(SEGMENTS, st.sampled_from([0.1, 0.2, 0.35]), st.randoms(use_true_random=False))
def test_cut_is_the_largest_that_keeps_the_rule_in_any_order(segments, alpha, random) -> None:
    def cut_of(rows):
        groups = [f"t{group}" for group, _, _ in rows]
        p = np.array([value for _, value, _ in rows])
        return average_cut(p, np.array([coded for _, _, coded in rows], dtype=bool), groups, alpha=alpha)

    cut = cut_of(segments)
    shuffled = list(segments)
    random.shuffle(shuffled)
    assert cut_of(shuffled) == cut or math.isnan(cut.value)
    mine: dict[int, list[float]] = {}
    for group, value, coded in segments:
        if coded:
            mine.setdefault(group, []).append(value)
    n = len(mine)

    def bound(at: float) -> float:
        return (sum(np.mean(np.array(values) < at) for values in mine.values()) + 1) / (n + 1)

    assert cut.n_groups == n
    assert cut.enough == (1 / (n + 1) <= alpha + 1e-12)
    if cut.enough:
        assert bound(cut.value) <= alpha + 1e-6
        assert bound(np.nextafter(cut.value, 2)) > alpha - 1e-6


@given(st.integers(29, 200), st.floats(0, 1), st.floats(0, 1))
def test_bound_never_falls_as_losses_grow_and_is_never_below_the_exact_one(
    n: int, a: float, b: float
) -> None:
    low, high = hoeffding_bentkus(np.array(sorted((a, b))), n, alpha=0.1)
    assert 0 < low <= high <= 1
    # For losses that are 0 or 1 the exact chance is known, and a valid bound is no smaller.
    n_lost = math.floor(a * n)
    exact = binom.cdf(n_lost, n, 0.1)
    assert hoeffding_bentkus(np.array([n_lost / n]), n, alpha=0.1)[0] >= exact * (1 - 1e-9)


@pytest.mark.parametrize(("n", "n_lost"), [(200, 14), (200, 13.4), (500, 36)])
def test_bound_is_bentkus_where_that_is_the_smaller(n: int, n_lost: float) -> None:
    mean = n_lost / n
    hoeffding = math.exp(-n * (mean * math.log(mean / 0.1) + (1 - mean) * math.log((1 - mean) / 0.9)))
    bentkus = math.e * binom.cdf(math.ceil(n_lost), n, 0.1)
    assert hoeffding_bentkus(np.array([mean]), n, alpha=0.1)[0] == pytest.approx(bentkus)
    assert bentkus < hoeffding


@given(st.lists(st.floats(0, 1), min_size=29, max_size=80))
def test_to_be_sure_more_is_read_than_on_average(values: list[float]) -> None:
    assert sure_cut(*one_each(values)).value <= average_cut(*one_each(values)).value


@given(st.integers(0, 2**32 - 1), st.integers(9, 40), st.sampled_from([0.1, 0.2]))
def test_left_out_group_is_lost_at_most_alpha_on_average(seed: int, n: int, alpha: float) -> None:
    """The theorem without chance: of n + 1 groups each is left out once, the mean of its losses is at most alpha."""
    random = np.random.default_rng(seed)
    size = random.integers(1, 6, n + 1)
    group = np.repeat(np.arange(n + 1), size)
    p = np.round(random.beta(1, 1 + random.integers(0, 4, n + 1)[group]), 2)
    losses = []
    for out in range(n + 1):
        kept = group != out
        cut = average_cut(p[kept], np.ones(kept.sum(), dtype=bool), group[kept].tolist(), alpha=alpha)
        losses.append(np.mean(p[~kept] < cut.value))
    assert np.mean(losses) <= alpha + 1e-9


def test_confidence_is_kept_by_draws_of_groups() -> None:
    """Losses of two kinds of transcripts: the true mean loss at the cut is above .1 in at most 5 % of draws."""
    random = np.random.default_rng(5)
    n, n_draws, wrong = 40, 400, 0
    for _ in range(n_draws):
        p = np.where(random.random(n) < 0.3, random.random(n), 0.5 + random.random(n) / 2)
        cut = sure_cut(p, np.ones(n, dtype=bool), [str(i) for i in range(n)]).value
        expected = 0.3 * cut + 0.7 * max(0.0, 2 * cut - 1)
        wrong += expected > 0.1
    assert wrong / n_draws <= 0.05
    assert wrong


# What is said of a code


def predicted(values: list[float], unread: list[float]) -> Predicted:
    """A code with one coded segment in each of some transcripts, and segments that nobody has read."""
    n, names = len(values), [f"t{i}" for i in range(len(values))] + ["new"] * len(unread)
    return Predicted(
        segment_ids=tuple(f"{name}#{i}-{i + 1}" for i, name in enumerate(names)),
        transcripts=tuple(names),
        groups=tuple(names),
        read=np.arange(len(names)) < n,
        codes=("Trust",),
        probabilities=np.array([*values, *unread])[:, None],
        positive=(np.arange(len(names)) < n)[:, None],
    )


def test_budget_counts_unread_segments_from_the_cut_on() -> None:
    found = code_budget(predicted([0.4] * 10, [0.1, 0.39, 0.4, 0.7]), 0, groups="transcripts")
    assert found["n_groups"] == 10
    assert found["average"] == {"fewest": 9, "cut": 0.4, "n_to_read": 2, "reading_share": 0.5, "reason": ""}
    assert found["sure"] == {
        "fewest": 29,
        "cut": None,
        "n_to_read": None,
        "reading_share": None,
        "reason": "not enough: 10 of 29 transcripts that contain it",
    }


def test_too_few_transcripts_are_said_as_how_many_of_how_many() -> None:
    found = code_budget(predicted([0.4] * 6, [0.1]), 0, groups=groups_word("site"))
    assert found["average"]["reason"] == "not enough: 6 of 9 groups (site) that contain it"
    assert found["average"]["cut"] is None


def test_cut_without_anything_unread_has_no_share() -> None:
    found = code_budget(predicted([0.4] * 10, []), 0, groups="transcripts")["average"]
    assert (found["cut"], found["n_to_read"], found["reading_share"]) == (0.4, None, None)
    assert found["reason"] == "there is nothing that nobody has read"


def test_lists_that_would_be_too_long_are_left_out_longest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(code: str, average: int | None, sure: int | None) -> dict[str, object]:
        return {"code": code, "budget": {"average": {"n_to_read": average}, "sure": {"n_to_read": sure}}}

    entries = [entry("a", 60, None), entry("b", 30, 50), entry("c", None, None), entry("d", 20, None)]
    assert listed(entries) == {"a", "b", "d"}
    monkeypatch.setattr(pipeline.reading_list, "MOST_ROWS", 100)
    assert listed(entries) == {"b", "d"}


# What a run writes


def run_files(root: Path, files: dict[str, str]) -> tuple[Study, RunResult]:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    study = load_study(root)
    return study, run_study(study)


@pytest.fixture(scope="module")
def ten(
    tmp_path_factory: pytest.TempPathFactory, tiny_study_files: dict[str, str], more_interviews
) -> tuple[Study, RunResult]:
    """A study of ten coded interviews and two unread ones; only to be looked at."""
    return run_files(tmp_path_factory.mktemp("ten") / "study", more_interviews(tiny_study_files, 10))


def rows(path: Path) -> list[dict[str, str]]:
    return [dict(row.cells) for row in read_table(path.read_bytes(), file=path.name, for_machines=True).rows]


def test_reading_list_holds_what_the_budget_asks_for_most_probable_first(ten) -> None:
    study, result = ten
    estimates = json.loads((result.run_dir / "estimates.json").read_text())
    budgets = {entry["code"]: entry["budget"] for entry in estimates["codes"]}
    found = rows(result.run_dir / "reading.csv")
    codes = {row["code"]: row for row in rows(result.run_dir / "codes.csv")}
    assert {row["code"] for row in found} == {"Waiting", "Money"}
    for code in ("Waiting", "Money"):
        average, mine = budgets[code]["average"], [row for row in found if row["code"] == code]
        assert len(mine) == average["n_to_read"] > 0
        assert average["reading_share"] == average["n_to_read"] / estimates["n_unread"] < 1
        probabilities = [float(row["probability"]) for row in mine]
        assert probabilities == sorted(probabilities, reverse=True)
        assert probabilities[-1] >= round(average["cut"], 4)
        assert {row["budget"] for row in mine} == {"average"}
        assert float(codes[code]["reading_share"]) == round(average["reading_share"], 4)
        assert codes[code]["reading_reason"] == ""
        assert codes[code]["reading_reason_sure"] == "not enough: 10 of 29 transcripts that contain it"
    assert codes["Hope"]["reading_reason"] == "not learned yet"
    for row in found:
        assert row["transcript"] in ("t5", "t6")
        text = (study.transcripts_dir / f"{row['transcript']}.txt").read_text()
        assert text[int(row["start"]) : int(row["end"])] == row["quote"]


def test_suggestions_are_judged_by_the_same_probabilities(ten) -> None:
    """A suggestion that is in the reading list has there the probability that suggestions.csv gives it."""
    _, result = ten
    key = ("transcript", "start", "code")
    listed_at = {
        tuple(row[k] for k in key): row["probability"] for row in rows(result.run_dir / "reading.csv")
    }
    suggested = {
        tuple(row[k] for k in key): row["probability"] for row in rows(result.run_dir / "suggestions.csv")
    }
    common = listed_at.keys() & suggested.keys()
    assert common
    assert {at: listed_at[at] for at in common} == {at: suggested[at] for at in common}


def test_report_says_the_budget_in_a_sentence(ten) -> None:
    _, result = ten
    run = read_run(result.run_dir)
    view = budget_view(run)
    assert [row.name for row in view.rows] == ["Waiting", "Money"]
    assert view.example is not None
    said = view.example.words.replace("\N{NO-BREAK SPACE}", " ")
    best = min(
        (entry["budget"]["average"] for entry in run.estimates["codes"] if entry["budget"]["n_groups"]),
        key=lambda average: average["n_to_read"],
    )
    assert f"({best['n_to_read']} of 24), those with a probability of" in said
    assert "over transcripts like those that were coded, you will see on average at least 90 %" in said
    assert {row.sure.reason for row in view.rows} == {"not enough: 10 of 29"}
    assert "on average, over transcripts like those that were coded, not for each one" in render_page(run)


@pytest.mark.parametrize(
    ("cut", "text"),
    [(0.0, "0 %"), (1e-7, "0 %"), (0.00152, "0.15 %"), (0.0199, "1.9 %"), (0.4979, "49 %"), (1.0, "100 %")],
)
def test_cut_is_never_rounded_up(cut: float, text: str) -> None:
    """Who reads from the printed percentage on reads no less than the budget asks for."""
    assert percent_from(cut).replace("\N{NO-BREAK SPACE}", " ") == text


def test_report_says_how_many_are_missing(tmp_path: Path, tiny_study_files: dict[str, str]) -> None:
    _, result = run_files(tmp_path / "study", tiny_study_files)
    view = budget_view(read_run(result.run_dir))
    assert {row.average.reason for row in view.rows} == {"not enough: 4 of 9"}
    assert view.it_takes.startswith("It takes 9 transcripts that contain the code, and 29 for 95")
    assert view.example is None
    assert rows(result.run_dir / "reading.csv") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda files: {k: v for k, v in files.items() if "codings" not in k},
            "No code has been learned yet",
        ),
        (
            lambda files: {**files, "codings/ann.csv": files["codings/ann.csv"] + "t5,,1\nt6,,1\n"},
            "there is nothing that nobody has read",
        ),
    ],
)
def test_why_there_is_no_budget_is_said(
    change, said, tmp_path: Path, tiny_study_files: dict[str, str]
) -> None:
    _, result = run_files(tmp_path / "study", change(tiny_study_files))
    assert said in budget_view(read_run(result.run_dir)).nothing


def test_same_study_gives_the_same_bytes(
    ten, tmp_path: Path, tiny_study_files: dict[str, str], more_interviews
) -> None:
    _, again = run_files(tmp_path / "study", more_interviews(tiny_study_files, 10))
    for name in ("estimates.json", "reading.csv", "codes.csv"):
        assert (again.run_dir / name).read_bytes() == (ten[1].run_dir / name).read_bytes()
