"""Confusions and the codebook doctor: what was planted is found, what chance gives is not, a merge is scored anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score

from corpus.records import Segment
from corpus.study import load_study
from pipeline.agreement import many
from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.pairs import count_pairs
from pipeline.agreement.pairs import krippendorff_alpha as alpha_of_two
from pipeline.agreement.values import Ratings
from pipeline.compare.columns import Column, Panel, read_panel
from pipeline.compare.confusions import NO_CODE, NOTHING_ELSE, confusions, instead
from pipeline.compare.doctor import MOST_OF_A_KIND, ORDER, examine
from pipeline.compare.merging import merge_effects, people_sums
from pipeline.compare.overall import many_sums
from pipeline.compare.rows import interval_row
from pipeline.run import plan_run
from pipeline.stages import one_by_one, quiet, run_stages
from pipeline.units import read_study_json, read_units

CODES = ("wait", "delay", "cost", "kin")
Given = Sequence[str | None]


def make_panel(
    columns: Mapping[str, Given | np.ndarray],
    *,
    codes: Sequence[str] = CODES,
    n_transcripts: int = 4,
    learned: Sequence[str] | None = None,
    headings: Sequence[str] = (),
) -> Panel:
    """Columns by name: for each segment "a b" for two codes, "" for none, None for not read; or (n, k) flags.

    "model" is the model, any other name a human coder. learned: codes that the model can give.
    """
    n = max((len(cells) for cells in columns.values()), default=6)
    place = np.arange(n) * n_transcripts // n
    segments = tuple(
        Segment(f"s{i}", f"t{place[i]}", i + 1, "P", 10 * i, 10 * i + 5, f"word{i}") for i in range(n)
    )
    usable = np.array([code not in headings for code in codes])
    known = np.array([learned is None or code in learned for code in codes])
    made = []
    for name, cells in columns.items():
        kind = "model" if name == "model" else "human"
        flags, seen = (
            (cells, np.ones(n, dtype=bool)) if isinstance(cells, np.ndarray) else _flags(cells, codes)
        )
        made.append(Column(name, kind, flags, seen, usable & known if kind == "model" else usable))
    return Panel(
        segments=segments,
        codes=tuple(codes),
        transcripts=tuple(f"t{i}" for i in range(n_transcripts)),
        place=place.astype(np.intp),
        columns=tuple(made),
        probability=np.full((n, len(codes)), np.nan),
    )


def _flags(cells: Given, codes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    flags = [[cell is not None and code in cell.split() for code in codes] for cell in cells]
    return np.array(flags, dtype=bool), np.array([cell is not None for cell in cells])


def book(codes: Sequence[str] = CODES, parents: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """A codebook of names and parents."""
    return [{"name": code, "parent": (parents or {}).get(code, "")} for code in codes]


def doctor(panel: Panel, **options: Any) -> dict[str, Any]:
    """What the doctor says, as it would be read from the file."""
    found = examine(panel, options.pop("codebook", book(panel.codes)), alike=options.pop("alike", ()), seed=1)
    return json.loads(json.dumps(found, allow_nan=False))


def kinds(found: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Kind and codes of each finding."""
    return [(row["kind"], tuple(row["codes"])) for row in found["findings"]]


