"""The model beside people on the same units, and the verdict in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from pipeline.compare.beside import beside_rows, set_beside
from pipeline.compare.columns import Panel
from pipeline.compare.verdicts import not_suggested_rows, verdict_rows

MakePanel = Callable[..., Panel]
MakeCoders = Callable[..., list[np.ndarray]]
PLACE = np.repeat(np.arange(12), 15).tolist()
N = len(PLACE)


def model_rows(panel: Panel) -> list[dict[str, Any]]:
    (model,) = panel.of_kind("model")
    found = set_beside(panel, model)
    assert found is not None
    return beside_rows(panel, found, seed=1)


def verdicts(panel: Panel, **options: float) -> list[dict[str, Any]]:
    (model,) = panel.of_kind("model")
    return verdict_rows(panel, model, **{"margin": 0.1, "epsilon": 0.2, "seed": 1, **options})  # type: ignore[arg-type]


def test_difference_is_the_mean_of_the_kappas_on_what_is_shared(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    a, b, c, model = make_coders((N, 2), 4, noise=0.15, seed=2)
    at = np.arange(N)
    seen = {"a": at < 120, "b": at >= 30, "c": (at >= 30) & (at < 60), "model": at < 165}
    panel = make_panel({"a": a, "b": b, "c": c, "model": model}, place=PLACE, seen=seen)
    pooled, *each = model_rows(panel)

    def kappa(x: np.ndarray, y: np.ndarray, first: int, last: int, code: int) -> float:
        return float(cohen_kappa_score(x[first:last, code], y[first:last, code]))

    for code, row in enumerate(each):
        people = [
            kappa(a, b, 30, 120, code),
            kappa(a, c, 30, 60, code),
            kappa(b, c, 30, 60, code),
        ]
        other = [
            kappa(a, model, 30, 120, code),
            kappa(b, model, 30, 120, code),
            kappa(c, model, 30, 60, code),
        ]
        assert row["people"] == pytest.approx(np.mean(people))
        assert row["model"] == pytest.approx(np.mean(other))
        assert row["difference"] == pytest.approx(np.mean(other) - np.mean(people))
        assert row["n_units"] == 90
    assert (pooled["code"], pooled["n_pairs_people"], pooled["n_pairs_other"]) == (None, 3, 3)


@pytest.mark.parametrize("n_transcripts", [1, 7])
def test_third_coder_who_shares_too_little_changes_nothing(
    make_panel: MakePanel, make_coders: MakeCoders, n_transcripts: int
) -> None:
    a, b, model = make_coders((N, 2), 3, noise=0.1, seed=2)
    c = np.random.default_rng(0).random((N, 2)) < 0.5
    two = {"a": a, "b": b, "model": model}
    seen = {"c": np.array(PLACE) < n_transcripts}
    assert model_rows(make_panel({**two, "c": c}, place=PLACE, seen=seen)) == model_rows(
        make_panel(two, place=PLACE)
    )


def test_third_coder_who_shares_enough_counts(make_panel: MakePanel, make_coders: MakeCoders) -> None:
    a, b, c, model = make_coders((N, 2), 4, noise=0.1, seed=2)
    seen = {"c": np.array(PLACE) < 8}
    row = model_rows(make_panel({"a": a, "b": b, "c": c, "model": model}, place=PLACE, seen=seen))[0]
    assert (row["n_pairs_people"], row["n_pairs_other"]) == (3, 3)


def test_units_are_all_that_any_two_share(make_panel: MakePanel, make_coders: MakeCoders) -> None:
    a, b, c, model = make_coders((N, 2), 4, noise=0.15, seed=2)
    at = np.arange(N) % 15
    seen = {"a": at < 5, "c": at >= 5}
    rows = model_rows(make_panel({"a": a, "b": b, "c": c, "model": model}, place=PLACE, seen=seen))
    assert {row["n_units"] for row in rows} == {N}


def test_codes_that_the_model_has_not_learned_are_left_out(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    a, b, model = make_coders((N, 3), 3, noise=0.15, seed=2)
    panel = make_panel({"a": a, "b": b, "model": model}, place=PLACE, learned=[True, False, True])
    mean, *each = model_rows(panel)
    assert [row["code"] for row in each] == ["c0", "c2"]
    assert mean["people"] == pytest.approx(np.mean([cohen_kappa_score(a[:, k], b[:, k]) for k in (0, 2)]))
    assert mean["n_codes"] == 2
    assert [row["code"] for row in verdicts(panel)] == [None, "c0", "c2"]


def test_codes_that_the_model_does_not_suggest_have_no_verdict_and_are_in_no_mean(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    a, b, model = make_coders((N, 3), 3, noise=0.15, seed=2)
    panel = make_panel({"a": a, "b": b, "model": model}, place=PLACE, learned=[True, False, True])
    known, unknown = replace(panel, not_suggested={"c1": "not suggested: no better"}), panel
    assert verdicts(known)[1:] == verdicts(unknown)[1:]
    assert not_suggested_rows(unknown) == []
    assert [(row["code"], row["verdict"], row["why"]) for row in not_suggested_rows(known)] == [
        ("c1", "not suggested", "No better.")
    ]
    of_all, of_all_learned = verdicts(known)[0], verdicts(unknown)[0]
    assert of_all["difference"] == of_all_learned["difference"]
    assert (of_all["n_codes"], of_all["n_learned"]) == (2, 3)
    assert of_all["why"].endswith(" Over the 2 codes that the model suggests, of 3 that it has learned.")
    assert of_all_learned["n_learned"] == 2
    assert "that the model suggests" not in of_all_learned["why"]


def test_model_that_suggests_no_code_has_no_verdict_and_says_why(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    a, b = make_coders((N, 2), 2, noise=0.15, seed=2)
    panel = make_panel({"a": a, "b": b}, place=PLACE)
    rows = not_suggested_rows(replace(panel, not_suggested={"c0": "not suggested: no better"}))
    assert [(row["code"], row["class"], row["test"]) for row in rows] == [
        (None, "not suggested", ""),
        ("c0", "not suggested", ""),
    ]
    assert rows[0]["why"] == "The model suggests none of the 1 code that it has learned: no better."
    assert (rows[0]["n_codes"], rows[0]["n_learned"]) == (0, 1)


def test_interval_is_paired_over_transcripts(make_panel: MakePanel, make_coders: MakeCoders) -> None:
    """A model that copies one of two coders: kappa with that one is 1, with the other the people's own."""
    a, b = make_coders((N, 1), 2, noise=0.2, seed=2)
    row = model_rows(make_panel({"a": a, "b": b, "model": a}, place=PLACE))[1]
    human = cohen_kappa_score(a[:, 0], b[:, 0])
    assert row["difference"] == pytest.approx((1 + human) / 2 - human)
    # (1 - human) / 2 moves half as far as human itself does from transcript to transcript.
    left_out = [
        cohen_kappa_score(a[np.array(PLACE) != t, 0], b[np.array(PLACE) != t, 0]) / 2 for t in range(12)
    ]
    se = np.sqrt(11 / 12 * np.sum(np.square(left_out - np.mean(left_out))))
    assert row["ci"]["high"] - row["ci"]["low"] == pytest.approx(2 * 2.200985 * se, rel=1e-5)
    assert row["ci"]["method"] == "jackknife over 12 transcripts, t(11)"


