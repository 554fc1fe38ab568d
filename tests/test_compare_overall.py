"""All coders at once: the figures are those of the general functions on the same table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.tables import write_table
from pipeline.agreement.alpha import krippendorff_alpha
from pipeline.agreement.continuum import Continuum, span_sums
from pipeline.agreement.fleiss import fleiss_kappa
from pipeline.agreement.intervals import Interval
from pipeline.agreement.rated_file import as_json, audit_table
from pipeline.agreement.sets import alpha_over_sets, set_interval, set_sums
from pipeline.agreement.unitizing import unitizing_agreement
from pipeline.agreement.values import encode
from pipeline.compare.columns import Panel
from pipeline.compare.overall import overall_mean, overall_rows, sample_size_rows, shared_rows
from pipeline.compare.pairs import all_pairs, count_pair, pair_rows
from pipeline.compare.rows import interval_row
from pipeline.compare.spans import Marked

MakePanel = Callable[..., Panel]
N, K, PLACE = 120, 3, np.repeat(np.arange(10), 12)
TEXT = "abcd efgh " * 12


@pytest.fixture(scope="module")
def panel(make_panel: MakePanel, make_coders: Callable[..., list[np.ndarray]]) -> Panel:
    """Three coders, of whom the second and the third read a part; a machine that does not count."""
    a, b, c, machine = make_coders((N, K), 4, noise=0.15, seed=3)
    seen = {"b": np.arange(N) < 90, "c": np.arange(N) >= 60}
    columns = {"a": a, "b": b, "c": c, "old": machine}
    return make_panel(columns, place=PLACE.tolist(), seen=seen, kinds={"old": "machine"})


@pytest.fixture(scope="module")
def marked(panel: Panel) -> tuple[Marked, ...]:
    """Each coder marks the segments that they coded, the second from the third character on."""
    found = []
    for t in range(10):
        rows = np.flatnonzero(t == PLACE)
        spans = {
            column.name: [
                (10 * i + 2 * (column.name == "b"), 10 * i + 9, f"c{k}")
                for i, row in enumerate(rows)
                for k in np.flatnonzero(column.given[row])
            ]
            for column in panel.columns
        }
        read = {
            column.name: [(10 * i, 10 * i + 10) for i, row in enumerate(rows) if column.seen[row]]
            for column in panel.columns
        }
        found.append(Marked(TEXT, spans, read))
    return tuple(found)


@pytest.fixture(scope="module")
def rows(panel: Panel, marked: tuple[Marked, ...]) -> list[dict[str, Any]]:
    """``overall`` of the panel."""
    return overall_rows(panel, marked, seed=1)


def table_of(panel: Panel, codes: list[int], rows: np.ndarray) -> list[list[bool | None]]:
    return [
        [bool(column.given[row, code]) if column.seen[row] else None for column in panel.humans]
        for code in codes
        for row in rows
    ]


@pytest.mark.parametrize("code", [None, 0, 1, 2])
def test_coefficients_are_those_of_the_general_functions(
    panel: Panel, rows: list[dict[str, Any]], code: int | None
) -> None:
    row = rows[0 if code is None else code + 1]
    codes = list(range(K)) if code is None else [code]
    ratings = encode(table_of(panel, codes, shared_rows(panel)), categories=[False, True])
    assert row["code"] == (None if code is None else f"c{code}")
    assert row["coders"] == ["a", "b", "c"]
    assert row["n_units"] == len(shared_rows(panel)) == N
    assert row["krippendorff_alpha"] == pytest.approx(krippendorff_alpha(ratings).value, abs=1e-12)
    assert row["fleiss_kappa"] == pytest.approx(fleiss_kappa(ratings).value, abs=1e-12)
    assert (
        row["ci"]["krippendorff_alpha"]["low"]
        < row["krippendorff_alpha"]
        < row["ci"]["krippendorff_alpha"]["high"]
    )


def test_alpha_over_sets_is_that_of_the_table_of_sets(panel: Panel, rows: list[dict[str, Any]]) -> None:
    table = [
        [
            frozenset(np.flatnonzero(column.given[row]).tolist()) if column.seen[row] else None
            for column in panel.humans
        ]
        for row in range(N)
    ]
    for name in ("masi", "jaccard"):
        assert rows[0][f"alpha_{name}"] == pytest.approx(alpha_over_sets(table, distance=name).value)
        interval: Interval = set_interval(set_sums(table, distance=name, transcripts=PLACE.tolist()), seed=1)
        assert rows[0]["ci"][f"alpha_{name}"] == interval_row(interval)
        assert f"alpha_{name}" not in rows[1]


def test_unitizing_alpha_is_that_of_what_the_three_marked(
    marked: tuple[Marked, ...], rows: list[dict[str, Any]]
) -> None:
    continua = [
        Continuum(len(TEXT), [one.spans[c] for c in "abc"], [one.read[c] for c in "abc"]) for one in marked
    ]
    found = unitizing_agreement(span_sums(continua, ["c0", "c1", "c2"]))
    assert rows[0]["unitizing_binary"] == pytest.approx(found.binary.value)
    assert rows[0]["unitizing_u"] is None
    assert rows[0]["undefined"]["unitizing_u"] == found.u.reason
    for row in rows[1:]:
        assert row["unitizing_code"] == pytest.approx(found.code[row["code"]].value)


@pytest.mark.parametrize("seen", [[range(0, 60), range(60, 120)], [range(120)], [range(120), range(0)]])
def test_nothing_is_said_where_nothing_is_shared(make_panel: MakePanel, seen: list[range]) -> None:
    flags = np.ones((N, K), dtype=bool)
    names = ["a", "b"][: len(seen)]
    read = {name: np.isin(np.arange(N), of) for name, of in zip(names, seen, strict=True)}
    panel = make_panel(dict.fromkeys(names, flags), place=PLACE.tolist(), seen=read)
    assert overall_rows(panel, [], seed=1) == []
    assert sample_size_rows(panel, width=0.2) == []


def test_nobody_and_no_segment_are_empty_too(make_panel: MakePanel) -> None:
    assert overall_rows(make_panel({}, place=[]), [], seed=1) == []
    assert overall_rows(make_panel({}, place=[0, 0, 1]), [], seed=1) == []
    none = np.zeros((0, 2), dtype=bool)
    assert overall_rows(make_panel({"a": none, "b": none}, place=[]), [], seed=1) == []


def test_coder_who_shares_nothing_is_not_among_the_coders(make_panel: MakePanel) -> None:
    flags = np.random.default_rng(0).random((N, K)) < 0.3
    seen = {"a": np.arange(N) < 60, "b": np.arange(N) < 60, "c": np.arange(N) >= 60}
    panel = make_panel(dict.fromkeys("abc", flags), place=PLACE.tolist(), seen=seen)
    text = Marked(TEXT, dict.fromkeys("abc", ()), dict.fromkeys("abc", ()))
    pooled = overall_rows(panel, [text] * 10, seed=1)[0]
    assert pooled["coders"] == ["a", "b"]
    assert pooled["krippendorff_alpha"] == 1
    assert pooled["n_transcripts"] == 5


def test_mean_over_codes_does_not_rise_with_how_unlike_codes_are_in_frequency(make_panel: MakePanel) -> None:
    """Coders who draw lots at prevalences far apart: pooled cells say .7, no code says anything."""
    rng = np.random.default_rng(0)
    columns = {name: rng.random((1200, 3)) < [0.92, 0.05, 0.04] for name in ("a", "b", "c")}
    panel = make_panel(columns, place=np.repeat(np.arange(12), 100).tolist())
    mean = overall_mean(panel, seed=0)["krippendorff_alpha"]
    assert abs(mean["mean"]) < 0.05
    assert mean["ci"]["low"] < mean["mean"] < mean["ci"]["high"]
    assert (
        float(krippendorff_alpha(encode(np.stack([c.ravel() for c in columns.values()], 1).tolist())).value)
        > 0.7
    )


def test_mean_over_codes_leaves_out_what_is_undefined_and_counts_it(panel: Panel) -> None:
    row = overall_mean(panel, seed=0)
    assert row["n_codes"] == K
    found = row["krippendorff_alpha"]
    assert found["n_defined"] == K
    assert found["lowest"] <= found["mean"] <= found["highest"]
    assert overall_mean(panel.where({c.name: np.zeros(10, dtype=bool) for c in panel.humans}), seed=0) == {}


@pytest.fixture(scope="module")
def partly_read(make_panel: MakePanel, make_coders: Callable[..., list[np.ndarray]]) -> Panel:
    """Three coders of whom much was read by one alone, where codes are more frequent."""
    coders = make_coders((N, K), 3, noise=0.15, seed=4)
    at = np.arange(N)
    coders[0][at < 40] |= np.random.default_rng(1).random((40, K)) < 0.5
    seen = {"a": at < 96, "b": (at >= 40) & (at % 12 < 9), "c": (at >= 60) & (at < 110)}
    return make_panel(dict(zip("abc", coders, strict=True)), place=PLACE.tolist(), seen=seen)


def table_of_code(panel: Panel, code: int, path: Path) -> dict[str, Any]:
    """What ``precode audit TABLE`` says of the cells of a code."""
    rows = [
        [f"u{row}", *(("yes" if c.given[row, code] else "no") if c.seen[row] else "" for c in panel.humans)]
        for row in range(len(panel.segments))
    ]
    write_table(path, ["unit", *(c.name for c in panel.humans)], rows)
    return as_json(audit_table(path))


@pytest.mark.parametrize("code", range(K))
def test_study_and_table_of_the_same_cells_say_the_same(
    partly_read: Panel, code: int, tmp_path: Path
) -> None:
    texts = [Marked(TEXT, dict.fromkeys("abc", ()), dict.fromkeys("abc", ()))] * 10
    found = table_of_code(partly_read, code, tmp_path / "code.csv")
    row = overall_rows(partly_read, texts, seed=1)[1 + code]
    for key in ("percent_agreement", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1", "brennan_prediger"):
        assert row[key] == pytest.approx(found["overall"][key], abs=1e-12)
    for (a, b, _), pair in zip(all_pairs(partly_read), found["pairs"], strict=True):
        here = pair_rows(partly_read, count_pair(partly_read, a, b), texts, seed=1)[1 + code]
        assert (pair["a"], pair["b"], pair["n_units"]) == (a.name, b.name, here["n_units"])
        for key in ("percent_agreement", "cohen_kappa", "krippendorff_alpha", "gwet_ac1", "scott_pi"):
            assert here[key] == pytest.approx(pair[key], abs=1e-12)


def test_what_one_coder_alone_read_moves_shares_and_not_how_far_two_agree(partly_read: Panel) -> None:
    texts = [Marked(TEXT, dict.fromkeys("abc", ()), dict.fromkeys("abc", ()))] * 10
    shared = np.zeros(N, dtype=bool)
    shared[shared_rows(partly_read)] = True
    alone = replace(partly_read, columns=tuple(replace(c, seen=c.seen & shared) for c in partly_read.columns))
    for all_read, of_shared in zip(
        overall_rows(partly_read, texts, seed=1), overall_rows(alone, texts, seed=1), strict=True
    ):
        for key in ("percent_agreement", "krippendorff_alpha", "brennan_prediger"):
            assert (all_read[key], all_read["ci"][key]) == (of_shared[key], of_shared["ci"][key])
        for key in ("prevalence", "gwet_ac1", "fleiss_kappa"):
            assert all_read[key] != of_shared[key]
        assert all_read["n_transcripts"] == of_shared["n_transcripts"] < len(partly_read.transcripts)
