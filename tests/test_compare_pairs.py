"""Each two columns beside each other: every figure is that of other people's libraries on the raw cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score, precision_score, recall_score

from corpus.study import Study
from pipeline.compare.columns import Panel
from pipeline.compare.enough import with_means
from pipeline.compare.pairs import FIGURES, all_pairs, beside, count_pair, macro_row, pair_rows
from pipeline.compare.spans import Marked, _overlaps
from pipeline.run import run_study

MakePanel = Callable[..., Panel]
PLACE = np.repeat(np.arange(10), 12).tolist()


def nothing_marked(panel: Panel) -> tuple[Marked, ...]:
    """Transcripts of which nobody marked a stretch: pairs on segments only."""
    names = [column.name for column in panel.columns]
    return tuple(Marked("", dict.fromkeys(names, ()), dict.fromkeys(names, ())) for _ in panel.transcripts)


def rows_of(panel: Panel, a: str, b: str) -> list[dict[str, Any]]:
    by_name = {column.name: column for column in panel.columns}
    return pair_rows(panel, count_pair(panel, by_name[a], by_name[b]), nothing_marked(panel), seed=1)


def test_figures_are_those_of_scikit_learn_and_krippendorff_on_common_cells(
    make_panel: MakePanel, make_coders: Callable[..., list[np.ndarray]]
) -> None:
    a, b = make_coders((120, 3), 2, noise=0.15, seed=1)
    seen = {"a": np.arange(120) >= 20, "b": np.arange(120) < 110}
    both = seen["a"] & seen["b"]
    pooled, *each = rows_of(make_panel({"a": a, "b": b}, place=PLACE, seen=seen), "a", "b")
    for row, x, y in [
        (pooled, a[both].ravel(), b[both].ravel()),
        *((row, a[both, k], b[both, k]) for k, row in enumerate(each)),
    ]:
        assert row["n_units"] == 90
        assert row["n_transcripts"] == 9
        table = np.stack([x, y]).astype(int)
        alpha = krippendorff.alpha(
            reliability_data=table, level_of_measurement="nominal", value_domain=[0, 1]
        )
        p = (x.mean() + y.mean()) / 2
        expected = {
            "prevalence_a": x.mean(),
            "prevalence_b": y.mean(),
            "bias": abs(x.mean() - y.mean()),
            "percent_agreement": (x == y).mean(),
            "cohen_kappa": cohen_kappa_score(x, y),
            "krippendorff_alpha": alpha,
            "gwet_ac1": ((x == y).mean() - 2 * p * (1 - p)) / (1 - 2 * p * (1 - p)),
            "scott_pi": ((x == y).mean() - p**2 - (1 - p) ** 2) / (1 - p**2 - (1 - p) ** 2),
            "brennan_prediger": 2 * (x == y).mean() - 1,
            "precision": precision_score(x, y),
            "recall": recall_score(x, y),
            "f1": f1_score(x, y),
        }
        assert {key: row[key] for key in expected} == pytest.approx(expected, abs=1e-12)
        assert set(row["ci"]) == set(FIGURES)
        assert all(row["ci"][key]["low"] <= row[key] <= row["ci"][key]["high"] for key in expected)
    assert (pooled["code"], pooled["n_codes"]) == (None, 3)
    assert [row["code"] for row in each] == ["c0", "c1", "c2"]


def test_kinds_stand_in_order_and_machines_on_segments_that_people_share(make_panel: MakePanel) -> None:
    flags = np.ones((8, 2), dtype=bool)
    seen = {"a": np.arange(8) < 6, "b": np.arange(8) >= 4, "c": np.arange(8) < 0}
    names = ["a", "b", "c", "consensus", "old", "model"]
    panel = make_panel(
        dict.fromkeys(names, flags),
        place=[0] * 8,
        seen=seen,
        kinds={"consensus": "consensus", "old": "machine"},
    )
    found = [(a.name, b.name, kind) for a, b, kind in all_pairs(panel)]
    assert found[:3] == [(a, b, "human-human") for a, b in (("a", "b"), ("a", "c"), ("b", "c"))]
    assert found[3:6] == [("consensus", name, "consensus-human") for name in "abc"]
    for other, part in (("old", found[6:10]), ("model", found[10:])):
        kind = "machine" if other == "old" else "model"
        assert part == [
            *((name, other, f"{kind}-human") for name in "abc"),
            ("consensus", other, f"{kind}-consensus"),
        ]
    on = {
        (a.name, b.name): count_pair(panel, a, b).rows.tolist()
        for a, b, kind in all_pairs(panel)
        if kind in ("model-human", "machine-human")
    }
    assert on["a", "model"] == on["b", "model"] == on["a", "old"] == [4, 5]
    assert on["c", "model"] == []


def test_coder_who_shares_nothing_stands_beside_the_model_on_all_that_they_read(
    make_panel: MakePanel,
) -> None:
    flags = np.ones((4, 2), dtype=bool)
    seen = {"a": np.arange(4) < 3, "b": np.arange(4) >= 3}
    panel = make_panel({"a": flags, "b": flags}, place=[0] * 4, seen=seen)
    assert beside(panel.humans[0], panel.humans).seen.tolist() == [True, True, True, False]


def test_what_is_undefined_is_null_with_a_reason_and_left_out_of_the_macro(make_panel: MakePanel) -> None:
    a = np.zeros((120, 2), dtype=bool)
    a[::3, 0] = True
    rows = rows_of(make_panel({"a": a, "b": a}, place=PLACE), "a", "b")
    never = rows[2]
    assert never["cohen_kappa"] is None
    assert never["undefined"]["cohen_kappa"] == "neither varied: both never gave the code"
    assert never["undefined"]["precision"] == "b never gave the code"
    macro = macro_row(with_means([rows])[0])
    assert macro["macro"]["cohen_kappa"] == 1
    assert macro["n_codes_defined"]["cohen_kappa"] == 1
    assert macro["n_codes_defined"]["percent_agreement"] == 2
    json.dumps(rows, allow_nan=False)


Stretches = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=6)


@given(Stretches, Stretches)
def test_overlaps_are_the_characters_that_lie_in_both(
    read: list[tuple[int, int]], gaps: list[tuple[int, int]]
) -> None:
    stretches = [(start, start + length) for start, length in read]
    places, at = [], 0
    for gap, length in gaps:
        places.append((at + gap, at + gap + length))
        at += gap + length
    characters = [i for start, end in _overlaps(stretches, places) for i in range(start, end)]
    mine, theirs = ({i for s, e in part for i in range(s, e)} for part in (stretches, places))
    assert characters == sorted(mine & theirs)


# End to end: spans whose borders differ

SAID = ["we waited so long for it", "the bus fare went up", "my sister came along"]


def with_spans(spans: dict[str, list[tuple[str, int, int]]], n: int = 9) -> dict[str, str]:
    """Interviews of three questions and answers; each coder marks the same stretches in each, moved by its number."""
    text = "".join(f"Interviewer: And   then what?\nP1: {said}\n" for said in SAID)
    files = {f"transcripts/t{t}.txt": text for t in range(n)}
    for coder, marks in spans.items():
        rows = [f"t{t},{code},{start + t % 3},{end}" for t in range(n) for code, start, end in marks]
        files[f"codings/{coder}.csv"] = "\n".join(["transcript,code,start,end", *rows, ""])
    files["codebook.csv"] = "code\nWaiting\nMoney\n"
    files["study.toml"] = '[model]\nencoder = "none"\n[speakers]\ncontext = ["Interviewer"]\n'
    return files


def test_character_kappa_is_that_of_scikit_learn_on_what_participants_said(
    make_study: Callable[..., Study],
) -> None:
    text = with_spans({})["transcripts/t0.txt"]
    at = [text.index(said) for said in SAID]
    # Ann's second mark begins in the interviewer's question, which counts for nobody.
    marks = {
        "ann": [("Waiting", at[0], at[0] + 18), ("Money", at[1] - 20, at[1] + 12)],
        "bob": [("Waiting", at[0] + 3, at[0] + 24), ("Money", at[1] + 4, at[1] + 20)],
    }
    done = run_study(make_study(with_spans(marks)))
    rows = json.loads((done.run_dir / "agreement.json").read_text())["comparisons"]
    solid = [i for start, said in zip(at, SAID, strict=True) for i in range(start, start + len(said))]
    solid = [i for i in solid if text[i] != " "]
    cells: dict[str, dict[str, list[bool]]] = {code: {"ann": [], "bob": []} for code in ("Waiting", "Money")}
    for t in range(9):
        for coder, found in marks.items():
            for code, start, end in found:
                cells[code][coder] += [start + t % 3 <= i < end for i in solid]
    human = {row["code"]: row for row in rows if row["kind"] == "human-human"}
    for code, of in cells.items():
        assert human[code]["character_kappa"] == pytest.approx(cohen_kappa_score(of["ann"], of["bob"]))
        assert human[code]["ci"]["character_kappa"]["low"] < human[code]["character_kappa"]
    pooled = [[cell for code in cells for cell in cells[code][coder]] for coder in ("ann", "bob")]
    assert human[None]["character_kappa"] == pytest.approx(cohen_kappa_score(*pooled))
    models = [row for row in rows if row["kind"] == "model-human"]
    assert all("marks no stretch" in row["undefined"]["character_kappa"] for row in models)