@pytest.mark.parametrize("people", [0, 1])
def test_without_two_coders_nothing_stands_beside(
    make_panel: MakePanel, make_coders: MakeCoders, people: int
) -> None:
    coders = make_coders((N, 2), 3, noise=0.1, seed=1)
    columns = dict(zip([*["a"][:people], "model"], coders, strict=False))
    panel = make_panel(columns, place=PLACE)
    assert set_beside(panel, panel.of_kind("model")[0]) is None
    assert {row["verdict"] for row in verdicts(panel)} == {f"too few coders (n = {people})"}


@pytest.mark.parametrize(
    ("n_coders", "test"), [(2, "non-inferiority"), (3, "alternative annotator"), (4, "alternative annotator")]
)
def test_the_test_is_chosen_by_how_many_share(
    make_panel: MakePanel, make_coders: MakeCoders, n_coders: int, test: str
) -> None:
    *coders, model = make_coders((N, 2), n_coders + 1, noise=0.04, seed=5)
    columns = {f"h{i}": flags for i, flags in enumerate(coders)}
    alone, seen = np.zeros((N, 2), dtype=bool), {"alone": np.zeros(N, dtype=bool)}
    panel = make_panel({**columns, "alone": alone, "model": model}, place=PLACE, seen=seen)
    rows = verdicts(panel)
    assert {row["test"] for row in rows} == {test}
    assert {row["verdict"] for row in rows} == {"as good as a coder"}


