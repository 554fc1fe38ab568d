"""cells.csv: figures of agreement.json are recomputed from it alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from corpus.tables import read_table
from pipeline.compare.cells_table import write_cells
from pipeline.compare.columns import Panel
from pipeline.compare.overall import overall_rows
from pipeline.compare.pairs import all_pairs, count_pair, pair_rows
from pipeline.compare.spans import Marked

PLACE = np.repeat(np.arange(12), 10)
Said = dict[tuple[str, str, str], float]


@pytest.fixture
def panel(make_panel: Callable[..., Panel], make_coders: Callable[..., list[np.ndarray]]) -> Panel:
    """Three coders, a consensus, and a model of three of four codes; nobody gave the last code."""
    coders = make_coders((len(PLACE), 4), 5, noise=0.2, seed=6)
    random = np.random.default_rng(2)
    columns = dict(zip(("a", "b", "c", "consensus", "model"), coders, strict=True))
    for flags in columns.values():
        flags[:, 3] = False
    seen = {name: random.random(len(PLACE)) < 0.7 for name in columns}
    for name in ("a", "b", "c", "consensus"):
        seen[name] &= np.arange(len(PLACE)) != 7
    seen["model"][7] = False
    made = make_panel(
        columns,
        place=PLACE.tolist(),
        seen=seen,
        kinds={"consensus": "consensus"},
        learned=[True, True, False, False],
    )
    asked = seen["model"][:, None] & np.array([True, True, False, False])
    probability = np.where(asked, random.random((len(PLACE), 4)), np.nan)
    return replace(made, probability=probability)


def read_back(path: Path) -> tuple[list[str], dict[str, list[str]], Said]:
    """Segments, codes of each column, and what each said of each segment and code, as the docstring tells."""
    table = read_table(path.read_bytes(), file=path.name, optional=None, for_machines=True)
    names = [name for name in table.columns if name.startswith("coder: ")] + ["model"]
    rows = [row.cells for row in table.rows]
    of_codes = [row for row in rows if not row["transcript"]]
    codes = {name: [row["code"] for row in of_codes if row[name]] for name in names}
    read = [row for row in rows if row["transcript"] and not row["code"]]
    place = {(row["transcript"], row["start"]): f"{row['transcript']} {row['start']}" for row in read}
    said: Said = {
        (name, place[row["transcript"], row["start"]], code): 0.0
        for row in read
        for name in names
        if row[name] == "read"
        for code in codes[name]
    }
    for row in rows:
        if row["transcript"] and row["code"]:
            for name in names:
                if row[name] and (name, place[row["transcript"], row["start"]], row["code"]) in said:
                    said[name, place[row["transcript"], row["start"]], row["code"]] = row[name] == "yes"
    return list(place.values()), codes, said


def test_figures_are_recomputed_from_the_file_alone(panel: Panel, tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.csv", panel, {})
    segments, codes, said = read_back(tmp_path / "cells.csv")
    people = ["coder: a", "coder: b", "coder: c"]
    assert codes["coder: a"] == list(panel.codes)
    assert codes["model"] == ["c0", "c1"]

    nothing = Marked("words", dict.fromkeys("abc", ()), {name: [(0, 5)] for name in "abc"})
    pooled = overall_rows(panel, [nothing] * 12, seed=1)[0]
    table = [[said.get((name, *cell), np.nan) for cell in product(segments, panel.codes)] for name in people]
    alpha = krippendorff.alpha(reliability_data=np.array(table), level_of_measurement="nominal")
    assert pooled["krippendorff_alpha"] == pytest.approx(alpha, abs=1e-12)

    rows = {
        (row["a"], row["b"], row["code"]): row
        for a, b, kind in all_pairs(panel)
        for row in pair_rows(panel, count_pair(panel, a, b, kind), [], seed=1)
    }
    for one, other in (("a", "b"), ("a", "model")):
        name = other if other == "model" else f"coder: {other}"
        # A coder stands beside the model where another coder read too.
        shared = [
            segment
            for segment in segments
            if (name, segment, "c1") in said
            and (f"coder: {one}", segment, "c1") in said
            and sum((who, segment, "c1") in said for who in people) >= 2
        ]
        values = [[said[who, segment, "c1"] for segment in shared] for who in (f"coder: {one}", name)]
        assert rows[one, other, "c1"]["n_units"] == len(shared)
        assert rows[one, other, "c1"]["cohen_kappa"] == pytest.approx(cohen_kappa_score(*values), abs=1e-12)


def test_segment_of_which_nobody_said_anything_has_no_row_and_probabilities_are_whole(
    panel: Panel, tmp_path: Path
) -> None:
    write_cells(tmp_path / "cells.csv", panel, {})
    rows = read_table((tmp_path / "cells.csv").read_bytes(), file="", optional=None).rows
    assert not any(row.cells["start"] == "70" for row in rows)
    assert sum(row.cells["transcript"] != "" and not row.cells["code"] for row in rows) == int(
        np.any([column.seen for column in panel.columns], axis=0).sum()
    )
    place = {(f"{s.transcript_id}", str(s.start)): i for i, s in enumerate(panel.segments)}
    told = [row.cells for row in rows if row.cells["probability"]]
    assert told
    for row in told:
        at = place[row["transcript"], row["start"]], panel.codes.index(row["code"])
        assert float(row["probability"]) == panel.probability[at]
        assert row["model"] in ("yes", "no")


def test_coder_and_machine_of_any_name_have_a_column(
    make_panel: Callable[..., Panel], tmp_path: Path
) -> None:
    flags = np.ones((2, 2), dtype=bool)
    panel = make_panel({"=a": flags, "gpt": flags}, place=[0, 0], kinds={"gpt": "machine"})
    write_cells(tmp_path / "cells.csv", panel, {})
    (*_, last) = read_table((tmp_path / "cells.csv").read_bytes(), file="", optional=None).rows
    assert last.cells == {
        "transcript": "t00",
        "start": "10",
        "end": "15",
        "code": "c1",
        "coder: =a": "yes",
        "machine: gpt": "yes",
        "model": "",
        "probability": "",
    }


def test_what_was_read_with_a_suggestion_in_view_is_told_apart(panel: Panel, tmp_path: Path) -> None:
    """So that figures of what was coded blind can be recomputed: of a segment called seen, a coder says nothing."""
    blind = {"a": np.arange(12) >= 5, "b": np.ones(12, dtype=bool)}
    write_cells(tmp_path / "cells.csv", panel, blind)
    rows = [row.cells for row in read_table((tmp_path / "cells.csv").read_bytes(), file="").rows]
    read = [row for row in rows if row["transcript"] and not row["code"]]
    for row in read:
        early = int(row["transcript"].removeprefix("t")) < 5
        assert row["coder: a"] in ("", "seen" if early else "read")
        assert row["coder: b"] in ("", "read")
        assert row["model"] in ("", "read")
    assert {row["coder: a"] for row in read} == {"", "seen", "read"}

    segments, _, said = read_back(tmp_path / "cells.csv")
    people = ["coder: a", "coder: b", "coder: c"]
    table = [[said.get((name, *cell), np.nan) for cell in product(segments, panel.codes)] for name in people]
    alpha = krippendorff.alpha(reliability_data=np.array(table), level_of_measurement="nominal")
    nothing = Marked("words", dict.fromkeys("abc", ()), {name: [(0, 5)] for name in "abc"})
    pooled = overall_rows(panel.where(blind), [nothing] * 12, seed=1)[0]
    assert pooled["krippendorff_alpha"] == pytest.approx(alpha, abs=1e-12)