def swapped(n: int, k: int, *, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two coders with a share of codings missed by each; where the first gave code 0, the second may say 1."""
    random = np.random.default_rng(seed)
    true = random.random((n, k)) < 0.15
    a, b = true & (random.random((n, k)) < 0.85), true & (random.random((n, k)) < 0.85)
    moved = b[:, 0] & ~b[:, 1] & (random.random(n) < share)
    b[moved, 0], b[moved, 1] = False, True
    return a, b


# Which codes stand for which


def test_matrix_says_what_the_other_gave_instead() -> None:
    panel = make_panel(
        {
            "a": ["wait", "wait", "wait cost", "kin", ""],
            "b": ["delay", "", "cost", "kin", "wait delay"],
        },
        n_transcripts=1,
    )
    people = confusions(panel)["people"]
    at = {label: i for i, label in enumerate(people["labels"])}
    matrix = 2 * np.array(people["matrix"])  # either coder is the one and the other, half each
    assert matrix[at["wait"], at["delay"]] == matrix[at["delay"], at["wait"]] == 1
    assert matrix[at["wait"], at[NO_CODE]] == 2
    assert matrix[at["wait"], at[NOTHING_ELSE]] == 1
    assert matrix[at[NO_CODE], at["wait"]] == 1.5
    assert matrix[at["kin"], at["kin"]] == 2 * 1
    assert matrix[at["wait"], at["wait"]] == 0


def test_several_codes_instead_of_one_count_one_together() -> None:
    x = np.array([[True, False, False]])
    y = np.array([[False, True, True]])
    assert instead(x, y)[0].tolist() == [0, 0.5, 0.5, 0, 0]
    assert instead(y, x)[:, 0].tolist() == [0, 1, 1, 0, 0]


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_each_row_adds_up_to_how_often_its_code_was_given(seed: int, k: int, n: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.random((2, n, k)) < 0.4
    found = instead(x, y)
    assert found[:k].sum(axis=1) == pytest.approx(x.sum(axis=0))
    assert found[k].sum() == pytest.approx((~x.any(axis=1)).sum())
    assert np.diag(found)[:k].tolist() == (x & y).sum(axis=0).tolist()


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_neither_the_order_of_coders_nor_of_codes_changes_crossings(seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.random((2, 80, 4)) < 0.4
    order = random.permutation(4)
    first = confusions(make_panel({"a": a, "b": b}))["people"]
    other = confusions(make_panel({"b": b[:, order], "a": a[:, order]}, codes=[CODES[i] for i in order]))[
        "people"
    ]
    by_codes = [
        {frozenset(row["codes"]): (row["observed"], row["expected"]) for row in part["crossings"]}
        for part in (first, other)
    ]
    assert by_codes[0].keys() == by_codes[1].keys()
    assert all(by_codes[0][key] == pytest.approx(by_codes[1][key]) for key in by_codes[0])


def test_expected_crossings_are_the_product_of_what_each_gave_alone() -> None:
    a = ["wait"] * 6 + ["delay"] * 3 + [""] * 21
    b = ["delay"] * 6 + [""] * 3 + ["delay"] * 4 + [""] * 17
    (row,) = confusions(make_panel({"a": a, "b": b}))["people"]["crossings"]
    assert (row["codes"], row["observed"]) == (["wait", "delay"], 6)
    assert row["expected"] == pytest.approx((6 * 10 + 3 * 0) / 30)
    assert row["ratio"] == pytest.approx(3.0)
    assert row["alone"] == [6, 13]


def test_model_stands_in_columns_and_only_what_it_knows_can_be_crossed() -> None:
    panel = make_panel(
        {"a": ["wait"] * 6 + ["kin"] * 6, "model": ["delay"] * 12}, learned=("wait", "delay", "cost")
    )
    model = confusions(panel)["model"]
    matrix, at = np.array(model["matrix"]), {label: i for i, label in enumerate(model["labels"])}
    assert matrix[at["wait"], at["delay"]] == matrix[at["kin"], at["delay"]] == 6
    assert matrix[at["delay"], at["wait"]] == 0
    assert model["cannot_give"] == ["kin"]
    assert [row["codes"] for row in model["crossings"]] == [["wait", "delay"]]


# Mixed up


@pytest.mark.parametrize("seed", range(5))
def test_planted_confusion_is_found_and_nothing_else(seed: int) -> None:
    a, b = swapped(300, 8, share=0.6, seed=seed)
    codes = [f"code{i}" for i in range(8)]
    found = [
        row
        for row in doctor(make_panel({"a": a, "b": b}, codes=codes))["findings"]
        if row["kind"] == "mixed up"
    ]
    assert [row["codes"] for row in found] == [["code0", "code1"]]
    numbers = found[0]["numbers"]
    assert numbers["between"] == ["coders"]
    assert numbers["model"] is None
    assert numbers["coders"]["observed"] == int(
        (a[:, 0] & ~a[:, 1] & b[:, 1] & ~b[:, 0]).sum() + (a[:, 1] & ~a[:, 0] & b[:, 0] & ~b[:, 1]).sum()
    )


@pytest.mark.parametrize("frequent", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_codes_that_cross_by_chance_are_not_called_mixed_up(frequent: float, seed: int) -> None:
    a, b = np.random.default_rng(seed).random((2, 200, 10)) < frequent
    codes = [f"code{i}" for i in range(10)]
    panel = make_panel({"a": a, "b": b}, codes=codes)
    assert max(row["observed"] for row in confusions(panel)["people"]["crossings"]) >= 5
    assert "mixed up" not in {kind for kind, _ in kinds(doctor(panel))}


def test_one_segment_over_which_many_coders_split_is_no_confusion() -> None:
    columns = {f"c{i}": ["wait" if i < 5 else "delay", *["cost", "kin", ""] * 13] for i in range(10)}
    panel = make_panel(columns)
    assert confusions(panel)["people"]["crossings"][0]["observed"] == 25
    assert "mixed up" not in {kind for kind, _ in kinds(doctor(panel))}


def test_model_that_takes_one_code_for_another_is_found_beside_one_coder() -> None:
    a, model = swapped(300, 4, share=0.7, seed=3)
    found = doctor(make_panel({"a": a, "model": model}))
    assert kinds(found)[0] == ("mixed up", ("wait", "delay"))
    first = found["findings"][0]
    assert first["numbers"]["between"] == ["model"]
    assert first["numbers"]["coders"] is None
    assert first["merge"]["people"]["reason"] == "no two coders read the same segments blind"
    assert "krippendorff_alpha" not in first["merge"]["people"]
    assert set(first["examples"][0]["given"]) == {"a", "model"}


def test_examples_come_from_several_transcripts_with_text_and_who_gave_what() -> None:
    a, b = swapped(300, 4, share=0.7, seed=3)
    examples = doctor(make_panel({"a": a, "b": b}))["findings"][0]["examples"]
    assert len(examples) == len({example["transcript"] for example in examples}) == 3
    for example in examples:
        assert example["text"] == f"word{example['segment_id'][1:]}"
        assert (example["start"], example["end"]) == (
            10 * int(example["segment_id"][1:]),
            10 * int(example["segment_id"][1:]) + 5,
        )
        assert sorted(map(tuple, example["given"].values())) == [("delay",), ("wait",)]


# What a merge would do


def merged(flags: np.ndarray) -> np.ndarray:
    """Codes 0 and 1 as one, then the others."""
    return np.column_stack([flags[:, 0] | flags[:, 1], flags[:, 2:]])


@pytest.mark.parametrize("seed", range(4))
def test_merge_of_the_model_is_what_scikit_learn_gives_for_merged_labels(seed: int) -> None:
    a, b = swapped(200, 4, share=0.5, seed=seed)
    (effect,) = merge_effects(make_panel({"a": a, "model": b}), [(0, 1)], seed=1)
    scores = effect["model"]
    for key, score in (("f1", f1_score), ("cohen_kappa", cohen_kappa_score)):
        assert scores[key]["first"] == pytest.approx(score(a[:, 0], b[:, 0]), abs=1e-12)
        assert scores[key]["second"] == pytest.approx(score(a[:, 1], b[:, 1]), abs=1e-12)
        assert scores[key]["merged"] == pytest.approx(score(merged(a)[:, 0], merged(b)[:, 0]), abs=1e-12)
        assert scores[key]["all_before"] == pytest.approx(score(a.ravel(), b.ravel()), abs=1e-12)
        assert scores[key]["all_after"] == pytest.approx(
            score(merged(a).ravel(), merged(b).ravel()), abs=1e-12
        )
        found = scores[key]["differences"]["all_after_minus_before"]["value"]
        assert found == pytest.approx(scores[key]["all_after"] - scores[key]["all_before"], abs=1e-12)


def test_merge_of_three_coders_with_gaps_is_alpha_of_merged_labels() -> None:
    random = np.random.default_rng(5)
    flags = random.random((3, 120, 4)) < 0.3
    seen = random.random((3, 120)) < 0.8
    cells = [
        [
            " ".join(c for c, on in zip(CODES, row, strict=True) if on) if read else None
            for row, read in zip(f, s, strict=True)
        ]
        for f, s in zip(flags, seen, strict=True)
    ]
    panel = make_panel(dict(zip("abc", cells, strict=True)))
    alpha = merge_effects(panel, [(0, 1)], seed=1)[0]["people"]["krippendorff_alpha"]

    def reference(values: np.ndarray) -> float:
        """values: (3, 120, m)."""
        table = np.where(seen[..., None], values, np.nan).reshape(3, -1)
        return krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")

    after = np.stack([merged(coder) for coder in flags])
    assert alpha["first"] == pytest.approx(reference(flags[..., [0]]), abs=1e-12)
    assert alpha["merged"] == pytest.approx(reference(after[..., [0]]), abs=1e-12)
    assert alpha["all_before"] == pytest.approx(reference(flags), abs=1e-12)
    assert alpha["all_after"] == pytest.approx(reference(after), abs=1e-12)


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_alpha_from_sums_is_alpha_of_the_table(seed: int, n_coders: int) -> None:
    random = np.random.default_rng(seed)
    flags = random.random((n_coders, 20, 1)) < random.uniform(0, 1)
    panel = make_panel({f"c{i}": flags[i] for i in range(n_coders)}, codes=["x"], n_transcripts=3)
    found = many.krippendorff_alpha(people_sums(panel, ()).sums.sum(axis=0))[0]
    expected = krippendorff_alpha(Ratings(flags[..., 0].T.astype(np.int64), (0, 1))).value
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)
    if n_coders == 2:
        two = alpha_of_two(count_pairs(flags[0, :, 0], flags[1, :, 0]))
        assert found == pytest.approx(float(two), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("n_transcripts", "method"),
    [
        (7, "too few transcripts with either code: 7"),
        (12, "jackknife over 12"),
        (40, "BCa bootstrap over 40"),
    ],
)
def test_differences_have_the_interval_that_the_number_of_transcripts_allows(
    n_transcripts: int, method: str
) -> None:
    a, b = swapped(1200, 4, share=0.6, seed=2)
    panel = make_panel({"a": a, "b": b, "model": b}, n_transcripts=n_transcripts)
    (effect,) = merge_effects(panel, [(0, 1)], seed=1)
    for scores in (
        effect["people"]["krippendorff_alpha"],
        effect["model"]["f1"],
        effect["model"]["cohen_kappa"],
    ):
        difference = scores["differences"]["merged_minus_first"]
        assert (difference["method"] or difference["reason"]).startswith(method)
        if difference["method"]:
            assert difference["low"] < difference["value"] < difference["high"]


@pytest.mark.parametrize(
    ("n_holding", "told"),
    [
        (2, "too few transcripts with either code: 2"),
        (12, "jackknife over 12"),
        (34, "BCa bootstrap over 34"),
    ],
)
def test_differences_stand_on_the_transcripts_that_hold_either_code(n_holding: int, told: str) -> None:
    a, b = swapped(1200, 4, share=0.6, seed=2)
    holds = np.arange(1200) // 30 < n_holding
    for flags in (a, b):
        flags[~holds, :2] = False
    panel = make_panel({"a": a, "b": b, "model": b}, n_transcripts=40)
    (effect,) = merge_effects(panel, [(0, 1)], seed=1)
    for scores in (
        effect["people"]["krippendorff_alpha"],
        *(effect["model"][k] for k in ("f1", "cohen_kappa")),
    ):
        for difference in scores["differences"].values():
            assert (difference["method"] or difference["reason"]).startswith(told)


def test_difference_from_a_code_in_few_transcripts_has_no_interval_however_many_hold_the_other() -> None:
    a, b = swapped(400, 4, share=0, seed=2)
    for flags in (a, b):
        flags[np.arange(400) >= 40, 0] = False
    (effect,) = merge_effects(make_panel({"a": a, "b": b, "model": b}, n_transcripts=20), [(0, 1)], seed=1)
    scores = [effect["people"]["krippendorff_alpha"], effect["model"]["f1"], effect["model"]["cohen_kappa"]]
    for differences in (of["differences"] for of in scores):
        first = differences["merged_minus_first"]
        assert first["reason"] == "too few transcripts with the first code: 2, at least 8 needed"
        assert first["low"] is None
        assert first["value"] is not None
        assert differences["merged_minus_second"]["method"].startswith("jackknife over")


@pytest.mark.parametrize(("n_holding", "found"), [(2, False), (12, True)])
def test_code_in_few_transcripts_is_no_disagreement_by_an_interval_over_those_without_it(
    n_holding: int, found: bool
) -> None:
    """alpha .5 in two transcripts of twenty: too few for an interval, and above what is low without one."""
    a, b = (np.zeros((400, 4), dtype=bool) for _ in range(2))
    for t in range(n_holding):
        a[20 * t : 20 * t + 6, 0] = b[20 * t + 3 : 20 * t + 9, 0] = True
    a[::3, 1] = b[::3, 1] = True
    panel = make_panel({"a": a, "b": b}, n_transcripts=20)
    of_code = many.many_intervals(many_sums(panel), ["krippendorff_alpha"], seed=1)["krippendorff_alpha"][1]
    rows = [row for row in doctor(panel)["findings"] if row["kind"] == "no agreement"]
    assert [row["codes"] for row in rows] == ([["wait"]] if found else [])
    if found:
        assert rows[0]["numbers"]["ci"] == interval_row(of_code)
        assert of_code.n_transcripts == n_holding
        assert rows[0]["numbers"]["n_given"] == int(a[:, 0].sum() + b[:, 0].sum())


def test_merge_with_a_code_that_the_model_does_not_know_says_so() -> None:
    a, b = swapped(200, 4, share=0.6, seed=2)
    panel = make_panel({"a": a, "b": b, "model": a & b}, learned=("wait", "cost", "kin"))
    (effect,) = merge_effects(panel, [(0, 1)], seed=1)
    assert effect["model"]["reason"] == "the model has not learned 'delay'"
    assert "f1" not in effect["model"]
    assert effect["people"]["krippendorff_alpha"]["merged"] > effect["people"]["krippendorff_alpha"]["first"]


# Single codes, and codes that go together


def test_code_on_which_coders_do_not_agree_is_found_among_those_on_which_they_do() -> None:
    random = np.random.default_rng(4)
    a = random.random((300, 4)) < 0.2
    b = a.copy()
    b[:, 2] = random.random(300) < 0.2
    found = doctor(make_panel({"a": a, "b": b}, n_transcripts=10))
    assert kinds(found) == [("no agreement", ("cost",))]
    numbers = found["findings"][0]["numbers"]
    assert numbers["ci"]["high"] < 0.667
    assert numbers["n_pairs_one"] == int((a[:, 2] ^ b[:, 2]).sum())
    assert numbers["n_pairs_both"] == int((a[:, 2] & b[:, 2]).sum())
    assert all(
        len(set(map(tuple, example["given"].values()))) == 2 for example in found["findings"][0]["examples"]
    )


def test_code_that_one_coder_alone_gives_is_found_where_another_read() -> None:
    a = ["wait kin"] * 4 + ["cost"] * 4 + ["delay"] * 4
    b = ["wait"] * 4 + ["cost"] * 4 + ["delay"] * 4
    found = doctor(make_panel({"a": a, "b": b}))
    assert kinds(found) == [("one coder only", ("kin",))]
    assert found["findings"][0]["numbers"] == {
        "coder": "a",
        "n_given": 4,
        "n_given_where_others_read": 4,
        "others": ["b"],
    }
    apart = doctor(make_panel({"a": [*a, *[None] * 12], "b": [*[None] * 12, *b]}))
    assert "one coder only" not in {kind for kind, _ in kinds(apart)}


def test_codes_that_nobody_gives_are_found_and_headings_are_not() -> None:
    codes = ("heading", "wait", "delay", "cost")
    panel = make_panel({"a": ["wait"] * 5 + ["delay", "", ""]}, codes=codes, headings=("heading",))
    found = doctor(panel, codebook=book(codes, {"wait": "heading"}))
    assert kinds(found) == [("unused", ("cost",)), ("hardly used", ("delay",))]
    assert found["findings"][0]["numbers"] == {"n_segments": 0, "n_read": 8, "coders": []}


@pytest.mark.parametrize(("parents", "expected"), [({}, 1), ({"delay": "wait"}, 0)])
def test_codes_always_given_together_are_found_unless_one_is_the_parent(
    parents: Mapping[str, str], expected: int
) -> None:
    panel = make_panel({"a": ["wait delay"] * 9 + ["wait"] + ["cost"] * 10 + ["kin"] * 10})
    found = doctor(panel, codebook=book(CODES, parents))
    rows = [row for row in found["findings"] if row["kind"] == "always together"]
    assert len(rows) == expected
    if rows:
        assert rows[0]["numbers"] == {
            "n_both": 9,
            "n_either": 10,
            "jaccard": 0.9,
            "expected": pytest.approx(3.0),
        }


def test_codes_that_stand_nearly_everywhere_are_together_by_chance() -> None:
    panel = make_panel({"a": ["wait delay"] * 27 + ["cost cost", "kin", "wait"]})
    assert "always together" not in {kind for kind, _ in kinds(doctor(panel))}


def test_entries_alike_are_told_with_what_a_merge_would_do_but_for_parents_and_headings() -> None:
    codes = ("heading", *CODES)
    a, b = swapped(60, 5, share=0, seed=1)
    a[:, 0] = b[:, 0] = False
    panel = make_panel({"a": a, "b": b}, codes=codes, headings=("heading",))
    rows = [
        {"codes": pair, "similarity": similarity, "by": "words", "least": 0.5}
        for pair, similarity in ((["kin", "cost"], 0.6), (["wait", "delay"], 0.9), (["heading", "cost"], 0.8))
    ]
    found = doctor(panel, codebook=book(codes, {"delay": "wait"}), alike=rows)
    (row,) = [row for row in found["findings"] if row["kind"] == "defined alike"]
    assert row["codes"] == ["cost", "kin"]
    assert row["numbers"] == {"similarity": 0.6, "by": "words", "least": 0.5}
    assert row["merge"]["people"]["krippendorff_alpha"]["merged"] is not None


# Order, and where nothing can be said


def test_findings_stand_in_the_stated_order_and_no_kind_floods_the_list() -> None:
    codes = [*CODES, *(f"unused{i}" for i in range(MOST_OF_A_KIND + 5))]
    a, b = swapped(300, len(codes), share=0.7, seed=3)
    a[:, 4:] = b[:, 4:] = False
    found = doctor(make_panel({"a": a, "b": b}, codes=codes))
    places = [ORDER.index(row["kind"]) for row in found["findings"]]
    assert places == sorted(places)
    assert found["findings"][0]["kind"] == "mixed up"
    assert sum(row["kind"] == "unused" for row in found["findings"]) == MOST_OF_A_KIND
    assert found["n_left_out"] == {"unused": 5}


@pytest.mark.parametrize(
    ("columns", "codes", "reason"),
    [
        ({}, CODES, "nobody has given a code yet"),
        ({"a": ["", "", ""], "b": ["", "", ""]}, CODES, "nobody has given a code yet"),
        ({"a": ["wait"] * 6}, CODES, "no two coders read the same segments blind"),
        (
            {"a": ["wait"] * 3 + [None] * 3, "b": [None] * 3 + ["wait"] * 3},
            CODES,
            "no two coders read the same segments blind",
        ),
        ({"a": ["x"] * 6, "b": ["x"] * 6}, ["x"], "no model has been trained"),
        ({"a": ["x"] * 6, "b": [""] * 6, "model": ["x"] * 6}, ["x"], None),
        ({"a": [None] * 6, "b": [None] * 6}, CODES, "no two coders read the same segments blind"),
    ],
)
def test_where_nothing_can_be_said_the_reason_is_given(
    columns: Mapping[str, Given], codes: Sequence[str], reason: str | None
) -> None:
    panel = make_panel(columns, codes=codes)
    found = doctor(panel)
    assert "mixed up" not in {kind for kind, _ in kinds(found)}
    reasons = {row["reason"] for row in found["not_examined"]}
    assert (reason in reasons) if reason else not reasons
    parts = confusions(panel)
    assert all(bool(parts[part]["matrix"]) != bool(parts[part]["reason"]) for part in ("people", "model"))


def test_third_coder_without_overlap_changes_nothing_that_two_have_in_common() -> None:
    a, b = swapped(100, 4, share=0.6, seed=6)
    cells = [
        [" ".join(c for c, on in zip(CODES, row, strict=True) if on) for row in flags] for flags in (a, b)
    ]
    two = make_panel({"a": [*cells[0], *[None] * 50], "b": [*cells[1], *[None] * 50]}, n_transcripts=3)
    three = make_panel(
        {"a": [*cells[0], *[None] * 50], "b": [*cells[1], *[None] * 50], "c": [*[None] * 100, *["kin"] * 50]},
        n_transcripts=3,
    )
    assert confusions(two)["people"] == confusions(three)["people"]
    effects = [merge_effects(panel, [(0, 1)], seed=1)[0]["people"] for panel in (two, three)]
    assert effects[0]["krippendorff_alpha"] == effects[1]["krippendorff_alpha"]
    assert effects[1]["n_coders"] == 2


# Real material


def panel_of_study(source: Path, root: Path, *stages: str) -> tuple[Panel, list[dict[str, str]]]:
    """The panel of a copy of a study, after these stages; without "train" there is no model."""
    shutil.copytree(source, root)
    study = load_study(root)
    plan = plan_run(study)
    keys = run_stages(plan, one_by_one(study, plan, quiet), wanted=("ingest", "preprocess", "units", *stages))
    units = read_units(study, keys.units[0], keys.preprocess)
    codebook = read_study_json(study, keys.units[0])["codebook"]
    return read_panel(study, units, (*keys.train, "none")[0], codebook), codebook


def test_ten_coders_mix_up_change_with_neutral_and_simple_with_complex_reflection(
    shared_dir: Path, tmp_path: Path
) -> None:
    panel, codebook = panel_of_study(shared_dir / "data" / "annomi_ten_coders", tmp_path / "study")
    found = doctor(panel, codebook=codebook)
    pairs = [codes for kind, codes in kinds(found) if kind == "mixed up"]
    assert pairs[:4] == [
        ("client_change", "client_neutral"),
        ("client_neutral", "client_sustain"),
        ("reflection_simple", "reflection_complex"),
        ("question_open", "question_closed"),
    ]
    assert len(pairs) == 8
    assert all(
        row["merge"]["people"]["krippendorff_alpha"]["merged"] is not None for row in found["findings"][:8]
    )
    assert ("no agreement", ("input_negotiation",)) in kinds(found)


def test_one_coder_and_the_model_mix_up_what_is_simple_with_what_is_complex(
    shared_dir: Path, tmp_path: Path
) -> None:
    panel, codebook = panel_of_study(shared_dir / "data" / "serdif", tmp_path / "study", "train")
    found = doctor(panel, codebook=codebook)
    pairs = [codes for kind, codes in kinds(found) if kind == "mixed up"]
    assert ("Search feature simple", "Search information process complex") in pairs
    assert len(pairs) <= 10
    first = found["findings"][0]
    assert first["numbers"]["between"] == ["model"]
    difference = first["merge"]["model"]["f1"]["differences"]["merged_minus_second"]
    assert difference["method"].startswith("jackknife over")
    assert ("no agreement", "no two coders read the same segments blind") in {
        (row["kind"], row["reason"]) for row in found["not_examined"]
    }