def test_pooled_units_are_segments_not_cells(make_panel: MakePanel, make_coders: MakeCoders) -> None:
    a, b, model = make_coders((N, 40), 3, noise=0.1, seed=5)
    pooled = verdicts(make_panel({"a": a, "b": b, "model": model}, place=PLACE))[0]
    assert f"on {N} segments of 12 transcripts" in pooled["why"]
    assert pooled["n_units"] <= N


@pytest.mark.parametrize("n_coders", [2, 3])
def test_only_what_was_coded_blind_counts(
    make_panel: MakePanel, make_coders: MakeCoders, n_coders: int
) -> None:
    """Coders who saw suggestions repeat them in 60 transcripts: with those, the useless model is a coder."""
    place = np.repeat(np.arange(72), 15)
    coders = make_coders((len(place), 1), n_coders, noise=0.02, seed=5)
    model = np.random.default_rng(9).random((len(place), 1)) < 0.3
    seen = (place >= 12)[:, None]
    columns = {f"h{i}": np.where(seen, model, flags) for i, flags in enumerate(coders)}
    panel = make_panel({**columns, "model": model}, place=place.tolist())
    blind = panel.where({name: np.arange(72) < 12 for name in columns})
    all_of_it, of_blind = verdicts(panel, margin=0.3)[1], verdicts(blind, margin=0.3)[1]
    assert all_of_it["verdict"] == "as good as a coder"
    assert of_blind["verdict"] == "worse"
    assert of_blind["n_transcripts"] == 12


def test_margin_and_epsilon_decide(make_panel: MakePanel, make_coders: MakeCoders) -> None:
    a, b, c = make_coders((N, 1), 3, noise=0.05, seed=5)
    (model,) = make_coders((N, 1), 1, noise=0.2, seed=5)
    two = make_panel({"a": a, "b": b, "model": model}, place=PLACE)
    assert verdicts(two, margin=0.0)[1]["verdict"] == "worse"
    assert verdicts(two, margin=0.6)[1]["verdict"] == "as good as a coder"
    three = make_panel({"a": a, "b": b, "c": c, "model": model}, place=PLACE)
    strict, lenient = verdicts(three, epsilon=0.0)[1], verdicts(three, epsilon=0.5)[1]
    assert strict["verdict"] == "worse"
    assert lenient["winning_rate"] == 1
    assert (strict["epsilon"], lenient["epsilon"]) == (0.0, 0.5)


@pytest.mark.parametrize("n_coders", [2, 3])
def test_no_code_in_common_with_the_model_has_a_verdict_without_a_number(
    make_panel: MakePanel, make_coders: MakeCoders, n_coders: int
) -> None:
    *coders, model = make_coders((N, 2), n_coders + 1, noise=0.1, seed=5)
    columns = {f"h{i}": flags for i, flags in enumerate(coders)}
    panel = make_panel({**columns, "model": model}, place=PLACE, learned=[False, False])
    assert [row["verdict"] for row in verdicts(panel)] == ["too few units (n = 0)"]
    (pooled,) = model_rows(panel)
    assert pooled["difference"] is None
    assert pooled["ci"]["reason"]


TESTED_ON_TWO = (
    " Tested on a and b alone: the others have too few transcripts in which somebody gave the code for the test that "
    "takes three coders."
)


def two_and_a_third(
    make_panel: MakePanel, coders: list[np.ndarray], place: np.ndarray, third: np.ndarray
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Verdicts on a and b, and with a coder c who read the segments of ``third``."""
    a, b, c, model = coders
    two = make_panel({"a": a, "b": b, "model": model}, place=place.tolist())
    columns = {"a": a, "b": b, "c": c, "model": model}
    return verdicts(two), verdicts(make_panel(columns, place=place.tolist(), seen={"c": third}))


@pytest.mark.parametrize("n_transcripts", [8, 9, 20])
@pytest.mark.parametrize("n_read_by_third", [1, 7])
def test_third_coder_who_read_little_takes_no_verdict_away(
    make_panel: MakePanel, make_coders: MakeCoders, n_transcripts: int, n_read_by_third: int
) -> None:
    place = np.repeat(np.arange(n_transcripts), 40)
    coders = make_coders((len(place), 2), 4, noise=0.03, seed=5)
    two, three = two_and_a_third(make_panel, coders, place, place < n_read_by_third)
    assert {row["class"] for row in two} == {"as good"}
    for row, same in zip(three, two, strict=True):
        assert {**row, "why": same["why"]} == {**same, **{k: row[k] for k in row.keys() - same.keys()}}
        assert row["why"] == same["why"] + TESTED_ON_TWO
        assert row["coders"] == ["a", "b"]


def test_third_coder_in_whose_transcripts_a_code_is_seldom_at_stake_takes_no_verdict_on_it_away(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    """The third read 12 of 40 transcripts: enough for the frequent code, and of the other 9 at stake are too few."""
    place = np.repeat(np.arange(40), 20)
    coders = make_coders((len(place), 2), 4, noise=0.02, seed=5)
    for flags in coders:
        flags[np.isin(place, (0, 1, 2)), 1] = False
    two, three = two_and_a_third(make_panel, coders, place, place < 12)
    assert [row["test"] for row in three] == ["alternative annotator"] * 2 + ["non-inferiority"]
    assert [row["class"] for row in three] == [row["class"] for row in two] == ["as good"] * 3
    assert {key: three[2][key] for key in ("difference", "low", "high")} == {
        key: two[2][key] for key in ("difference", "low", "high")
    }


def test_three_coders_with_too_few_transcripts_each_have_no_two_that_could_be_chosen(
    make_panel: MakePanel, make_coders: MakeCoders
) -> None:
    place = np.repeat(np.arange(9), 40)
    coders = make_coders((len(place), 2), 4, noise=0.03, seed=5)
    _, three = two_and_a_third(make_panel, coders, place, place < 9)
    assert {row["verdict"] for row in three} == {"too few transcripts (n = 9)"}


@pytest.mark.parametrize("n_coders", [2, 3])
def test_verdict_on_all_codes_is_of_means_and_not_of_pooled_cells(
    make_panel: MakePanel, n_coders: int
) -> None:
    """Everybody draws lots, at prevalences far apart: pooled they would seem to agree."""
    rng = np.random.default_rng(0)
    columns = {name: rng.random((N, 3)) < [0.92, 0.05, 0.04] for name in [*"abc"[:n_coders], "model"]}
    panel = make_panel(columns, place=PLACE)
    assert cohen_kappa_score(columns["a"].ravel(), columns["b"].ravel()) > 0.7
    assert abs(model_rows(panel)[0]["people"]) < 0.15
    assert {row["class"] for row in verdicts(panel)} <= {"not shown", "too few"}


@pytest.mark.parametrize("n_coders", [2, 3])
def test_model_that_gives_the_frequent_code_alone_is_not_as_good_on_all_codes(
    make_panel: MakePanel, n_coders: int
) -> None:
    rng = np.random.default_rng(3)
    place = np.repeat(np.arange(20), 30)
    truth = rng.random((600, 4)) < [0.9, 0.05, 0.05, 0.05]
    columns = {
        name: truth ^ (rng.random(truth.shape) < np.where(truth, 0.1, 0.025)) for name in "abc"[:n_coders]
    }
    columns["model"] = np.zeros_like(truth)
    columns["model"][:, 0] = True
    assert "as good" not in {row["class"] for row in verdicts(make_panel(columns, place=place.tolist()))}


def test_machine_is_called_by_its_name(make_panel: MakePanel, make_coders: MakeCoders) -> None:
    a, b, robot = make_coders((N, 1), 3, noise=0.02, seed=5)
    panel = make_panel({"a": a, "b": b, "robot": robot}, place=PLACE, kinds={"robot": "machine"})
    (machine,) = panel.of_kind("machine")
    rows = verdict_rows(panel, machine, margin=0.3, epsilon=0.2, seed=1)
    assert not any("model" in row["why"] for row in rows)
    assert any(row["why"].startswith("robot ") for row in rows)


@pytest.mark.parametrize("n_holding", [3, 8, 35])
def test_mean_of_one_code_has_the_difference_and_interval_of_that_code(
    make_panel: MakePanel, n_holding: int
) -> None:
    rng = np.random.default_rng(0)
    place = np.repeat(np.arange(40), 20)
    holds = (place < n_holding)[:, None]
    true = (rng.random((len(place), 1)) < 0.4) & holds
    a, b, model = (true ^ ((rng.random(true.shape) < 0.1) & holds) for _ in range(3))
    mean, code = model_rows(make_panel({"a": a, "b": b, "model": model}, place=place.tolist()))
    assert {**mean, "code": "c0"} == code
